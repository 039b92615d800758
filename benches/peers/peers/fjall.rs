//! fjall, as its documentation recommends for what must be transactional: a single-writer
//! database. The cache is larger than the data; runs are read by keys that exist, and it is told
//! so.
//!
//! A durable commit persists the journal with `SyncData` (`fdatasync`). A relaxed one hands it to
//! the operating system, which is what fjall does unless told otherwise, and is synced once a second.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use fjall::{
    KeyspaceCreateOptions, PersistMode, Readable as _, SingleWriterTxDatabase,
    SingleWriterTxKeyspace, SingleWriterWriteTx,
};
use parking_lot::Mutex;

use crate::key_value::{Change, Store, Tree, View};
use crate::peer::{Durability, RELAXED_FOR};

const CACHE_BYTES: u64 = 1 << 30;

pub(crate) struct Fjall {
    db: SingleWriterTxDatabase,
    trees: [SingleWriterTxKeyspace; 3],
    durability: Durability,
    synced: Mutex<Instant>,
}

impl Store for Fjall {
    const NAME: &'static str = "fjall";

    type View<'store> = &'store SingleWriterTxKeyspace;
    type Change<'store> = Transaction<'store>;

    fn open(folder: &Path, durability: Durability) -> Self {
        let builder = SingleWriterTxDatabase::builder(folder).cache_size(CACHE_BYTES);
        let db = builder.open().expect("a database");
        let options = || KeyspaceCreateOptions::default().expect_point_read_hits(true);
        let trees = Tree::ALL.map(|tree| db.keyspace(tree.name(), options).expect("a keyspace"));
        Self {
            db,
            trees,
            durability,
            synced: Mutex::new(Instant::now()),
        }
    }

    fn view(&self, tree: Tree) -> Self::View<'_> {
        &self.trees[tree as usize]
    }

    fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Self::Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mode = match self.durability {
            Durability::Durable => PersistMode::SyncData,
            Durability::Relaxed => PersistMode::Buffer,
        };
        let mut transaction = Transaction {
            write: self.db.write_tx().durability(Some(mode)),
            trees: &self.trees,
        };
        let changed = change(&mut transaction)?;
        transaction.write.commit().expect("committed");
        if self.durability == Durability::Relaxed {
            let mut synced = self.synced.lock();
            if synced.elapsed() >= RELAXED_FOR {
                self.sync();
                *synced = Instant::now();
            }
        }
        Ok(changed)
    }

    fn sync(&self) {
        self.db.persist(PersistMode::SyncData).expect("synced");
    }
}

impl View for &SingleWriterTxKeyspace {
    fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = SingleWriterTxKeyspace::get(self, key).expect("read");
        value.map(|value| read(&value))
    }

    fn scan(&self, prefix: &[u8], mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) {
        for row in self.inner().prefix(prefix) {
            if visit(&row.value().expect("read")).is_break() {
                return;
            }
        }
    }
}

/// A write transaction.
pub(crate) struct Transaction<'db> {
    write: SingleWriterWriteTx<'db>,
    trees: &'db [SingleWriterTxKeyspace; 3],
}

impl Change for Transaction<'_> {
    fn get<T>(&self, tree: Tree, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = self.write.get(&self.trees[tree as usize], key);
        value.expect("read").map(|value| read(&value))
    }

    fn has_prefix(&self, tree: Tree, prefix: &[u8]) -> bool {
        let mut rows = self.write.prefix(&self.trees[tree as usize], prefix);
        rows.next().is_some()
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.write.insert(&self.trees[tree as usize], key, value);
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) {
        self.write.remove(&self.trees[tree as usize], key);
    }
}
