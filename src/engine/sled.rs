//! The engine that keeps its rows in a folder, with sled 0.34.7.
//!
//! sled is used for what it does well, an ordered and crash-safe log of pages, and only in the
//! ways that were found safe: one thread writes at a time, though another may sync meanwhile; nothing
//! is durable until `fdatasync` on a descriptor of our own has said so; every call that may meet damage
//! runs where a panic becomes an error.
//!
//! A commit is appended to a [`journal`], which takes one `fdatasync`, and lies in memory over what is
//! in the trees until it is carried there, with many others, behind the back of those who commit. The
//! first few after an opening go straight to the trees, in one transaction, so that a short visit needs
//! no journal; so does one that is too large, once all before it has been carried. Opening a store
//! carries what its journal holds; closing it leaves no journal.
//!
//! The guards of a commit on rows that are in the journal, and those on prefixes, are checked before
//! it is written. Others are checked when its rows come to their trees: what is wrong there ends the
//! engine, and shows when the store is opened again.
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
//! | [`store`] | the trees, open: rows are looked for and written |
//! | [`spending`] | rows written one by one, and made durable before they are too much log |
//! | [`journal`] | the journal: batches appended, and made durable |
//! | [`frame`] | a batch as bytes of the journal |
//! | [`recovery`] | what a journal holds, found at an opening |
//! | [`uncarried`] | what is in the journal and not in the trees |
//! | [`rows`] | the rows of many batches, lying over those of the trees |
//! | [`kept`] | one of these batches, in few pieces of memory |
//! | [`carrier`] | a thread that carries it there |
//! | [`fill`] | filling a new store with rows in order, in full pages |
//! | [`settle`] | having sled clean its log, and make it shorter |
//! | [`named_file`] | a file, made durable |
//! | [`log_file`] | the log: made durable, and known to be released |
//! | [`watchdog`] | a flush that would wait for ever is freed |
//! | [`last_segment`] | the end of the log that sled must be able to read, checked, or mended in a copy |
//! | [`damaged`] | a copy whose files may be damaged |
//! | [`around`] | reading a tree some of whose pages cannot be read |
//! | [`varint`] | numbers as sled writes them |
//! | [`outcome`] | sled's errors and panics as errors of an engine |

mod around;
mod carrier;
mod conf;
mod damaged;
mod fill;
mod folder;
mod frame;
mod journal;
mod kept;
mod last_segment;
mod log_file;
mod named_file;
mod open;
mod outcome;
mod recovery;
mod rows;
mod settle;
mod snapshot;
mod spending;
mod store;
#[cfg(test)]
mod tests;
mod uncarried;
mod varint;
mod watchdog;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::carrier::Carried;
use self::journal::Journal;
use self::outcome::guarded;
use self::spending::MAX_UNSYNCED_BYTES;
use self::store::{Store, Unapplied, log_bytes};
use self::uncarried::Uncarried;
use super::poison::Poison;
use super::{Batch, Durability, Engine, EngineError, RowSink, Tree};

/// How a store is opened. What is fixed when a store is made, such as the size of its segments, is
/// not an option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SledOptions {
    /// The memory sled may use for pages, in bytes, at least 1 MiB. What callers read does not come from
    /// sled, so that little is enough. It also decides how many bytes of rows wait in the journal, and in
    /// memory: up to twelve times as much where commits follow each other without a pause.
    pub(crate) cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
        }
    }
}

/// How much log makes a new snapshot worth its time at closing, in bytes.
const SNAPSHOT_BYTES: u64 = 1 << 20;

/// This part of the cache's size makes a generation of the journal worth carrying, within these bounds, in bytes.
const GENERATIONS_IN_CACHE: u64 = 2;
const GENERATION_BYTES: std::ops::RangeInclusive<u64> = (32 << 10)..=journal::MOST_GENERATION_BYTES;

/// How often one that rests looks whether what is carried has arrived, to let it go.
const LOOK: Duration = Duration::from_millis(50);

/// How many commits go straight to the trees before there is a journal. Who opens a store for a few
/// changes is done before one is made.
const COMMITS_WITHOUT_JOURNAL: u32 = 8;

/// An engine over a folder of sled's. The folder belongs to it alone until it is closed or dropped;
/// until the process ends, if sled broke off half-way through a commit.
pub(crate) struct SledEngine {
    dir: PathBuf,
    options: SledOptions,
    /// `None` only once it has been let go, or abandoned.
    store: Option<Store>,
    poison: Poison,
    /// `None` until it is needed.
    journal: Option<Journal>,
    /// The generation that a journal begins with.
    next_generation: u64,
    /// How many commits may go straight to the trees before there is a journal.
    commits_without_journal: u32,
    /// Whether all that the journal of a damaged copy held could be read.
    journal_is_whole: bool,
    /// What is in the journal and not in the trees.
    uncarried: Uncarried,
    /// An upper estimate of the log written straight to the trees since the last sync, in bytes.
    unsynced_bytes: u64,
    /// An upper estimate of the log written since the store was opened, in bytes.
    written_bytes: u64,
}

impl SledEngine {
    /// Opens the store in the folder `dir`, or makes it, with the trees it is to have.
    ///
    /// What was in the store when this returns is durable, whoever wrote it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Locked`] if the store is open already, [`EngineError::Foreign`] if the folder
    /// is another program's, [`EngineError::Damaged`] if sled cannot make sense of the files or a part of
    /// the journal is lost, [`EngineError::Io`] for what the operating system refuses.
    pub(crate) fn open(
        dir: &Path,
        trees: &'static [Tree],
        options: SledOptions,
    ) -> Result<Self, EngineError> {
        let store = open::open(dir, trees, options)?;
        match store.carry_journal(dir, trees) {
            Ok((next_generation, written_bytes)) => {
                let mut engine = Self::over(store, dir, options, next_generation);
                engine.written_bytes = written_bytes;
                Ok(engine)
            }
            Err(error) => {
                store.release(dir);
                Err(error)
            }
        }
    }

    /// Has all commits go straight to the trees, in the order in which they come: for those who fill a
    /// new store.
    pub(crate) fn without_journal(mut self) -> Self {
        self.commits_without_journal = u32::MAX;
        self
    }

    fn over(store: Store, dir: &Path, options: SledOptions, next_generation: u64) -> Self {
        Self {
            dir: dir.to_owned(),
            options,
            store: Some(store),
            poison: Poison::default(),
            journal: None,
            next_generation,
            commits_without_journal: COMMITS_WITHOUT_JOURNAL,
            journal_is_whole: true,
            uncarried: Uncarried::default(),
            unsynced_bytes: 0,
            written_bytes: 0,
        }
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

    fn try_commit(&mut self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        batch.check_sizes()?;
        let trees = Arc::clone(&self.store()?.trees);
        batch
            .trees()
            .try_for_each(|tree| trees.tree(tree).map(drop))?;
        self.uncarried.check_empties(&trees, &batch)?;
        self.note_arrival()?;
        if self.goes_straight(&batch) || !self.has_journal() {
            self.carry_all()?;
            self.apply(&batch)?;
            if durability == Durability::Durable || self.unsynced_bytes > MAX_UNSYNCED_BYTES {
                self.sync_trees()?;
            }
            Ok(())
        } else {
            self.append(batch, durability)
        }
    }

    fn goes_straight(&mut self, batch: &Batch) -> bool {
        if !frame::has_room_for(batch) {
            return true;
        }
        let without = self.journal.is_none() && self.commits_without_journal > 0;
        self.commits_without_journal -= u32::from(without);
        without
    }

    /// Appends a batch to the journal.
    fn append(&mut self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        // What comes before it in the trees must not be lost where it is not.
        self.sync_trees()?;
        self.turn_when_due()?;
        self.uncarried.check(&batch)?;
        if let Some(journal) = &mut self.journal {
            journal.append(&batch)?;
            if durability == Durability::Durable {
                journal.sync()?;
            }
        }
        self.uncarried.add(batch);
        Ok(())
    }

    /// Whether there is a journal. It is made when it is needed first; where that fails, as on a disk that
    /// has just room for a few rows, there is none.
    fn has_journal(&mut self) -> bool {
        if self.journal.is_none() {
            let (least, most) = GENERATION_BYTES.into_inner();
            let bytes = (self.options.cache_bytes / GENERATIONS_IN_CACHE).clamp(least, most);
            match Journal::open(&self.dir, self.next_generation, bytes) {
                Ok(journal) => self.journal = Some(journal),
                Err(error) => {
                    tracing::warn!(%error, dir = %self.dir.display(), "going on without a journal, more slowly");
                    self.commits_without_journal = u32::MAX;
                    // What is there of it holds nothing, and would do no harm.
                    let _ = journal::remove(&self.dir);
                }
            }
        }
        self.journal.is_some()
    }

    /// Has the journal's rows carried to the trees if there are many, and those before them have arrived; in a
    /// burst, only once there is no room for more: it takes time from those who wait for commits.
    fn turn_when_due(&mut self) -> Result<(), EngineError> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        if journal.is_full() {
            self.await_arrival()?;
            return self.turn();
        }
        if !self.uncarried.is_carrying()
            && journal.is_worth_turning()
            && journal.until_pause().is_none()
        {
            self.turn()?;
        }
        Ok(())
    }

    /// Begins a new generation of the journal, and has the rows of the one before it carried. Nothing may
    /// be on its way.
    fn turn(&mut self) -> Result<(), EngineError> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let generation = journal.generation();
        journal.turn()?;
        let trees = Arc::clone(&self.store()?.trees);
        let begun = self.uncarried.carry(&trees, generation);
        begun.map_err(|source| EngineError::Io {
            doing: "starting a thread for",
            path: self.dir.clone(),
            source,
        })
    }

    /// Has all that the journal holds carried to the trees, and waits for it.
    fn carry_all(&mut self) -> Result<(), EngineError> {
        self.await_arrival()?;
        if !self.uncarried.is_empty() {
            self.turn()?;
            self.await_arrival()?;
        }
        Ok(())
    }

    fn await_arrival(&mut self) -> Result<(), EngineError> {
        let carried = self.uncarried.wait();
        self.arrived(carried)
    }

    fn note_arrival(&mut self) -> Result<(), EngineError> {
        let carried = self.uncarried.poll();
        self.arrived(carried)
    }

    fn arrived(&mut self, carried: Option<Carried>) -> Result<(), EngineError> {
        self.written_bytes += carried.transpose()?.unwrap_or(0);
        Ok(())
    }

    /// Writes a batch to the trees.
    fn apply(&mut self, batch: &Batch) -> Result<(), EngineError> {
        let bytes = log_bytes(batch.len(), batch.bytes());
        self.unsynced_bytes += bytes;
        self.written_bytes += bytes;
        match self.store()?.trees.apply(batch) {
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

    /// Has the journal's rows carried to the trees if there are many, and makes room for more. Tells when to
    /// look whether they have arrived. Waits for nothing but the disk.
    fn try_rest(&mut self) -> Result<Option<Duration>, EngineError> {
        self.note_arrival()?;
        self.uncarried.unload();
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let until_pause = journal.until_pause();
        if until_pause.is_some() {
            return Ok(until_pause);
        }
        if !self.uncarried.is_carrying() {
            self.turn_when_due()?;
        }
        if let Some(journal) = &mut self.journal {
            journal.make_room()?;
        }
        Ok(self.uncarried.is_carrying().then_some(LOOK))
    }

    fn try_sync(&mut self) -> Result<(), EngineError> {
        self.note_arrival()?;
        self.sync_trees()?;
        self.journal.as_mut().map_or(Ok(()), Journal::sync)
    }

    /// Makes durable what was written straight to the trees.
    fn sync_trees(&mut self) -> Result<(), EngineError> {
        if self.unsynced_bytes > 0 {
            let trees = &self.store()?.trees;
            trees.log.sync(&trees.db)?;
            self.unsynced_bytes = 0;
        }
        Ok(())
    }

    /// Makes everything durable, in the trees, and the journal needless.
    fn try_finish(&mut self) -> Result<(), EngineError> {
        self.try_sync()?;
        self.carry_all()?;
        self.journal = None;
        // Should a power cut bring the files back, it is known that all rows in them were carried.
        journal::remove(&self.dir)
    }

    /// Lets the store go.
    fn release(&mut self) {
        self.uncarried.end();
        if let Some(store) = self.store.take() {
            store.release(&self.dir);
        }
    }
}

impl Engine for SledEngine {
    fn load(&self, tree: Tree, row: &mut RowSink<'_>) -> Result<(), EngineError> {
        let trees = &self.store()?.trees;
        let mut stored = trees.tree(tree)?.iter();
        // Only sled's part is guarded: a panic of the caller's is none of the store's damage.
        let stored = std::iter::from_fn(|| match guarded("reading", || stored.next()) {
            Ok(next) => next.map(|row| row.map_err(|error| trees.error(error, "reading"))),
            Err(panic) => Some(Err(panic)),
        });
        for next in self.uncarried.over(tree, stored) {
            let (key, value) = next?;
            if row(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&mut self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.poison.check()?;
        self.uncarried.note();
        self.uncarried.unload();
        let outcome = self.try_commit(batch, durability);
        self.poison.watch(outcome)
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        self.poison.check()?;
        let outcome = self.try_sync();
        self.poison.watch(outcome)
    }

    fn tidy(&mut self) {
        self.uncarried.note();
    }

    fn rest(&mut self) -> Result<Option<Duration>, EngineError> {
        self.tidy();
        self.poison.check()?;
        let outcome = self.try_rest();
        self.poison.watch(outcome)
    }

    fn size_on_disk(&self) -> Result<u64, EngineError> {
        Self::size_of(&self.dir)
    }

    fn close(mut self: Box<Self>) -> Result<(), EngineError> {
        self.poison.check()?;
        let finished = self.try_finish();
        self.release();
        if finished.is_ok() && self.written_bytes > SNAPSHOT_BYTES {
            open::renew_snapshot(&self.dir, self.options);
        }
        finished
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        self.release();
    }
}
