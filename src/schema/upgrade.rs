//! Bringing a store of an older format up to date. It is done when a store is opened that adds up,
//! and can be interrupted anywhere: the format is raised first, so that no older program looks at
//! rows that it does not know, and this one reads the rows of both.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;

use super::folder::{Folder, engine_error, storage, sync_folder};
use super::format::{self, FORMAT_FILE, FORMAT_VERSION, NEW_FORMAT_FILE};
use super::ledger::Ledger;
use super::trees::META;
use crate::engine::{Batch, Durability, Engine};
use crate::error::Result;

impl Folder {
    /// Says of the store that it has the newest format, durably. For those who are about to write
    /// to it.
    pub(crate) fn raise_format(&self) -> Result<()> {
        let store = self.store();
        let (file, new) = (store.join(FORMAT_FILE), store.join(NEW_FORMAT_FILE));
        let raised = fs::read_to_string(&file).and_then(|text| {
            if format::read(&text) >= Some(FORMAT_VERSION) {
                return Ok(());
            }
            tracing::info!(path = %self.path().display(), "bringing the store to format {FORMAT_VERSION}");
            fs::write(&new, format::write(FORMAT_VERSION))?;
            File::open(&new)?.sync_all()?;
            fs::rename(&new, &file)?;
            sync_folder(&store)
        });
        raised.map_err(|error| storage("raising the format of", &file, error))
    }
}

/// Writes a ledger that was read from a row of an older version as it is written now.
pub(crate) fn renew_ledger(engine: &mut dyn Engine, path: &Path, ledger: &Ledger) -> Result<()> {
    let failed = |error| engine_error(path, "bringing the store up to date", error);
    let mut stored = None;
    let loaded = engine.load(META, &mut |_, value| {
        stored = Some(value.to_vec());
        ControlFlow::Break(())
    });
    loaded.map_err(failed)?;
    let row = ledger.as_row();
    if stored.as_ref() == Some(&row.value) {
        return Ok(());
    }
    let mut batch = Batch::new();
    batch.put(row.tree, row.key, stored, Some(row.value));
    engine.commit(batch, Durability::Durable).map_err(failed)
}
