//! sled 0.34.7, used as a plain store: what coursecat is built on, without coursecat.
//!
//! Settings: the mode for high throughput, a cache larger than the data, no background flusher,
//! since every durable write flushes by itself.
//!
//! sled's flush is not an fsync: it ends in `sync_file_range`, which neither has the disk write its
//! cache nor makes the file's length durable. To be as durable as the others, a durable commit
//! here goes on with `fdatasync` on sled's log. Both are outside of the writer's lock, so that
//! sled can serve concurrent callers with one flush.
//!
//! A transaction of sled's cannot walk a range, so a writer's lock guards reading what is there
//! and applying what is new in one transaction over all trees.

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use parking_lot::Mutex;
use sled::transaction::{ConflictableTransactionError, Transactional as _};
use sled::{Batch, Config, Db};

use crate::key_value::{Change, Store, Tree, View};
use crate::peer::{Durability, RELAXED_FOR};

const CACHE_BYTES: u64 = 1 << 30;

pub(crate) struct Sled {
    trees: [sled::Tree; 3],
    db: Db,
    log: File,
    durability: Durability,
    writer: Mutex<()>,
}

impl Store for Sled {
    const NAME: &'static str = "sled";

    type View<'store> = &'store sled::Tree;
    type Change<'store> = Changes<'store>;

    fn open(folder: &Path, durability: Durability) -> Self {
        let flush = match durability {
            Durability::Durable => None,
            Durability::Relaxed => Some(RELAXED_FOR.as_millis() as u64),
        };
        let config = Config::new()
            .path(folder)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(flush);
        let db = config.open().expect("a database");
        let trees = Tree::ALL.map(|tree| db.open_tree(tree.name()).expect("a tree"));
        Self {
            trees,
            log: File::open(folder.join("db")).expect("sled's log"),
            db,
            durability,
            writer: Mutex::new(()),
        }
    }

    fn view(&self, tree: Tree) -> Self::View<'_> {
        &self.trees[tree as usize]
    }

    fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Self::Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut changes = Changes {
            trees: &self.trees,
            rows: Default::default(),
        };
        let guard = self.writer.lock();
        let changed = change(&mut changes)?;
        changes.apply();
        drop(guard);
        if self.durability == Durability::Durable {
            self.sync();
        }
        Ok(changed)
    }

    fn sync(&self) {
        self.db.flush().expect("flushed");
        self.log.sync_data().expect("synced");
    }
}

impl View for &sled::Tree {
    fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = sled::Tree::get(self, key).expect("read");
        value.map(|value| read(&value))
    }

    fn scan(&self, prefix: &[u8], mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) {
        for row in self.scan_prefix(prefix) {
            if visit(&row.expect("read").1).is_break() {
                return;
            }
        }
    }
}

/// Changes that are not applied yet, by tree.
pub(crate) struct Changes<'db> {
    trees: &'db [sled::Tree; 3],
    rows: [HashMap<Vec<u8>, Option<Vec<u8>>>; 3],
}

impl Changes<'_> {
    fn apply(self) {
        let batches = self.rows.map(|rows| {
            let mut batch = Batch::default();
            for (key, value) in rows {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
            batch
        });
        let applied = self.trees.as_slice().transaction(|trees| {
            for (tree, batch) in trees.iter().zip(&batches) {
                tree.apply_batch(batch)?;
            }
            Ok::<_, ConflictableTransactionError<()>>(())
        });
        applied.expect("applied");
    }
}

impl Change for Changes<'_> {
    fn get<T>(&self, tree: Tree, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self.rows[tree as usize].get(key) {
            Some(changed) => changed.as_deref().map(read),
            None => View::get(&&self.trees[tree as usize], key, read),
        }
    }

    /// Only of what was there before: nothing here asks for a range that it has written to.
    fn has_prefix(&self, tree: Tree, prefix: &[u8]) -> bool {
        let mut rows = self.trees[tree as usize].scan_prefix(prefix);
        rows.next().is_some_and(|row| row.is_ok())
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.rows[tree as usize].insert(key.to_owned(), Some(value.to_owned()));
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) {
        self.rows[tree as usize].insert(key.to_owned(), None);
    }
}
