//! Writes backups.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::Xxh3;

use super::durable::NewFile;
use super::{BackupError, failed};
use crate::catalog::Snapshot;
use crate::model::Stats;
use crate::transfer::ExportError;
use crate::transfer::digest::Digesting;
use crate::transfer::export::{Filter, Part, write_lossless};

/// How a backup is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupOptions {
    overwrite: bool,
}

impl BackupOptions {
    /// It does not take the place of an existing file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it takes the place of an existing file, which stays whole until then.
    #[must_use]
    pub fn overwrite(mut self, on: bool) -> Self {
        self.overwrite = on;
        self
    }
}

/// What a backup holds, once it is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// How many records of each kind it holds.
    pub counts: Stats,
    /// The size of the file.
    pub file_bytes: u64,
    /// The size of what is compressed in it.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Writes a snapshot into one compressed file, with counts and a checksum.
///
/// The file is written under another name beside it, made durable and then renamed, so under its
/// own name it is always whole.
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{BackupOptions, Unwatched, backup, inspect_backup, restore};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let catalog = Catalog::temporary()?;
/// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
/// let file = folder.join("monday.coursecat.zst");
/// backup(&catalog.snapshot(), &file, &BackupOptions::new())?;
///
/// assert_eq!(inspect_backup(&file)?.counts, catalog.stats());
/// restore(&file, folder.join("copy"), &mut Unwatched)?;
/// assert_eq!(Catalog::open(folder.join("copy"))?.stats(), catalog.stats());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BackupError::Exists`] if there is such a file and it is not to be overwritten;
/// [`BackupError::Io`] if the disk fails, and then nothing is left of the new file.
pub fn backup(
    snapshot: &Snapshot,
    path: impl AsRef<Path>,
    options: &BackupOptions,
) -> Result<BackupReport, BackupError> {
    let path = path.as_ref();
    let start = Instant::now();
    let new = begin(path, options)?;
    let file = new.file().map_err(failed("Writing", path))?;
    let written = backup_to(snapshot, BufWriter::new(file));
    let report = written.map_err(|e| BackupError::of_export(path, e))?;
    finish(new, path, options)?;
    Ok(BackupReport {
        elapsed: start.elapsed(),
        ..report
    })
}

/// Writes a snapshot as [`backup`] does, but into anything: a connection, or a pipe.
///
/// Whoever reads it there finds out whether it is whole, by [`receive_backup`](super::receive_backup)
/// or by restoring it.
///
/// # Errors
/// [`ExportError::Write`] if it cannot be written, and then part of it may have been.
pub fn backup_to(snapshot: &Snapshot, out: impl Write) -> Result<BackupReport, ExportError> {
    let start = Instant::now();
    let level = zstd::DEFAULT_COMPRESSION_LEVEL;
    let mut encoder = zstd::Encoder::new(Digesting::new(out), level)?;
    encoder.include_checksum(true)?;
    let mut lines = BufWriter::with_capacity(1 << 16, Digesting::new(encoder));
    let counts = write_all(snapshot, &mut lines)?;
    let lines = lines
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    let bytes = lines.bytes();
    let mut out = lines.into_inner().finish()?;
    out.flush()?;
    Ok(BackupReport {
        counts,
        file_bytes: out.bytes(),
        bytes,
        elapsed: start.elapsed(),
    })
}

/// Begins a file that will be a backup.
pub(super) fn begin(path: &Path, options: &BackupOptions) -> Result<NewFile, BackupError> {
    if !options.overwrite && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    // Another file could take the place of these, which is never what is meant.
    let odd = path.metadata().ok().and_then(|metadata| match () {
        () if metadata.is_dir() => Some("it is a folder"),
        () if !metadata.is_file() => Some("it is no file, but a device or a pipe"),
        () => None,
    });
    if let Some(odd) = odd {
        return Err(failed("Replacing", path)(std::io::Error::other(odd)));
    }
    NewFile::create(path).map_err(failed("Creating", path))
}

/// Makes it durable and gives it its name.
pub(super) fn finish(
    new: NewFile,
    path: &Path,
    options: &BackupOptions,
) -> Result<(), BackupError> {
    match new.finish(options.overwrite) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        finished => finished.map_err(failed("Finishing", path)),
    }
}

fn exists(path: &Path) -> BackupError {
    BackupError::Exists {
        path: path.to_owned(),
    }
}

/// Writes the lines of a backup.
pub(super) fn write_all(snapshot: &Snapshot, out: &mut dyn Write) -> Result<Stats, ExportError> {
    let everything = Filter::new();
    let part = Part::new(snapshot, &everything)?;
    write_lossless(&part, out, Some(Xxh3::new()))
}
