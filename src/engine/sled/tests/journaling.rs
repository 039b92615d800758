//! What the sled engine promises about its journal: when there is one, and what is in it.

use super::*;

/// Puts a row by way of the journal, and expects another before it.
fn replace(engine: &mut SledEngine, before: Option<&[u8]>, after: Option<&[u8]>) {
    let mut batch = Batch::new();
    let [before, after] = [before, after].map(|value| value.map(<[u8]>::to_vec));
    batch.put(TREES[0], b"k".to_vec(), before, after);
    engine.commit(batch, Durability::Durable).unwrap();
}

#[test]
fn the_first_commits_make_no_journal_and_closing_leaves_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).unwrap();
    (0..COMMITS_WITHOUT_JOURNAL).for_each(|number| put(&mut engine, number));
    assert_eq!(files(dir.path(), "journal.").len(), 0);
    put(&mut engine, 100);
    assert_eq!(files(dir.path(), "journal.").len(), 2);
    Box::new(engine).close().unwrap();
    assert_eq!(files(dir.path(), "journal.").len(), 0);
    assert_eq!(count(dir.path()).unwrap(), 9);
}

/// Enough for several turns, with the engine let go at any moment of one.
#[test]
fn what_is_in_the_journal_is_there_after_any_end() {
    let dir = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 0 };
    let mut number = 0;
    for commits in [1, 255, 256, 257, 800, 513, 7, 1_300] {
        let mut engine = SledEngine::open(dir.path(), TREES, options).unwrap();
        engine.commits_without_journal = 0;
        assert_eq!(rows(&engine, TREES[0]).len() as u32, number);
        for _ in 0..commits {
            put(&mut engine, number);
            number += 1;
        }
        assert_eq!(rows(&engine, TREES[0]).len() as u32, number);
    }
    assert_eq!(count(dir.path()).unwrap() as u32, number);
}

/// Carrying takes time from those who wait for commits.
#[test]
fn a_burst_is_carried_after_a_pause_or_when_there_is_no_room_for_more() {
    const PAUSE: Duration = Duration::from_millis(50);
    let dir = tempfile::tempdir().unwrap();
    let mut engine = SledEngine::open(dir.path(), TREES, SledOptions { cache_bytes: 0 }).unwrap();
    engine.commits_without_journal = 0;
    let mut numbers = 0_u32..;
    // Each is a frame of 512 bytes.
    let mut commit = |engine: &mut SledEngine| {
        let key = numbers.next().unwrap().to_be_bytes().to_vec();
        let mut batch = Batch::new();
        batch.put(TREES[0], key, None, Some(vec![1; 100]));
        engine.commit(batch, Durability::Deferred).unwrap();
        engine.journal.as_ref().unwrap().generation()
    };
    let began = Instant::now();
    let first = commit(&mut engine);
    let last = (0..200).map(|_| commit(&mut engine)).last().unwrap();
    // On a machine that is busy otherwise, it may be no burst.
    if began.elapsed() < PAUSE {
        assert_eq!(last, first);
        std::thread::sleep(PAUSE);
        assert_eq!(commit(&mut engine), first + 1);
    }
    let last = (0..600).map(|_| commit(&mut engine)).last().unwrap();
    assert!(last >= first + 2, "{last}");
    assert!(rows(&engine, TREES[0]).len() > 800);
}

/// What had come in a burst was carried when the next one began, which had the carrier beside it from its
/// first commit on, and waited for its file to grow.
#[test]
fn an_engine_that_rests_carries_what_waits_and_makes_room_for_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = SledEngine::open(dir.path(), TREES, SledOptions { cache_bytes: 0 }).unwrap();
    engine.commits_without_journal = 0;
    assert_eq!(engine.rest().unwrap(), None);
    (0..200).for_each(|number| put(&mut engine, number));
    let generation = |engine: &SledEngine| engine.journal.as_ref().unwrap().generation();
    let length = || {
        let lengths = files(dir.path(), "journal.");
        let lengths = lengths.iter().map(|path| fs::metadata(path).unwrap().len());
        lengths.sum::<u64>()
    };
    let before = (generation(&engine), length());
    // It tells when to come again.
    while let Some(time) = engine.rest().unwrap() {
        std::thread::sleep(time);
    }
    assert!(generation(&engine) > before.0);
    assert!(length() > before.1);
    assert!(engine.uncarried.is_empty() && !engine.uncarried.is_carrying());
    assert!(engine.uncarried.has_let_go());
    assert_eq!(rows(&engine, TREES[0]).len(), 200);
    put(&mut engine, 200);
    drop(engine);
    assert_eq!(count(dir.path()).unwrap(), 201);
}

/// A file of the journal that gets longer than it was at first.
#[test]
fn a_journal_grows_by_steps_and_is_read_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open_journaled(dir.path());
    let value = vec![7; 10_000];
    let lengths = (0..150_u8).map(|key| {
        let mut batch = Batch::new();
        batch.put(TREES[0], vec![key], None, Some(value.clone()));
        engine.commit(batch, Durability::Deferred).unwrap();
        let path = dir.path().join(journal::FILES[1]);
        fs::metadata(path).unwrap().len()
    });
    let lengths: BTreeSet<u64> = lengths.collect();
    assert_eq!(lengths, BTreeSet::from([1 << 20, 2 << 20]));
    drop(engine);
    let engine = open(dir.path()).unwrap();
    let found = rows(&engine, TREES[0]);
    assert_eq!(found.len(), 150);
    assert!(found.iter().all(|(_, found)| *found == value));
}

/// What is written straight to the trees comes after what a journal had before the store was closed or
/// left: it must not be undone when it is opened again.
#[test]
fn a_commit_to_the_trees_follows_what_was_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open_journaled(dir.path());
    replace(&mut engine, None, Some(b"1"));
    replace(&mut engine, Some(b"1"), Some(b"2"));
    drop(engine);
    let mut engine = open(dir.path()).unwrap();
    replace(&mut engine, Some(b"2"), Some(b"3"));
    drop(engine);
    let mut engine = open_journaled(dir.path());
    assert_eq!(rows(&engine, TREES[0]), [(b"k".to_vec(), b"3".to_vec())]);
    replace(&mut engine, Some(b"3"), None);
    drop(engine);
    assert_eq!(rows(&open(dir.path()).unwrap(), TREES[0]), []);
}

/// A power cut may undo the removal of files.
#[test]
fn a_journal_that_comes_back_is_not_carried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open_journaled(dir.path());
    replace(&mut engine, None, Some(b"1"));
    let journal: Vec<_> = files(dir.path(), "journal.")
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    Box::new(engine).close().unwrap();
    let mut engine = open(dir.path()).unwrap();
    replace(&mut engine, Some(b"1"), Some(b"2"));
    Box::new(engine).close().unwrap();
    for (bytes, path) in journal {
        fs::write(path, bytes).unwrap();
    }
    let engine = open(dir.path()).unwrap();
    assert_eq!(rows(&engine, TREES[0]), [(b"k".to_vec(), b"2".to_vec())]);
}

#[test]
fn a_damaged_journal_is_refused_and_read_around() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open_journaled(dir.path());
    (0..10).for_each(|number| put(&mut engine, number));
    drop(engine);
    let path = dir.path().join(journal::FILES[1]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4 * frame::ALIGNMENT + 40] ^= 4;
    fs::write(&path, &bytes).unwrap();
    for _ in 0..2 {
        let error = open_error(dir.path());
        assert!(error.to_string().contains("journal"), "{error}");
        assert!(matches!(error, EngineError::Damaged { .. }));
    }
    assert!(fs::read(&path).unwrap() == bytes, "it is left as it was");
    let engine = SledEngine::open_damaged_copy(dir.path(), TREES, SledOptions::default()).unwrap();
    let mut found = Vec::new();
    let whole = engine.load_around(TREES[0], &mut |key, _| found.push(key[3]));
    assert!(!whole.unwrap());
    assert_eq!(found, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

/// Guards on rows that are in the trees are checked when the rows come there.
#[test]
fn a_guard_that_fails_late_ends_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 0 };
    let mut engine = SledEngine::open(dir.path(), TREES, options).unwrap();
    replace(&mut engine, None, Some(b"1"));
    engine.commits_without_journal = 0;
    replace(&mut engine, None, Some(b"2"));
    // Once the journal has turned, a commit hears of it.
    let mut commits = (0_u32..).map(|number| {
        let mut batch = Batch::new();
        batch.put(
            TREES[1],
            number.to_be_bytes().to_vec(),
            None,
            Some(vec![1; 100]),
        );
        engine.commit(batch, Durability::Durable)
    });
    let error = commits.find_map(Result::err).unwrap();
    assert!(matches!(error, EngineError::GuardFailed { .. }), "{error}");
    drop(commits);
    assert!(matches!(engine.sync(), Err(EngineError::Failed { .. })));
    assert!(Box::new(engine).close().is_err());
}

#[test]
fn a_guard_that_fails_late_is_told_at_closing() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path()).unwrap();
    replace(&mut engine, None, Some(b"1"));
    engine.commits_without_journal = 0;
    replace(&mut engine, None, Some(b"2"));
    let closed = Box::new(engine).close();
    assert!(matches!(closed, Err(EngineError::GuardFailed { .. })));
}
