//! What every key has because it is a text: conversion from strings, and serde as a string.
//!
//! It adds no rule of its own; a key is read by its `FromStr` and written by its `Display`.

/// Implements `TryFrom` for strings, `Serialize` and `Deserialize` for keys that have `FromStr` and
/// `Display`.
macro_rules! key_as_text {
    ($key:ty, $expecting:literal) => {
        impl TryFrom<&str> for $key {
            type Error = $crate::key::InvalidKey;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $key {
            type Error = $crate::key::InvalidKey;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl serde::Serialize for $key {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $key {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                // A visitor and not a string, so that formats may lend the text or hand it over.
                impl serde::de::Visitor<'_> for Text {
                    type Value = $key;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$key, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                from.deserialize_str(Text)
            }
        }
    };
}

pub(super) use key_as_text;
