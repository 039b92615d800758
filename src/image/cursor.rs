//! Cursors: where the next page of a listing starts.
//!
//! A cursor names the last record of the page before by its key and time, never by number or id,
//! so that records which come and go between two pages shift nothing: none is shown twice and
//! none that was there all along is missed.

use std::fmt;
use std::str::FromStr;

use bincode::{Decode, Encode};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Field, Invalid};

/// The position after a record, in the order of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Position {
    OrganizationByKey {
        short_name: String,
    },
    OrganizationByAge {
        created: i64,
        short_name: String,
    },
    CourseByKey {
        org: String,
        course_code: String,
    },
    CourseByAge {
        created: i64,
        org: String,
        course_code: String,
    },
    RunByKey {
        org: String,
        course_code: String,
        course_key: String,
    },
    RunByAge {
        created: i64,
        course_key: String,
    },
}

/// An opaque mark at the end of a [`Page`](super::Page), from which the next one starts.
///
/// Prints as a short text that is safe in a URL, and reads back from it. It stays good across
/// writes and restarts, and belongs to the kind of listing and the order that it came from; a
/// listing given a cursor of another kind refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) Position);

/// The first byte of every cursor; another meaning gets another number.
const VERSION: u8 = 1;
/// Longer texts are no cursor: keys are at most some thousand bytes.
const MAX_CHARS: usize = 16_384;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        let position = bincode::encode_to_vec(&self.0, bincode::config::standard())
            // Writing plain strings and numbers into memory has no way to fail.
            .map_err(|_| fmt::Error)?;
        bytes.extend(position);
        f.write_str(&BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        read(text).ok_or_else(|| {
            let start: String = text.chars().take(40).collect();
            Invalid::new(
                Field::Cursor,
                format!(
                    "{start:?} is not a cursor; use the one that the page before came with, unchanged."
                ),
            )
        })
    }
}

fn read(text: &str) -> Option<Cursor> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (&VERSION, position) = bytes.split_first()? else {
        return None;
    };
    let config = bincode::config::standard().with_limit::<MAX_CHARS>();
    let (position, read) = bincode::decode_from_slice(position, config).ok()?;
    (read == bytes.len() - 1).then_some(Cursor(position))
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints_and_nothing_else() {
        let cursor = Cursor(Position::RunByKey {
            org: "МГУ".into(),
            course_code: "a b".into(),
            course_key: "course-v1:МГУ+a+b".into(),
        });
        let text = cursor.to_string();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        for wrong in [
            "",
            "AQ",
            "zz zz",
            &text[1..],
            &format!("{text}AAAA"),
            &"A".repeat(99_999),
        ] {
            assert_eq!(
                wrong.parse::<Cursor>().unwrap_err().field,
                Field::Cursor,
                "{wrong}"
            );
        }
    }
}
