//! Looks at a backup, to the end, and says what it holds.
//!
//! Makes no catalog of it: whether its rows keep the rules shows when it is restored.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::{BackupError, failed};
use crate::catalog::Catalog;
use crate::model::Stats;
use crate::transfer::digest::Digesting;
use crate::transfer::{Format, Import, ImportReport, Watch};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupSummary {
    /// How many records of each kind it holds.
    pub counts: Stats,
    /// The size of the file.
    pub file_bytes: u64,
    /// The size of what is compressed in it.
    pub bytes: u64,
}

/// Reads a backup to its end, checks its counts, its checksums and that every row keeps the
/// rules, and says what it holds. Writes nothing.
///
/// It needs the memory of a catalog of that size.
///
/// # Errors
/// [`BackupError::Damaged`] if it is no backup or not whole; [`BackupError::Io`] if it cannot be
/// read.
pub fn inspect_backup(path: impl AsRef<Path>) -> Result<BackupSummary, BackupError> {
    let path = path.as_ref();
    let catalog = Catalog::temporary()?.rehearse()?;
    let read = read_into(path, &catalog, &mut crate::transfer::Unwatched)?;
    Ok(BackupSummary {
        counts: catalog.stats(),
        file_bytes: read.file_bytes,
        bytes: read.report.bytes,
    })
}

/// What came of reading a backup.
pub(super) struct Reading {
    pub(super) report: ImportReport,
    pub(super) file_bytes: u64,
    /// The checksum of all that is compressed in it.
    pub(super) digest: String,
}

/// Reads a backup into an empty catalog; every row must go in.
pub(super) fn read_into(
    path: &Path,
    catalog: &Catalog,
    watch: &mut dyn Watch,
) -> Result<Reading, BackupError> {
    let file = File::open(path).map_err(failed("Opening", path))?;
    let metadata = file.metadata().map_err(failed("Opening", path))?;
    let decoder = zstd::Decoder::new(file).map_err(failed("Reading", path))?;
    let mut input = BufReader::with_capacity(1 << 16, Digesting::new(decoder));
    let mut first = First {
        watch,
        reject: None,
    };
    let report = Import::new()
        .run(catalog, Format::Lines, &mut input, &mut first)
        .map_err(|error| BackupError::of_import(path, error))?;
    if report.stopped {
        return Err(BackupError::Stopped);
    }
    if let Some(reject) = first.reject {
        return Err(BackupError::damaged(path, format!("{reject}.")));
    }
    // The end of the frame has a checksum that is looked at only by reading on.
    let rest = input.read(&mut [0]).map_err(failed("Reading", path))?;
    if rest > 0 {
        return Err(BackupError::damaged(path, "Something follows its end."));
    }
    Ok(Reading {
        report,
        file_bytes: metadata.len(),
        digest: input.get_ref().digest(),
    })
}

/// Keeps the first reject, which is the end of it.
struct First<'a> {
    watch: &'a mut dyn Watch,
    reject: Option<String>,
}

impl Watch for First<'_> {
    fn progress(&mut self, progress: &crate::transfer::Progress) {
        self.watch.progress(progress);
    }

    fn rejected(&mut self, reject: &crate::transfer::Reject) {
        self.watch.rejected(reject);
        self.reject.get_or_insert_with(|| reject.to_string());
    }

    fn should_stop(&mut self) -> bool {
        self.watch.should_stop()
    }
}
