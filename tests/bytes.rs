//! Promise: damage to the bytes of a store's files is noticed. A catalog opens with all of its
//! records, or says that it is corrupt and what to do; never does it panic, abort, hang, take all
//! memory, or answer wrongly.
//!
//! Each case damages one file of a copy of a store in one way, at a place chosen at random, and
//! opens it in a process of its own, with a limit of memory and time; then it repairs it.
//!
//! The long form: `COURSECAT_DAMAGES=5000 cargo test --release --test bytes -- --nocapture`. It prints
//! how each kind of damage ends, and how many of a hundred runs a repair brings back. A failure
//! prints its seed; `COURSECAT_SEED` sets it.
#![cfg(target_os = "linux")]

#[path = "support/deeds.rs"]
mod deeds;
#[path = "support/dice.rs"]
mod dice;
#[path = "support/stored.rs"]
mod stored;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coursecat::{Catalog, CreateModulestoreRun, Error, Snapshot, compact, repair, verify};
use deeds::{Content, carry_out, follow, found};
use dice::Dice;

const CHILD: &str = "COURSECAT_BYTES_CHILD";
/// Deeds before the last opening, and after it.
const BEFORE: u64 = 60;
const AFTER: u64 = 20;
/// Runs beside the deeds, which make the store large enough for a snapshot of sled's, or for a log of
/// several segments.
const RUNS: u64 = 1_500;
const MANY: u64 = 8_000;

/// The process that opens a damaged store, and repairs it.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let (runs, folder) = arguments.split_once(' ').unwrap();
    let (runs, data) = (runs.parse().unwrap(), Path::new(folder));
    let say = |text: &str| println!("\n> {text}");
    let error = match Catalog::options().create_if_missing(false).open(data) {
        Ok(catalog) => return say(&told(&catalog.snapshot(), runs)),
        Err(error) => error,
    };
    let text = error.to_string();
    match &error {
        Error::Corrupt { .. } | Error::NewerFormat { .. } | Error::Invalid { .. } => say("refused"),
        Error::Storage { .. } => say("failed"),
        other => panic!("{other:?}"),
    }
    assert!(text.len() > 20, "{text}");
    match repair(data) {
        Err(_) => say("not repaired"),
        Ok(repaired) => {
            let report = verify(data).unwrap();
            assert!(report.is_clean(), "{report}");
            assert_eq!(report.stats, repaired.stats);
            say(&told(&Catalog::open(data).unwrap().snapshot(), runs));
        }
    }
}

/// How much of what there was a catalog shows: all, the beginning of it, or a part, as the number of
/// runs of each hundred.
fn told(snapshot: &Snapshot, runs: u64) -> String {
    let many = snapshot
        .course_runs()
        .filter(|run| run.course_key.org() == "Many");
    let titles: Vec<_> = many.map(|run| run.title.to_string()).collect();
    // What is there is right.
    assert!(titles.iter().all(|title| title == "One of many"));
    let found = found(snapshot, 0);
    let mut content = Content::new();
    let mut deeds = 0;
    for n in 0..=BEFORE + AFTER {
        if content == found {
            deeds = n;
        }
        follow(&mut content, 0, n);
    }
    let kept = titles.len() as u64;
    if kept < runs || deeds < BEFORE {
        format!("a part: {}", kept * 100 / runs)
    } else if deeds < BEFORE + AFTER {
        "the beginning".to_owned()
    } else {
        "all".to_owned()
    }
}

/// A store that was closed, one that is larger, one that was compacted, and one that was not closed:
/// as a killed process leaves it.
fn shapes() -> BTreeMap<&'static str, tempfile::TempDir> {
    let closed = closed(RUNS, BEFORE);
    let killed = tempfile::tempdir().unwrap();
    {
        let catalog = Catalog::open(closed.path()).unwrap();
        for n in BEFORE..BEFORE + AFTER {
            carry_out(&catalog, 0, n).unwrap();
        }
        // All is on the disk that was answered: so would SIGKILL leave it.
        stored::copy(closed.path(), killed.path());
    }
    let compacted = tempfile::tempdir().unwrap();
    stored::copy(closed.path(), compacted.path());
    coursecat::compact(compacted.path()).unwrap();
    BTreeMap::from([
        ("closed", closed),
        ("compacted", compacted),
        ("killed", killed),
        ("large", self::closed(MANY, BEFORE + AFTER)),
    ])
}

fn closed(runs: u64, deeds: u64) -> tempfile::TempDir {
    let closed = tempfile::tempdir().unwrap();
    {
        let catalog = Catalog::open(closed.path()).unwrap();
        let create = |n: u64| {
            let key = format!("course-v1:Many+C{}+{n}", n / 20);
            catalog.submit(CreateModulestoreRun::new(key).title("One of many"))
        };
        let pending: Vec<_> = (0..runs).map(create).collect();
        for answer in pending {
            answer.wait().unwrap();
        }
        for n in 0..deeds {
            carry_out(&catalog, 0, n).unwrap();
        }
    }
    closed
}

/// Damages one file, and says how.
fn damage(store: &Path, dice: &mut Dice) -> (String, &'static str) {
    let files: Vec<PathBuf> = stored::files(store)
        .into_iter()
        .filter_map(|(path, bytes)| bytes.map(|_| path))
        .collect();
    // The log holds the data: half of the cases are its.
    let file = if dice.below(2) == 0 {
        store.join("db")
    } else {
        files[usize::try_from(dice.below(files.len() as u64)).unwrap()].clone()
    };
    let mut bytes = fs::read(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let name = if name.starts_with("snap.") {
        "snap"
    } else {
        name
    }
    .to_owned();
    // The log ends in zeros that mean nothing; damage is done to what means something.
    let used = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    if used == 0 {
        return (name, "nothing");
    }
    let at = usize::try_from(dice.below(used as u64)).unwrap();
    let kind = match dice.below(6) {
        0 | 1 => {
            bytes[at] ^= 1 << dice.below(8);
            "a flipped bit"
        }
        2 => {
            bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(dice.below(255)).unwrap());
            "a changed byte"
        }
        3 => {
            let end = used.min(at + 4096);
            bytes[at..end].fill(0);
            "a zeroed page"
        }
        4 => {
            bytes.truncate(at);
            "a cut end"
        }
        _ => {
            fs::remove_file(&file).unwrap();
            return (name, "a lost file");
        }
    };
    fs::write(&file, bytes).unwrap();
    (name, kind)
}

/// Opens and repairs in a process with 2 GiB of memory and a minute of time; what it says.
fn open_apart(data: &Path, runs: u64, what: &str) -> Vec<String> {
    let this = std::env::current_exe().unwrap();
    let script = "ulimit -v 2097152 && exec timeout --signal=KILL 60 \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(this)
        .args(["--exact", "child", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, format!("{runs} {}", data.display()))
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what}: {:?} {said} {errors}",
        output.status
    );
    let lines = said.lines().filter_map(|line| line.strip_prefix("> "));
    lines.map(str::to_owned).collect()
}

#[test]
fn damaged_bytes_are_noticed() {
    let cases: usize = match std::env::var("COURSECAT_DAMAGES") {
        Ok(cases) => cases.parse().expect("COURSECAT_DAMAGES is a number"),
        Err(_) => 40,
    };
    let mut dice = Dice::seeded();
    let shapes = shapes();
    // Of each outcome, how many runs of a hundred there are in each case.
    let mut outcomes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (case, (shape, whole)) in (0..cases).zip(shapes.iter().cycle()) {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(whole.path(), folder.path());
        let (file, kind) = damage(&folder.path().join("store"), &mut dice);
        let what = format!("{shape}: {kind} in {file}");
        let runs = if *shape == "large" { MANY } else { RUNS };
        let said = open_apart(folder.path(), runs, &format!("case {case}, {what}"));
        let outcome = said.join(", then ");
        // Without a closing since, damage to the end of the log looks like a power cut.
        let fine = match &said[..] {
            [opened] => opened == "all" || (*shape == "killed" && opened == "the beginning"),
            [refused, _] => refused == "refused" || refused == "failed",
            _ => false,
        };
        assert!(fine, "case {case}, {what}: {outcome}");
        let (outcome, share) = outcome.split_once(": ").unwrap_or((&outcome, "100"));
        let outcome = outcomes.entry(format!("{what}: {outcome}")).or_default();
        outcome.push(share.parse().unwrap());
    }
    for (outcome, mut shares) in outcomes {
        shares.sort_unstable();
        let (times, least, middle) = (shares.len(), shares[0], shares[shares.len() / 2]);
        let share = match outcome.ends_with("a part") {
            true => format!(" of the runs: {middle} %, at least {least} %"),
            false => String::new(),
        };
        println!("{times:5}  {outcome}{share}");
    }
}

/// What a crash of sled's own may leave beside its files is put right without a person.
#[test]
fn what_sled_can_make_again_is_made_again() {
    let whole = closed(RUNS, BEFORE + AFTER);
    type Spoil = fn(&Path);
    let flip: Spoil = |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        fs::write(path, bytes).unwrap();
    };
    let cut: Spoil = |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let lose: Spoil = |path| fs::remove_file(path).unwrap();
    let empty: Spoil = |path| fs::write(path, "").unwrap();
    let leave_half: Spoil = |path| {
        let mut name = path.to_str().unwrap().to_owned();
        name.push_str(".generating");
        fs::write(name, b"half of a snapsh").unwrap();
    };
    // A number that another program could have given it, but for its checksum.
    let misread: Spoil = |path| {
        let mut bytes = fs::read(path).unwrap();
        let digit = bytes.iter().position(u8::is_ascii_digit).unwrap();
        bytes[digit] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    for (file, damage, spoil) in [
        ("snap.", "flipped", flip),
        ("snap.", "cut", cut),
        ("snap.", "empty", empty),
        ("snap.", "lost", lose),
        ("snap.", "another unfinished", leave_half),
        ("conf", "flipped", flip),
        ("conf", "cut", cut),
        ("conf", "empty", empty),
        ("conf", "lost", lose),
        ("conf", "misread", misread),
    ] {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(whole.path(), folder.path());
        let names = fs::read_dir(folder.path().join("store")).unwrap();
        let found = names.map(|entry| entry.unwrap().path()).find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(file)
        });
        spoil(&found.expect("the file"));
        for _ in 0..2 {
            let catalog = Catalog::open(folder.path())
                .unwrap_or_else(|error| panic!("{file} {damage}: {error}"));
            assert_eq!(told(&catalog.snapshot(), RUNS), "all", "{file} {damage}");
        }
        assert!(verify(folder.path()).unwrap().is_clean());
    }
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// How many bytes of the log are used, to the end of the segment that was begun last.
fn used(log: &Path) -> usize {
    let bytes = fs::read(log).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).unwrap()
}

/// sled, when it met damage before the end that its snapshot knows of, first filled the log with
/// zeros from there on, and then refused to open it. So one flipped bit and one attempt to open took
/// half of a catalog, and what a repair brought back was what the log had held before that bit.
#[test]
fn looking_at_a_damaged_log_leaves_it_as_it_is() {
    let whole = closed(RUNS, BEFORE + AFTER);
    for place in [0, 24, 200_000, 400_000] {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(whole.path(), folder.path());
        let log = folder.path().join("store/db");
        assert!(used(&log) > place);
        flip(&log, place);
        let damaged = fs::read(&log).unwrap();
        for _ in 0..2 {
            let error = Catalog::open(folder.path()).unwrap_err();
            assert_eq!(error.code(), "corrupt", "{error}");
            assert!(
                error
                    .to_string()
                    .contains("store/db is unreadable from byte")
            );
            assert_eq!(verify(folder.path()).unwrap_err().code(), "corrupt");
        }
        assert!(fs::read(&log).unwrap() == damaged, "byte {place}");
        repair(folder.path()).unwrap();
        let runs = Catalog::open(folder.path()).unwrap().stats().course_runs;
        assert!(runs * 100 >= RUNS * 85, "byte {place}: {runs} runs");
    }
}

/// A store with runs that can be told apart in its log.
fn titled(runs: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    let create = |n: u64| {
        let key = format!("course-v1:Many+C{}+{n}", n / 20);
        catalog.submit(CreateModulestoreRun::new(key).title(title(n)))
    };
    let pending: Vec<_> = (0..runs).map(create).collect();
    for answer in pending {
        answer.wait().unwrap();
    }
    drop(catalog);
    folder
}

/// Damages every copy of a run's title that the log holds, and so the page that the run is in.
fn spoil_run(folder: &Path, number: u64) {
    let file = folder.join("store/db");
    let mut log = fs::read(&file).unwrap();
    let title = title(number);
    let places = (0..log.len() - title.len()).filter(|at| log[*at..].starts_with(title.as_bytes()));
    let places: Vec<_> = places.collect();
    assert!(!places.is_empty(), "{title}");
    places.into_iter().for_each(|at| log[at] ^= 0x10);
    fs::write(file, log).unwrap();
}

fn title(number: u64) -> String {
    format!("Run {number} of many")
}

/// A damaged page in a part of the log that sled does not read when it opens could be read around,
/// but a repair gave up; and one in the part that it does read cost all that was written later. If the
/// last page of a tree was damaged and another one, too, all between them was lost: keys are small
/// numbers, and looking for one between the last that could be read and the largest that there can be
/// never came to where they are.
#[test]
fn a_repair_reads_around_damaged_pages() {
    let whole = titled(MANY);
    let log = fs::metadata(whole.path().join("store/db")).unwrap().len();
    assert!(log >= 4 << 20, "one segment proves little");
    let last = MANY - 1;
    let spread: Vec<u64> = (0..=8).map(|n| n * last / 8).collect();
    for spoiled in [
        vec![0],
        vec![last],
        vec![MANY / 3, last],
        vec![0, last],
        vec![0, MANY / 3, MANY / 3 + 20, MANY / 3 + 500],
        spread,
    ] {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(whole.path(), folder.path());
        for number in &spoiled {
            spoil_run(folder.path(), *number);
        }
        assert_eq!(Catalog::open(folder.path()).unwrap_err().code(), "corrupt");
        let report = repair(folder.path()).unwrap();
        let runs = report.stats.course_runs;
        println!("runs {spoiled:?} damaged: {runs} runs of {MANY}");
        // sled splits a page at its 17th row.
        let most = 17 * spoiled.len() as u64;
        assert!(runs + most >= MANY, "{spoiled:?}: {runs} runs");
        assert!(verify(folder.path()).unwrap().is_clean());
        let catalog = Catalog::open(folder.path()).unwrap();
        assert_eq!(catalog.stats(), report.stats);
    }
}

/// A repair of files filled its new store in batches, which made it almost twice as large as compacting
/// does: 23 MB of 13.
#[test]
fn a_repaired_store_is_no_larger_than_a_compacted_one() {
    let folder = titled(4 * MANY);
    spoil_run(folder.path(), MANY / 2);
    repair(folder.path()).unwrap();
    let report = compact(folder.path()).unwrap();
    println!("{report}");
    // sled gives a segment back sooner or later.
    assert!(
        report.bytes_before <= report.bytes_after + (4 << 20),
        "{report}"
    );
}

/// Where nothing can be read, the store stays as it is, for somebody who may know more.
#[test]
fn a_repair_that_finds_nothing_changes_nothing() {
    let folder = closed(RUNS, BEFORE);
    let log = folder.path().join("store/db");
    let noise: Vec<u8> = (0..fs::metadata(&log).unwrap().len())
        .map(|n| (n * 7) as u8)
        .collect();
    fs::write(&log, &noise).unwrap();
    let before = stored::files(folder.path());
    assert_eq!(repair(folder.path()).unwrap_err().code(), "corrupt");
    assert!(stored::files(folder.path()) == before);
}
