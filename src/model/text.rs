//! Texts with a length: short names, names, codes and titles.
//!
//! Lengths count characters, not bytes, as upstream's columns do. No text is trimmed, normalised
//! or otherwise changed here: what was given is what is kept.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Invalid};
use crate::key::InPlace;

/// Refuses a text that is empty or longer than `most` characters.
pub(super) fn check_length(field: Field, text: &str, most: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(
            field,
            format!("The {field} is empty; it needs 1 to {most} characters."),
        ));
    }
    // A character has at most 4 bytes and at least 1: most texts need no counting.
    if text.len() > most {
        let length = text.chars().count();
        if length > most {
            let start: String = text.chars().take(40).collect();
            return Err(Invalid::new(
                field,
                format!(
                    "The {field} {start:?}… has {length} characters; at most {most} are allowed."
                ),
            ));
        }
    }
    Ok(())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident($kept:ty), |$text:ident: impl $given:path| $keep:expr, $field:expr, $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($kept);

        // As a text, since that is how messages quote it.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl $name {
            /// The most characters that it may have.
            pub const MAX_CHARS: usize = $most;

            /// Takes the text as it is.
            ///
            /// # Errors
            /// [`Invalid`] if the text is empty or longer than [`Self::MAX_CHARS`] characters.
            pub fn new($text: impl $given) -> Result<Self, Invalid> {
                let $text: $kept = $keep;
                check_length($field, &$text, $most)?;
                Ok(Self($text))
            }

            /// A text that need not be one of a record, to compare those of records with.
            // Not every kind of text is compared so.
            #[allow(dead_code)]
            pub(crate) fn landmark(text: &str) -> Self {
                Self(text.into())
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

text! {
    /// An organization's `short_name`, such as `MITx`: 1 to 255 characters, unique ignoring case.
    ///
    /// Any text is accepted here, since an organization that came with a course key or with an
    /// import may have any; what people may type is narrower, see [`ShortName::check_typed`].
    ShortName(Arc<str>), |text: impl Into<Arc<str>>| text.into(), Field::ShortName, 255
}

text! {
    /// An organization's `name`, such as `Massachusetts Institute of Technology`: 1 to 255
    /// characters.
    OrganizationName(Arc<str>), |text: impl Into<Arc<str>>| text.into(), Field::Name, 255
}

text! {
    /// A catalog course's `course_code`, such as `Math100`: 1 to 255 characters of any kind,
    /// colons and spaces too; unique within its organization ignoring case.
    CourseCode(InPlace<24>), |text: impl AsRef<str>| text.as_ref().into(), Field::CourseCode, 255
}

text! {
    /// A course run's `run_code`, such as `2026_Spring`: 1 to 128 characters.
    RunCode(Arc<str>), |text: impl Into<Arc<str>>| text.into(), Field::RunCode, 128
}

text! {
    /// The title of a catalog course or a course run: 1 to 255 characters of any kind.
    Title(Arc<str>), |text: impl Into<Arc<str>>| text.into(), Field::Title, 255
}

text! {
    /// Who refers to a record: a name of 1 to 255 characters, such as `enrollments`.
    Referrer(Arc<str>), |text: impl Into<Arc<str>>| text.into(), Field::Referrer, 255
}

impl ShortName {
    /// Refuses what the organizations API of upstream refuses: anything but `[A-Za-z0-9._-]+`.
    ///
    /// # Errors
    /// [`Invalid`], naming the first character that is not allowed.
    pub fn check_typed(&self) -> Result<(), Invalid> {
        let refused = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        match self.0.chars().find(refused) {
            None => Ok(()),
            Some(c) => Err(Invalid::new(
                Field::ShortName,
                format!(
                    "The short_name {:?} contains {c:?}; use letters A-Z, a-z, digits, '.', '_' and '-' only.",
                    self.0
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters() {
        assert!(Title::new("é".repeat(255)).is_ok());
        let error = Title::new("é".repeat(256)).unwrap_err();
        assert_eq!(error.field, Field::Title);
        assert!(
            error
                .why
                .ends_with("has 256 characters; at most 255 are allowed.")
        );
    }

    #[test]
    fn empty_is_refused() {
        assert_eq!(
            CourseCode::new("").unwrap_err().to_string(),
            "The course_code is empty; it needs 1 to 255 characters."
        );
    }

    #[test]
    fn typed_short_names_are_narrow() {
        let typed = |text: &str| ShortName::new(text).unwrap().check_typed();
        assert!(typed("org.with-dots_and").is_ok());
        assert_eq!(
            typed("Org 2").unwrap_err().why,
            "The short_name \"Org 2\" contains ' '; use letters A-Z, a-z, digits, '.', '_' and '-' only."
        );
        assert!(typed("École").is_err());
    }
}
