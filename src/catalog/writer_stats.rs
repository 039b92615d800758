//! How the writer is doing: counts that it keeps as it goes, and that anybody may look at.
//!
//! A commit costs it a few additions beside its trip to the disk. Nothing here waits for the writer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::at_once::Progress;
use crate::engine::EngineError;
use crate::histogram::{Distribution, Histogram, NANOS};

/// How a catalog's writer is doing, since the catalog was opened. From
/// [`Catalog::writer_stats`](super::Catalog::writer_stats).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Requests that have been handed over and not been carried out.
    pub waiting: u64,
    /// How long commits took, in nanoseconds. There were as many as are counted here.
    pub commit_nanos: Distribution,
    /// How many requests were answered together, after one trip to the disk or a few. A group that
    /// changed nothing is not counted.
    pub group_requests: Distribution,
    /// How often the store has failed: at a commit, at a sync, or when it was read or measured.
    pub store_errors: u64,
    /// Whether nothing is written any more, since a commit or a sync has failed.
    pub has_ended: bool,
}

/// The counts that the writer keeps.
#[derive(Debug)]
pub(super) struct Counts {
    commit_nanos: Histogram,
    group_requests: Histogram,
    store_errors: AtomicU64,
}

/// Bounds for the sizes of groups.
const REQUESTS: &[u64] = &[
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192,
];

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            commit_nanos: Histogram::new(NANOS),
            group_requests: Histogram::new(REQUESTS),
            store_errors: AtomicU64::new(0),
        }
    }

    /// Has a batch committed, and takes the time if that succeeds.
    pub(super) fn commit(
        &self,
        commit: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let start = Instant::now();
        commit()?;
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.commit_nanos.record(nanos);
        Ok(())
    }

    /// A group of so many requests has been committed.
    pub(super) fn group(&self, requests: usize) {
        self.group_requests.record(requests as u64);
    }

    /// The store has failed.
    pub(super) fn store_error(&self) {
        self.store_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, progress: &Progress) -> WriterStats {
        WriterStats {
            waiting: progress.waiting(),
            commit_nanos: self.commit_nanos.read(),
            group_requests: self.group_requests.read(),
            store_errors: self.store_errors.load(Ordering::Relaxed),
            has_ended: progress.has_ended(),
        }
    }
}
