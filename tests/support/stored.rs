//! A catalog's folder seen from below: the rows of its store, and the bytes of its files.

// Each test takes in the whole module and uses a part of it.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Every row of a store, by tree and key.
pub type Rows = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// The store of a catalog that is not open, without coursecat.
pub struct Store {
    db: Option<sled::Db>,
    log: PathBuf,
}

impl Store {
    pub fn open(folder: &Path) -> Self {
        let store = folder.join("store");
        let config = sled::Config::new()
            .path(&store)
            .segment_size(2 << 20)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(None);
        Self {
            db: Some(config.open().unwrap()),
            log: store.join("db"),
        }
    }

    fn tree(&self, name: &str) -> sled::Tree {
        self.db.as_ref().unwrap().open_tree(name).unwrap()
    }

    pub fn put(&self, tree: &str, key: &[u8], value: &[u8]) {
        self.tree(tree).insert(key, value).unwrap();
    }

    pub fn remove(&self, tree: &str, key: &[u8]) {
        self.tree(tree).remove(key).unwrap().expect("a row");
    }

    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for name in self.db.as_ref().unwrap().tree_names() {
            let name = String::from_utf8(name.to_vec()).unwrap();
            for row in &self.tree(&name) {
                let (key, value) = row.unwrap();
                rows.insert((name.clone(), key.to_vec()), value.to_vec());
            }
        }
        rows
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let db = self.db.take().unwrap();
        db.flush().unwrap();
        drop(db);
        // sled's threads may hold on to the file, and to its lock, for a moment longer.
        let log = File::options().write(true).open(&self.log).unwrap();
        while log.try_lock().is_err() {
            std::thread::yield_now();
        }
    }
}

/// The rows of a catalog that is not open.
pub fn rows(folder: &Path) -> Rows {
    Store::open(folder).rows()
}

/// Every file below a folder (or the one file) with its bytes, and every folder.
pub fn files(path: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    if path.is_file() {
        return BTreeMap::from([(path.to_owned(), Some(fs::read(path).unwrap()))]);
    }
    let mut found = BTreeMap::from([(path.to_owned(), None)]);
    for entry in fs::read_dir(path).unwrap() {
        found.extend(files(&entry.unwrap().path()));
    }
    found
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let to = to.join(path.strip_prefix(from).unwrap());
        match bytes {
            None => fs::create_dir_all(to).unwrap(),
            Some(bytes) => fs::write(to, bytes).unwrap(),
        }
    }
}
