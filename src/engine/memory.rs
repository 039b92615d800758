//! The engine that keeps its rows in memory: for tests, and for a catalog that need not outlive the
//! process. It never touches a disk, so that "durable" means as long as its [`MemoryStore`] lives.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::poison::Poison;
use super::{Batch, Durability, Engine, EngineError, RowSink, Tree};

/// What a [`MemoryEngine`] leaves behind. Clones share one store, which can be opened again as a
/// folder could be.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    trees: BTreeMap<Tree, Rows>,
    /// Whether commits and syncs fail. Memory does not; tests make it.
    failing: bool,
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine over a [`MemoryStore`].
#[derive(Debug)]
pub(crate) struct MemoryEngine {
    store: MemoryStore,
    trees: &'static [Tree],
    poison: Poison,
}

impl MemoryStore {
    /// An empty store.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Opens the store, with the trees it is to have.
    pub(crate) fn open(&self, trees: &'static [Tree]) -> MemoryEngine {
        MemoryEngine {
            store: self.clone(),
            trees,
            poison: Poison::default(),
        }
    }

    /// Makes every commit and sync fail as a disk would, before anything is applied, until told
    /// otherwise.
    #[cfg(test)]
    pub(crate) fn fail_commits(&self, fail: bool) {
        self.contents.lock().failing = fail;
    }
}

impl Engine for MemoryEngine {
    fn load(&self, tree: Tree, row: &mut RowSink<'_>) -> Result<(), EngineError> {
        self.poison.check()?;
        self.check_known(tree)?;
        // A copy, so that the caller's function may take its time, or ask this store for something
        // else.
        let rows = self
            .store
            .contents
            .lock()
            .trees
            .get(&tree)
            .cloned()
            .unwrap_or_default();
        for (key, value) in &rows {
            if row(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&mut self, batch: Batch, _: Durability) -> Result<(), EngineError> {
        self.poison.check()?;
        let outcome = self.try_commit(&batch);
        self.poison.watch(outcome)
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        self.poison.check()?;
        let outcome = self.store.contents.lock().check_health();
        self.poison.watch(outcome)
    }

    fn size_on_disk(&self) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn close(mut self: Box<Self>) -> Result<(), EngineError> {
        self.sync()
    }
}

impl MemoryEngine {
    fn try_commit(&self, batch: &Batch) -> Result<(), EngineError> {
        batch.check_sizes()?;
        batch.trees().try_for_each(|tree| self.check_known(tree))?;
        let mut contents = self.store.contents.lock();
        contents.check_health()?;
        contents.check_guards(batch)?;
        contents.apply(batch);
        Ok(())
    }

    fn check_known(&self, tree: Tree) -> Result<(), EngineError> {
        if self.trees.contains(&tree) {
            Ok(())
        } else {
            Err(EngineError::unknown_tree(tree))
        }
    }
}

impl Contents {
    fn check_guards(&self, batch: &Batch) -> Result<(), EngineError> {
        let none = Rows::new();
        for (tree, prefix) in batch.empties() {
            let rows = self.trees.get(&tree).unwrap_or(&none);
            let stored = rows
                .range(prefix.to_vec()..)
                .map(|(key, _)| key)
                .take_while(|key| key.starts_with(prefix));
            batch.check_empty(tree, prefix, stored.map(Ok))?;
        }
        for (tree, writes) in batch.writes() {
            let rows = self.trees.get(&tree).unwrap_or(&none);
            for (key, write) in writes {
                write
                    .expect
                    .check(tree, key, rows.get(key).map(Vec::as_slice))?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) {
        for (tree, writes) in batch.writes() {
            let rows = self.trees.entry(tree).or_default();
            for (key, write) in writes {
                match &write.value {
                    Some(value) => rows.insert(key.clone(), value.clone()),
                    None => rows.remove(key),
                };
            }
        }
    }

    fn check_health(&self) -> Result<(), EngineError> {
        if !self.failing {
            return Ok(());
        }
        let source = io::Error::other("a test made the disk fail");
        Err(EngineError::Io {
            doing: "writing",
            path: "memory".into(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{self, TREES};
    use super::*;

    #[test]
    fn keeps_the_promises_of_an_engine() {
        conformance::conformance(|| {
            let store = MemoryStore::new();
            Box::new(move || Box::new(store.open(TREES)))
        });
    }

    #[test]
    fn a_failed_commit_applies_nothing_and_stops_the_engine() {
        let store = MemoryStore::new();
        let mut engine = store.open(TREES);
        let mut batch = Batch::new();
        batch.put(TREES[0], b"k".to_vec(), None, Some(b"v".to_vec()));

        store.fail_commits(true);
        assert!(matches!(
            engine.commit(batch.clone(), Durability::Durable),
            Err(EngineError::Io { .. })
        ));
        store.fail_commits(false);
        let error = engine
            .commit(batch.clone(), Durability::Durable)
            .unwrap_err();
        assert!(
            error.to_string().contains("a test made the disk fail"),
            "{error}"
        );
        assert!(matches!(engine.sync(), Err(EngineError::Failed { .. })));

        assert_eq!(conformance::rows(&store.open(TREES), TREES[0]), []);
        store
            .open(TREES)
            .commit(batch, Durability::Durable)
            .unwrap();
    }

    #[test]
    fn a_failed_sync_stops_the_engine() {
        let store = MemoryStore::new();
        let mut engine = store.open(TREES);
        store.fail_commits(true);
        assert!(matches!(engine.sync(), Err(EngineError::Io { .. })));
        store.fail_commits(false);
        assert!(matches!(engine.sync(), Err(EngineError::Failed { .. })));
        assert!(matches!(
            Box::new(engine).close(),
            Err(EngineError::Failed { .. })
        ));
    }
}
