//! Taking one sample: an operation, done by one peer for a while, timed.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::data::{Data, Questions};
use crate::group;
use crate::operation::Course::{Existing, New};
use crate::operation::Kind;
use crate::peer::{Creates, Listings as _, Lookups, Peer};
use crate::record::{Course, Deletion, NewRun};

/// What a sample found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// Nanoseconds for one operation (all callers together), or bytes for one run.
    pub(crate) value: f64,
    /// How long single calls took, in nanoseconds, where they were timed one by one.
    pub(crate) latencies: Vec<u32>,
}

impl Sample {
    pub(crate) fn of(value: f64) -> Self {
        Self {
            value,
            latencies: Vec::new(),
        }
    }

    /// The mean of calls that were made one after the other.
    fn mean_of(latencies: Vec<u32>) -> Self {
        let sum: u64 = latencies.iter().map(|nanos| u64::from(*nanos)).sum();
        Self {
            value: sum as f64 / latencies.len() as f64,
            latencies,
        }
    }

    /// Their median: what most calls take, whatever a few do.
    fn median_of(latencies: Vec<u32>) -> Self {
        let mut sorted = latencies.clone();
        sorted.sort_unstable();
        Self {
            value: f64::from(sorted[sorted.len() / 2]),
            latencies,
        }
    }
}

/// How a commit is made for many callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As the peer is usually run: each caller commits.
    Each,
    /// By a [group] commit of the application's.
    Grouped,
}

/// What all samples of a catalog of one size share.
pub(crate) struct Bench {
    pub(crate) data: Data,
    pub(crate) questions: Questions,
    /// About how long a sample is to take.
    pub(crate) time: Duration,
    /// How many operations it has at most.
    pub(crate) ops: usize,
    /// No two new records share a number.
    pub(crate) nonce: AtomicUsize,
}

impl Bench {
    fn numbers(&self, count: usize) -> std::ops::Range<usize> {
        let first = self.nonce.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }

    /// How many writes a sample has at most: enough to time, and few beside what is there.
    fn writes(&self) -> usize {
        (self.data.runs / 50).clamp(64, 4_000).min(self.ops)
    }
}

/// Does an operation again and again, each time with another number.
fn repeat<T>(bench: &Bench, mut operation: impl FnMut(usize) -> T) -> Sample {
    let mut numbers = bench.numbers(2 * bench.ops);
    // Other peers have had the caches: a quarter of the time is for warming up, and for seeing how
    // many operations there is time for.
    let start = Instant::now();
    let mut warm = 0;
    while warm < bench.ops && (warm < 8 || start.elapsed() < bench.time / 4) {
        for n in numbers.by_ref().take(8) {
            black_box(operation(n));
        }
        warm += 8;
    }
    let each = start.elapsed().as_secs_f64() / warm as f64;
    let ops = ((bench.time.as_secs_f64() / each) as usize).clamp(8, bench.ops);
    let start = Instant::now();
    for n in numbers.take(ops) {
        black_box(operation(n));
    }
    Sample::of(start.elapsed().as_nanos() as f64 / ops as f64)
}

/// The same, at most so many times, with each call timed.
fn time_calls<T>(bench: &Bench, most: usize, mut operation: impl FnMut(usize) -> T) -> Vec<u32> {
    let mut latencies = Vec::with_capacity(most);
    let start = Instant::now();
    for n in bench.numbers(most) {
        let call = Instant::now();
        black_box(operation(n));
        let done = Instant::now();
        latencies.push(nanos(done - call));
        if done - start > bench.time {
            break;
        }
    }
    latencies
}

fn nanos(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos()).unwrap_or(u32::MAX)
}

/// Lookups of single records. `None` if the operation is none.
pub(crate) fn lookups<R: Lookups>(
    bench: &Bench,
    kind: Kind,
    threads: usize,
    reader: &(impl Fn() -> R + Sync),
) -> Option<Sample> {
    let ask = &bench.questions;
    if kind == Kind::GetRun && threads > 1 {
        return Some(in_threads(bench, threads, reader));
    }
    let mut reader = reader();
    let found = "all questions have answers";
    Some(match kind {
        Kind::GetRun => repeat(bench, |n| reader.run(ask.keys.nth(n)).expect(found)),
        Kind::GetRunParsed => repeat(bench, |n| {
            reader.run_parsed(ask.parsed.nth(n)).expect(found)
        }),
        Kind::GetRuns => repeat(bench, |n| reader.runs(ask.keys.chunk(n, 100))),
        Kind::GetCourse => repeat(bench, |n| {
            reader.course(ask.course_keys.nth(n)).expect(found)
        }),
        Kind::GetCourseByCodes => repeat(bench, |n| {
            let (org, code) = ask.codes.nth(n);
            reader.course_coded(org, code).expect(found)
        }),
        Kind::GetRunEach => Sample::median_of(time_calls(bench, MOST_TIMED, |n| {
            reader.run(ask.keys.nth(n)).expect(found)
        })),

        _ => return None,
    })
}

/// Enough for a p99.9.
const MOST_TIMED: usize = 400_000;

/// Lookups by several threads at once: the time for one, all together.
fn in_threads<R: Lookups>(
    bench: &Bench,
    threads: usize,
    reader: &(impl Fn() -> R + Sync),
) -> Sample {
    let begin = Barrier::new(threads);
    let rates: Vec<f64> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = reader();
                    begin.wait();
                    let keys = &bench.questions.keys;
                    1.0 / repeat(bench, |n| reader.run(keys.nth(n)).expect("found")).value
                })
            })
            .collect();
        let rates = workers.into_iter().map(|worker| worker.join());
        rates.map(|rate| rate.expect("no panic")).collect()
    });
    Sample::of(1.0 / rates.iter().sum::<f64>())
}

/// All that a whole catalog can be asked. `None` if the operation is of another kind.
pub(crate) fn catalog<P: Peer>(
    bench: &Bench,
    kind: Kind,
    threads: usize,
    way: Way,
    peer: &P,
) -> Option<Sample> {
    if let Some(sample) = lookups(bench, kind, threads, &|| peer.reader()) {
        return Some(sample);
    }
    if let Some(sample) = creates(bench, kind, threads, way, peer) {
        return Some(sample);
    }
    let ask = &bench.questions;
    Some(match kind {
        Kind::RunsOfCourse => {
            let mut reader = peer.reader();
            repeat(bench, |n| {
                let (org, code) = ask.codes.nth(n);
                reader.runs_of(org, code)
            })
        }
        Kind::PageOfCourses => {
            let mut reader = peer.reader();
            repeat(bench, |n| reader.courses_of(ask.orgs.nth(n), 50))
        }
        Kind::Search => {
            let mut reader = peer.reader();
            repeat(bench, |n| reader.search(ask.searches.nth(n), 20))
        }
        Kind::GetRunBesideWriter => beside_writer(bench, peer),
        Kind::SyncTitle => Sample::mean_of(time_calls(bench, bench.writes(), |n| {
            peer.sync_title(ask.keys.nth(n), &format!("Title {n}"));
        })),
        Kind::DeleteRefused => Sample::mean_of(time_calls(bench, bench.ops, |n| {
            let (org, code) = ask.codes.nth(n);
            assert_eq!(peer.delete_course(org, code), Deletion::Protected);
        })),
        Kind::DeleteCourse => {
            let courses: Vec<_> = bench
                .numbers(MOST_DELETED)
                .map(|n| empty_course(ask.orgs.nth(n), n))
                .collect();
            peer.create_courses(&courses);
            let next = Cell::new(0);
            Sample::mean_of(time_calls(bench, courses.len(), |_| {
                let course = &courses[next.replace(next.get() + 1)];
                let deleted = peer.delete_course(&course.org, &course.code);
                assert_eq!(deleted, Deletion::Done);
            }))
        }
        _ => return None,
    })
}

/// Each was created for it.
const MOST_DELETED: usize = 200;

/// A course without runs.
pub(crate) fn empty_course(org: &str, nonce: usize) -> Course {
    Course {
        org: org.to_owned(),
        code: format!("Empty{nonce}x"),
        title: "Nothing yet".to_owned(),
        language: "en".to_owned(),
        created: 0,
    }
}

/// Lookups while another thread commits one run after the other.
fn beside_writer<P: Peer>(bench: &Bench, peer: &P) -> Sample {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for n in bench.numbers(1) {
                    peer.create(&[bench.data.new_run_of(n, n)]);
                }
            }
        });
        let mut reader = peer.reader();
        let keys = &bench.questions.keys;
        let latencies = time_calls(bench, MOST_TIMED, |n| reader.run(keys.nth(n)));
        stop.store(true, Ordering::Relaxed);
        Sample::median_of(latencies)
    })
}

/// Runs created by a number of callers at once, each waiting for its answer before it goes on.
/// `None` if the operation is none.
pub(crate) fn creates(
    bench: &Bench,
    kind: Kind,
    threads: usize,
    way: Way,
    peer: &impl Creates,
) -> Option<Sample> {
    let Kind::CreateRun(course, _) = kind else {
        return None;
    };
    let request = |n| match course {
        Existing => bench.data.new_run_of(n, n),
        New => bench.data.run_of_new_course(n),
    };
    let each = bench.writes().div_ceil(threads);
    let requests = |each: usize| -> Vec<Vec<NewRun>> {
        let callers = 0..threads;
        callers
            .map(|_| bench.numbers(each).map(request).collect())
            .collect()
    };
    // Other peers have had the caches, the memory and the disk: a quarter as many are for warming up.
    let (warm, timed) = (requests(each.div_ceil(4)), requests(each));
    Some(match way {
        Way::Each => {
            let create = |new| {
                peer.create(std::slice::from_ref(&new));
            };
            call_at_once(bench, warm, &create);
            call_at_once(bench, timed, &create)
        }
        Way::Grouped => thread::scope(|scope| {
            let (queue, groups) = group::queue();
            scope.spawn(|| groups.commit_to(peer));
            let create = |new| queue.create(new);
            call_at_once(bench, warm, &create);
            let sample = call_at_once(bench, timed, &create);
            // The thread that commits ends with the queue.
            drop(queue);
            sample
        }),
    })
}

/// A thread for each list of requests; all begin at once, and stop when the time is up.
fn call_at_once(
    bench: &Bench,
    requests: Vec<Vec<NewRun>>,
    call: &(impl Fn(NewRun) + Sync),
) -> Sample {
    let begin = Barrier::new(requests.len() + 1);
    let (elapsed, latencies) = thread::scope(|scope| {
        let callers: Vec<_> = requests
            .into_iter()
            .map(|requests| {
                let begin = &begin;
                scope.spawn(move || {
                    let mut latencies = Vec::with_capacity(requests.len());
                    begin.wait();
                    let start = Instant::now();
                    for new in requests {
                        let asked = Instant::now();
                        call(new);
                        latencies.push(nanos(asked.elapsed()));
                        if start.elapsed() > bench.time * 3 {
                            break;
                        }
                    }
                    latencies
                })
            })
            .collect();
        begin.wait();
        let start = Instant::now();
        let mut latencies = Vec::new();
        for caller in callers {
            latencies.extend(caller.join().expect("no panic"));
        }
        (start.elapsed(), latencies)
    });
    Sample {
        value: elapsed.as_nanos() as f64 / latencies.len() as f64,
        latencies,
    }
}
