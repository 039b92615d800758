//! Promise: however much was written since a catalog was last opened, opening it after its process
//! was killed takes no longer than its size asks for.
//!
//! sled's snapshot says where its pages are, and is written when a store is opened and closed. After
//! a kill, what was written since then is read from the log. The log does not grow with it: its
//! segments are used again, so that it follows the size of the catalog, and its length is the most
//! that there can be to read.
//!
//! A process changes titles again and again and is killed. The short form holds the length of the
//! log fast. Times, for catalogs of each of these sizes, of which none was ever closed (first line) or
//! that were opened since, after none to a million changes:
//! `COURSECAT_RECOVERY=10000,100000,1000000 cargo test --release --test recovery -- --nocapture`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use coursecat::{Catalog, CreateModulestoreRun, Pending, Request, SyncCourseRun, verify};

const CHILD: &str = "COURSECAT_RECOVERY_CHILD";
/// How many requests wait at a time.
const WAITING: u64 = 1_000;

fn key(n: u64) -> String {
    format!("course-v1:Org{}+C{}+{n}", n / 1_000, n / 10)
}

/// The process that is killed. It creates runs if there are none, changes titles, says so, and waits
/// for its end.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let (numbers, folder) = arguments.split_once(' ').unwrap();
    let (runs, changes) = numbers.split_once(',').unwrap();
    let (runs, changes): (u64, u64) = (runs.parse().unwrap(), changes.parse().unwrap());
    let mut options = Catalog::options();
    if std::env::var_os("COURSECAT_RECOVERY").is_none() {
        // A small cache makes a small journal, so that all of it is carried to the log many times.
        options = options.store_cache_bytes(64 << 10);
    }
    let catalog = options.open(folder).unwrap();
    if catalog.stats().course_runs == 0 {
        let create = |n| CreateModulestoreRun::new(key(n)).title("A title as titles are");
        submit_all(&catalog, (0..runs).map(create));
    }
    // Neighbours in time are not neighbours in the store.
    let change = |n: u64| {
        let title = format!("Change {n} of a title");
        SyncCourseRun::new(key(n * 7_919 % runs)).title(title)
    };
    submit_all(&catalog, (0..changes).map(change));
    println!("\n> done");
    loop {
        std::thread::park();
    }
}

/// Hands over many requests, some of which wait at any time.
fn submit_all<R: Request>(catalog: &Catalog, requests: impl Iterator<Item = R>) {
    let mut waiting: Vec<Pending<R::Answer>> = Vec::new();
    for request in requests {
        waiting.push(catalog.submit(request));
        if waiting.len() as u64 == WAITING {
            waiting.drain(..).for_each(|one| drop(one.wait().unwrap()));
        }
    }
    waiting
        .into_iter()
        .for_each(|one| drop(one.wait().unwrap()));
}

/// Has a process change titles, and kills it.
fn change_and_kill(folder: &Path, runs: u64, changes: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, format!("{runs},{changes} {}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let done = lines.find(|line| line.as_ref().unwrap() == "> done");
    assert!(done.is_some(), "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Opens and closes; how long the opening took.
fn open(folder: &Path, runs: u64) -> Duration {
    let start = Instant::now();
    let catalog = Catalog::open(folder).unwrap();
    let took = start.elapsed();
    assert_eq!(catalog.stats().course_runs, runs);
    took
}

fn log_bytes(folder: &Path) -> u64 {
    fs::metadata(folder.join("store/db")).unwrap().len()
}

#[test]
fn the_log_does_not_grow_with_what_is_written() {
    const RUNS: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    // The first opening of what was never closed reads all of its log.
    change_and_kill(folder.path(), RUNS, 15_000);
    let few = log_bytes(folder.path());
    open(folder.path(), RUNS);
    change_and_kill(folder.path(), RUNS, 60_000);
    let many = log_bytes(folder.path());
    println!("the log has {few} bytes after 15,000 changes, {many} after 60,000");
    assert!(many <= 8 << 21, "more than eight segments: {many}");
    open(folder.path(), RUNS);
    assert!(verify(folder.path()).unwrap().is_clean());
}

#[test]
fn times_of_recovery() {
    let Ok(sizes) = std::env::var("COURSECAT_RECOVERY") else {
        return;
    };
    for runs in sizes.split(',').map(|size| size.parse::<u64>().unwrap()) {
        let folder = tempfile::tempdir().unwrap();
        for changes in [0, 0, 10_000, 100_000, 1_000_000] {
            change_and_kill(folder.path(), runs, changes);
            let log = log_bytes(folder.path());
            let killed = open(folder.path(), runs);
            let closed = open(folder.path(), runs);
            println!(
                "{runs:7} runs, {changes:7} changes: {:4} MiB of log, opening after a kill {:5.0} ms, after a close {:5.0} ms",
                log >> 20,
                killed.as_secs_f64() * 1e3,
                closed.as_secs_f64() * 1e3,
            );
        }
    }
}
