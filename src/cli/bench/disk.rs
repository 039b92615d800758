//! The place on the disk where it is measured: a temporary folder of its own.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::failure::Failure;
use super::super::output::{printable_path, say};
use super::timing::{Pace, Timing};

/// About what a small commit writes.
const APPENDED: [u8; 512] = [b'.'; 512];

/// A temporary folder. It goes with this, whatever happens but SIGKILL.
pub(super) struct Place {
    parent: PathBuf,
    folder: TempDir,
}

impl Place {
    /// Makes it in a folder that exists, or in the system's for temporary files.
    pub(super) fn make(parent: Option<&Path>) -> Result<Self, Failure> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let made = tempfile::Builder::new()
            .prefix("coursecat-bench-")
            .tempdir_in(&parent);
        match made {
            Ok(folder) => Ok(Self { parent, folder }),
            Err(error) => Err(Failure::other(format!(
                "A temporary folder cannot be made in {}: {}.",
                printable_path(&parent),
                // The name that would have been its own says nothing.
                io::Error::from(error.kind())
            ))
            .advise("Name a folder that you can write into with --dir.")),
        }
    }

    /// The folder that it was made in.
    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }

    /// The folder of the catalog.
    pub(super) fn catalog(&self) -> PathBuf {
        self.folder.path().join("catalog")
    }

    /// Times small appends, each followed by an `fdatasync`.
    pub(super) fn time_appends(&self, pace: &Pace) -> Result<Timing, Failure> {
        let failed = |error: io::Error| {
            let parent = printable_path(&self.parent);
            Failure::other(format!("Writing a file in {parent} failed: {error}."))
                .advise("Name a folder on another disk with --dir.")
        };
        let mut file = File::create(self.folder.path().join("appends")).map_err(failed)?;
        pace.repeat(1, |_| {
            file.write_all(&APPENDED)
                .and_then(|()| file.sync_data())
                .map_err(failed)
        })
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(self) {
        let path = self.folder.path().to_owned();
        if let Err(error) = self.folder.close() {
            let path = printable_path(&path);
            say(&format!(
                "{path} could not be removed: {error}. Remove it yourself."
            ));
        }
    }
}
