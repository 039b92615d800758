//! The segment that sled goes on from: checked before sled sees it, and mended in a copy.
//!
//! sled's log is a row of messages, each with its length and checksum. Damage anywhere else makes one
//! page unreadable; but the segment in which the snapshot ends is read message by message whenever a
//! store is opened, and there a damaged one is the end: sled *overwrites what follows*, then finds
//! that it has less than the snapshot says, and gives up. So it is not let near such a segment.
//!
//! In a copy, each damaged message is covered with one that says nothing. What it held stays lost, and
//! the page that needs it cannot be read; all others can.
//!
//! Nothing is looked at or covered beyond the end of the snapshot: what came later is a history, in
//! which nothing may be left out in the middle, and its end may be torn. sled takes the first damage
//! there for its end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use crc32fast::Hasher;

use super::open::SEGMENT_BYTES;
use super::{EngineError, snapshot, varint};

/// A segment begins with a checksum, its position in the log, and how far the log was durable then.
const SEGMENT_HEADER: usize = 20;
/// Longer messages lie in a file of their own.
const MAX_MESSAGE: usize = SEGMENT_BYTES / 4;
/// The kinds of message that there are. 0 is what no message begins with.
const KINDS: Range<u8> = 1..12;
const SAYS_NOTHING: u8 = 1;
/// The checksum and the kind.
const FIXED_HEADER: usize = 5;

/// Makes sure that sled can go on from where its snapshot ends. Changes nothing.
///
/// # Errors
///
/// [`EngineError::Damaged`] if it cannot.
pub(super) fn check(dir: &Path) -> Result<(), EngineError> {
    let path = dir.join("db");
    match damage(dir, false) {
        Ok(None) => Ok(()),
        Ok(Some(at)) => Err(EngineError::Damaged {
            detail: format!("{} is unreadable from byte {at} on", path.display()),
        }),
        Err(source) => Err(EngineError::Io {
            doing: "reading",
            path,
            source,
        }),
    }
}

/// Covers what is damaged in the segment that sled goes on from.
pub(super) fn mend(dir: &Path) -> Result<(), EngineError> {
    damage(dir, true)
        .map(drop)
        .map_err(|source| EngineError::Io {
            doing: "mending",
            path: dir.join("db"),
            source,
        })
}

/// Where the first damage is, and covers it and all that follows if that is asked for.
fn damage(dir: &Path, covering: bool) -> io::Result<Option<u64>> {
    let path = dir.join("db");
    let Some(end) = snapshot::newest_end(dir)? else {
        return Ok(None);
    };
    if !path.exists() {
        return Ok(None);
    }
    let mut file = File::options().read(true).write(covering).open(path)?;
    let size = SEGMENT_BYTES as u64;
    let number = end.position / size;
    let start = number * size;
    // The position is within a segment, and so less than its size.
    let used = usize::try_from(end.position - start).unwrap_or(SEGMENT_BYTES);
    if durable_position(&mut file)? >= start + size {
        // sled has gone on from a later one since, and may have used this one again.
        return Ok(None);
    }
    let mut segment = read_at(&mut file, end.segment, SEGMENT_BYTES)?;
    segment.resize(SEGMENT_BYTES, 0);
    let header = header_of(&segment);
    if header.is_some_and(|header| header.start != start) {
        return Ok(None);
    }
    let mut first = header.is_none().then_some(0);
    if header.is_none() {
        write_header(&mut segment, start);
    }
    let covered = cover(&mut segment, number, used);
    first = first.or(covered);
    if covering && first.is_some() {
        file.seek(SeekFrom::Start(end.segment))?;
        file.write_all(&segment)?;
    }
    Ok(first.map(|at| end.segment + at as u64))
}

/// How far the log was durable when its newest segment was begun.
fn durable_position(file: &mut File) -> io::Result<u64> {
    let mut durable = 0;
    for at in (0..file.metadata()?.len()).step_by(SEGMENT_BYTES) {
        let segment = read_at(file, at, SEGMENT_HEADER)?;
        durable = durable.max(header_of(&segment).map_or(0, |header| header.durable));
    }
    Ok(durable)
}

fn read_at(file: &mut File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    file.seek(SeekFrom::Start(at))?;
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Covers each damaged message of a segment, as far as it is used. Tells where the first one is.
fn cover(segment: &mut [u8], number: u64, used: usize) -> Option<usize> {
    let mut first = None;
    let mut at = SEGMENT_HEADER;
    while at < used {
        let whole = message_at(segment, at, number).filter(|length| at + length <= used);
        if let Some(length) = whole {
            at += length;
            continue;
        }
        let least = FIXED_HEADER + 2 + varint::write(number).len();
        let next = (at + least..used).find(|next| message_at(segment, *next, number).is_some());
        let next = next.unwrap_or(used);
        say_nothing(&mut segment[at..next], number);
        first.get_or_insert(at);
        at = next;
    }
    first
}

/// The length of the message at a place, if there is a whole one of this segment.
fn message_at(segment: &[u8], at: usize, number: u64) -> Option<usize> {
    let message = segment.get(at..)?;
    let (stored, rest) = message.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    if !KINDS.contains(kind) {
        return None;
    }
    let (length, rest) = varint::read(rest)?;
    let (segment_number, rest) = varint::read(rest)?;
    let (_page, rest) = varint::read(rest)?;
    let length = usize::try_from(length).ok().filter(|n| *n <= MAX_MESSAGE)?;
    if segment_number != number {
        return None;
    }
    let header = message.len() - rest.len();
    let sum = checksum(&message[4..header], rest.get(..length)?);
    (sum == u32::from_le_bytes(*stored)).then_some(header + length)
}

/// Fills a place with a message that sled passes over.
fn say_nothing(place: &mut [u8], number: u64) {
    // The number of a page means nothing here. Of two, one makes the lengths come out even.
    for page in [0, 241] {
        for length in (0..place.len()).rev() {
            let mut header = vec![SAYS_NOTHING];
            header.extend(varint::write(length as u64));
            header.extend(varint::write(number));
            header.extend(varint::write(page));
            let total = 4 + header.len() + length;
            if total > place.len() {
                continue;
            }
            if total < place.len() {
                break;
            }
            place.fill(0);
            let sum = checksum(&header, &place[4 + header.len()..]);
            place[..4].copy_from_slice(&sum.to_le_bytes());
            place[4..4 + header.len()].copy_from_slice(&header);
            return;
        }
    }
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut sum = Hasher::new();
    sum.update(body);
    sum.update(header);
    !sum.finalize()
}

#[derive(Clone, Copy)]
struct Header {
    /// The position in the log at which the segment begins.
    start: u64,
    durable: u64,
}

/// The header of a segment, if it is whole.
fn header_of(segment: &[u8]) -> Option<Header> {
    let (stored, rest) = segment.split_first_chunk::<4>()?;
    let positions = rest.get(..SEGMENT_HEADER - 4)?;
    let (start, rest) = positions.split_first_chunk::<8>()?;
    let (durable, _) = rest.split_first_chunk::<8>()?;
    let whole = !crc32fast::hash(positions) == u32::from_le_bytes(*stored);
    whole.then_some(Header {
        start: hidden(u64::from_le_bytes(*start)),
        // The first segment says -1: nothing was.
        durable: match hidden(u64::from_le_bytes(*durable)) {
            u64::MAX => 0,
            durable => durable,
        },
    })
}

fn write_header(segment: &mut [u8], start: u64) {
    let position = hidden(start).to_le_bytes();
    segment[4..12].copy_from_slice(&position);
    segment[12..20].copy_from_slice(&position);
    let sum = !crc32fast::hash(&segment[4..20]);
    segment[..4].copy_from_slice(&sum.to_le_bytes());
}

/// Positions are stored so that zeros are none.
fn hidden(position: u64) -> u64 {
    position ^ (u64::MAX >> 1)
}
