//! Copies of stores whose files may be damaged: as much as can be read of them. Never writes to a store that
//! is in use.

use std::path::Path;

use super::around::Readable;
use super::recovery::Recovered;
use super::uncarried::Uncarried;
use super::{SledEngine, SledOptions, last_segment, open};
use crate::engine::{EngineError, Tree};

impl SledEngine {
    /// Opens a copy of a store whose files may be damaged, by covering what is damaged where sled
    /// would give up. It is good for [`load_around`](Self::load_around) and for nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), but for a damaged journal.
    pub(crate) fn open_damaged_copy(
        dir: &Path,
        trees: &'static [Tree],
        options: SledOptions,
    ) -> Result<Self, EngineError> {
        last_segment::mend(dir)?;
        let store = open::open(dir, trees, options)?;
        let carried = store.trees.carried();
        let mut engine = Self::over(store, dir, options, 1);
        engine.journal_is_whole = carried.is_ok();
        match Recovered::look(dir, carried.unwrap_or(0), trees) {
            Ok(recovered) => {
                engine.uncarried = Uncarried::of(recovered.rows);
                engine.journal_is_whole &= recovered.missing.is_none();
            }
            Err(_) => engine.journal_is_whole = false,
        }
        Ok(engine)
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
        let readable = Readable::of(self.store()?.trees.tree(tree)?);
        let rows = readable.rows.into_iter().map(Ok::<_, EngineError>);
        for (key, value) in self.uncarried.over(tree, rows).flatten() {
            row(&key, &value);
        }
        Ok(readable.whole && self.journal_is_whole)
    }
}
