//! Promise: compacting changes no record, gives space back, and is safe to interrupt.

mod support;

use std::fs;
use std::path::Path;

use coursecat::{Catalog, CourseRun, CreateModulestoreRun, Error, Options};
use support::Kept;

/// A catalog of 200 runs that have been retitled often enough to waste space. In a small journal, which
/// a small cache makes, few of one run's titles meet.
fn worn_catalog() -> Kept {
    let kept = Kept::in_a_folder();
    let catalog = kept
        .open(Options::new().store_cache_bytes(256 << 10).keep_changes(10))
        .unwrap();
    for n in 0..200 {
        let key = format!("course-v1:MITx+Math{}+{n}", n % 20);
        let created = catalog.create_course_run_for_modulestore_course_with(key, "Old", "");
        created.unwrap();
    }
    for round in 0..5 {
        for n in 0..200 {
            let key = format!("course-v1:MITx+Math{}+{n}", n % 20);
            let title = format!(
                "A title of round {round} that takes some room: {}",
                "x".repeat(150)
            );
            catalog.sync_course_run_details(key, &title).unwrap();
        }
    }
    catalog
        .add_reference("course-v1:MITx+Math0+0", "enrollments")
        .unwrap();
    kept
}

fn runs(path: &Path) -> Vec<CourseRun> {
    let catalog = Options::new().create_if_missing(false).open(path).unwrap();
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        catalog
            .list_references("course-v1:MITx+Math0+0")
            .unwrap()
            .len(),
        1
    );
    catalog
        .snapshot()
        .course_runs()
        .map(|run| CourseRun::clone(run))
        .collect()
}

#[test]
fn nothing_changes_but_the_size() {
    let kept = worn_catalog();
    let before = runs(kept.path());
    let report = coursecat::compact(kept.path()).unwrap();
    assert!(report.bytes_after < report.bytes_before, "{report}");
    assert_eq!(runs(kept.path()), before);
    let mut names: Vec<_> = fs::read_dir(kept.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["lock", "store"]);
}

/// Compacting writes each page as a whole and leaves little between them: a few segments of two megabytes
/// more than the rows, which are some 330 bytes for each of these runs.
#[test]
fn little_is_left_between_pages() {
    let kept = Kept::in_a_folder();
    let catalog = kept.open(Options::new()).unwrap();
    let created: Vec<_> = (0..30_000)
        .map(|n| {
            let key = format!("course-v1:MITx+Math{}+{n}", n / 20);
            let title = format!("{n}: {}", "x".repeat(200));
            catalog.submit(CreateModulestoreRun::new(key).title(title))
        })
        .collect();
    for run in created {
        run.wait().unwrap();
    }
    drop(catalog);
    let report = coursecat::compact(kept.path()).unwrap();
    println!("{report}");
    assert!(report.bytes_after < 30_000 * 330 + (11 << 20), "{report}");
}

#[test]
fn an_open_catalog_is_not_compacted() {
    let kept = worn_catalog();
    let catalog = kept.open(Options::new()).unwrap();
    let error = coursecat::compact(kept.path()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(catalog.stats().course_runs, 200);
}

#[test]
fn a_folder_without_a_catalog_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let error = coursecat::compact(folder.path()).unwrap_err();
    assert_eq!(error.code(), "invalid");
    let error = Options::new().create_if_missing(false).open(folder.path());
    assert_eq!(error.unwrap_err().code(), "invalid");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Copies a folder of files and folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every state that a crash can leave between the steps of a replacement, made by hand. The
/// opening that follows finds one whole store, and clears the others away.
#[test]
fn whatever_an_interruption_leaves_is_opened_whole() {
    let kept = worn_catalog();
    let before = runs(kept.path());
    let compacted = tempfile::tempdir().unwrap();
    copy(kept.path(), compacted.path());
    coursecat::compact(compacted.path()).unwrap();

    let (store, new) = (kept.path().join("store"), compacted.path().join("store"));
    for (name, at_store, at_new, at_old, new_is_sealed) in [
        ("the new store is being written", true, true, false, false),
        ("the new store is complete", true, true, false, true),
        ("the old store is aside", false, true, true, true),
        ("the new store is in place", true, false, true, true),
        (
            "the new store was lost while the old was aside",
            false,
            false,
            true,
            true,
        ),
        (
            "the new store is broken while the old is aside",
            false,
            true,
            true,
            false,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lock"), "").unwrap();
        if at_store {
            let found = if at_old { &new } else { &store };
            copy(found, &folder.path().join("store"));
        }
        if at_new {
            copy(&new, &folder.path().join("store.new"));
            if !new_is_sealed {
                fs::remove_file(folder.path().join("store.new/FORMAT")).unwrap();
                fs::write(folder.path().join("store.new/db"), "half").unwrap();
            }
        }
        if at_old {
            copy(&store, &folder.path().join("store.old"));
        }
        assert_eq!(runs(folder.path()), before, "{name}");
        assert!(!folder.path().join("store.new").exists(), "{name}");
        assert!(!folder.path().join("store.old").exists(), "{name}");
        assert!(Catalog::open(folder.path()).is_ok(), "{name}");
    }
}
