//! The engine that keeps its rows in a folder, with sled 0.34.7.
//!
//! sled is used for what it does well, an ordered and crash-atomic log of pages, and only in the
//! ways that were found safe: one thread writes; a commit is one transaction over all trees;
//! nothing is durable until `fdatasync` on a descriptor of our own has said so; every call that may
//! meet damage runs where a panic becomes an error.
//!
//! Never used: sled's background flusher and `flush_async` (they dead-lock or race with commits),
//! compression, temporary databases, `len` (it counts one by one), merge operators, subscribers,
//! and any read of a tree inside a transaction other than through the transaction.
//!
//! | file | what it holds |
//! |---|---|
//! | [`folder`] | the folder: made durably, claimed, cleared of an unfinished snapshot |
//! | [`open`] | opening, and opening again after a damaged snapshot was set aside |
//! | [`snapshot`] | sled's snapshot files, and how a damaged one is told from a sound one |
//! | [`log_file`] | the log: made durable, and known to be released |
//! | [`outcome`] | sled's errors and panics as errors of an engine |

mod folder;
mod log_file;
mod open;
mod outcome;
mod snapshot;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use ::sled::transaction::{
    ConflictableTransactionError, TransactionError, Transactional as _, abort,
};

use self::log_file::LogFile;
use self::outcome::{engine_error, guarded};
use super::batch::Write;
use super::poison::Poison;
use super::{Batch, Durability, Engine, EngineError, RowSink, Tree};

/// How a store is opened. What is fixed when a store is made, such as the size of its segments, is
/// not an option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SledOptions {
    /// The memory sled may use for pages, in bytes. Readers never wait for sled, so that little is
    /// enough.
    pub(crate) cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
        }
    }
}

/// How much log may be written between two syncs, in bytes. sled reuses a segment when all it held
/// has been written elsewhere, which must be durable by then. Less than a segment between two syncs
/// leaves no room for that to go wrong.
const MAX_UNSYNCED_BYTES: u64 = 256 << 10;

/// An engine over a folder of sled's. The folder belongs to it alone until it is closed or dropped.
pub(crate) struct SledEngine {
    dir: PathBuf,
    /// `None` only once it has been let go, or abandoned.
    store: Option<Store>,
    poison: Poison,
    /// An upper estimate of the log written since the last sync, in bytes.
    unsynced_bytes: u64,
}

/// An open database.
///
/// The fields are dropped in this order: sled gives the lock back only once the last of its handles
/// is gone.
struct Store {
    trees: Vec<(Tree, ::sled::Tree)>,
    db: ::sled::Db,
    log: LogFile,
}

impl SledEngine {
    /// Opens the store in the folder `dir`, or makes it, with the trees it is to have.
    ///
    /// What was in the store when this returns is durable, whoever wrote it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Locked`] if the store is open already, [`EngineError::Foreign`] if the folder
    /// is another program's, [`EngineError::Damaged`] if sled cannot make sense of the files,
    /// [`EngineError::Io`] for what the operating system refuses.
    pub(crate) fn open(
        dir: &Path,
        trees: &'static [Tree],
        options: SledOptions,
    ) -> Result<Self, EngineError> {
        let store = open::open(dir, trees, options)?;
        Ok(Self {
            dir: dir.to_owned(),
            store: Some(store),
            poison: Poison::default(),
            unsynced_bytes: 0,
        })
    }

    fn store(&self) -> Result<&Store, EngineError> {
        // Nothing is let go without a failure that says why.
        self.poison.check()?;
        self.store.as_ref().ok_or_else(|| EngineError::Failed {
            earlier: "the store was closed".to_owned(),
        })
    }

    fn try_commit(&mut self, batch: &Batch, durability: Durability) -> Result<(), EngineError> {
        batch.check_sizes()?;
        let store = self.store()?;
        batch
            .trees()
            .try_for_each(|tree| store.tree(tree).map(drop))?;
        store.check_empties(batch)?;
        self.apply(batch)?;
        match durability {
            Durability::Durable => self.try_sync(),
            Durability::Deferred if self.unsynced_bytes > MAX_UNSYNCED_BYTES => self.try_sync(),
            Durability::Deferred => Ok(()),
        }
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), EngineError> {
        let applied = self.store()?.apply(batch);
        if let Err(EngineError::Damaged { .. }) = applied {
            // sled may have stopped half-way through the transaction. What it holds in memory must
            // not reach the log, and dropping it would write it. So it is abandoned, with its lock,
            // until the process ends.
            std::mem::forget(self.store.take());
        }
        self.unsynced_bytes += log_bytes(batch);
        applied
    }

    fn try_sync(&mut self) -> Result<(), EngineError> {
        let store = self.store()?;
        store.log.sync(&store.db)?;
        self.unsynced_bytes = 0;
        Ok(())
    }
}

impl Engine for SledEngine {
    fn load(&self, tree: Tree, row: &mut RowSink<'_>) -> Result<(), EngineError> {
        let mut rows = self.store()?.tree(tree)?.iter();
        // Only sled's part is guarded: a panic of the caller's is none of the store's damage.
        while let Some(next) = guarded("reading", || rows.next())? {
            let (key, value) = next.map_err(|error| engine_error(error, "reading", &self.dir))?;
            if row(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&mut self, batch: &Batch, durability: Durability) -> Result<(), EngineError> {
        self.poison.check()?;
        let outcome = self.try_commit(batch, durability);
        self.poison.watch(outcome)
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        self.poison.check()?;
        let outcome = self.try_sync();
        self.poison.watch(outcome)
    }

    fn size_on_disk(&self) -> Result<u64, EngineError> {
        folder::size(&self.dir)
    }

    fn close(mut self: Box<Self>) -> Result<(), EngineError> {
        self.sync()
        // Dropping the engine does the rest.
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        if let Some(Store { trees, db, log }) = self.store.take() {
            let dropped = guarded("closing", || {
                drop(trees);
                drop(db);
            });
            if let Err(error) = dropped {
                tracing::warn!(%error, dir = %self.dir.display(), "the store did not close cleanly");
            }
            log.wait_until_released();
        }
    }
}

impl Store {
    fn tree(&self, tree: Tree) -> Result<&::sled::Tree, EngineError> {
        let found = self.trees.iter().find(|(name, _)| *name == tree);
        found
            .map(|(_, tree)| tree)
            .ok_or_else(|| EngineError::unknown_tree(tree))
    }

    /// Checks what a transaction cannot, since it cannot scan. Nothing changes before the
    /// transaction: there is but one writer, and it is here.
    fn check_empties(&self, batch: &Batch) -> Result<(), EngineError> {
        for (tree, prefix) in batch.empties() {
            let mut keys = self.tree(tree)?.scan_prefix(prefix).keys();
            let stored =
                std::iter::from_fn(|| match guarded("looking under a prefix", || keys.next()) {
                    Ok(next) => next.map(|key| {
                        key.map_err(|error| self.error(error, "looking under a prefix in"))
                    }),
                    Err(panic) => Some(Err(panic)),
                });
            batch.check_empty(tree, prefix, stored)?;
        }
        Ok(())
    }

    /// Checks the expectations and writes the batch, in one transaction.
    fn apply(&self, batch: &Batch) -> Result<(), EngineError> {
        let mut trees = Vec::new();
        for (tree, _) in batch.writes() {
            trees.push(self.tree(tree)?);
        }
        if trees.is_empty() {
            return Ok(());
        }
        let applied = guarded("writing", || {
            trees.as_slice().transaction(|views| {
                for ((tree, writes), view) in batch.writes().zip(views) {
                    for (key, write) in writes {
                        let before = match &write.value {
                            _ if !write.changes() => view.get(key)?,
                            Some(value) => view.insert(key.as_slice(), value.as_slice())?,
                            None => view.remove(key.as_slice())?,
                        };
                        if !write.expect.holds(before.as_deref()) {
                            return violated(tree, key, write);
                        }
                    }
                }
                Ok(())
            })
        })?;
        applied.map_err(|error| match error {
            TransactionError::Abort(violation) => violation,
            TransactionError::Storage(error) => self.error(error, "writing to"),
        })
    }

    fn error(&self, error: ::sled::Error, doing: &'static str) -> EngineError {
        engine_error(error, doing, self.log.path())
    }
}

/// Ends a transaction with nothing applied.
fn violated(
    tree: Tree,
    key: &[u8],
    write: &Write,
) -> Result<(), ConflictableTransactionError<EngineError>> {
    abort(EngineError::GuardFailed {
        tree,
        key: key.to_vec(),
        guard: write.expect.guard(),
    })
}

/// An upper estimate of the log which a batch makes sled write, in bytes. sled writes every row
/// once by itself, and the whole page again with every tenth change or when it is split. Measured:
/// 560 bytes a row for rows of 100 bytes.
fn log_bytes(batch: &Batch) -> u64 {
    let (rows, bytes) = (batch.len() as u64, batch.bytes() as u64);
    100 * rows + 5 * bytes
}
