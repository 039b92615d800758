//! An open store of sled's: its trees, what may be asked of them, and what is written to them. What is
//! in the journal and not yet here is for the engine to know.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use ::sled::IVec;
use ::sled::transaction::{
    ConflictableTransactionError, TransactionError, Transactional as _, TransactionalTree, abort,
};

use super::carrier::Carried;
use super::journal;
use super::log_file::LogFile;
use super::outcome::{engine_error, guarded};
use super::recovery::Recovered;
use super::rows::{Rows, newest};
use super::spending::Spending;
use super::watchdog::Watchdog;
use crate::engine::batch::Write;
use crate::engine::{Batch, EngineError, Tree};

/// Where the number of the newest generation of the journal lies that is in the trees: the only row that
/// sled's default tree keeps.
const CARRIED: &[u8] = b"carried";

/// An open store, which has to be let go by [`release`](Store::release).
pub(super) struct Store {
    pub(super) watchdog: Watchdog,
    pub(super) trees: Arc<Trees>,
}

/// The trees of an open store.
///
/// The fields are dropped in this order: sled gives the lock back only once the last of its handles
/// is gone.
pub(super) struct Trees {
    pub(super) trees: Vec<(Tree, ::sled::Tree)>,
    pub(super) db: ::sled::Db,
    pub(super) log: LogFile,
}

impl Store {
    /// Carries what a journal holds to the trees. Tells which generation comes next, and how many bytes
    /// of log that wrote, at most.
    pub(super) fn carry_journal(
        &self,
        dir: &Path,
        trees: &[Tree],
    ) -> Result<(u64, u64), EngineError> {
        let carried = self.trees.carried()?;
        let recovered = Recovered::look(dir, carried, trees)?;
        if let Some(detail) = recovered.missing {
            return Err(EngineError::Damaged { detail });
        }
        let Some(newest) = recovered.newest else {
            return Ok((carried + 1, 0));
        };
        journal::make_durable(dir)?;
        let written = self.trees.carry(&recovered.rows, newest)?;
        Ok((newest.saturating_add(1), written))
    }

    /// Lets it go. Returns once it can be opened again, or after sled did not let go for a while.
    pub(super) fn release(self, dir: &Path) {
        // sled flushes and syncs once more when it is dropped, and waits for ever or panics if that
        // fails; but not if it has met a failure before.
        if !self.trees.writes_no_more()
            && let Err(error) = self.trees.log.sync_all(&self.trees.db)
        {
            tracing::warn!(%error, dir = %dir.display(), "the store is abandoned, with its lock, until the process ends");
            std::mem::forget(self);
            return;
        }
        let Self { watchdog, trees } = self;
        // The carrier had the only other share, and has ended.
        let Some(Trees { trees, db, log }) = Arc::into_inner(trees) else {
            tracing::warn!(dir = %dir.display(), "the store is still in use");
            return;
        };
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
}

impl Trees {
    pub(super) fn tree(&self, tree: Tree) -> Result<&::sled::Tree, EngineError> {
        let found = self.trees.iter().find(|(name, _)| *name == tree);
        found
            .map(|(_, tree)| tree)
            .ok_or_else(|| EngineError::unknown_tree(tree))
    }

    /// Checks what a transaction cannot, since it cannot scan, with other rows lying over those of the
    /// trees. Meanwhile the carrier may write some of these, which hide what it changes; nobody else
    /// writes.
    pub(super) fn check_empties(&self, batch: &Batch, above: &[&Rows]) -> Result<(), EngineError> {
        for (tree, prefix) in batch.empties() {
            let mut keys = self.tree(tree)?.scan_prefix(prefix).keys();
            let below =
                std::iter::from_fn(|| match guarded("looking under a prefix", || keys.next()) {
                    Ok(next) => next.map(|key| {
                        key.map_err(|error| self.error(error, "looking under a prefix in"))
                    }),
                    Err(panic) => Some(Err(panic)),
                });
            let hidden = |key: &[u8]| above.iter().any(|rows| rows.get(tree, key).is_some());
            let below = below.filter(|key| !key.as_ref().is_ok_and(|key| hidden(key)));
            let present = above
                .iter()
                .flat_map(|rows| rows.present_under(tree, prefix));
            let present = present.filter(|key| newest(above, tree, key).flatten().is_some());
            let stored = below.chain(present.map(|key| Ok(IVec::from(key))));
            batch.check_empty(tree, prefix, stored)?;
        }
        Ok(())
    }

    /// The newest generation of the journal that is in the trees; 0 if there is none.
    pub(super) fn carried(&self) -> Result<u64, EngineError> {
        let carried = guarded("reading", || self.db.get(CARRIED))?;
        let carried = carried.map_err(|error| self.error(error, "reading"))?;
        match carried.as_deref().map(<[u8; 8]>::try_from) {
            None => Ok(0),
            // A journal that turns each microsecond gets beyond in a hundred thousand years.
            Some(Ok(number)) if number[0] < 0x80 => Ok(u64::from_be_bytes(number)),
            Some(_) => Err(EngineError::Damaged {
                detail: "it is not known which part of the journal is in the trees".to_owned(),
            }),
        }
    }

    /// Writes the rows of the journal, up to those of a generation, to the trees, durably. Tells how
    /// many bytes of log that were, at most. Many rows take a second thread, which has ended then.
    ///
    /// If it is interrupted, the rows are in the journal still, and are written once more; so it needs
    /// no transaction.
    pub(super) fn carry(&self, rows: &Rows, generation: u64) -> Carried {
        thread::scope(|scope| self.carry_by(&mut Spending::beside(self, scope), rows, generation))
    }

    fn carry_by(&self, log: &mut Spending<'_, '_>, rows: &Rows, generation: u64) -> Carried {
        for (tree, rows) in rows.sorted() {
            let sled = self.tree(tree)?;
            for row in in_filling_order(rows) {
                let key = row.key;
                let before = guarded("writing", || match row.value {
                    _ if !row.changes() => sled.get(key),
                    Some(value) => sled.insert(key, value),
                    None => sled.remove(key),
                })?;
                let before = before.map_err(|error| self.error(error, "writing to"))?;
                row.expect.check(tree, key, before.as_deref())?;
                let bytes = key.len() + row.value.map_or(0, <[u8]>::len);
                log.add(log_bytes(1, bytes))?;
            }
        }
        log.put(&self.db, CARRIED, &generation.to_be_bytes())?;
        log.sync()?;
        Ok(log.written())
    }

    /// Checks the expectations and writes the batch, in one transaction.
    pub(super) fn apply(&self, batch: &Batch) -> Result<(), Unapplied> {
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
    pub(super) fn writes_no_more(&self) -> bool {
        self.db.context.global_error().is_err()
    }

    pub(super) fn error(&self, error: ::sled::Error, doing: &'static str) -> EngineError {
        engine_error(error, doing, self.log.path())
    }
}

/// How many rows a page of sled's holds at most.
pub(super) const PAGE_ROWS: usize = 16;

/// Whether a page's row, by its place in the page, is one of the nine that sled keeps in it at a split:
/// those at the edges.
///
/// sled splits a page in the middle, so new rows that come in order leave every page half empty. So of
/// as many as a page holds, these come first, and the others once all pages are there. The page's last
/// row is one of them, so that none of the others belongs beyond the border to the next page.
pub(super) fn is_first(place: usize) -> bool {
    place < 8 || place == PAGE_ROWS - 1
}

/// How many pages are filled together: so few that they, and what leads to them, still lie in the caches,
/// sled's and the processor's, when their other rows come. Only the last of them stays half empty.
const PAGES_TOGETHER: usize = 16;

/// Rows in an order that fills pages.
fn in_filling_order<R>(rows: Vec<R>) -> impl Iterator<Item = R> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let together: Vec<_> = rows.by_ref().take(PAGES_TOGETHER * PAGE_ROWS).collect();
        (!together.is_empty()).then_some(together)
    })
    .flat_map(|together| {
        let (splitting, filling): (Vec<_>, Vec<_>) = together
            .into_iter()
            .enumerate()
            .partition(|(place, _)| is_first(place % PAGE_ROWS));
        splitting.into_iter().chain(filling).map(|(_, row)| row)
    })
}

/// Why a batch was not applied.
pub(super) enum Unapplied {
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
    write
        .expect
        .check(tree, key, before.as_deref())
        .or_else(abort)
}

/// An upper estimate of the log that so many rows, of so many bytes, make sled write, in bytes. sled
/// writes every row once by itself, and the whole page again with every tenth change or when it is
/// split. Measured: 560 bytes a row for rows of 100 bytes.
pub(super) fn log_bytes(rows: usize, bytes: usize) -> u64 {
    100 * rows as u64 + 5 * bytes as u64
}
