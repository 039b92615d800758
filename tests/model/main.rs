//! Promise: the catalog does what its rules say, whatever is asked of it in whatever order.
//!
//! Random sequences of all operations, from several handles and in groups that share a commit,
//! on a catalog and on a model: plain maps that know the rules and nothing else. Every answer and
//! every refusal is compared; after each step so is all that the catalog holds, by every listing
//! and lookup, and the store's check of itself (indexes, counts, digest) is clean. Held snapshots
//! show for ever what they showed first, the change feed tells every change once and with the records
//! before and after, cursors stay good across writes, and a catalog that is
//! closed, checked, compacted and opened again with other options goes on where it was.
//!
//! `PROPTEST_CASES` sets how many sequences are tried in memory; on the disk it is fewer.

// Clippy knows a test by its attribute, and not the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Nobody outside of a test reaches anything in it.
#![allow(unreachable_pub)]

mod compare;
mod crowd;
mod model;
mod names;
mod reads;
mod replay;
mod steps;
mod submit;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod views;

use proptest::test_runner::{Config, TestRunner};

use steps::{sequence, settings};
use support::Kept;

/// How many sequences are tried unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 150;
/// One in so many sequences is tried on the disk.
const ON_DISK: u32 = 3;

#[test]
fn in_memory() {
    try_all(cases(), 120, Kept::in_memory);
}

#[test]
fn on_sled_with_reopening() {
    try_all(cases().div_ceil(ON_DISK), 40, Kept::in_a_folder);
}

#[test]
fn more_block_than_a_refusal_names() {
    let (settings, steps) = crowd::sequence();
    replay::replay(Kept::in_memory(), settings, &steps);
}

fn try_all(cases: u32, longest: usize, kept: fn() -> Kept) {
    let config = Config {
        cases,
        // A failing sequence prints itself; nothing is left in the source tree.
        failure_persistence: None,
        // In milliseconds. A sequence that is not the shortest is better than none.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let sequences = (settings(), sequence(longest));
    let result = TestRunner::new(config).run(&sequences, |(settings, steps)| {
        replay::replay(kept(), settings, &steps);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn cases() -> u32 {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.map_or(CASES, |cases| cases.parse().expect("a number of cases"))
}
