//! LMDB by heed: read transactions in thread-local slots (its faster way), a map that is larger
//! than the data will ever be.
//!
//! A lookup is a read transaction of its own, since it must see the newest commit. Without
//! `NO_SYNC` a commit is durable (pages by `fdatasync`, the meta page by a synchronous write). With
//! it, nothing is synced but by `force_sync`, which is called once a second here.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use heed::types::Bytes;
use heed::{
    CommitOrAbort, CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn, WithTls,
};
use parking_lot::Mutex;

use crate::key_value::{Change, Store, Tree, View};
use crate::peer::{Durability, RELAXED_FOR};

/// Address space, not memory or disk.
const MAP_BYTES: usize = 64 << 30;

type Rows = Database<'static, Bytes, Bytes>;

pub(crate) struct Lmdb {
    env: Env<WithTls>,
    trees: [Rows; 3],
    durability: Durability,
    synced: Mutex<Instant>,
}

// SAFETY: the folder belongs to this process, no two environments of it are open at once, and
// `NO_SYNC` without `WRITE_MAP` harms nothing but durability.
#[expect(
    unsafe_code,
    reason = "a memory map is as safe as who else writes to its file"
)]
fn open_env(folder: &Path, durability: Durability) -> Env<WithTls> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES).max_dbs(3).max_readers(256);
    unsafe {
        if durability == Durability::Relaxed {
            options.flags(EnvFlags::NO_SYNC);
        }
        options.open(folder).expect("an environment")
    }
}

impl Store for Lmdb {
    const NAME: &'static str = "LMDB";

    type View<'store> = Snapshot<'store>;
    type Change<'store> = Transaction<'store>;

    fn open(folder: &Path, durability: Durability) -> Self {
        let env = open_env(folder, durability);
        let write = env.write_txn().expect("a transaction");
        let opened = env.create_databases_and_commit(write, |opener, write| {
            let open = |tree: Tree| opener.create_database(write, Some(tree.name()));
            let [organizations, courses, runs] = Tree::ALL.map(open);
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit([
                organizations?,
                courses?,
                runs?,
            ]))
        });
        let trees = opened.expect("databases").unwrap_commit();
        Self {
            env,
            trees,
            durability,
            synced: Mutex::new(Instant::now()),
        }
    }

    fn view(&self, tree: Tree) -> Snapshot<'_> {
        Snapshot {
            read: self.env.read_txn().expect("a transaction"),
            rows: self.trees[tree as usize],
        }
    }

    fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Self::Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = Transaction {
            write: self.env.write_txn().expect("a transaction"),
            trees: self.trees,
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
        self.env.force_sync().expect("synced");
    }

    fn compact(folder: &Path) -> bool {
        let (data, compacted) = (folder.join("data.mdb"), folder.join("compacted.mdb"));
        let env = open_env(folder, Durability::Durable);
        let copied = env.copy_to_path(&compacted, CompactionOption::Enabled);
        copied.expect("copied").sync_all().expect("synced");
        env.prepare_for_closing().wait();
        std::fs::rename(compacted, data).expect("renamed");
        true
    }
}

/// A read transaction, of one tree.
pub(crate) struct Snapshot<'env> {
    read: RoTxn<'env, WithTls>,
    rows: Rows,
}

impl View for Snapshot<'_> {
    fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.rows.get(&self.read, key).expect("read").map(read)
    }

    fn scan(&self, prefix: &[u8], mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) {
        // heed has no prefix that is empty.
        if prefix.is_empty() {
            for row in self.rows.iter(&self.read).expect("read") {
                if visit(row.expect("read").1).is_break() {
                    return;
                }
            }
            return;
        }
        for row in self.rows.prefix_iter(&self.read, prefix).expect("read") {
            if visit(row.expect("read").1).is_break() {
                return;
            }
        }
    }
}

/// A write transaction.
pub(crate) struct Transaction<'env> {
    write: RwTxn<'env>,
    trees: [Rows; 3],
}

impl Change for Transaction<'_> {
    fn get<T>(&self, tree: Tree, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let value = self.trees[tree as usize].get(&self.write, key);
        value.expect("read").map(read)
    }

    fn has_prefix(&self, tree: Tree, prefix: &[u8]) -> bool {
        let rows = self.trees[tree as usize].prefix_iter(&self.write, prefix);
        rows.expect("read").next().is_some()
    }

    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        let put = self.trees[tree as usize].put(&mut self.write, key, value);
        put.expect("written");
    }

    fn delete(&mut self, tree: Tree, key: &[u8]) {
        let deleted = self.trees[tree as usize].delete(&mut self.write, key);
        deleted.expect("written");
    }
}
