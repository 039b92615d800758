//! A histogram: how many values fell into which range, counted without a lock.
//!
//! To record one is two additions to atomic numbers, whoever else records. It knows no unit, and
//! never forgets.

use std::sync::atomic::{AtomicU64, Ordering};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: the last one is for what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// Bounds for lengths of time in nanoseconds, from 100 µs to 10 s.
pub(crate) const NANOS: &[u64] = &[
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

impl Histogram {
    /// One with these bounds, which ascend.
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What has been recorded. What is being recorded meanwhile may be in the counts and not in the
    /// sum, or the other way round.
    pub(crate) fn read(&self) -> Distribution {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = self.counts.iter().map(count);
        Distribution {
            ranges: self.bounds.iter().copied().zip(counts).collect(),
            beyond: self.counts.last().map_or(0, count),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// How values are distributed: how many there were in each of some ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distribution {
    /// Of each range, the greatest value that belongs to it, and how many values there were. A range
    /// begins above the one before it.
    pub ranges: Vec<(u64, u64)>,
    /// How many values were above all ranges.
    pub beyond: u64,
    /// All values added up.
    pub sum: u64,
}

impl Distribution {
    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        let in_ranges: u64 = self.ranges.iter().map(|(_, count)| count).sum();
        in_ranges + self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_range_that_ends_with_it_or_after_it() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.record(value);
        }
        let read = histogram.read();
        assert_eq!(read.ranges, [(1, 2), (10, 2)]);
        assert_eq!((read.beyond, read.sum, read.count()), (2, 1_024, 6));
        assert!(NANOS.is_sorted());
    }
}
