//! Promise: commits that a closed catalog had are never lost in silence.
//!
//! sled takes damage to the end of its log for the end: such a store opened, some commits older
//! than it was, everything added up, and nobody was told. The mark beside the store tells.

#[path = "support/stored.rs"]
mod stored;

use std::fs;
use std::path::Path;

use coursecat::{Catalog, Error, compact, repair, verify};

fn add(folder: &Path, runs: &[&str]) {
    let catalog = Catalog::open(folder).unwrap();
    for run in runs {
        let key = format!("course-v1:MITx+Math100+{run}");
        catalog
            .create_course_run_for_modulestore_course_with(key, "", "")
            .unwrap();
    }
}

/// A catalog that was closed with three commits, with files that know of the first two.
fn cut() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), &["1", "2"]);
    let older = tempfile::tempdir().unwrap();
    stored::copy(folder.path(), older.path());
    add(folder.path(), &["3"]);
    let newer = fs::read(folder.path().join("store/COMMITS")).unwrap();
    fs::write(older.path().join("store/COMMITS"), newer).unwrap();
    older
}

#[test]
fn a_lost_end_is_corrupt_and_a_repair_goes_on_from_what_is_left() {
    let folder = cut();
    let told = "it had 3 commits and now has 2";
    for opened in [
        Catalog::open(folder.path()).map(drop),
        compact(folder.path()).map(drop),
    ] {
        let Err(Error::Corrupt { detail, .. }) = opened else {
            panic!("{opened:?}");
        };
        assert!(detail.starts_with(told), "{detail}");
    }
    let report = verify(folder.path()).unwrap();
    assert_eq!(report.findings.len(), 1, "{report}");
    assert!(report.findings[0].problem.starts_with(told), "{report}");

    let report = repair(folder.path()).unwrap();
    assert_eq!(report.lost.len(), 1, "{report}");
    assert_eq!(report.stats.course_runs, 2);
    add(folder.path(), &["3"]);
    let report = verify(folder.path()).unwrap();
    assert!(report.is_clean(), "{report}");
    // The number of the lost commit is not given again.
    assert_eq!(report.sequence, 4);
}

#[test]
fn a_compacted_store_keeps_its_mark() {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), &["1", "2"]);
    let mark = fs::read_to_string(folder.path().join("store/COMMITS")).unwrap();
    compact(folder.path()).unwrap();
    let after = fs::read_to_string(folder.path().join("store/COMMITS")).unwrap();
    assert_eq!(after, mark);
}

/// A mark says "at least": nothing is wrong with a store whose mark is lost, damaged or old.
#[test]
fn a_mark_that_says_less_is_no_fault() {
    for mark in [
        None,
        Some(""),
        Some("coursecat store, commits 9, checksum 00000000\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        add(folder.path(), &["1"]);
        let file = folder.path().join("store/COMMITS");
        let old = fs::read(&file).unwrap();
        add(folder.path(), &["2"]);
        match mark {
            None => fs::write(&file, old).unwrap(),
            Some("") => fs::remove_file(&file).unwrap(),
            Some(text) => fs::write(&file, text).unwrap(),
        }
        assert!(verify(folder.path()).unwrap().is_clean());
        add(folder.path(), &["3"]);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("coursecat store, commits 3, "), "{text}");
    }
}
