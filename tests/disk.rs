//! Promise: a disk that fails is told to the caller, and nothing that was acknowledged is lost.
//!
//! A process writes while calls of its fail (`disk/faults.c`, preloaded): no space, errors of reads
//! and writes, failing syncs, too many open files, a read-only file system. Each caller gets the
//! error, reads go on from what was acknowledged, the process ends by itself, and after that the
//! catalog opens with all that was acknowledged; a request that was answered with an error is
//! wholly there or not at all.
//!
//! Every point instead of a few: `COURSECAT_FAULTS=all cargo test --release --test disk`.
#![cfg(target_os = "linux")]

#[path = "support/deeds.rs"]
mod deeds;
#[path = "support/stored.rs"]
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use coursecat::{Catalog, Error, verify};
use deeds::{Content, carry_out, follow, found};

const CHILD: &str = "COURSECAT_DISK_CHILD";
const THREADS: u64 = 2;
/// Deeds of each thread.
const DEEDS: u64 = 30;
/// How many points of each fault the short form takes.
const SHORT: usize = 3;

const ENOSPC: &str = "28";
const EIO: &str = "5";
const EMFILE: &str = "24";
const EROFS: &str = "30";

/// The process whose disk fails.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let catalog = match Catalog::open(folder) {
        Ok(catalog) => catalog,
        Err(error) => return println!("\n> failed to open: {error}"),
    };
    let done: Vec<u64> = std::thread::scope(|scope| {
        let work = |thread| {
            let catalog = &catalog;
            move || {
                for n in 0..DEEDS {
                    if let Err(error) = carry_out(catalog, thread, n) {
                        assert!(matches!(error, Error::Storage { .. }), "{error:?}");
                        println!("\n> failed to write: {error}");
                        return n;
                    }
                }
                DEEDS
            }
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(work(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    // Reads show what was acknowledged and nothing else.
    for (thread, done) in (0..).zip(&done) {
        assert_eq!(found(&catalog.snapshot(), thread), expected(thread, *done));
        println!("\n> done {done}");
    }
}

fn expected(thread: u64, deeds: u64) -> Content {
    let mut content = Content::new();
    for n in 0..deeds {
        follow(&mut content, thread, n);
    }
    content
}

/// The library that makes calls fail, built once.
fn faults() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faults.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk/faults.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([path.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status()
            .expect("a C compiler");
        assert!(built.success());
        (folder, path)
    });
    path
}

/// Runs a program whose calls fail, for no more than a minute.
fn run_with(fault: &str, watched: &Path, calls: &Path, program: &[String], data: &Path) -> Output {
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", "env"])
        .arg(format!("LD_PRELOAD={}", faults().display()))
        .args(program)
        .env("COURSECAT_FAULT", fault)
        .env("COURSECAT_WATCH", watched)
        .env("COURSECAT_CALLS", calls)
        .env(CHILD, data)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    let code = output.status.code();
    assert!(
        code.is_some() && code != Some(137),
        "{fault}: it hung or died: {errors}"
    );
    // If its last sync fails, after one of ours that did not, sled panics where that is caught.
    let is_odd =
        |line: &&str| line.contains("panicked") && !line.contains("pagecache/logger.rs:467");
    let odd = errors.lines().chain(said.lines()).find(is_odd);
    assert!(odd.is_none(), "{fault}: {errors} {said}");
    output
}

/// Runs `check` with one kind of call failing at several points: for once, and from then on.
fn sweep(call: &str, error: &str, check: impl Fn(&str) -> usize) {
    let calls = check(&format!("{call} 0 0 0"));
    assert!(calls > 0, "no {call} is counted");
    let step = match std::env::var("COURSECAT_FAULTS").as_deref() {
        Ok("all") => 1,
        Ok(other) => panic!("COURSECAT_FAULTS is {other:?}; it can be all"),
        Err(_) => calls.div_ceil(SHORT).max(1),
    };
    for from in (1..=calls).step_by(step) {
        for to in [from, 1_000_000] {
            check(&format!("{call} {from} {to} {error}"));
        }
    }
}

fn calls_in(file: &Path) -> usize {
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// Threads write on a failing disk; afterwards it is well.
fn writes_survive(call: &str, error: &str) {
    let this = std::env::current_exe().unwrap();
    let program = [
        this.to_str().unwrap(),
        "--exact",
        "child",
        "--ignored",
        "--nocapture",
        "--quiet",
    ];
    let program = program.map(str::to_owned);
    sweep(call, error, |fault| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (data, calls) = (folder.join("data"), folder.join("calls"));
        let output = run_with(fault, &data, &calls, &program, &data);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{fault}: {said}");
        let done: Vec<u64> = said
            .lines()
            .filter_map(|line| line.strip_prefix("> done ")?.parse().ok())
            .collect();
        let opened = said.contains("> done");
        assert!(
            opened || said.contains("> failed to open"),
            "{fault}: {said}"
        );

        let catalog = Catalog::open(&data).unwrap_or_else(|error| panic!("{fault}: {error}"));
        let snapshot = catalog.snapshot();
        for (thread, done) in (0..).zip(done) {
            let found = found(&snapshot, thread);
            let there = (done..=done + 1).any(|n| expected(thread, n) == found);
            assert!(there, "{fault}: {done} deeds answered, found {found:?}");
        }
        drop((catalog, snapshot));
        let report = verify(&data).unwrap();
        assert!(report.is_clean(), "{fault}: {report}");
        calls_in(&calls)
    });
}

#[test]
fn a_full_disk() {
    writes_survive("write", ENOSPC);
}

#[test]
fn a_disk_that_fails_to_write() {
    writes_survive("write", EIO);
    writes_survive("write", "short");
}

#[test]
fn a_disk_that_fails_to_sync() {
    writes_survive("fdatasync", EIO);
    writes_survive("fsync", EIO);
}

#[test]
fn too_many_open_files() {
    writes_survive("open", EMFILE);
}

#[test]
fn a_disk_that_becomes_read_only() {
    for call in ["open", "rename"] {
        writes_survive(call, EROFS);
    }
}

/// A closed catalog with some records, and all that it holds.
fn sample() -> &'static (tempfile::TempDir, [Content; 2]) {
    static MADE: OnceLock<(tempfile::TempDir, [Content; 2])> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        for thread in 0..2 {
            for n in 0..DEEDS {
                carry_out(&catalog, thread, n).unwrap();
            }
        }
        (folder, [0, 1].map(|thread| expected(thread, DEEDS)))
    })
}

/// A verb on a failing disk says so, with its exit code, and takes nothing away.
fn verb_survives(verb: impl Fn(&Path) -> Vec<String>, call: &str, error: &str) {
    sweep(call, error, |fault| {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let (data, calls) = (place.join("data"), place.join("calls"));
        stored::copy(sample().0.path(), &data);
        let mut program = vec![
            env!("CARGO_BIN_EXE_coursecat").to_owned(),
            "--data".to_owned(),
        ];
        program.push(data.to_str().unwrap().to_owned());
        program.extend(verb(&place));
        let output = run_with(fault, &place, &calls, &program, &data);
        let errors = String::from_utf8_lossy(&output.stderr);
        let named = errors.lines().any(|line| line.starts_with("error: "));
        assert!(output.status.success() || named, "{fault}: {errors}");
        for (thread, content) in (0..).zip(&sample().1) {
            let catalog = Catalog::open(&data).unwrap_or_else(|error| panic!("{fault}: {error}"));
            assert_eq!(found(&catalog.snapshot(), thread), *content, "{fault}");
        }
        assert!(verify(&data).unwrap().is_clean());
        // Nothing stays half done.
        for entry in fs::read_dir(&place).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let whole = ["data", "calls", "monday.zst", "out.jsonl"].contains(&name.as_str());
            assert!(whole, "{fault}: {name} is left");
        }
        calls_in(&calls)
    });
}

const FAULTS: [(&str, &str); 5] = [
    ("write", ENOSPC),
    ("fsync", EIO),
    ("fdatasync", EIO),
    ("rename", EIO),
    ("open", EMFILE),
];

#[test]
fn compacting_on_a_failing_disk() {
    for (call, error) in FAULTS {
        verb_survives(|_| vec!["compact".to_owned()], call, error);
    }
}

#[test]
fn backing_up_on_a_failing_disk() {
    let file = |place: &Path| place.join("monday.zst").to_str().unwrap().to_owned();
    for (call, error) in FAULTS {
        verb_survives(|place| vec!["backup".to_owned(), file(place)], call, error);
    }
}

#[test]
fn the_folder_goes_while_the_catalog_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let catalog = Catalog::open(&data).unwrap();
    carry_out(&catalog, 0, 0).unwrap();
    fs::rename(&data, folder.path().join("elsewhere")).unwrap();
    // The files are the same under another name, so writes go on and are there.
    carry_out(&catalog, 0, 1).unwrap();
    drop(catalog);
    let moved = Catalog::open(folder.path().join("elsewhere")).unwrap();
    assert_eq!(found(&moved.snapshot(), 0), expected(0, 2));

    // Removed altogether, the catalog answers reads. A write has nowhere to stay, and is told so.
    fs::remove_dir_all(folder.path().join("elsewhere")).unwrap();
    for _ in 0..2 {
        assert_eq!(found(&moved.snapshot(), 0), expected(0, 2));
        let error = carry_out(&moved, 0, 2).unwrap_err();
        assert!(matches!(error, Error::Storage { .. }), "{error:?}");
    }
    drop(moved);
    assert!(!folder.path().join("elsewhere").exists());
}
