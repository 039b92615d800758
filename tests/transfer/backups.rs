//! Promise: a backup is whole or not there, a damaged one is never believed, and a restored
//! catalog is the one that was backed up.

use std::fs;
use std::path::Path;

use coursecat::transfer::{
    BackupError, BackupOptions, Format, Import, Unwatched, backup, inspect_backup, restore,
};
use coursecat::{Catalog, verify};

use crate::support::{Kept, exported_text, import_with, sample};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_restored_catalog_is_the_one_that_was_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.zst");
    let catalog = sample();
    let written = backup(&catalog.snapshot(), &file, &BackupOptions::new()).unwrap();
    assert_eq!(written.counts, catalog.stats());
    assert_eq!(written.file_bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(names(folder.path()), ["backup.zst"]);

    let summary = inspect_backup(&file).unwrap();
    assert_eq!(summary.counts, catalog.stats());
    assert_eq!(
        (summary.file_bytes, summary.bytes),
        (written.file_bytes, written.bytes)
    );

    // A missing folder, one below missing ones, and an empty one.
    fs::create_dir(folder.path().join("empty")).unwrap();
    for target in ["new", "deep/er/new", "empty"] {
        let target = folder.path().join(target);
        let mut kept = Kept::default();
        let restored = restore(&file, &target, &mut kept).unwrap();
        assert_eq!(restored.counts, catalog.stats());
        assert_eq!(kept.last.bytes, written.bytes);
        assert!(verify(&target).unwrap().is_clean());
        let copy = Catalog::open(&target).unwrap();
        assert_eq!(
            exported_text(&copy, Format::Lines),
            exported_text(&catalog, Format::Lines)
        );
    }
    assert_eq!(names(folder.path()), ["backup.zst", "deep", "empty", "new"]);

    // Without coursecat's help: what is in it is an ordinary file of lines.
    let lines = zstd::decode_all(&fs::read(&file).unwrap()[..]).unwrap();
    let copy = Catalog::temporary().unwrap();
    let (report, _) = import_with(&Import::new(), &copy, Format::Lines, lines);
    assert_eq!(report.unwrap().rejected(), 0);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.zst");
    let snapshot = sample().snapshot();
    fs::write(&file, "precious").unwrap();
    let refused = backup(&snapshot, &file, &BackupOptions::new()).unwrap_err();
    assert_eq!(refused.code(), "already_exists");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    backup(&snapshot, &file, &BackupOptions::new().overwrite(true)).unwrap();
    assert_eq!(inspect_backup(&file).unwrap().counts, snapshot.stats());
    assert_eq!(names(folder.path()), ["backup.zst"]);

    // A folder that holds anything is not restored into.
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("file"), "precious").unwrap();
    let refused = restore(&file, &full, &mut Unwatched).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
    let refused = restore(&file, &file, &mut Unwatched).unwrap_err();
    assert_eq!(refused.code(), "storage");
    // Nor is the work of another restore touched, be it under way or interrupted.
    let other = folder.path().join("new.restoring");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("file"), "precious").unwrap();
    let new = folder.path().join("new");
    restore(&file, &new, &mut Unwatched).unwrap();
    fs::remove_dir_all(&new).unwrap();
    assert_eq!(names(&other), ["file"]);
    for n in 2..=9 {
        fs::create_dir(folder.path().join(format!("new.restoring-{n}"))).unwrap();
    }
    let refused = restore(&file, &new, &mut Unwatched).unwrap_err();
    assert!(matches!(refused, BackupError::InTheWay { .. }), "{refused}");
    for n in 2..=9 {
        fs::remove_dir(folder.path().join(format!("new.restoring-{n}"))).unwrap();
    }
    assert_eq!(
        names(folder.path()),
        ["backup.zst", "full", "new.restoring"]
    );
    // Where the disk says no, nothing is left.
    let nowhere = folder.path().join("missing/backup.zst");
    let failed = backup(&snapshot, nowhere, &BackupOptions::new()).unwrap_err();
    assert!(failed.to_string().starts_with("Creating "), "{failed}");
    let missing = restore(
        folder.path().join("no.zst"),
        folder.path().join("x"),
        &mut Unwatched,
    );
    assert!(missing.unwrap_err().to_string().starts_with("Opening "));
    assert_eq!(
        names(folder.path()),
        ["backup.zst", "full", "new.restoring"]
    );
}

#[test]
fn a_damaged_backup_is_never_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.zst");
    backup(&sample().snapshot(), &file, &BackupOptions::new()).unwrap();
    let whole = fs::read(&file).unwrap();
    let lines = String::from_utf8(zstd::decode_all(&whole[..]).unwrap()).unwrap();
    let compressed = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let mut damaged = vec![
        Vec::new(),
        b"{}".to_vec(),
        compressed(""),
        // A row altered, and one left out, with the checksum of the frame made anew.
        compressed(
            &lines
                .replace("Snakes", "Adders")
                .replace("Python", "Cobras"),
        ),
        compressed(&lines.replacen("Institute", "Istitutte", 1)),
        compressed(&lines.replace("\"created\":\"2011", "\"created\":\"2010")),
        compressed(&(lines.clone() + "x")),
        compressed(lines.trim_end().rsplit_once('\n').unwrap().0),
        [whole.clone(), b"x".to_vec()].concat(),
        [whole.clone(), whole.clone()].concat(),
    ];
    for length in 0..whole.len() {
        damaged.push(whole[..length].to_vec());
    }
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        damaged.push(flipped);
    }
    let target = folder.path().join("restored");
    let mut harmless = 0;
    for (n, bytes) in damaged.iter().enumerate() {
        let bad = folder.path().join("bad.zst");
        fs::write(&bad, bytes).unwrap();
        match inspect_backup(&bad) {
            Err(error) => {
                assert_eq!(error.code(), "corrupt", "{n}: {error}");
                // A folder is slow to make: a few of them will do.
                if n % 100 < 2 {
                    restore(&bad, &target, &mut Unwatched).unwrap_err();
                }
            }
            // A few bits of zstd's frame make no difference to what is in it.
            Ok(summary) => {
                assert_eq!(summary.counts, sample().stats());
                harmless += 1;
            }
        }
        assert!(!target.exists(), "{n}");
    }
    assert!(harmless < 10, "{harmless} damages went unnoticed");
    assert_eq!(names(folder.path()), ["backup.zst", "bad.zst"]);
}

#[test]
fn a_restore_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.zst");
    backup(&sample().snapshot(), &file, &BackupOptions::new()).unwrap();
    for stop_after in 0..9 {
        let mut kept = Kept {
            stop_after: Some(stop_after),
            ..Kept::default()
        };
        let error = restore(&file, folder.path().join("new"), &mut kept).unwrap_err();
        assert_eq!(error.code(), "stopped");
        assert_eq!(names(folder.path()), ["backup.zst"]);
    }
}
