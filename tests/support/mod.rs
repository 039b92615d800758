//! What several tests need: a clock to set, and places to keep a catalog in.

// Each test takes in the whole module and uses a part of it.
#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use coursecat::{Catalog, Options, Result, Timestamp};

/// A clock that shows what it was set to.
#[derive(Clone, Debug)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(0)))
    }

    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves on by a second.
    pub fn tick(&self) {
        self.0.fetch_add(1_000_000, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A place that keeps a catalog: memory, or a folder that goes when this goes.
#[derive(Debug)]
pub struct Kept(Option<tempfile::TempDir>);

impl Kept {
    pub fn in_memory() -> Self {
        Self(None)
    }

    pub fn in_a_folder() -> Self {
        Self(Some(tempfile::tempdir().unwrap()))
    }

    /// Whether a catalog that is closed can be opened again.
    pub fn can_reopen(&self) -> bool {
        self.0.is_some()
    }

    pub fn path(&self) -> &Path {
        self.0.as_ref().expect("a folder").path()
    }

    pub fn open(&self, options: Options) -> Result<Catalog> {
        match &self.0 {
            Some(folder) => options.open(folder.path()),
            None => options.temporary(),
        }
    }
}
