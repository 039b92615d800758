//! The engine that keeps its rows in a folder, with sled 0.34.7.
//!
//! sled is used for what it does well, an ordered and crash-atomic log of pages, and only in the
//! ways that were found safe: one thread writes; a commit is one transaction over all trees;
//! nothing is durable until `fdatasync` on a descriptor of our own has said so; every call that may
//! meet damage runs where a panic becomes an error.
//!
//! Never used: sled's background flusher (it competes with commits), `flush_async` (it dead-locks),
//! compression, temporary databases, `len` (it counts one by one), merge operators, subscribers,
//! and any read of a tree inside a transaction other than through the transaction.
//!
//! What sled leaves undone:
//!
//! - Damage to the part of the log that no snapshot covers, which is what was written since the
//!   store was last opened, or closed after much writing: sled takes it for the end of the log and
//!   opens without a word. Whoever uses this engine has to know what ought to be there.
//! - A panic on one of sled's own threads, which would leave a flush waiting for ever. No damage
//!   was found to cause one.
//!
//! | file | what it holds |
//! |---|---|
//! | [`folder`] | the folder: made durably, claimed, cleared of an unfinished snapshot |
//! | [`open`] | opening, and opening again after a damaged snapshot or `conf` was set aside |
//! | [`conf`] | sled's file `conf`, and whether it is whole |
//! | [`snapshot`] | sled's snapshot files, and how a damaged one is told from a sound one |
//! | [`log_file`] | the log: made durable, and known to be released |
//! | [`watchdog`] | a flush that would wait for ever is freed |
//! | [`last_segment`] | the end of the log that sled must be able to read, checked, or mended in a copy |
//! | [`around`] | reading a tree some of whose pages cannot be read |
//! | [`varint`] | numbers as sled writes them |
//! | [`outcome`] | sled's errors and panics as errors of an engine |

mod around;
mod conf;
mod folder;
mod last_segment;
mod log_file;
mod open;
mod outcome;
mod snapshot;
#[cfg(test)]
mod tests;
mod varint;
mod watchdog;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use ::sled::transaction::{
    ConflictableTransactionError, TransactionError, Transactional as _, TransactionalTree, abort,
};

use self::around::Readable;
use self::log_file::LogFile;
use self::outcome::{engine_error, guarded};
use self::watchdog::Watchdog;
use super::batch::Write;
use super::poison::Poison;
use super::{Batch, Durability, Engine, EngineError, RowSink, Tree};

/// How a store is opened. What is fixed when a store is made, such as the size of its segments, is
/// not an option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SledOptions {
    /// The memory sled may use for pages, in bytes, at least 1 MiB. Nobody reads from sled but when
    /// a store is opened, so that little is enough.
    pub(crate) cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
        }
    }
}

/// How much log deferred commits may write between two syncs, in bytes.
///
/// sled reuses a segment when all it held has been written elsewhere, which must be durable by
/// then. Less than a segment between two syncs leaves no room for that to go wrong. One batch is
/// always synced as a whole: 1,000 rows of 100 bytes, in two trees, write about 600 KiB.
const MAX_UNSYNCED_BYTES: u64 = 256 << 10;

/// How much log makes a new snapshot worth its time at closing, in bytes.
const SNAPSHOT_BYTES: u64 = 1 << 20;

/// An engine over a folder of sled's. The folder belongs to it alone until it is closed or dropped;
/// until the process ends, if sled broke off half-way through a commit.
pub(crate) struct SledEngine {
    dir: PathBuf,
    options: SledOptions,
    /// `None` only once it has been let go, or abandoned.
    store: Option<Store>,
    poison: Poison,
    /// An upper estimate of the log written since the last sync, in bytes.
    unsynced_bytes: u64,
    /// An upper estimate of the log written since the store was opened, in bytes.
    written_bytes: u64,
}

/// An open database.
///
/// The fields are dropped in this order: sled gives the lock back only once the last of its handles
/// is gone.
struct Store {
    watchdog: Watchdog,
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
            options,
            store: Some(store),
            poison: Poison::default(),
            unsynced_bytes: 0,
            written_bytes: 0,
        })
    }

    /// Opens a copy of a store whose files may be damaged, by covering what is damaged where sled
    /// would give up. It is good for [`load_around`](Self::load_around) and for nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub(crate) fn open_damaged_copy(
        dir: &Path,
        trees: &'static [Tree],
        options: SledOptions,
    ) -> Result<Self, EngineError> {
        last_segment::mend(dir)?;
        Self::open(dir, trees, options)
    }

    /// Gives every row of `tree` that can be read to `row`, in ascending order of keys. Tells whether
    /// these are all.
    ///
    /// # Errors
    ///
    /// [`EngineError::Failed`] if the engine has failed before.
    pub(crate) fn load_around(
        &self,
        tree: Tree,
        row: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool, EngineError> {
        let readable = Readable::of(self.store()?.tree(tree)?);
        for (key, value) in &readable.rows {
            row(key, value);
        }
        Ok(readable.whole)
    }

    /// The bytes that the files of a store have, which may be open.
    ///
    /// # Errors
    ///
    /// [`EngineError::Io`] if a file cannot be measured.
    pub(crate) fn size_of(dir: &Path) -> Result<u64, EngineError> {
        folder::size(dir)
    }

    fn store(&self) -> Result<&Store, EngineError> {
        // The store is let go with the engine, or abandoned with a failure that says why.
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
        let bytes = log_bytes(batch);
        self.unsynced_bytes += bytes;
        self.written_bytes += bytes;
        match self.store()?.apply(batch) {
            Ok(()) => Ok(()),
            Err(Unapplied::Whole(error)) => Err(error),
            Err(Unapplied::HalfWay(error)) => {
                // The half that sled holds in memory must not reach the log, and dropping it would
                // write it. So it is abandoned, with its lock, until the process ends.
                std::mem::forget(self.store.take());
                Err(error)
            }
        }
    }

    fn try_sync(&mut self) -> Result<(), EngineError> {
        if self.unsynced_bytes == 0 {
            return Ok(());
        }
        let store = self.store()?;
        store.log.sync(&store.db)?;
        self.unsynced_bytes = 0;
        Ok(())
    }

    /// Lets the store go.
    fn release(&mut self) {
        if let Some(store) = self.store.take() {
            store.release(&self.dir);
        }
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
        Self::size_of(&self.dir)
    }

    fn close(mut self: Box<Self>) -> Result<(), EngineError> {
        let synced = self.sync();
        self.release();
        if synced.is_ok() && self.written_bytes > SNAPSHOT_BYTES {
            open::renew_snapshot(&self.dir, self.options);
        }
        synced
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        self.release();
    }
}

impl Store {
    /// Lets it go. Returns once it can be opened again, or after sled did not let go for a while.
    fn release(self, dir: &Path) {
        // sled flushes and syncs once more when it is dropped, and waits for ever or panics if that
        // fails; but not if it has met a failure before.
        if !self.writes_no_more()
            && let Err(error) = self.log.sync_all(&self.db)
        {
            tracing::warn!(%error, dir = %dir.display(), "the store is abandoned, with its lock, until the process ends");
            std::mem::forget(self);
            return;
        }
        let Self {
            watchdog,
            trees,
            db,
            log,
        } = self;
        let dropped = guarded("closing", || {
            drop(watchdog);
            drop(trees);
            drop(db);
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, dir = %dir.display(), "the store did not close cleanly");
        }
        log.wait_until_released();
    }

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
    fn apply(&self, batch: &Batch) -> Result<(), Unapplied> {
        let mut trees = Vec::new();
        for (tree, _) in batch.writes() {
            trees.push(self.tree(tree).map_err(Unapplied::Whole)?);
        }
        if trees.is_empty() {
            return Ok(());
        }
        // Set once all guards hold and sled begins to write.
        let writing = Cell::new(false);
        let applied = guarded("writing", || {
            trees.as_slice().transaction(|views| {
                for ((tree, writes), view) in batch.writes().zip(views) {
                    for (key, write) in writes {
                        stage(view, tree, key, write)?;
                    }
                }
                writing.set(true);
                Ok(())
            })
        });
        let error = match applied {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(TransactionError::Abort(violation))) => violation,
            Ok(Err(TransactionError::Storage(error))) => self.error(error, "writing to"),
            Err(panic) => panic,
        };
        if writing.get() && !self.writes_no_more() {
            Err(Unapplied::HalfWay(error))
        } else {
            Err(Unapplied::Whole(error))
        }
    }

    /// Whether sled met a failed write and stopped for good, as on a full disk.
    fn writes_no_more(&self) -> bool {
        self.db.context.global_error().is_err()
    }

    fn error(&self, error: ::sled::Error, doing: &'static str) -> EngineError {
        engine_error(error, doing, self.log.path())
    }
}

/// Why a batch was not applied.
enum Unapplied {
    /// No part of it is, or will be, in the log.
    Whole(EngineError),
    /// Parts of it wait in memory to be written.
    HalfWay(EngineError),
}

/// Makes one write part of a transaction, and ends the transaction if the guard does not hold. The
/// value before comes from the transaction itself: anything else that reads would wait for it.
fn stage(
    view: &TransactionalTree,
    tree: Tree,
    key: &[u8],
    write: &Write,
) -> Result<(), ConflictableTransactionError<EngineError>> {
    let before = match &write.value {
        _ if !write.changes() => view.get(key)?,
        Some(value) => view.insert(key, value.as_slice())?,
        None => view.remove(key)?,
    };
    if write.expect.holds(before.as_deref()) {
        Ok(())
    } else {
        let guard = write.expect.guard();
        abort(EngineError::GuardFailed {
            tree,
            key: key.to_vec(),
            guard,
        })
    }
}

/// An upper estimate of the log which a batch makes sled write, in bytes. sled writes every row
/// once by itself, and the whole page again with every tenth change or when it is split. Measured:
/// 560 bytes a row for rows of 100 bytes.
fn log_bytes(batch: &Batch) -> u64 {
    let (rows, bytes) = (batch.len() as u64, batch.bytes() as u64);
    100 * rows + 5 * bytes
}
