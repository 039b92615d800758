//! Filling a new store: rows that come in order, in full pages, each of which lies in the log in one
//! piece. Never changes a row that is there, and is for nobody who has to be read meanwhile.
//!
//! sled notes each row by itself, as a piece of its page. It writes a page as a whole only when it
//! splits the page in the middle, at 17 rows, or when it is changed while it lies in ten pieces. So of
//! the 16 rows of a page
//!
//! 1. nine come first, those at the edges: the 17th of them all makes the page split. Since its last
//!    row is among them, the border to the next page lies where no other row will;
//! 2. then six of the others, and three values that the last one never had: ten pieces;
//! 3. then the last one, with which the page is written as a whole.
//!
//! Each step is made with some thousands of pages before the next one. So what the first two write is
//! dead once the third is made, whole segments of it, which sled uses again; and what the third writes
//! lies in segments that hold nothing else.

use ::sled::Tree as SledTree;

use super::settle;
use super::spending::Spending;
use super::store::{PAGE_ROWS, is_first, log_bytes};
use super::{EngineError, RowSink, SledEngine, Tree};

/// How many rows are filled in together, or how many bytes of them.
const PORTION_ROWS: usize = 2048 * PAGE_ROWS;
const PORTION_BYTES: usize = 4 << 20;

/// Of a page's rows, the one that is written last.
const LAST: usize = 14;

/// How many values a page's last row has before its own, so that the page lies in ten pieces then: its
/// base, six other rows, and these.
const PIECES_MORE: u8 = 3;

/// Fills the trees of a store that has no rows, one after the other, with rows in ascending order of
/// keys. It is for stores that nobody uses before all is in them: a failure leaves a part.
pub(crate) struct Filler<'engine> {
    engine: &'engine mut SledEngine,
    rows: u64,
    bytes: u64,
}

impl SledEngine {
    /// Begins to fill the store, which must have no rows and no journal.
    pub(crate) fn filler(&mut self) -> Filler<'_> {
        Filler {
            engine: self,
            rows: 0,
            bytes: 0,
        }
    }
}

impl Filler<'_> {
    /// Fills a tree with the rows that `load` gives.
    ///
    /// # Errors
    ///
    /// Those of `load`; [`EngineError::Io`] or [`EngineError::Damaged`] if they cannot be written.
    pub(crate) fn fill(
        &mut self,
        tree: Tree,
        load: impl FnOnce(&mut RowSink<'_>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let trees = &self.engine.store()?.trees;
        let mut portion = Portion {
            tree: trees.tree(tree)?,
            log: Spending::on(trees),
            rows: Vec::new(),
            bytes: 0,
            begun: 0,
        };
        let (mut rows, mut bytes) = (0, 0);
        let mut outcome = Ok(());
        let loaded = load(&mut |key, value| {
            rows += 1;
            bytes += (key.len() + value.len()) as u64;
            outcome = portion.add(key, value);
            match outcome {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(_) => std::ops::ControlFlow::Break(()),
            }
        });
        let filled = outcome.and(loaded).and_then(|()| portion.end());
        self.rows += rows;
        self.bytes += bytes;
        self.spent(filled)
    }

    /// Has sled give back what is not in use, makes all durable, and tells how many rows there are.
    ///
    /// # Errors
    ///
    /// Those of [`fill`](Self::fill).
    pub(crate) fn finish(mut self) -> Result<u64, EngineError> {
        let trees = &self.engine.store()?.trees;
        let settled = settle::settle(trees, self.bytes);
        self.spent(settled)?;
        Ok(self.rows)
    }

    /// Notes what was written, or what went wrong.
    fn spent(&mut self, written: Result<u64, EngineError>) -> Result<(), EngineError> {
        self.engine.written_bytes += self.engine.poison.watch(written)?;
        Ok(())
    }
}

/// Rows of a tree that are filled in together.
struct Portion<'store> {
    tree: &'store SledTree,
    log: Spending<'store, 'store>,
    /// Whole pages of them, but for the end of the tree.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    /// How many of these, from the beginning, belong to pages whose first rows are written.
    begun: usize,
}

impl Portion<'_> {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        self.rows.push((key.to_vec(), value.to_vec()));
        self.bytes += key.len() + value.len();
        let is_large = self.rows.len() >= PORTION_ROWS || self.bytes >= PORTION_BYTES;
        if is_large && self.rows.len().is_multiple_of(PAGE_ROWS) {
            // The last page stays open: were it full, the first row after it would split it.
            self.write(self.rows.len() - PAGE_ROWS)?;
        }
        Ok(())
    }

    /// Writes what is left, and tells how many bytes of log all of it took, at most.
    fn end(mut self) -> Result<u64, EngineError> {
        self.write(self.rows.len())?;
        self.log.sync()?;
        Ok(self.log.written())
    }

    /// Begins all pages, and fills those of the first `filled` rows.
    fn write(&mut self, filled: usize) -> Result<(), EngineError> {
        let Self {
            tree, log, rows, ..
        } = self;
        for page in rows[self.begun..].chunks(PAGE_ROWS) {
            for (_, (key, value)) in page.iter().enumerate().filter(|(n, _)| is_first(*n)) {
                log.put(tree, key, value)?;
            }
        }
        for page in rows[..filled].chunks(PAGE_ROWS) {
            let others = page.iter().take(LAST).enumerate();
            for (_, (key, value)) in others.filter(|(n, _)| !is_first(*n)) {
                log.put(tree, key, value)?;
            }
            if let Some((key, _)) = page.get(LAST) {
                (0..PIECES_MORE).try_for_each(|value| log.put(tree, key, &[value]))?;
            }
        }
        for page in rows[..filled].chunks(PAGE_ROWS) {
            if let Some((key, value)) = page.get(LAST) {
                log.put(tree, key, value)?;
                let bytes = page.iter().map(|(key, value)| key.len() + value.len());
                log.add(log_bytes(0, bytes.sum()) / 2)?;
            }
        }
        settle::clean(log, filled / PAGE_ROWS)?;
        self.begun = self.rows.len() - filled;
        self.rows.drain(..filled);
        self.bytes = 0;
        Ok(())
    }
}
