//! What the sled engine promises beyond every engine: about its folder, its lock, and damage.

mod journaling;

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::batch::{MAX_KEY_BYTES, MAX_ROW_BYTES};
use super::super::conformance::{self, TREES, rows};
use super::*;

fn open(dir: &Path) -> Result<SledEngine, EngineError> {
    SledEngine::open(dir, TREES, SledOptions::default())
}

/// An engine that appends its first commit to a journal already.
fn open_journaled(dir: &Path) -> SledEngine {
    let mut engine = open(dir).unwrap();
    engine.commits_without_journal = 0;
    engine
}

/// What opening fails with. An engine has no `Debug`.
fn open_error(dir: &Path) -> EngineError {
    open(dir).err().expect("the store should not open")
}

fn put(engine: &mut SledEngine, number: u32) {
    let mut batch = Batch::new();
    batch.put(
        TREES[0],
        number.to_be_bytes().to_vec(),
        None,
        Some(vec![1; 100]),
    );
    engine.commit(batch, Durability::Durable).unwrap();
}

/// A store with this many rows in its first tree, opened twice so that it has a snapshot and a log
/// beyond it.
fn filled(dir: &Path, count: u32) {
    let mut engine = open(dir).unwrap();
    (0..count / 2).for_each(|number| put(&mut engine, number));
    Box::new(engine).close().unwrap();
    let mut engine = open(dir).unwrap();
    (count / 2..count).for_each(|number| put(&mut engine, number));
    Box::new(engine).close().unwrap();
}

fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(prefix)
        })
        .collect()
}

#[test]
fn keeps_the_promises_of_an_engine() {
    conformance::conformance(|| {
        let dir = tempfile::tempdir().unwrap();
        Box::new(move || Box::new(open(dir.path()).unwrap()))
    });
}

/// The same with a journal from the first commit on.
#[test]
fn keeps_the_promises_of_an_engine_with_a_journal() {
    conformance::conformance_of_late_guards(|| {
        let dir = tempfile::tempdir().unwrap();
        Box::new(move || Box::new(open_journaled(dir.path())))
    });
}

#[test]
fn makes_missing_folders() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c");
    put(&mut open(&path).unwrap(), 1);
    assert_eq!(rows(&open(&path).unwrap(), TREES[0]).len(), 1);
}

#[test]
fn a_second_open_finds_the_store_locked() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).unwrap();
    let error = open_error(dir.path());
    assert!(
        matches!(&error, EngineError::Locked { path } if path == dir.path()),
        "{error}"
    );
    // The first one is none the worse for it.
    put(&mut engine, 1);
    Box::new(engine).close().unwrap();
    assert_eq!(rows(&open(dir.path()).unwrap(), TREES[0]).len(), 1);
}

/// A second process is another run of this very test, told by a variable which store to open.
#[test]
fn a_second_process_finds_the_store_locked() {
    const VARIABLE: &str = "COURSECAT_TEST_LOCKED_STORE";
    if let Some(dir) = std::env::var_os(VARIABLE) {
        assert!(matches!(
            open_error(Path::new(&dir)),
            EngineError::Locked { .. }
        ));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let _engine = open(dir.path()).unwrap();
    let second = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "engine::sled::tests::a_second_process_finds_the_store_locked",
        ])
        .env(VARIABLE, dir.path())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&second.stdout);
    assert!(
        second.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

#[test]
fn a_locked_store_keeps_its_unfinished_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let _engine = open(dir.path()).unwrap();
    let unfinished = dir.path().join("snap.0000000000001234.generating");
    fs::write(
        &unfinished,
        "being written by the process that holds the lock",
    )
    .unwrap();
    assert!(matches!(open_error(dir.path()), EngineError::Locked { .. }));
    assert!(unfinished.exists());
}

#[test]
fn the_store_can_be_opened_as_soon_as_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..50 {
        let mut engine = open(dir.path()).unwrap();
        put(&mut engine, number);
        Box::new(engine).close().unwrap();
    }
    assert_eq!(rows(&open(dir.path()).unwrap(), TREES[0]).len(), 50);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    let error = open_error(&path);
    assert!(
        matches!(&error, EngineError::Io { path: named, .. } if *named == path),
        "{error}"
    );
}

/// sled takes a leftover `snap.*.generating` for the newest snapshot and refuses to open.
#[test]
fn an_unfinished_snapshot_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 40);
    let unfinished = dir.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&unfinished, "cut off in the mid").unwrap();
    assert_eq!(rows(&open(dir.path()).unwrap(), TREES[0]).len(), 40);
    assert!(!unfinished.exists());
}

#[test]
fn a_damaged_snapshot_is_set_aside_and_nothing_is_lost() {
    let cut = |snapshot: &mut Vec<u8>| snapshot.truncate(7);
    let flip = |snapshot: &mut Vec<u8>| snapshot[3] ^= 0x10;
    let damages: [fn(&mut Vec<u8>); 3] = [cut, flip, Vec::clear];
    for damage in damages {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 200);
        let [path] = files(dir.path(), "snap.").try_into().unwrap();
        let mut snapshot = fs::read(&path).unwrap();
        damage(&mut snapshot);
        fs::write(&path, snapshot).unwrap();

        let engine = open(dir.path()).unwrap();
        assert_eq!(rows(&engine, TREES[0]).len(), 200);
        Box::new(engine).close().unwrap();
        assert_eq!(files(dir.path(), "damaged-snap.").len(), 1);
        assert_eq!(rows(&open(dir.path()).unwrap(), TREES[0]).len(), 200);
    }
}

#[test]
fn sound_snapshots_are_recognized() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 200);
    assert_eq!(files(dir.path(), "snap.").len(), 1);
    assert!(!snapshot::set_damaged_aside(dir.path()).unwrap());
}

/// A copy of a closed store in which one bit of the log is flipped.
fn flipped(original: &Path, log: &[u8], byte: usize, bit: usize) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("blobs")).unwrap();
    for file in files(original, "")
        .into_iter()
        .filter(|path| path.is_file())
    {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    let mut log = log.to_vec();
    log[byte] ^= 1 << (bit % 8);
    fs::write(copy.path().join("db"), log).unwrap();
    copy
}

/// The number of rows in the first tree, or the error on the way to it.
fn count(dir: &Path) -> Result<usize, EngineError> {
    let mut count = 0;
    open(dir)?.load(TREES[0], &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// Whatever a flipped bit does, it is an error or it is nothing, never a panic. Whether rows are
/// missing is for the caller to find out: beyond its snapshot, sled takes a message that it cannot
/// read for the end of its log.
#[test]
fn flipped_bits_do_not_panic() {
    let original = tempfile::tempdir().unwrap();
    filled(original.path(), 120);
    let log = fs::read(original.path().join("db")).unwrap();
    let written = log.iter().rposition(|byte| *byte != 0).unwrap();
    for step in 0..60 {
        let copy = flipped(original.path(), &log, written * step / 60, step);
        match count(copy.path()) {
            Ok(0..=120) | Err(EngineError::Damaged { .. }) => {}
            other => panic!("flip {step}: {other:?}"),
        }
    }
}

/// Closing leaves a snapshot, and with it sled knows what there must be. Without, it opened stores
/// like these as if they had been cut off at the flipped bit, and overwrote the rest.
#[test]
fn flipped_bits_in_a_closed_store_are_noticed() {
    let original = tempfile::tempdir().unwrap();
    let mut engine = open(original.path()).unwrap();
    for first in (0..6000_u32).step_by(500) {
        let mut batch = Batch::new();
        for number in first..first + 500 {
            batch.put(
                TREES[0],
                number.to_be_bytes().to_vec(),
                None,
                Some(vec![1; 150]),
            );
        }
        engine.commit(batch, Durability::Deferred).unwrap();
    }
    Box::new(engine).close().unwrap();
    assert_eq!(files(original.path(), "snap.").len(), 1);
    assert_eq!(count(original.path()).unwrap(), 6000);

    let log = fs::read(original.path().join("db")).unwrap();
    assert!(log.len() > 2 << 20, "one segment proves little");
    let mut noticed = 0;
    for step in 0..30 {
        let copy = flipped(original.path(), &log, log.len() * step / 30, step);
        match count(copy.path()) {
            Ok(6000) => {}
            Err(EngineError::Damaged { .. }) => noticed += 1,
            other => panic!("flip {step}: {other:?}"),
        }
    }
    assert!(noticed > 0);
}

#[test]
fn a_cache_of_nothing_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = SledEngine::open(dir.path(), TREES, SledOptions { cache_bytes: 0 }).unwrap();
    (0..10).for_each(|number| put(&mut engine, number));
    assert_eq!(rows(&engine, TREES[0]).len(), 10);
}

#[test]
fn a_store_of_another_make_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let other = ::sled::Config::new().path(dir.path());
    drop(other.segment_size(1 << 20).open().unwrap());
    // sled by itself may hold its lock a little longer than its handles.
    assert!(
        log_file::LogFile::open(dir.path())
            .unwrap()
            .wait_until_released()
    );
    let error = open_error(dir.path());
    assert!(matches!(error, EngineError::Foreign { .. }), "{error}");
}

/// Pages that outgrow a quarter of a segment become blobs, which sled does not make durable. The
/// longest rows, the longest keys with the longest prefixes in common, growing and shrinking: no
/// blob.
#[test]
fn the_largest_rows_make_no_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).unwrap();
    let key = |number: u32| {
        let mut key = vec![b'k'; MAX_KEY_BYTES - 4];
        key.extend(number.to_be_bytes());
        key
    };
    let long = vec![7; MAX_ROW_BYTES - MAX_KEY_BYTES];
    for (tree, value, count) in [(TREES[0], long, 300_u32), (TREES[1], Vec::new(), 5000)] {
        for first in (0..count).step_by(20) {
            let mut batch = Batch::new();
            (first..first + 20).for_each(|n| batch.put(tree, key(n), None, Some(value.clone())));
            engine.commit(batch, Durability::Deferred).unwrap();
        }
        // Few rows left in each page makes sled merge pages.
        for first in (0..count).step_by(20) {
            let mut batch = Batch::new();
            let removed = (first..first + 20).filter(|n| n % 7 != 0);
            removed.for_each(|n| batch.put(tree, key(n), Some(value.clone()), None));
            engine.commit(batch, Durability::Deferred).unwrap();
        }
    }
    engine.sync().unwrap();
    assert_eq!(files(&dir.path().join("blobs"), "").len(), 0);
    Box::new(engine).close().unwrap();
    let engine = open(dir.path()).unwrap();
    assert_eq!(rows(&engine, TREES[0]).len(), 43);
    assert_eq!(rows(&engine, TREES[1]).len(), 715);
}

#[test]
fn estimates_of_the_log_are_not_too_low() {
    for (count, value_bytes) in [
        (6_u32, 80),
        (100, 20),
        (1000, 100),
        (50, 1000),
        (20, 15_000),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut engine = open(dir.path()).unwrap();
        let mut random = 1_u64;
        let (mut estimated, start) = (0, log_position(&engine));
        for _ in 0..10 {
            let mut batch = Batch::new();
            for _ in 0..count {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                batch.put(
                    TREES[0],
                    random.to_be_bytes().to_vec(),
                    None,
                    Some(vec![1; value_bytes]),
                );
            }
            estimated += log_bytes(batch.len(), batch.bytes());
            engine.commit(batch, Durability::Durable).unwrap();
        }
        let written = log_position(&engine) - start;
        println!("{count} rows of {value_bytes} bytes: {estimated} estimated, {written} written");
        assert!(written <= estimated + estimated / 4);
    }
}

/// Where sled's log ends, in bytes since its beginning.
fn log_position(engine: &SledEngine) -> u64 {
    let log = &engine.store().unwrap().trees.db.context.pagecache.log;
    u64::try_from(log.stable_offset()).unwrap()
}

#[test]
fn deferred_commits_are_synced_now_and_then() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).unwrap();
    let mut synced = 0;
    for number in 0..200_u32 {
        let mut batch = Batch::new();
        batch.put(
            TREES[0],
            number.to_be_bytes().to_vec(),
            None,
            Some(vec![1; 2000]),
        );
        engine.commit(batch, Durability::Deferred).unwrap();
        assert!(engine.unsynced_bytes <= MAX_UNSYNCED_BYTES);
        synced += usize::from(engine.unsynced_bytes == 0);
    }
    assert!(synced >= 4, "synced {synced} times");
}

/// Fills a store with so many rows of 1,000 bytes, and tells how many bytes its log has beyond them.
fn filled_in_order(dir: &Path, count: u32) -> u64 {
    let mut engine = open(dir).unwrap();
    let mut filler = engine.filler();
    for (tree, from) in [(TREES[0], 0), (TREES[1], count)] {
        let filled = filler.fill(tree, |row| {
            for number in from..from + count / 2 {
                if row(&number.to_be_bytes(), &[number as u8; 996]).is_break() {
                    break;
                }
            }
            Ok(())
        });
        filled.unwrap();
    }
    assert_eq!(filler.finish().unwrap(), u64::from(count / 2 * 2));
    Box::new(engine).close().unwrap();
    fs::metadata(dir.join("db")).unwrap().len() - u64::from(count) * 1000
}

/// Rows in order, committed in batches, leave more than twice as much log as they have bytes.
#[test]
fn a_filled_store_is_little_longer_than_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let beyond = filled_in_order(dir.path(), 24_000);
    println!("{beyond} bytes beyond 24 MB of rows");
    assert!(beyond < 12 << 20, "{beyond} bytes");
    let engine = open(dir.path()).unwrap();
    for (tree, from) in [(TREES[0], 0), (TREES[1], 24_000)] {
        let rows = rows(&engine, tree);
        assert_eq!(rows.len(), 12_000);
        for ((key, value), number) in rows.into_iter().zip(from..) {
            assert_eq!(key, u32::to_be_bytes(number));
            assert_eq!(value, [number as u8; 996]);
        }
    }
    // sled's own tree is as it was.
    let trees = &engine.store().unwrap().trees;
    assert_eq!(trees.db.iter().count(), 0);
}

/// A page's last row has other values before its own, which it may have anyway; and there are trees
/// that end in the midst of a page, or of a portion.
#[test]
fn rows_of_all_kinds_are_filled_in() {
    let counts = [0, 1, 8, 9, 15, 16, 17, 31, 33, 1000, 32_768, 32_769, 65_549];
    for count in counts {
        let dir = tempfile::tempdir().unwrap();
        let mut engine = open(dir.path()).unwrap();
        let value = |number: u32| vec![(number / 16 % 4) as u8; (number / 64 % 3) as usize];
        let expected: Vec<_> = (0..count)
            .map(|number: u32| (number.to_be_bytes().to_vec(), value(number)))
            .collect();
        let mut filler = engine.filler();
        let filled = filler.fill(TREES[0], |row| {
            let mut rows = expected.iter();
            let _ = rows.try_for_each(|(key, value)| row(key, value));
            Ok(())
        });
        filled.unwrap();
        assert_eq!(filler.finish().unwrap(), u64::from(count));
        assert!(rows(&engine, TREES[0]) == expected, "{count} rows");
        Box::new(engine).close().unwrap();
        assert!(rows(&open(dir.path()).unwrap(), TREES[0]) == expected);
    }
}
