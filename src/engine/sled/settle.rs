//! Settling: having sled give back the segments of its log that hold little or nothing. Leaves no row.
//!
//! Once half of a segment is dead, sled has it cleaned: what is alive in it is written elsewhere, a
//! page each time when it writes some other page as a whole. Once a segment is full, and half of all
//! are free, sled has the last one in the file cleaned, too, so that the file can be cut. So
//! all that it takes is to write on: a small row of no meaning, over and over.

use super::EngineError;
use super::open::SEGMENT_BYTES;
use super::spending::Spending;
use super::store::Trees;

/// The row that is written, in sled's default tree.
const ROW: &[u8] = b"settling";

/// How often a row is written until sled writes its page as a whole.
const WRITES_A_PAGE: usize = 10;

/// How long the row is that fills a segment, in bytes.
const LONG: usize = 1000;

/// How many pages are cleaned for each segment that is filled, some more than a segment holds.
const PAGES: usize = 2000;

/// How many segments a log may have beyond what its rows need: sled lets so few of them be.
const SPARE_SEGMENTS: u64 = 5;

/// How many segments are filled in vain before it is left at that.
const PATIENCE: usize = 4;

/// Has sled clean until the log is not much longer than so many bytes of rows need, or is not made
/// shorter by it. Then all is durable. Tells how many bytes of log were written, at most.
pub(super) fn settle(trees: &Trees, rows_bytes: u64) -> Result<u64, EngineError> {
    let mut log = Spending::on(trees);
    let enough = rows_bytes + SPARE_SEGMENTS * SEGMENT_BYTES as u64;
    let mut least = trees.log.bytes()?;
    let mut in_vain = 0;
    while least > enough && in_vain < PATIENCE {
        clean(&mut log, PAGES)?;
        write(&mut log, SEGMENT_BYTES / LONG, LONG)?;
        log.sync()?;
        let bytes = trees.log.bytes()?;
        in_vain = if bytes < least { 0 } else { in_vain + 1 };
        least = least.min(bytes);
    }
    log.remove(&trees.db, ROW)?;
    log.sync()?;
    Ok(log.written())
}

/// Has sled clean so many pages, if there are.
pub(super) fn clean(log: &mut Spending<'_, '_>, pages: usize) -> Result<(), EngineError> {
    write(log, pages * WRITES_A_PAGE, 1)
}

/// Writes the row so many times, as long as that, or longer by one: never as it is.
fn write(log: &mut Spending<'_, '_>, times: usize, bytes: usize) -> Result<(), EngineError> {
    let value = vec![0; bytes + 1];
    (0..times).try_for_each(|time| {
        let value = value.get(time % 2..).unwrap_or_default();
        log.put(log.default_tree(), ROW, value)
    })
}
