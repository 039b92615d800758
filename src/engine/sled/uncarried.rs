//! What the journal holds and the trees do not have yet: the rows of its newest generation, and those that
//! are on their way. Knows of no file.

use std::io;
use std::sync::Arc;

use super::carrier::{Carried, Carrier};
use super::rows::{self, Overlaid, Rows};
use super::store::Trees;
use crate::engine::{Batch, EngineError, Tree};

/// See the [module](self).
#[derive(Default)]
pub(super) struct Uncarried {
    /// The rows that are neither in the trees nor on their way.
    rows: Rows,
    /// The last batch, if it is not among them yet: whoever waits for it need not wait for that.
    newest: Option<Batch>,
    /// Started when it is needed first.
    carrier: Option<Carrier>,
}

impl Uncarried {
    /// These rows.
    pub(super) fn of(rows: Rows) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }

    /// Adds a batch whose guards hold.
    pub(super) fn add(&mut self, batch: Batch) {
        self.note();
        self.newest = Some(batch);
    }

    /// Whether there are no rows but those on their way.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.newest.is_none()
    }

    /// Checks the guards of a batch on rows that are here.
    ///
    /// # Errors
    /// [`EngineError::GuardFailed`] for the first that does not hold.
    pub(super) fn check(&mut self, batch: &Batch) -> Result<(), EngineError> {
        self.note();
        rows::check(&self.layers(), batch)
    }

    /// Checks what a batch demands to be empty, here and in the trees.
    ///
    /// # Errors
    /// [`EngineError::GuardFailed`] for the first key that is there, and those of reading.
    pub(super) fn check_empties(
        &mut self,
        trees: &Trees,
        batch: &Batch,
    ) -> Result<(), EngineError> {
        self.note();
        trees.check_empties(batch, &self.layers())
    }

    /// The rows of a tree, in order, with those that are here lying over them.
    pub(super) fn over<'a, K, E, I>(&'a self, tree: Tree, below: I) -> Overlaid<'a, I>
    where
        K: AsRef<[u8]> + From<&'a [u8]>,
        I: Iterator<Item = Result<(K, K), E>>,
    {
        Overlaid::new(tree, below, &self.layers(), self.newest.as_ref())
    }

    /// Lets those rows go that have been carried.
    pub(super) fn unload(&mut self) {
        self.carrier.iter_mut().for_each(Carrier::unload);
    }

    /// Whether nothing is held that has been carried.
    #[cfg(test)]
    pub(super) fn has_let_go(&self) -> bool {
        self.carrier.as_ref().is_none_or(Carrier::is_unloaded)
    }

    /// Whether rows are on their way.
    pub(super) fn is_carrying(&self) -> bool {
        self.carrier.as_ref().is_some_and(|c| c.cargo().is_some())
    }

    /// Has the rows, which are those of a generation of the journal, carried to the trees. None may be on
    /// their way.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn carry(&mut self, trees: &Arc<Trees>, generation: u64) -> io::Result<()> {
        self.note();
        self.unload();
        let mut carrier = match self.carrier.take() {
            Some(carrier) => carrier,
            None => Carrier::to(Arc::clone(trees))?,
        };
        self.rows = carrier.begin(std::mem::take(&mut self.rows), generation);
        self.carrier = Some(carrier);
        Ok(())
    }

    /// How carrying ended; `None` if nothing is on its way, or it has not ended yet.
    pub(super) fn poll(&mut self) -> Option<Carried> {
        self.carrier.as_mut().and_then(Carrier::poll)
    }

    /// How carrying ends; `None` if nothing is on its way.
    pub(super) fn wait(&mut self) -> Option<Carried> {
        self.carrier.as_mut().and_then(Carrier::wait)
    }

    /// Ends the carrier, once it has carried what is on its way.
    pub(super) fn end(&mut self) {
        if let Some(carrier) = self.carrier.take() {
            carrier.end();
        }
    }

    /// Adds the last batch to the rows.
    pub(super) fn note(&mut self) {
        if let Some(batch) = self.newest.take() {
            self.rows.add(&batch);
        }
    }

    /// The rows that lie over those of the trees, the uppermost last, but for the newest batch.
    fn layers(&self) -> Vec<&Rows> {
        let on_their_way = self.carrier.as_ref().and_then(Carrier::cargo);
        on_their_way.into_iter().chain([&self.rows]).collect()
    }
}
