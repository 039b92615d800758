//! Receives a backup that somebody else writes, such as a server.
//!
//! What comes is believed once its end has come and agrees with the rest. Until then it has no name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::time::Instant;

use xxhash_rust::xxh3::Xxh3;

use super::write::{begin, finish};
use super::{BackupError, BackupOptions, BackupReport, failed};
use crate::model::Stats;
use crate::transfer::digest::digits;
use crate::transfer::lossless::{EndLine, HEADER, HeaderLine, VERSION};

/// How an end line begins.
const END: &[u8] = b"{\"type\":\"end\"";
/// No line is longer.
const MOST_LINE_BYTES: u64 = 1 << 26;

/// Receives what [`backup_to`](super::backup_to) writes, and makes a file of it.
///
/// The file is made durable, and gets its name, once its checksums and its counts prove that it is
/// whole. That every row keeps the rules shows when it is [inspected](super::inspect_backup) or
/// restored.
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{BackupOptions, backup_to, receive_backup};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let catalog = Catalog::temporary()?;
/// let mut sent = Vec::new();
/// backup_to(&catalog.snapshot(), &mut sent)?;
///
/// let file = folder.join("monday.coursecat.zst");
/// let cut_off = &sent[..sent.len() - 1];
/// assert!(receive_backup(cut_off, &file, &BackupOptions::new()).is_err());
/// assert!(!file.exists());
/// receive_backup(&sent[..], &file, &BackupOptions::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BackupError::Exists`] if there is such a file and it is not to be overwritten;
/// [`BackupError::Damaged`] if what comes is no backup or not whole; [`BackupError::Io`] if it
/// stops coming, or the disk fails. Then nothing is left of the new file.
pub fn receive_backup(
    mut input: impl Read,
    path: impl AsRef<Path>,
    options: &BackupOptions,
) -> Result<BackupReport, BackupError> {
    let start = Instant::now();
    let path = path.as_ref();
    let new = begin(path, options)?;
    let mut file = new.file().map_err(failed("Writing", path))?;
    let mut file_bytes = 0;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed("Receiving", path)(error)),
        };
        file.write_all(chunk.get(..length).unwrap_or_default())
            .map_err(failed("Writing", path))?;
        file_bytes += length as u64;
    }
    file.rewind().map_err(failed("Reading", path))?;
    let (counts, bytes) = check(file).map_err(|error| match error.raw_os_error() {
        Some(_) => failed("Reading", path)(error),
        None => BackupError::damaged(path, format!("what came is not whole ({error}).")),
    })?;
    finish(new, path, options)?;
    Ok(BackupReport {
        counts,
        file_bytes,
        bytes,
        elapsed: start.elapsed(),
    })
}

/// Reads a backup to its end, and gives its counts and its bytes if it is whole.
fn check(file: &File) -> io::Result<(Stats, u64)> {
    let mut lines = BufReader::with_capacity(1 << 16, zstd::Decoder::new(file)?);
    let (mut hash, mut line, mut bytes) = (Xxh3::new(), Vec::new(), 0);
    loop {
        line.clear();
        let length = (&mut lines)
            .take(MOST_LINE_BYTES)
            .read_until(b'\n', &mut line)?;
        let is_first = bytes == 0;
        bytes += length as u64;
        if !line.ends_with(b"\n") {
            return Err(io::Error::other("its end line is missing"));
        }
        if is_first {
            let header: HeaderLine<'_> = serde_json::from_slice(&line)?;
            if header.kind != HEADER || !(1..=VERSION).contains(&header.version) {
                return Err(io::Error::other("it has no header of this version"));
            }
        }
        if line.starts_with(END) {
            break;
        }
        hash.update(&line);
    }
    let end: EndLine = serde_json::from_slice(&line)?;
    if end.xxh3 != Some(digits(&hash)) {
        return Err(io::Error::other("its checksum is another"));
    }
    // The end of the frame has a checksum that is looked at only by reading on.
    if lines.read(&mut [0])? > 0 {
        return Err(io::Error::other("something follows its end"));
    }
    let counts = Stats {
        organizations: end.organizations,
        catalog_courses: end.catalog_courses,
        course_runs: end.course_runs,
        references: end.references,
    };
    Ok((counts, bytes))
}
