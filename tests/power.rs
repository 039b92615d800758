//! Promise: what was acknowledged survives a power cut, at whatever moment it comes.
//!
//! A process is recorded (`power/recorder.c`, preloaded): every write, sync, rename and removal below
//! a folder, and between them the answers that it got. From the record, the disk is rebuilt as a cut
//! at some moment could leave it: what was not synced is lost, or there, or there in part (see
//! `power/disk.rs`). The catalog on it must open, hold all that was answered before the moment, and
//! be clean.
//!
//! The long form: `COURSECAT_CUTS=1000 cargo test --release --test power -- --nocapture`. A failure
//! prints its seed; `COURSECAT_SEED` sets it, though threads take other turns each time.
#![cfg(all(target_os = "linux", feature = "transfer"))]

#[path = "support/deeds.rs"]
mod deeds;
#[path = "support/dice.rs"]
mod dice;
#[path = "power/disk.rs"]
mod disk;
#[path = "support/stored.rs"]
mod stored;
#[path = "power/trace.rs"]
mod trace;
#[path = "power/work.rs"]
mod work;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use coursecat::transfer::{BackupOptions, Filter, Format, backup, export, inspect_backup};
use coursecat::{Catalog, Snapshot, verify};
use deeds::{Content, follow, found};
use dice::Dice;
use disk::{Cut, Disk};
use trace::{Kind, Record};
use work::{
    BURST_THREAD, Marks, PATIENT, Work, backup_file, burst_key, carry_out_work, catalog, restored,
};

const CHILD: &str = "COURSECAT_POWER_CHILD";

/// The deeds of a process that ends in their midst.
const ENDED_DEEDS: u64 = 2_000;

const WORKS: [(&str, Work); 9] = [
    (
        "few",
        Work::Write {
            deeds: 14,
            runs: 40,
        },
    ),
    (
        "steady",
        Work::Write {
            deeds: 150,
            runs: 400,
        },
    ),
    (
        "much",
        Work::Write {
            deeds: 20,
            runs: 4_000,
        },
    ),
    ("lazy", Work::Lazy { deeds: 300 }),
    ("ended", Work::Ended { deeds: ENDED_DEEDS }),
    ("compact", Work::Compact),
    ("repair", Work::Repair),
    ("rebuild", Work::Repair),
    ("backup", Work::Backup),
];

fn work_named(name: &str) -> Work {
    match name {
        "restore" => return Work::Restore,
        "reopened" => return Work::Reopened,
        _ => {}
    }
    WORKS.iter().find(|(other, _)| *other == name).unwrap().1
}

/// The process that is recorded.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let arguments: Vec<_> = arguments.split(' ').collect();
    let [name, place, a, b, c] = arguments[..] else {
        panic!("{arguments:?}");
    };
    let begin = [a, b, c].map(|n| n.parse().unwrap());
    let marks = Marks::new(Path::new(&std::env::var("COURSECAT_MARKS").unwrap()));
    carry_out_work(work_named(name), Path::new(place), begin, &marks);
}

/// The recorder, built once.
fn recorder() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recorder.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/recorder.c");
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

/// A process's work, recorded.
struct Recording {
    name: &'static str,
    work: Work,
    begin: [u64; 3],
    /// The disk before it began.
    before: tempfile::TempDir,
    records: Vec<Record>,
}

impl Recording {
    /// Does a work on a place as `before` is.
    fn new(name: &'static str, before: tempfile::TempDir, begin: [u64; 3], forget: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join("place");
        stored::copy(before.path(), &place);
        let place = place.canonicalize().unwrap();
        let [a, b, c] = begin;
        let processes = if name == "ended" {
            &["ended", "reopened"][..]
        } else {
            &[name]
        };
        for name in processes {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child", "--ignored", "--nocapture", "--quiet"])
                .env(CHILD, format!("{name} {} {a} {b} {c}", place.display()))
                .env("LD_PRELOAD", recorder())
                .env("COURSECAT_WATCH", &place)
                .env("COURSECAT_MARKS", scratch.path().join("marks"))
                .env("COURSECAT_TRACE", scratch.path().join("trace"))
                .env("COURSECAT_FORGET", forget)
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{errors}");
        }
        Self {
            name,
            work: work_named(name),
            begin,
            before,
            records: trace::read(&scratch.path().join("trace"), &place),
        }
    }

    /// Cuts the power at so many moments, and looks at each disk. Tells how many have lost
    /// something that was acknowledged, and one of them.
    fn cut(&self, cuts: usize, dice: &mut Dice) -> Losses {
        let mut moments: Vec<_> = (0..cuts).map(|_| self.moment(dice)).collect();
        moments.sort_unstable();
        let mut disk = Disk::of(self.before.path());
        let mut said = Said::default();
        let mut losses = Losses::default();
        let mut next = 0;
        for moment in moments {
            for record in &self.records[next..moment] {
                disk.apply(record);
                said.hear(record);
            }
            next = moment;
            let cut = Cut::any(dice);
            let folder = tempfile::tempdir().unwrap();
            disk.after(cut, dice, folder.path());
            let looked = std::panic::catch_unwind(|| self.check(folder.path(), &said));
            losses.checked += said.answers();
            match looked {
                Ok(()) => losses.whole += 1,
                Err(_) => {
                    losses.lost += 1;
                    let total = self.records.len();
                    losses.last = format!("{}, call {moment} of {total}, {cut:?}", self.name);
                }
            }
        }
        losses
    }

    /// A moment: any, or right after an answer or a rename.
    fn moment(&self, dice: &mut Dice) -> usize {
        if let Work::Ended { .. } = self.work {
            // It is about what the next process does first: the last few calls.
            let few = dice.below(50.min(self.records.len() as u64));
            return self.records.len() - usize::try_from(few).unwrap();
        }
        let any = usize::try_from(dice.below(self.records.len() as u64 + 1)).unwrap();
        if dice.below(3) == 0 {
            return any;
        }
        let telling = |record: &Record| matches!(record.kind, Kind::Mark | Kind::Rename);
        let later = self.records[any..].iter().position(telling);
        later.map_or(self.records.len(), |n| any + n + 1)
    }

    /// Panics if something is not as it must be.
    fn check(&self, place: &Path, said: &Said) {
        match self.work {
            Work::Write { .. } => {
                let opened = Catalog::open(catalog(place)).unwrap();
                let snapshot = opened.snapshot();
                for thread in 0..PATIENT {
                    check_thread(&snapshot, thread, self.answered(thread, said), 1);
                }
                check_burst(&snapshot, self.answered(BURST_THREAD, said));
                goes_on(&opened);
            }
            Work::Lazy { .. } => {
                let opened = Catalog::open(catalog(place)).unwrap();
                let least = self.begin[0] + said.synced;
                let more = said.by_thread.get(&0).unwrap_or(&0) - said.synced + 1;
                check_thread(&opened.snapshot(), 0, least, more);
                goes_on(&opened);
            }
            Work::Ended { .. } => {
                let opened = Catalog::options().open(catalog(place)).unwrap();
                check_thread(&opened.snapshot(), 0, 0, ENDED_DEEDS);
                goes_on(&opened);
            }
            Work::Reopened => unreachable!("it is a part of another work"),
            Work::Compact => {
                assert!(content(&catalog(place)) == content(&catalog(self.before.path())))
            }
            Work::Repair => {
                coursecat::repair(catalog(place)).unwrap();
                let runs = Catalog::open(catalog(place)).unwrap().stats().course_runs;
                assert_eq!(runs, history().1);
            }
            Work::Backup => {
                let file = backup_file(place);
                if file.exists() || said.done {
                    assert_eq!(
                        inspect_backup(file).unwrap().counts.course_runs,
                        history().1
                    );
                }
            }
            Work::Restore => {
                let folder = restored(place);
                if folder.exists() || said.done {
                    assert_eq!(
                        Catalog::open(&folder).unwrap().stats().course_runs,
                        history().1
                    );
                    assert!(verify(folder).unwrap().is_clean());
                }
                return;
            }
        }
        let report = verify(catalog(place)).unwrap();
        assert!(report.is_clean(), "{report}");
    }

    /// How many requests of a thread have been answered.
    fn answered(&self, thread: u64, said: &Said) -> u64 {
        self.begin[usize::try_from(thread).unwrap()] + said.by_thread.get(&thread).unwrap_or(&0)
    }
}

/// A thread's records are as some number of its deeds leave them: at least those answered. Tells
/// that number.
fn check_thread(snapshot: &Snapshot, thread: u64, answered: u64, more: u64) -> u64 {
    let found = found(snapshot, thread);
    let mut content = Content::new();
    for n in 0..answered {
        follow(&mut content, thread, n);
    }
    for n in answered..answered + more {
        if content == found {
            return n;
        }
        follow(&mut content, thread, n);
    }
    assert_eq!(
        found,
        content,
        "after {answered} to {} deeds",
        answered + more
    );
    answered + more
}

/// The other thread's runs are there in their order, at least those answered. Tells how many.
fn check_burst(snapshot: &Snapshot, answered: u64) -> u64 {
    let org = deeds::org(BURST_THREAD);
    let runs = snapshot.course_runs();
    let stored = runs.filter(|run| run.course_key.org() == org).count() as u64;
    assert!(stored >= answered, "{stored} of {answered} answered runs");
    for n in 0..stored {
        snapshot.get_course_run(burst_key(n)).unwrap();
    }
    stored
}

/// The catalog can be written to.
fn goes_on(catalog: &Catalog) {
    let key = "course-v1:After+The+cut";
    catalog
        .create_course_run_for_modulestore_course_with(key, "", "")
        .unwrap();
}

fn content(data: &Path) -> String {
    let catalog = Catalog::open(data).unwrap();
    let mut lines = Vec::new();
    export(
        &catalog.snapshot(),
        Format::Lines,
        &Filter::new(),
        &mut lines,
    )
    .unwrap();
    String::from_utf8(lines).unwrap()
}

/// What the process has said before a moment.
#[derive(Default)]
struct Said {
    by_thread: BTreeMap<u64, u64>,
    /// How many deeds of the first thread had been done at the last sync.
    synced: u64,
    done: bool,
}

impl Said {
    fn hear(&mut self, record: &Record) {
        if record.kind != Kind::Mark {
            return;
        }
        match std::str::from_utf8(&record.data).unwrap() {
            "done" => self.done = true,
            "synced" => self.synced = self.by_thread[&0],
            thread => *self.by_thread.entry(thread.parse().unwrap()).or_default() += 1,
        }
    }

    fn answers(&self) -> u64 {
        self.by_thread.values().sum()
    }
}

#[derive(Debug, Default)]
struct Losses {
    whole: usize,
    lost: usize,
    /// Answers looked for, over all disks.
    checked: u64,
    last: String,
}

/// A place with a catalog that has some history, and how many runs it holds.
fn history() -> &'static (tempfile::TempDir, u64) {
    static MADE: OnceLock<(tempfile::TempDir, u64)> = OnceLock::new();
    MADE.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let marks = Marks::new(&place.path().join("marks"));
        let work = Work::Write {
            deeds: 40,
            runs: 400,
        };
        carry_out_work(work, place.path(), [0; 3], &marks);
        fs::remove_file(place.path().join("marks")).unwrap();
        let catalog = Catalog::open(catalog(place.path())).unwrap();
        let runs = catalog.stats().course_runs;
        (place, runs)
    })
}

/// The disk on which a work begins.
fn before(work: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    match work {
        "few" | "steady" | "much" | "lazy" | "ended" => return place,
        _ => stored::copy(history().0.path(), place.path()),
    }
    if work == "repair" {
        let store = stored::Store::open(&catalog(place.path()));
        store.remove("meta", b"ledger");
    }
    if work == "rebuild" {
        // Of the first message of the log, which nothing needs any more.
        let log = catalog(place.path()).join("store/db");
        let mut bytes = fs::read(&log).unwrap();
        bytes[24] ^= 1;
        fs::write(&log, bytes).unwrap();
    }
    if work == "restore" {
        let catalog = Catalog::open(catalog(place.path())).unwrap();
        let file = backup_file(place.path());
        backup(&catalog.snapshot(), file, &BackupOptions::new()).unwrap();
    }
    place
}

fn cuts() -> usize {
    match std::env::var("COURSECAT_CUTS") {
        Ok(cuts) => cuts.parse().expect("COURSECAT_CUTS is a number"),
        Err(_) => 36,
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let mut dice = Dice::seeded();
    let names: Vec<_> = WORKS
        .iter()
        .map(|(name, _)| *name)
        .chain(["restore"])
        .collect();
    let each = cuts().div_ceil(names.len() + 1);
    for name in names {
        let losses = Recording::new(name, before(name), [0; 3], "").cut(each, &mut dice);
        println!("{name}: {losses:?}");
        assert_eq!(losses.lost, 0, "{}", losses.last);
    }
    // A disk that a cut has left, written to again and cut again.
    let first = Recording::new("steady", before("steady"), [0; 3], "");
    let mut disk = Disk::of(first.before.path());
    let mut said = Said::default();
    let middle = first.records.len() * 2 / 3;
    for record in &first.records[..middle] {
        disk.apply(record);
        said.hear(record);
    }
    let place = tempfile::tempdir().unwrap();
    disk.after(Cut::Nothing, &mut dice, place.path());
    let opened = Catalog::open(catalog(place.path())).unwrap();
    let snapshot = opened.snapshot();
    let answered = |thread| said.by_thread.get(&thread).copied().unwrap_or(0);
    let begin = [
        check_thread(&snapshot, 0, answered(0), 1),
        check_thread(&snapshot, 1, answered(1), 1),
        check_burst(&snapshot, answered(BURST_THREAD)),
    ];
    drop((opened, snapshot));
    let losses = Recording::new("few", place, begin, "").cut(each, &mut dice);
    println!("after a cut: {losses:?}");
    assert_eq!(losses.lost, 0, "{}", losses.last);
}

/// The test above would be worth nothing if it found no loss where there is one.
#[test]
fn without_its_syncs_the_store_loses_what_was_acknowledged() {
    let mut dice = Dice::seeded();
    std::panic::set_hook(Box::new(|_| {}));
    for (name, forget) in [("steady", "fdatasync"), ("few", "folders")] {
        let recording = Recording::new(name, before(name), [0; 3], forget);
        // A loss in every third disk or so; a few tries make it certain.
        let mut tries = (0..20).map(|_| recording.cut(12, &mut dice));
        let found = tries.find(|losses| losses.lost > 0);
        println!("without {forget}: {found:?}");
        assert!(found.is_some(), "nothing is lost without {forget}");
    }
}
