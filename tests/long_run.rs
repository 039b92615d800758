//! Promise: a catalog that is used for long stays as small and as quick as it was.
//!
//! Mixed load on a catalog whose size does not grow, with a small cache of the store, reopened every
//! twenty seconds. One line for each opening: memory, size of the store, the longest a write and a
//! read took, and beside them the longest that a few bytes of another file took to become durable:
//! who shares its disk with others waits for them, whatever it does. In the test suite it runs for a few seconds; for an hour:
//! `COURSECAT_MINUTES=60 cargo test --release --test long_run -- --nocapture`.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use coursecat::{Catalog, CourseQuery, Order, verify};

/// The binary's. glibc's makes room of its own for each thread of each opening and keeps what is left
/// of it, so that memory would grow with openings.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs that there are at most, of each writer.
const RUNS: u64 = 2_000;
const WRITERS: u64 = 4;
/// What each thread rests between two rounds of its work. Stalls and growth are looked for, not
/// speed: without rests, an hour of this takes a core or two from everybody else.
const REST: Duration = Duration::from_millis(2);
/// The same for what only tells how the disk is.
const DISK_REST: Duration = Duration::from_millis(20);
/// A disk that makes a few bytes wait for so long is busy with something else. A write waits for it
/// several times.
const BUSY_DISK_MS: f64 = 200.0;

fn key(writer: u64, n: u64) -> String {
    format!("course-v1:Org{writer}+C{}+{n}", n % RUNS / 20)
}

/// Resident memory, in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

/// The longest that something took, in microseconds.
#[derive(Default)]
struct Longest(AtomicU64);

impl Longest {
    fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        let took = u64::try_from(start.elapsed().as_micros()).unwrap();
        self.0.fetch_max(took, Ordering::Relaxed);
        done
    }

    fn milliseconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e3
    }
}

#[test]
fn a_long_run() {
    let minutes: Option<u64> = std::env::var("COURSECAT_MINUTES")
        .ok()
        .map(|minutes| minutes.parse().expect("COURSECAT_MINUTES is a number"));
    let (total, period) = match minutes {
        Some(minutes) => (Duration::from_secs(60 * minutes), Duration::from_secs(20)),
        None => (Duration::from_secs(3), Duration::from_secs(1)),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut beside = tempfile::tempfile().unwrap();
    let mut next = [0; WRITERS as usize];
    let mut history = Vec::new();
    let start = Instant::now();
    while start.elapsed() < total {
        let open = || {
            Catalog::options()
                .store_cache_bytes(256 << 10)
                .open(folder.path())
        };
        let opening = Longest::default();
        let catalog = opening.time(open).unwrap();
        let (writes, reads, disk) = <(Longest, Longest, Longest)>::default();
        let count = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let goes_on = || !stop.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..)
                .zip(next)
                .map(|(writer, mut n)| {
                    let (catalog, writes, goes_on, count) = (&catalog, &writes, &goes_on, &count);
                    scope.spawn(move || {
                        while goes_on() {
                            writes.time(|| write(catalog, writer, n));
                            count.fetch_add(1, Ordering::Relaxed);
                            n += 1;
                            std::thread::park_timeout(REST);
                        }
                        n
                    })
                })
                .collect();
            scope.spawn(|| {
                let query = CourseQuery::new().order(Order::Newest).limit(50);
                while goes_on() {
                    reads.time(|| catalog.list_catalog_courses(&query).unwrap());
                    reads.time(|| catalog.get_course_run(key(0, 7)).ok());
                    std::thread::park_timeout(REST);
                }
            });
            scope.spawn(|| {
                while goes_on() {
                    disk.time(|| {
                        beside.write_all(&[7; 100]).unwrap();
                        beside.sync_data().unwrap();
                    });
                    std::thread::park_timeout(DISK_REST);
                }
            });
            let began = Instant::now();
            while began.elapsed() < period {
                std::thread::park_timeout(period - began.elapsed().min(period));
            }
            stop.store(true, Ordering::Relaxed);
            for (next, thread) in next.iter_mut().zip(threads) {
                *next = thread.join().unwrap();
            }
        });
        let (memory, size) = (memory(), catalog.size_on_disk().unwrap());
        println!(
            "{:5.0} s: {:3} MiB of memory, {:4} MiB on disk, {:6} runs, {:6} writes, longest write {:.1} ms, read {:.1} ms, the disk itself {:.1} ms, opening {:.0} ms",
            start.elapsed().as_secs_f64(),
            memory >> 20,
            size >> 20,
            catalog.stats().course_runs,
            count.into_inner(),
            writes.milliseconds(),
            reads.milliseconds(),
            disk.milliseconds(),
            opening.milliseconds(),
        );
        let mut longest = reads.milliseconds();
        if disk.milliseconds() < BUSY_DISK_MS {
            longest = longest.max(writes.milliseconds());
        }
        history.push((memory, size, longest));
        drop(catalog);
    }
    assert!(verify(folder.path()).unwrap().is_clean());
    if minutes.is_some() {
        let (early, late) = (history[history.len() / 2], history[history.len() - 1]);
        assert!(
            late.0 < early.0 * 3 / 2 + (16 << 20),
            "memory grows: {early:?} {late:?}"
        );
        assert!(
            late.1 < early.1 * 3 / 2,
            "the store grows: {early:?} {late:?}"
        );
        let longest = history.iter().map(|(_, _, took)| *took).fold(0.0, f64::max);
        assert!(longest < 1000.0, "something took {longest} ms");
    }
}

/// One write: mostly a new run in the place of the oldest, sometimes a new title.
fn write(catalog: &Catalog, writer: u64, n: u64) {
    let run = n / 3;
    match n % 3 {
        0 => drop(
            catalog
                .create_course_run_for_modulestore_course_with(key(writer, run), "A title", "en")
                .unwrap(),
        ),
        1 => drop(
            catalog
                .sync_course_run_details(key(writer, run), &format!("Title {run}"))
                .unwrap(),
        ),
        _ if run >= RUNS => catalog.delete_course_run(key(writer, run - RUNS)).unwrap(),
        _ => {}
    }
}
