//! Promise: damage to the bytes of a store's files is noticed. A catalog opens with all of its
//! records, or says that it is corrupt and what to do; never does it panic, abort, hang, take all
//! memory, or answer wrongly.
//!
//! Each case damages one file of a copy of a store in one way, at a place chosen at random, and
//! opens it in a process of its own, with a limit of memory and time; then it repairs it.
//!
//! The long form: `COURSECAT_DAMAGES=5000 cargo test --release --test bytes -- --nocapture`. It prints
//! how each kind of damage ends. A failure prints its seed; `COURSECAT_SEED` sets it.
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

use coursecat::{Catalog, CreateModulestoreRun, Error, Snapshot, repair, verify};
use deeds::{Content, carry_out, follow, found};
use dice::Dice;

const CHILD: &str = "COURSECAT_BYTES_CHILD";
/// Deeds before the last opening, and after it.
const BEFORE: u64 = 60;
const AFTER: u64 = 20;
/// Runs beside the deeds, which make the store large enough for a snapshot of sled's.
const RUNS: u64 = 1_500;

/// The process that opens a damaged store, and repairs it.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let data = Path::new(&folder);
    let say = |text: &str| println!("\n> {text}");
    let error = match Catalog::options().create_if_missing(false).open(data) {
        Ok(catalog) => return say(&told(&catalog.snapshot())),
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
        Ok(_) => {
            let report = verify(data).unwrap();
            assert!(report.is_clean(), "{report}");
            say(&told(&Catalog::open(data).unwrap().snapshot()));
        }
    }
}

/// How much of what there was a catalog shows: all, the beginning of it, or a part.
fn told(snapshot: &Snapshot) -> String {
    let found = found(snapshot, 0);
    let runs = snapshot.stats().course_runs;
    let mut content = Content::new();
    let mut deeds = None;
    for n in 0..=BEFORE + AFTER {
        if content == found {
            deeds = Some(n);
        }
        follow(&mut content, 0, n);
    }
    match deeds {
        Some(n) if n == BEFORE + AFTER && runs >= RUNS => "all".to_owned(),
        Some(n) if n >= BEFORE && runs >= RUNS => "the beginning".to_owned(),
        Some(_) if runs < RUNS => format!("a part: {runs} runs"),
        Some(n) => format!("a part: {n} deeds"),
        None => format!("a part: {} records of others", found.len()),
    }
}

/// A store that was closed, closed and compacted, or not closed: as a killed process leaves it.
fn shapes() -> BTreeMap<&'static str, tempfile::TempDir> {
    let closed = tempfile::tempdir().unwrap();
    {
        let catalog = Catalog::open(closed.path()).unwrap();
        let create = |n: u64| {
            let key = format!("course-v1:Many+C{}+{n}", n / 20);
            catalog.submit(CreateModulestoreRun::new(key).title("One of many"))
        };
        let pending: Vec<_> = (0..RUNS).map(create).collect();
        for answer in pending {
            answer.wait().unwrap();
        }
        for n in 0..BEFORE {
            carry_out(&catalog, 0, n).unwrap();
        }
    }
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
    ])
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
fn open_apart(data: &Path, what: &str) -> Vec<String> {
    let this = std::env::current_exe().unwrap();
    let script = "ulimit -v 2097152 && exec timeout --signal=KILL 60 \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(this)
        .args(["--exact", "child", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, data)
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
        Err(_) => 60,
    };
    let mut dice = Dice::seeded();
    let shapes = shapes();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for (case, (shape, whole)) in (0..cases).zip(shapes.iter().cycle()) {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(whole.path(), folder.path());
        let (file, kind) = damage(&folder.path().join("store"), &mut dice);
        let what = format!("{shape}: {kind} in {file}");
        let said = open_apart(folder.path(), &format!("case {case}, {what}"));
        let outcome = said.join(", then ");
        // Without a closing since, damage to the end of the log looks like a power cut.
        let fine = match &said[..] {
            [opened] => opened == "all" || (*shape == "killed" && opened == "the beginning"),
            [refused, _] => refused == "refused" || refused == "failed",
            _ => false,
        };
        assert!(fine, "case {case}, {what}: {outcome}");
        let part = outcome.split(": ").next().unwrap_or_default();
        *outcomes.entry(format!("{what}: {part}")).or_default() += 1;
    }
    for (outcome, times) in outcomes {
        println!("{times:5}  {outcome}");
    }
}

/// What a crash of sled's own may leave beside its files is put right without a person.
#[test]
fn what_sled_can_make_again_is_made_again() {
    let whole = &shapes()["closed"];
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
            assert_eq!(told(&catalog.snapshot()), "all", "{file} {damage}");
        }
        assert!(verify(folder.path()).unwrap().is_clean());
    }
}
