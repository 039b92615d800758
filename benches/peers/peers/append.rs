//! A ceiling for durable writes: the bytes of the new records, appended to a file, and one
//! `fdatasync`.
//!
//! It checks nothing, finds nothing again and keeps no order but that of arrival. No store that
//! answers when a write is on the disk can be faster than this with as many syncs.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use bincode::config;
use parking_lot::Mutex;

use crate::peer::{Creates, Durability, IMPORT_BATCH};
use crate::record::NewRun;

pub(crate) struct Append {
    file: Mutex<File>,
    durability: Durability,
}

impl Append {
    pub(crate) const NAME: &'static str = "append";

    pub(crate) fn open(folder: &Path, durability: Durability) -> Self {
        let mut options = File::options();
        let file = options
            .create(true)
            .append(true)
            .open(folder.join("appended"));
        Self {
            file: Mutex::new(file.expect("a file")),
            durability,
        }
    }
}

impl Creates for Append {
    fn create(&self, runs: &[NewRun]) -> usize {
        let mut bytes = Vec::new();
        for new in runs {
            bincode::encode_into_std_write(new.run(), &mut bytes, config::standard())
                .expect("memory is enough");
        }
        let mut file = self.file.lock();
        file.write_all(&bytes).expect("written");
        if self.durability == Durability::Durable {
            file.sync_data().expect("synced");
        }
        runs.len()
    }

    fn import(&self, runs: &mut dyn Iterator<Item = NewRun>) {
        loop {
            let batch: Vec<NewRun> = runs.take(IMPORT_BATCH).collect();
            if batch.is_empty() {
                return;
            }
            self.create(&batch);
        }
    }
}
