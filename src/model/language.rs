//! The language of a catalog course, in the codes that Open edX uses.
//!
//! Knows the grammar of a code and the two spellings of Chinese, and no list of languages: which
//! codes a site allows is an option of the catalog.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Invalid};

/// A language code as a catalog course stores it: `[a-z][a-z](-[a-z0-9]+)*`, 1 to 64 characters.
///
/// `zh-hans` is stored as `zh-cn` and `zh-hant` as `zh-hk`, as upstream does.
///
/// ```
/// use coursecat::Language;
///
/// let language: Language = "zh-hans".parse()?;
/// assert_eq!(language.as_str(), "zh-cn");
/// assert_eq!(language.short(), "zh_HANS");
/// assert_eq!(Language::from_short("pt")?.as_str(), "pt");
/// # Ok::<(), coursecat::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(Box<str>);

impl Language {
    /// The most characters that a code may have.
    pub const MAX_CHARS: usize = 64;

    /// Reads a full code, such as `en-us`.
    ///
    /// # Errors
    /// [`Invalid`] if the code is none.
    pub fn new(code: &str) -> Result<Self, Invalid> {
        Self::read(Field::Language, code)
    }

    /// Reads a short (legacy) code: `zh_HANS` and `zh_HANT`, or any full code.
    ///
    /// # Errors
    /// [`Invalid`] if the code is none.
    pub fn from_short(code: &str) -> Result<Self, Invalid> {
        match code {
            "zh_HANS" => Ok(Self("zh-cn".into())),
            "zh_HANT" => Ok(Self("zh-hk".into())),
            _ => Self::read(Field::LanguageShort, code),
        }
    }

    /// The code as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The short (legacy) code: `zh_HANS`, `zh_HANT`, or the first two letters.
    #[must_use]
    pub fn short(&self) -> &str {
        match &*self.0 {
            "zh-cn" => "zh_HANS",
            "zh-hk" => "zh_HANT",
            // Every code starts with two ASCII letters; the whole code is a fallback that only a
            // type with a broken invariant could reach.
            code => code.get(..2).unwrap_or(code),
        }
    }

    fn read(field: Field, code: &str) -> Result<Self, Invalid> {
        if !is_code(code) {
            return Err(Invalid::new(
                field,
                format!(
                    "{code:?} is not a language code; use two lower-case letters and optional parts, such as en, en-us or zh-hans."
                ),
            ));
        }
        super::text::check_length(field, code, Self::MAX_CHARS)?;
        Ok(Self(match code {
            "zh-hans" => "zh-cn".into(),
            "zh-hant" => "zh-hk".into(),
            _ => code.into(),
        }))
    }
}

/// Whether the whole of `code` matches `[a-z][a-z](-[a-z0-9]+)*`.
fn is_code(code: &str) -> bool {
    let mut parts = code.split('-');
    let first = parts.next().unwrap_or_default();
    first.len() == 2
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

impl Default for Language {
    /// `en-us`, upstream's default.
    fn default() -> Self {
        Self("en-us".into())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Language {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = Invalid;

    fn from_str(code: &str) -> Result<Self, Invalid> {
        Self::new(code)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
