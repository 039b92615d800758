//! Restores backups: a folder appears under its name only when all of it has been checked.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::durable::NewFolder;
use super::inspect::read_into;
use super::write::write_all;
use super::{BackupError, failed};
use crate::catalog::Catalog;
use crate::integrity::verify;
use crate::model::Stats;
use crate::transfer::Watch;
use crate::transfer::digest::Digesting;

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// How many records of each kind the catalog holds.
    pub counts: Stats,
    /// The size of the backup.
    pub file_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Makes a catalog of a backup, in a folder that is missing or empty.
///
/// The catalog is made in `FOLDER.restoring` beside it (or `FOLDER.restoring-2` and so on, if an
/// interrupted restore has left one). There it is filled, compared with the
/// backup byte for byte, and its store verified; then it is renamed. Before that, nothing is at
/// `folder`; if anything fails, nothing is left.
///
/// # Errors
/// [`BackupError::NotEmpty`] if the folder holds anything; [`BackupError::InTheWay`] if nine
/// others are left; [`BackupError::Damaged`] if the backup is not whole; [`BackupError::NotTheSame`]
/// if the catalog does not come out as it should; [`BackupError::Stopped`] if the watch says so;
/// [`BackupError::Io`] and [`BackupError::Catalog`] if the disk fails.
pub fn restore(
    backup: impl AsRef<Path>,
    folder: impl AsRef<Path>,
    watch: &mut dyn Watch,
) -> Result<RestoreReport, BackupError> {
    let start = Instant::now();
    let (backup, folder) = (backup.as_ref(), folder.as_ref());
    check_empty(folder)?;
    // A link to an empty folder, or `.`, has no name that could be given to another folder.
    let folder = &folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    check_no_mount(folder)?;
    // Found out before anything is made.
    fs::File::open(backup).map_err(failed("Opening", backup))?;
    let new = match NewFolder::create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(BackupError::InTheWay {
                path: folder.clone(),
            });
        }
        new => new.map_err(failed("Creating", folder))?,
    };
    let (counts, file_bytes) = fill(backup, new.path(), watch)?;
    let report = verify(new.path())?;
    if !report.is_clean() || report.stats != counts {
        return Err(not_the_same(backup, report.to_string()));
    }
    if watch.should_stop() {
        return Err(BackupError::Stopped);
    }
    new.finish().map_err(failed("Naming", folder))?;
    Ok(RestoreReport {
        counts,
        file_bytes,
        elapsed: start.elapsed(),
    })
}

/// Fills a new catalog, compares it with the backup, and closes it.
fn fill(backup: &Path, folder: &Path, watch: &mut dyn Watch) -> Result<(Stats, u64), BackupError> {
    let catalog = Catalog::open(folder)?;
    let read = read_into(backup, &catalog, watch)?;
    let mut again = Digesting::new(io::sink());
    write_all(&catalog.snapshot(), &mut again)
        .map_err(|error| BackupError::of_export(backup, error))?;
    if again.digest() != read.digest {
        let detail = format!(
            "its checksum is {}, that of the backup {}",
            again.digest(),
            read.digest
        );
        return Err(not_the_same(backup, detail));
    }
    Ok((catalog.stats(), read.file_bytes))
}

fn not_the_same(backup: &Path, detail: String) -> BackupError {
    BackupError::NotTheSame {
        path: backup.to_owned(),
        detail,
    }
}

fn check_empty(folder: &Path) -> Result<(), BackupError> {
    let mut entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed("Looking into", folder))?,
    };
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty {
            path: folder.to_owned(),
        }),
    }
}

/// Another folder cannot take the place of one that a file system is mounted on; better to know
/// before all the work than after it.
fn check_no_mount(folder: &Path) -> Result<(), BackupError> {
    #[cfg(unix)]
    if let (Ok(inside), Some(Ok(outside))) =
        (folder.metadata(), folder.parent().map(Path::metadata))
    {
        use std::os::unix::fs::MetadataExt;
        if inside.dev() != outside.dev() {
            let why = "it is a mount point; name a folder in it";
            return Err(failed("Restoring into", folder)(io::Error::other(why)));
        }
    }
    Ok(())
}
