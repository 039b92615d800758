//! Spending: rows written one by one, and made durable before they are too much log. It decides when, and
//! never what is written.
//!
//! Who writes much lends it a scope for threads: one of them then makes the log durable while more is
//! written, by the one who writes: sled still has one writer. Little is made durable without a thread.

use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use super::EngineError;
use super::outcome::guarded;
use super::store::{Trees, log_bytes};

/// How much log may be written between two syncs, in bytes, and while one is on its way: what of the log
/// is not known to be durable.
///
/// sled reuses a segment when all it held has been written elsewhere, which must be durable by
/// then. Less than a segment between two syncs leaves no room for that to go wrong. A batch that goes
/// straight to the trees is synced as a whole: 1,000 rows of 100 bytes, in two trees, write about 600 KiB.
pub(super) const MAX_UNSYNCED_BYTES: u64 = 256 << 10;

/// See the [module](self).
pub(super) struct Spending<'scope, 'store> {
    trees: &'store Trees,
    /// Upper estimates, in bytes of log: what was written since the last sync began, what the one on its
    /// way makes durable, and what is durable.
    unsynced: u64,
    in_flight: u64,
    synced: u64,
    beside: Option<Beside<'scope, 'store>>,
}

/// Syncs on a thread.
struct Beside<'scope, 'store> {
    scope: &'scope Scope<'scope, 'store>,
    /// Started when it is needed first.
    syncer: Option<Syncer>,
    /// How much of the log is left for what is written during a sync: with this much less than the most,
    /// one begins.
    spare: u64,
    /// When the last sync began.
    began: Instant,
    /// How long it took, and how long this thread has waited since it began.
    took: Duration,
    waited: Duration,
}

struct Syncer {
    begin: SyncSender<()>,
    ended: Receiver<Result<(), EngineError>>,
}

impl<'scope, 'store> Spending<'scope, 'store> {
    /// Syncs happen here.
    pub(super) fn on(trees: &'store Trees) -> Self {
        Self {
            trees,
            unsynced: 0,
            in_flight: 0,
            synced: 0,
            beside: None,
        }
    }

    /// Syncs happen on a thread of this scope, once there is much to sync.
    pub(super) fn beside(trees: &'store Trees, scope: &'scope Scope<'scope, 'store>) -> Self {
        let beside = Beside {
            scope,
            syncer: None,
            spare: MAX_UNSYNCED_BYTES / 2,
            began: Instant::now(),
            took: Duration::ZERO,
            waited: Duration::ZERO,
        };
        Self {
            beside: Some(beside),
            ..Self::on(trees)
        }
    }

    /// sled's own tree, whose rows are none of the catalog's.
    pub(super) fn default_tree(&self) -> &'store ::sled::Tree {
        &self.trees.db
    }

    pub(super) fn put(
        &mut self,
        tree: &::sled::Tree,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), EngineError> {
        let put = guarded("writing", || tree.insert(key, value))?;
        put.map_err(|error| self.trees.error(error, "writing to"))?;
        self.add(log_bytes(1, key.len() + value.len()))
    }

    pub(super) fn remove(&mut self, tree: &::sled::Tree, key: &[u8]) -> Result<(), EngineError> {
        let removed = guarded("writing", || tree.remove(key))?;
        removed.map_err(|error| self.trees.error(error, "writing to"))?;
        self.add(log_bytes(1, key.len()))
    }

    /// Counts log that was written, and has it made durable if it is enough.
    pub(super) fn add(&mut self, bytes: u64) -> Result<(), EngineError> {
        self.unsynced += bytes;
        self.poll()?;
        loop {
            let spare = self.beside.as_ref().map_or(0, |beside| beside.spare);
            if self.in_flight == 0 && self.unsynced > MAX_UNSYNCED_BYTES - spare {
                self.begin()?;
            } else if self.in_flight > 0 && self.in_flight + self.unsynced > MAX_UNSYNCED_BYTES {
                self.wait()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Makes all that was written durable.
    pub(super) fn sync(&mut self) -> Result<(), EngineError> {
        self.wait()?;
        self.trees.log.sync(&self.trees.db)?;
        self.synced += std::mem::take(&mut self.unsynced);
        Ok(())
    }

    /// How many bytes of log it was, at most.
    pub(super) fn written(&self) -> u64 {
        self.synced + self.in_flight + self.unsynced
    }

    /// Begins to make durable what was written. Nothing may be on its way.
    fn begin(&mut self) -> Result<(), EngineError> {
        let Some(beside) = &mut self.beside else {
            return self.sync();
        };
        if !beside.begin(self.trees, self.unsynced) {
            self.beside = None;
            return self.sync();
        }
        self.in_flight = std::mem::take(&mut self.unsynced);
        Ok(())
    }

    /// Looks whether what is on its way is durable.
    fn poll(&mut self) -> Result<(), EngineError> {
        if self.in_flight > 0
            && let Some(beside) = &mut self.beside
            && let Some(ended) = beside.poll()
        {
            ended?;
            self.synced += std::mem::take(&mut self.in_flight);
        }
        Ok(())
    }

    /// Waits until what is on its way is durable.
    fn wait(&mut self) -> Result<(), EngineError> {
        if self.in_flight > 0
            && let Some(beside) = &mut self.beside
        {
            beside.wait()?;
            self.synced += std::mem::take(&mut self.in_flight);
        }
        Ok(())
    }
}

impl<'store> Beside<'_, 'store> {
    /// Has the thread sync, after so many bytes of log; `false` if there is none to be had.
    fn begin(&mut self, trees: &'store Trees, bytes: u64) -> bool {
        if self.syncer.is_none() {
            let (begin, next) = mpsc::sync_channel(1);
            let (end, ended) = mpsc::sync_channel(1);
            let sync = move || {
                for () in next {
                    // Nobody is told who has failed meanwhile.
                    let _ = end.send(trees.log.sync(&trees.db));
                }
            };
            let thread = thread::Builder::new().name("coursecat-sync".to_owned());
            if thread.spawn_scoped(self.scope, sync).is_err() {
                return false;
            }
            self.syncer = Some(Syncer { begin, ended });
        }
        let writing = self.began.elapsed().saturating_sub(self.waited);
        if !self.took.is_zero() {
            self.spare = spare(bytes, self.took, writing);
        }
        (self.began, self.waited) = (Instant::now(), Duration::ZERO);
        if let Some(syncer) = &self.syncer {
            // Should the thread be gone, waiting for it will tell.
            let _ = syncer.begin.send(());
        }
        true
    }

    /// How the sync has ended, if it has.
    fn poll(&mut self) -> Option<Result<(), EngineError>> {
        let ended = match self.syncer.as_ref()?.ended.try_recv() {
            Err(TryRecvError::Empty) => return None,
            ended => ended.unwrap_or_else(|_| Err(is_gone())),
        };
        self.took = self.began.elapsed();
        Some(ended)
    }

    /// How the sync ends.
    fn wait(&mut self) -> Result<(), EngineError> {
        let waits = Instant::now();
        let ended = self
            .syncer
            .as_ref()
            .and_then(|syncer| syncer.ended.recv().ok());
        self.took = self.began.elapsed();
        self.waited += waits.elapsed();
        ended.unwrap_or_else(|| Err(is_gone()))
    }
}

/// How much of the log to leave for what is written during the next sync, if so many bytes were written in
/// this time, and the last sync took that long: twice what was written in as long. The later a sync begins,
/// the fewer there are; but they take now longer, now shorter, and waiting costs more than syncing oftener.
/// On a disk so slow that all of it were written meanwhile, nothing is gained by beginning early.
fn spare(bytes: u64, took: Duration, writing: Duration) -> u64 {
    let meanwhile = u128::from(bytes) * took.as_nanos() / writing.as_nanos().max(1);
    let meanwhile = u64::try_from(meanwhile).unwrap_or(u64::MAX);
    if meanwhile >= MAX_UNSYNCED_BYTES {
        return 0;
    }
    (2 * meanwhile).min(MAX_UNSYNCED_BYTES / 2)
}

fn is_gone() -> EngineError {
    EngineError::Failed {
        earlier: "the thread that makes rows durable has ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;
    use crate::engine::Tree;
    use crate::engine::sled::{SledOptions, Store};

    const TREE: Tree = Tree::new("tree");

    fn store(dir: &std::path::Path) -> Store {
        open::open(dir, &[TREE], SledOptions::default()).unwrap()
    }

    /// Writes rows of a kilobyte, and looks each time what may not be durable yet. Tells how often a sync was
    /// waited for, and how many bytes of log it was.
    fn spend(log: &mut Spending<'_, '_>, rows: u32) -> Result<(u32, u64), EngineError> {
        let tree = log.trees.tree(TREE).unwrap();
        let mut waits = 0;
        for number in 0..rows {
            log.put(tree, &number.to_be_bytes(), &[7; 1000])?;
            let open = log.unsynced + log.in_flight;
            assert!(open <= MAX_UNSYNCED_BYTES, "{open} bytes are not durable");
            let waited = log.beside.as_ref().map(|beside| beside.waited);
            waits += u32::from(waited.is_some_and(|waited| !waited.is_zero()));
        }
        log.sync()?;
        assert_eq!((log.unsynced, log.in_flight), (0, 0));
        Ok((waits, log.written()))
    }

    #[test]
    fn no_more_than_that_is_ever_not_durable() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let here = spend(&mut Spending::on(&store.trees), 1_000).unwrap();
        let beside = thread::scope(|scope| {
            let mut log = Spending::beside(&store.trees, scope);
            let spent = spend(&mut log, 2_000).unwrap();
            assert!(log.beside.is_some_and(|beside| beside.syncer.is_some()));
            spent
        });
        // The rows that are there already are written over, though they are the same.
        assert_eq!((here.0, beside.1), (0, 2 * here.1));
        store.release(dir.path());
    }

    /// However long a sync takes.
    #[test]
    fn nor_on_a_slow_disk() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let (waits, _) = thread::scope(|scope| {
            let (begin, next) = mpsc::sync_channel(1);
            let (end, ended) = mpsc::sync_channel(1);
            let trees = &store.trees;
            scope.spawn(move || {
                for () in next {
                    thread::sleep(Duration::from_millis(30));
                    end.send(trees.log.sync(&trees.db)).unwrap();
                }
            });
            let mut log = Spending::beside(trees, scope);
            log.beside.as_mut().unwrap().syncer = Some(Syncer { begin, ended });
            spend(&mut log, 500).unwrap()
        });
        assert!(waits > 0);
        store.release(dir.path());
    }

    #[test]
    fn a_sync_that_fails_beside_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let spent = thread::scope(|scope| {
            let (begin, next) = mpsc::sync_channel(1);
            let (end, ended) = mpsc::sync_channel(1);
            scope.spawn(move || {
                for () in next {
                    end.send(Err(is_gone())).unwrap();
                }
            });
            let mut log = Spending::beside(&store.trees, scope);
            log.beside.as_mut().unwrap().syncer = Some(Syncer { begin, ended });
            spend(&mut log, 500)
        });
        assert!(matches!(spent, Err(EngineError::Failed { .. })));
        store.release(dir.path());
    }

    #[test]
    fn little_needs_no_thread() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        thread::scope(|scope| {
            let mut log = Spending::beside(&store.trees, scope);
            spend(&mut log, 20).unwrap();
            assert!(log.beside.is_some_and(|beside| beside.syncer.is_none()));
        });
        store.release(dir.path());
    }

    #[test]
    fn a_sync_begins_as_early_as_it_takes_long() {
        let ms = Duration::from_millis;
        let half = MAX_UNSYNCED_BYTES / 2;
        assert_eq!(spare(half, ms(1), ms(8)), half / 4);
        assert_eq!(spare(half, ms(9), ms(10)), half);
        // All of it could be written meanwhile.
        assert_eq!(spare(half, ms(20), ms(10)), 0);
        assert_eq!(spare(half, ms(1), ms(0)), 0);
    }
}
