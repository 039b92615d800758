//! The storage engine: where rows of bytes are kept, and nothing more.
//!
//! An engine loads every row of a tree and commits one batch of guarded writes, atomically and
//! durably. It never reads one row for a caller (readers are served from memory), never interprets
//! a byte, and uses nothing else of this crate.
//!
//! | file | what it holds |
//! |---|---|
//! | [`batch`] | a batch of writes and the guards that must hold for it |
//! | [`error`] | what can go wrong, by what a caller can do about it |
//! | [`poison`] | why an engine that failed once does not go on |
//! | [`forgetful`] | the engine that keeps nothing, for rehearsals |
//! | [`memory`] | the engine that forgets, for tests and for catalogs that need no disk |
//! | [`sled`] | the engine that remembers |
//! | `conformance` | what every engine promises, as one test suite |

mod batch;
#[cfg(test)]
mod conformance;
mod error;
mod forgetful;
mod memory;
mod poison;
mod sled;

pub(crate) use batch::Batch;
pub(crate) use error::{EngineError, Guard};
pub(crate) use forgetful::ForgetfulEngine;
pub(crate) use memory::MemoryStore;
pub(crate) use sled::{SledEngine, SledOptions};

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

/// A place for rows of bytes, with one writer.
///
/// An engine that fails in [`commit`](Engine::commit) or [`sync`](Engine::sync), or that finds a
/// guard violated, is *poisoned*: it loads, commits and syncs no more, and answers
/// [`EngineError::Failed`], which repeats the first failure. Open the store again to learn what it
/// holds. Errors that refuse a batch for what it says ([`EngineError::Refused`]) touch nothing and
/// poison nothing.
pub(crate) trait Engine: Send + Sync {
    /// Gives every row of `tree` to `row`, in ascending order of keys, until it breaks off.
    ///
    /// A caller that breaks off knows why; the engine calls that success.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] or [`EngineError::Io`] if a row cannot be read. The rows given
    /// before are sound, but nothing says how many are missing.
    fn load(&self, tree: Tree, row: &mut RowSink<'_>) -> Result<(), EngineError>;

    /// Applies the whole batch if all of its guards hold, or nothing of it.
    ///
    /// Batches of up to 1,000 keys and 256 KiB are what engines are made for; larger ones are as
    /// atomic, but cost memory.
    ///
    /// With [`Durability::Durable`], the batch and every earlier one survive a power cut once this
    /// has returned.
    ///
    /// # Errors
    ///
    /// [`EngineError::GuardFailed`]: nothing of this batch was applied. The guard may be that of an earlier
    /// batch, for an engine that finds some of them only after it has taken a batch for good; whether
    /// that one is there shows when the store is opened again.
    /// [`EngineError::Io`] or
    /// [`EngineError::Damaged`]: whether the batch was applied shows when the store is opened
    /// again; it is there as a whole or not at all.
    fn commit(&mut self, batch: Batch, durability: Durability) -> Result<(), EngineError>;

    /// Makes every commit so far durable.
    ///
    /// # Errors
    ///
    /// Those of [`commit`](Engine::commit). A sync that failed is never tried again: the kernel
    /// reports a lost write once, and a second attempt would look like success.
    fn sync(&mut self) -> Result<(), EngineError>;

    /// Does what commits have left for a moment in which nobody waits for an answer. Nothing depends on it
    /// but time and memory.
    fn tidy(&mut self) {}

    /// Does what is better done while nobody commits. Tells in how long there will be more to do, if nobody
    /// commits until then; `None` if there will not. Nothing depends on it but time and memory, either.
    ///
    /// # Errors
    ///
    /// Those of [`commit`](Engine::commit), of which some may be found here.
    fn rest(&mut self) -> Result<Option<Duration>, EngineError> {
        Ok(None)
    }

    /// The size of the store's files in bytes, zero for an engine without files.
    ///
    /// # Errors
    ///
    /// [`EngineError::Io`] if a file cannot be measured.
    fn size_on_disk(&self) -> Result<u64, EngineError>;

    /// Makes every commit durable and lets the store go: once this has returned, with success or
    /// not, the store can be opened again at once. Dropping an engine lets the store go too, but
    /// makes nothing durable and reports nothing.
    ///
    /// # Errors
    ///
    /// Those of [`sync`](Engine::sync).
    fn close(self: Box<Self>) -> Result<(), EngineError>;
}

/// Takes a key and its value, and says whether to go on.
pub(crate) type RowSink<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// The name of a tree, an ordered set of rows. An engine is opened with all of its trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tree(&'static str);

impl Tree {
    /// The tree of this name. Names are stored: renaming a tree changes the format.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as it is stored.
    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// When a commit has to survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Before the commit returns.
    Durable,
    /// Once a later durable commit, sync or close has returned. Until then a power cut loses the
    /// latest commits, never one without all that came after it.
    Deferred,
}
