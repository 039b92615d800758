//! The text of a stored key: in place if it is short, as nearly all are. Reads nothing into it.

use std::ops::Deref;

use arrayvec::ArrayString;

/// Bytes of a text that is kept in place. Nearly all real keys are shorter, and a run that is
/// counted by pointer then takes two lines of a processor's cache, key and all.
const IN_PLACE: usize = 56;

/// A text that never changes.
///
/// Looking a run up ends with comparing its key, so where the key is decides how fast that is.
#[derive(Clone)]
pub(super) enum KeyText {
    Short(ArrayString<IN_PLACE>),
    Long(Box<str>),
}

impl From<&str> for KeyText {
    fn from(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Long(text.into()), Self::Short)
    }
}

impl Deref for KeyText {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_kept() {
        for length in 0..2 * IN_PLACE {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(&*KeyText::from(text.as_str()), text);
        }
    }
}
