//! The frame of every row's value: `[row version][crc32c][bincode]`.
//!
//! The checksum covers the tree's name and the row's key too, so that a good row in a wrong place
//! is as bad as a broken one. Decoding takes arbitrary bytes and never panics.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::enc::write::SizeWriter;
use bincode::{Decode, Encode};
use smallvec::SmallVec;

use crate::engine::Tree;

/// The version of the rows of most trees.
const ROW_VERSION: u8 = 1;
const HEADER_BYTES: usize = 5;
/// Most rows have no more.
const USUAL_BYTES: usize = 2_048;
/// No row's content is longer; a length field that says more is damage.
const MAX_BYTES: usize = 16_384;

type Config = Configuration<LittleEndian, Varint, Limit<MAX_BYTES>>;

/// bincode's standard encoding: small numbers and lengths take one byte.
const fn config() -> Config {
    bincode::config::standard().with_limit::<MAX_BYTES>()
}

/// Why a row's bytes are no row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRow {
    #[error("the row is cut off")]
    CutOff,
    #[error("the row has version {0}, which this format does not have")]
    Version(u8),
    #[error("the checksum does not match")]
    Checksum,
    #[error("the content cannot be read: {0}")]
    Content(String),
    #[error("the key cannot be read")]
    Key,
}

/// The value of a row.
pub(crate) fn encode(tree: Tree, key: &[u8], content: &impl Encode) -> Vec<u8> {
    encode_as(ROW_VERSION, tree, key, content)
}

/// The value of a row that has a version of its own.
pub(super) fn encode_as(version: u8, tree: Tree, key: &[u8], content: &impl Encode) -> Vec<u8> {
    // Most fit on the stack. Thousands of rows may wait in memory for their way to the trees, so each takes
    // as much of it as it needs, and nothing else is asked for and given back.
    let mut value: SmallVec<[u8; USUAL_BYTES]> = SmallVec::from_slice(&[version, 0, 0, 0, 0]);
    // Plain strings and numbers are written into memory, which cannot fail; were it ever to, the
    // row would have no content and be refused as damaged when it is read, never taken for good.
    let written = bincode::encode_into_std_write(content, &mut value, config());
    debug_assert!(written.is_ok(), "{written:?}");
    seal(tree, key, &mut value);
    value.to_vec()
}

/// How many bytes a part of a row's content takes.
pub(super) fn content_bytes(content: &impl Encode) -> usize {
    let mut size = SizeWriter::default();
    let written = bincode::encode_into_writer(content, &mut size, config());
    debug_assert!(written.is_ok(), "{written:?}");
    size.bytes_written
}

/// A value with any content, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(super) fn frame(version: u8, tree: Tree, key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut value = vec![version, 0, 0, 0, 0];
    value.extend_from_slice(content);
    seal(tree, key, &mut value);
    value
}

/// Puts the checksum into a value.
fn seal(tree: Tree, key: &[u8], value: &mut [u8]) {
    let crc = checksum(tree, key, value[0], &value[HEADER_BYTES..]);
    value[1..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
}

/// The content of a row.
pub(crate) fn decode<T: Decode<()>>(tree: Tree, key: &[u8], row: &[u8]) -> Result<T, BadRow> {
    decode_as(ROW_VERSION, tree, key, row)
}

/// The version that a row says it has.
pub(super) fn version(row: &[u8]) -> Option<u8> {
    row.first().copied()
}

/// The content of a row that has a version of its own.
pub(super) fn decode_as<T: Decode<()>>(
    expected: u8,
    tree: Tree,
    key: &[u8],
    row: &[u8],
) -> Result<T, BadRow> {
    let Some((&[version, c0, c1, c2, c3], content)) = row.split_first_chunk::<HEADER_BYTES>()
    else {
        return Err(BadRow::CutOff);
    };
    if checksum(tree, key, version, content) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(BadRow::Checksum);
    }
    if version != expected {
        return Err(BadRow::Version(version));
    }
    let (value, read) = bincode::decode_from_slice(content, config())
        .map_err(|error| BadRow::Content(error.to_string()))?;
    if read != content.len() {
        return Err(BadRow::Content(format!(
            "{} bytes are left over",
            content.len() - read
        )));
    }
    Ok(value)
}

fn checksum(tree: Tree, key: &[u8], version: u8, content: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(tree.name().as_bytes());
    crc = crc32c::crc32c_append(crc, &[0]);
    crc = crc32c::crc32c_append(crc, &(key.len() as u32).to_le_bytes());
    crc = crc32c::crc32c_append(crc, key);
    crc = crc32c::crc32c_append(crc, &[version]);
    crc32c::crc32c_append(crc, content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::{ORGANIZATIONS, RUNS, RUNS_BY_KEY};

    #[test]
    fn a_row_in_another_place_is_refused() {
        let row = encode(RUNS, b"key", &7u64);
        assert_eq!(decode::<u64>(RUNS, b"key", &row), Ok(7));
        assert_eq!(decode::<u64>(RUNS, b"kez", &row), Err(BadRow::Checksum));
        assert_eq!(
            decode::<u64>(RUNS_BY_KEY, b"key", &row),
            Err(BadRow::Checksum)
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let row = encode(ORGANIZATIONS, b"k", &("MITx".to_owned(), 3u64));
        for bit in 0..row.len() * 8 {
            let mut broken = row.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<(String, u64)>(ORGANIZATIONS, b"k", &broken).is_err());
        }
        for length in 0..row.len() {
            assert!(decode::<(String, u64)>(ORGANIZATIONS, b"k", &row[..length]).is_err());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(key: Vec<u8>, row: Vec<u8>) {
            let _ = decode::<(String, u64)>(RUNS, &key, &row);
        }
    }
}
