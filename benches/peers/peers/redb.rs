//! redb, with its defaults: 1 GiB of cache, commits in one phase, checksums verified on repair.
//!
//! A lookup is a read transaction of its own, since it must see the newest commit. `Immediate`
//! is one fsync (redb calls `sync_data`). `None` keeps commits in memory until one that is durable, which is made
//! once a second here.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use parking_lot::Mutex;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition,
};

use crate::key_value::{Change, Store, Tree, View};
use crate::peer::{Durability, RELAXED_FOR};

const fn definition(tree: Tree) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(tree.name())
}

pub(crate) struct Redb {
    db: Database,
    durability: Durability,
    synced: Mutex<Instant>,
}

impl Redb {
    /// Whether the commit that is being made has to be durable.
    fn is_due(&self) -> bool {
        let mut synced = self.synced.lock();
        let due = self.durability == Durability::Durable || synced.elapsed() >= RELAXED_FOR;
        if due {
            *synced = Instant::now();
        }
        due
    }
}

impl Store for Redb {
    const NAME: &'static str = "redb";

    type View<'store> = ReadOnlyTable<&'static [u8], &'static [u8]>;
    type Change<'store> = Tables<'store>;

    fn open(folder: &Path, durability: Durability) -> Self {
        let db = Database::create(folder.join("catalog.redb")).expect("a database");
        let begin = db.begin_write().expect("a transaction");
        for tree in Tree::ALL {
            begin.open_table(definition(tree)).expect("a table");
        }
        begin.commit().expect("tables");
        Self {
            db,
            durability,
            synced: Mutex::new(Instant::now()),
        }
    }

    fn view(&self, tree: Tree) -> Self::View<'_> {
        let read = self.db.begin_read().expect("a transaction");
        read.open_table(definition(tree)).expect("a table")
    }

    fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Self::Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut write = self.db.begin_write().expect("a transaction");
        let durability = if self.is_due() {
            redb::Durability::Immediate
        } else {
            redb::Durability::None
        };
        write.set_durability(durability).expect("no savepoints");
        let changed = change(&mut Tables {
            organizations: write
                .open_table(definition(Tree::Organizations))
                .expect("a table"),
            courses: write
                .open_table(definition(Tree::Courses))
                .expect("a table"),
            runs: write.open_table(definition(Tree::Runs)).expect("a table"),
        });
        match changed {
            Ok(_) => write.commit().expect("committed"),
            Err(_) => write.abort().expect("abandoned"),
        }
        changed
    }

    /// An empty transaction that is durable makes those before it so.
    fn sync(&self) {
        let write = self.db.begin_write().expect("a transaction");
        write.commit().expect("committed");
    }

    fn compact(folder: &Path) -> bool {
        let mut db = Database::create(folder.join("catalog.redb")).expect("a database");
        db.compact().expect("compacted");
        true
    }
}

impl View for ReadOnlyTable<&'static [u8], &'static [u8]> {
    fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = ReadOnlyTable::get(self, key).expect("read");
        value.map(|value| read(value.value()))
    }

    fn scan(&self, prefix: &[u8], mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) {
        for row in self.range(prefix..).expect("read") {
            let (key, value) = row.expect("read");
            if !key.value().starts_with(prefix) || visit(value.value()).is_break() {
                return;
            }
        }
    }
}

/// The tables of a transaction.
pub(crate) struct Tables<'write> {
    organizations: Table<'write, &'static [u8], &'static [u8]>,
    courses: Table<'write, &'static [u8], &'static [u8]>,
    runs: Table<'write, &'static [u8], &'static [u8]>,
}

impl<'write> Tables<'write> {
    fn table(&self, tree: Tree) -> &Table<'write, &'static [u8], &'static [u8]> {
        match tree {
            Tree::Organizations => &self.organizations,
            Tree::Courses => &self.courses,
            Tree::Runs => &self.runs,
        }
    }

    fn table_mut(&mut self, tree: Tree) -> &mut Table<'write, &'static [u8], &'static [u8]> {
        match tree {
            Tree::Organizations => &mut self.organizations,
            Tree::Courses => &mut self.courses,
            Tree::Runs => &mut self.runs,
        }
    }
}

impl Change for Tables<'_> {
    fn get<T>(&self, tree: Tree, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = self.table(tree).get(key).expect("read");
        value.map(|value| read(value.value()))
    }

    fn has_prefix(&self, tree: Tree, prefix: &[u8]) -> bool {
        let mut rows = self.table(tree).range(prefix..).expect("read");
        rows.next()
            .is_some_and(|row| row.expect("read").0.value().starts_with(prefix))
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.table_mut(tree).insert(key, value).expect("written");
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) {
        self.table_mut(tree).remove(key).expect("written");
    }
}
