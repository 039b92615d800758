//! What only the disk can tell of a catalog: how large its store is, and when it was backed up.
//!
//! A disk can hang. So it is asked by a thread that may wait, by one at a time however many want to
//! know, and nobody waits for it longer than a moment: then what it said before is what there is.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::transfer::last_backup;
use crate::{Catalog, Timestamp};

/// See the [module](self).
pub(super) struct Disk {
    asking: Arc<Semaphore>,
    seen: Arc<Mutex<Seen>>,
}

/// What the disk said last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// The bytes of the store's files.
    pub(super) bytes: Option<u64>,
    pub(super) last_backup: Option<Timestamp>,
}

/// How long somebody waits for the disk.
const PATIENCE: Duration = Duration::from_millis(250);

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            asking: Arc::new(Semaphore::new(1)),
            seen: Arc::default(),
        }
    }

    /// What the disk says now, or said before.
    pub(super) async fn look(&self, catalog: &Catalog) -> Seen {
        if let Ok(turn) = Arc::clone(&self.asking).try_acquire_owned() {
            let (seen, catalog) = (Arc::clone(&self.seen), catalog.clone());
            let asked = tokio::task::spawn_blocking(move || {
                let found = ask(&catalog);
                *seen.lock() = found;
                drop(turn);
            });
            // One that takes longer tells whoever asks next.
            let _ = tokio::time::timeout(PATIENCE, asked).await;
        }
        *self.seen.lock()
    }
}

fn ask(catalog: &Catalog) -> Seen {
    let Some(folder) = catalog.path() else {
        return Seen::default();
    };
    let bytes = catalog
        .size_on_disk()
        .inspect_err(|error| tracing::warn!("the store cannot be measured: {error}"));
    Seen {
        bytes: bytes.ok(),
        last_backup: last_backup(folder),
    }
}
