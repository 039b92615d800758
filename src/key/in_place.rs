//! A text that is kept in place if it is short. Reads nothing into it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use arrayvec::ArrayString;

/// A text that never changes, with up to so many bytes in place. It is compared as a text is.
///
/// Looking a record up ends with comparing its key, so where the key is decides how fast that is.
#[derive(Clone)]
pub(crate) enum InPlace<const BYTES: usize> {
    Short(ArrayString<BYTES>),
    Long(Box<str>),
}

impl<const BYTES: usize> From<&str> for InPlace<BYTES> {
    fn from(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Long(text.into()), Self::Short)
    }
}

impl<const BYTES: usize> Deref for InPlace<BYTES> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }
}

impl<const BYTES: usize> fmt::Debug for InPlace<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<const BYTES: usize> PartialEq for InPlace<BYTES> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<const BYTES: usize> Eq for InPlace<BYTES> {}

impl<const BYTES: usize> Ord for InPlace<BYTES> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<const BYTES: usize> PartialOrd for InPlace<BYTES> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const BYTES: usize> Hash for InPlace<BYTES> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_kept() {
        for length in 0..100 {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(&*InPlace::<40>::from(text.as_str()), text);
        }
    }
}
