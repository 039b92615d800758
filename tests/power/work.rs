//! The process that is recorded: what it does to a catalog, and what it says of it in marks.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use coursecat::transfer::{BackupOptions, Unwatched, backup, restore};
use coursecat::{Catalog, CreateModulestoreRun, Options, WriteDurability, compact, repair};

use crate::deeds::{carry_out, org};

/// Threads that wait for each answer.
pub(crate) const PATIENT: u64 = 2;
/// A thread that hands over many requests before it waits.
pub(crate) const BURST_THREAD: u64 = PATIENT;

/// What is done, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    /// Opening twice, with writes each time; deeds of each patient thread, runs of the other.
    Write {
        deeds: u64,
        runs: u64,
    },
    /// One thread's deeds that are answered before they are durable, and a sync now and then.
    Lazy {
        deeds: u64,
    },
    /// The process ends in the midst of such deeds, with nothing synced, and another opens what is there.
    Ended {
        deeds: u64,
    },
    Reopened,
    Compact,
    Repair,
    Backup,
    Restore,
}

pub(crate) fn catalog(place: &Path) -> PathBuf {
    place.join("data")
}

pub(crate) fn backup_file(place: &Path) -> PathBuf {
    place.join("monday.zst")
}

pub(crate) fn restored(place: &Path) -> PathBuf {
    place.join("restored")
}

pub(crate) fn burst_key(n: u64) -> String {
    format!("course-v1:{}+C{}+{n}", org(BURST_THREAD), n / 50)
}

pub(crate) struct Marks(Mutex<File>);

impl Marks {
    pub(crate) fn new(path: &Path) -> Self {
        Self(Mutex::new(File::create(path).unwrap()))
    }

    fn say(&self, mark: &str) {
        let mut file = self.0.lock().unwrap();
        file.write_all(mark.as_bytes()).unwrap();
    }
}

/// A small cache makes a small journal, which is carried to the trees again and again.
fn options() -> Options {
    Catalog::options().store_cache_bytes(64 << 10)
}

pub(crate) fn carry_out_work(work: Work, place: &Path, begin: [u64; 3], marks: &Marks) {
    let data = catalog(place);
    match work {
        Work::Write { deeds, runs } => {
            let mut begin = begin;
            for _ in 0..2 {
                write(&options().open(&data).unwrap(), begin, deeds, runs, marks);
                begin = [begin[0] + deeds, begin[1] + deeds, begin[2] + runs];
            }
        }
        Work::Lazy { deeds } => {
            let never = Duration::from_secs(3600);
            let options = options().durability(WriteDurability::Every(never));
            let catalog = options.open(&data).unwrap();
            for n in begin[0]..begin[0] + deeds {
                carry_out(&catalog, 0, n).unwrap();
                marks.say("0");
                if n % 20 == 19 {
                    catalog.sync().unwrap();
                    marks.say("synced");
                }
            }
        }
        Work::Ended { deeds } => {
            let never = Duration::from_secs(3600);
            let options = Catalog::options().durability(WriteDurability::Every(never));
            let catalog = options.open(&data).unwrap();
            for n in 0..deeds {
                carry_out(&catalog, 0, n).unwrap();
            }
            // Without closing anything.
            std::process::exit(0);
        }
        Work::Reopened => drop(options().open(&data).unwrap()),
        Work::Compact => drop(compact(&data).unwrap()),
        Work::Repair => drop(repair(&data).unwrap()),
        Work::Backup => {
            let snapshot = Catalog::open(&data).unwrap().snapshot();
            backup(&snapshot, backup_file(place), &BackupOptions::new()).unwrap();
        }
        Work::Restore => {
            restore(backup_file(place), restored(place), &mut Unwatched).unwrap();
        }
    }
    marks.say("done");
}

fn write(catalog: &Catalog, begin: [u64; 3], deeds: u64, runs: u64, marks: &Marks) {
    std::thread::scope(|scope| {
        for thread in 0..PATIENT {
            let from = begin[usize::try_from(thread).unwrap()];
            scope.spawn(move || {
                for n in from..from + deeds {
                    carry_out(catalog, thread, n).unwrap();
                    marks.say(&thread.to_string());
                }
            });
        }
        let create = |n| CreateModulestoreRun::new(burst_key(n)).title("burst");
        let pending: Vec<_> = (begin[2]..begin[2] + runs)
            .map(|n| catalog.submit(create(n)))
            .collect();
        for answer in pending {
            answer.wait().unwrap();
            marks.say(&BURST_THREAD.to_string());
        }
    });
}
