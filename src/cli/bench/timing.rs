//! Taking the time of operations: again and again for a while, by one caller or many.
//!
//! Never counts its own work, such as keeping the latencies.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::super::failure::Failure;
use super::super::progress::StopFlag;

/// How many calls are timed at a time, of those that take about as long as a look at the clock.
pub(super) const BATCH: u32 = 16;

/// The longest latency that is told from a longer one: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// How long operations took.
pub(super) struct Timing {
    /// How many there were.
    pub(super) count: u64,
    /// How long all of them took; of many callers, from the first to the last.
    pub(super) elapsed: Duration,
    /// How long each took, in nanoseconds. Empty if they were timed as a whole only.
    pub(super) latencies: Histogram<u64>,
}

impl Timing {
    pub(super) fn new() -> Result<Self, Failure> {
        // To three digits, which are more than the table shows.
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3)
            .map_err(|error| Failure::other(format!("Latencies cannot be kept: {error}.")))?;
        Ok(Self {
            count: 0,
            elapsed: Duration::ZERO,
            latencies,
        })
    }

    /// So many operations as a whole.
    pub(super) fn of_whole(count: u64, elapsed: Duration) -> Result<Self, Failure> {
        Ok(Self {
            count,
            elapsed,
            ..Self::new()?
        })
    }

    /// Adds a batch that took so long.
    pub(super) fn add(&mut self, batch: u32, took: Duration) {
        self.count += u64::from(batch);
        self.elapsed += took;
        let each = took.as_nanos() / u128::from(batch.max(1));
        let each = u64::try_from(each).unwrap_or(LONGEST);
        self.latencies.saturating_record(each);
    }

    /// How many there were in a second.
    pub(super) fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// How long to go on, and whether to go on at all.
pub(super) struct Pace {
    time: Duration,
    pub(super) stop: StopFlag,
}

impl Pace {
    pub(super) fn new(time: Duration, stop: StopFlag) -> Self {
        Self { time, stop }
    }

    /// Does an operation again and again, a batch at a time, each time with the next number.
    pub(super) fn repeat<T>(
        &self,
        batch: u32,
        mut operation: impl FnMut(usize) -> Result<T, Failure>,
    ) -> Result<Timing, Failure> {
        let mut n = 0;
        self.samples(batch, || {
            let start = Instant::now();
            for _ in 0..batch {
                black_box(operation(n)?);
                n += 1;
            }
            Ok(start.elapsed())
        })
    }

    /// Does again and again what tells by itself how long a batch has taken.
    pub(super) fn samples(
        &self,
        batch: u32,
        mut sample: impl FnMut() -> Result<Duration, Failure>,
    ) -> Result<Timing, Failure> {
        let mut timing = Timing::new()?;
        let start = Instant::now();
        loop {
            timing.add(batch, sample()?);
            if start.elapsed() >= self.time || self.stop.is_set() {
                return Ok(timing);
            }
        }
    }

    /// Has many callers do an operation again and again, each time with another number.
    pub(super) fn callers<T>(
        &self,
        callers: u32,
        operation: impl Fn(usize) -> Result<T, Failure> + Sync,
    ) -> Result<Timing, Failure> {
        let next = AtomicUsize::new(0);
        let caller = || self.repeat(1, |_| operation(next.fetch_add(1, Ordering::Relaxed)));
        let start = Instant::now();
        let timings = thread::scope(|scope| {
            let threads = (0..callers)
                .map(|_| thread::Builder::new().spawn_scoped(scope, caller))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| {
                    Failure::other(format!(
                        "{callers} callers are too many for this system: {error}."
                    ))
                })?;
            let joined = threads.into_iter().map(|thread| match thread.join() {
                Ok(timing) => timing,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect::<Result<Vec<_>, Failure>>()
        })?;
        let mut all = Timing::of_whole(0, start.elapsed())?;
        for timing in timings {
            all.count += timing.count;
            // They have the same bounds, so one can always be added to another.
            let _ = all.latencies.add(&timing.latencies);
        }
        Ok(all)
    }
}
