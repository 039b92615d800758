//! A frame of the journal: one batch, as bytes. Decides nothing about what a frame means.
//!
//! ```text
//! │ crc32c: u32 │ length: u32 │ generation: u64 │ index: u32 │ durable: u32 │ previous: u32 │ content … │ zeros │
//!   0             4             8                 16           20             24              28
//! ```
//!
//! All numbers are little-endian. The checksum covers what follows it, up to the end of the content.
//! A frame begins at a multiple of [`ALIGNMENT`], so that it shares no sector with what was durable
//! before it was written.

use std::ops::RangeInclusive;

use bincode::enc::Encoder;
use bincode::error::EncodeError;
use bincode::{Decode, Encode};

use crate::engine::Batch;

/// Where frames begin, in bytes: a sector, which disks write as a whole or not at all.
pub(super) const ALIGNMENT: usize = 512;

const HEADER_BYTES: usize = 28;

/// The longest content of a frame, in bytes. Larger batches do not go to the journal.
pub(super) const MAX_CONTENT_BYTES: usize = 1 << 20;

/// Whether a batch is small enough for a frame.
pub(super) fn has_room_for(batch: &Batch) -> bool {
    // Each row has its lengths, at most 9 bytes, and each tree its name.
    batch.bytes() + 16 * batch.len() + 1024 <= MAX_CONTENT_BYTES
}

/// What a frame says about the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The generation that the frame is part of; the first has number 1.
    pub(super) generation: u64,
    /// How many frames of its generation come before it.
    pub(super) index: u32,
    /// How many frames of its generation were durable when it was written.
    pub(super) durable: u32,
    /// How many frames the generation before had, all of them durable; 0 for the first generation after
    /// an opening.
    pub(super) previous: u32,
}

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) header: Header,
    /// The rows, by tree: each key with its new value, or none if it is to be removed.
    pub(super) trees: Vec<FrameTree>,
    /// How many bytes it takes, up to where the next may begin.
    pub(super) bytes: usize,
}

/// The rows of one tree in a frame.
#[derive(Debug, PartialEq, Eq, Decode)]
pub(super) struct FrameTree {
    pub(super) name: String,
    pub(super) rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Writes the frame of a batch in the place of what is in `buffer`.
pub(super) fn write(
    buffer: &mut Vec<u8>,
    header: Header,
    batch: &Batch,
) -> Result<(), EncodeError> {
    buffer.clear();
    buffer.resize(HEADER_BYTES, 0);
    bincode::encode_into_std_write(Content(batch), buffer, bincode::config::standard())?;
    let length = buffer.len() - HEADER_BYTES;
    let length = u32::try_from(length).map_err(|_| EncodeError::Other("4 GiB in one batch"))?;
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer[8..16].copy_from_slice(&header.generation.to_le_bytes());
    buffer[16..20].copy_from_slice(&header.index.to_le_bytes());
    buffer[20..24].copy_from_slice(&header.durable.to_le_bytes());
    buffer[24..28].copy_from_slice(&header.previous.to_le_bytes());
    let checksum = crc32c::crc32c(&buffer[4..]);
    buffer[..4].copy_from_slice(&checksum.to_le_bytes());
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
    Ok(())
}

/// The frame at the beginning of `bytes`, if there is a whole one and its generation is one of these.
pub(super) fn read(bytes: &[u8], generations: &RangeInclusive<u64>) -> Option<Frame> {
    let u32_at = |at: usize| {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let header = Header {
        generation: u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?),
        index: u32_at(16)?,
        durable: u32_at(20)?,
        previous: u32_at(24)?,
    };
    let length = usize::try_from(u32_at(4)?).ok()?;
    let end = HEADER_BYTES.checked_add(length)?;
    if length > MAX_CONTENT_BYTES
        || !generations.contains(&header.generation)
        || crc32c::crc32c(bytes.get(4..end)?) != u32_at(0)?
    {
        return None;
    }
    // A length in the content that says more than there can be is damage, not a reason to ask for
    // that much memory.
    let config = bincode::config::standard().with_limit::<{ 64 << 20 }>();
    let content = bytes.get(HEADER_BYTES..end)?;
    let (trees, read) = bincode::decode_from_slice(content, config).ok()?;
    (read == content.len()).then_some(Frame {
        header,
        trees,
        bytes: end.next_multiple_of(ALIGNMENT),
    })
}

/// The content of a frame, as [`FrameTree`]s are read.
struct Content<'a>(&'a Batch);

impl Encode for Content<'_> {
    fn encode<E: Encoder>(&self, to: &mut E) -> Result<(), EncodeError> {
        (self.0.writes().count() as u64).encode(to)?;
        for (tree, writes) in self.0.writes() {
            let changed = || writes.iter().filter(|(_, write)| write.changes());
            tree.name().encode(to)?;
            (changed().count() as u64).encode(to)?;
            for (key, write) in changed() {
                key.as_slice().encode(to)?;
                write.value.as_deref().encode(to)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Tree;

    const HEADER: Header = Header {
        generation: 7,
        index: 3,
        durable: 2,
        previous: 40,
    };

    fn batch() -> Batch {
        let mut batch = Batch::new();
        let tree = Tree::new("alpha");
        batch.put(tree, b"gone".to_vec(), Some(b"1".to_vec()), None);
        batch.put(tree, b"here".to_vec(), None, Some(vec![7; 900]));
        batch.put(
            tree,
            b"same".to_vec(),
            Some(b"2".to_vec()),
            Some(b"2".to_vec()),
        );
        batch
    }

    #[test]
    fn a_frame_reads_back() {
        let mut buffer = Vec::new();
        write(&mut buffer, HEADER, &batch()).unwrap();
        assert_eq!(buffer.len(), 1024);
        let rows = vec![
            (b"gone".to_vec(), None),
            (b"here".to_vec(), Some(vec![7; 900])),
        ];
        let tree = FrameTree {
            name: "alpha".to_owned(),
            rows,
        };
        let frame = Frame {
            header: HEADER,
            trees: vec![tree],
            bytes: 1024,
        };
        assert_eq!(read(&buffer, &(7..=8)), Some(frame));
        assert_eq!(read(&buffer, &(8..=9)), None);
    }

    /// Stores hold these bytes: another frame is another format.
    #[test]
    fn the_bytes_of_a_frame() {
        let mut batch = Batch::new();
        batch.put(Tree::new("t"), b"k".to_vec(), None, Some(b"v".to_vec()));
        let mut buffer = Vec::new();
        write(&mut buffer, HEADER, &batch).unwrap();
        let mut expected = vec![0; ALIGNMENT];
        let (header, content) = (
            [
                9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 40, 0, 0, 0,
            ],
            [1, 1, b't', 1, 1, b'k', 1, 1, b'v'],
        );
        expected[4..28].copy_from_slice(&header);
        expected[28..37].copy_from_slice(&content);
        let checksum = crc32c::crc32c(&expected[4..37]).to_le_bytes();
        expected[..4].copy_from_slice(&checksum);
        assert_eq!(buffer, expected);
    }

    const ALL: &RangeInclusive<u64> = &(1..=u64::MAX);

    #[test]
    fn whatever_is_cut_or_changed_is_no_frame() {
        let mut whole = Vec::new();
        write(&mut whole, HEADER, &batch()).unwrap();
        let content = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for at in 0..content {
            assert_eq!(read(&whole[..at], ALL), None, "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            assert_eq!(read(&changed, ALL), None, "changed at {at}");
        }
        assert_eq!(read(&[0; ALIGNMENT], ALL), None);
        assert_eq!(read(&[0xff; ALIGNMENT], ALL), None);
    }
}
