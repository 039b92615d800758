//! When a catalog was backed up last: a line in a small file beside its store.
//!
//! Only who makes backups knows, so they note it; backups that others make of the folder's files
//! are not seen. It is for people who want to be told that there has been none for long, and nothing
//! depends on it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::model::Timestamp;

const FILE: &str = "last-backup";
const NEW_FILE: &str = "last-backup.new";
/// No time is longer.
const MOST_BYTES: u64 = 64;

/// Notes that the catalog in this folder has been backed up as it was at this time.
///
/// # Errors
/// If the note cannot be written. The backup is as good without.
pub fn note_backup(folder: impl AsRef<Path>, time: Timestamp) -> io::Result<()> {
    let folder = folder.as_ref();
    let new = folder.join(NEW_FILE);
    let mut file = File::create(&new)?;
    writeln!(file, "{time}")?;
    file.sync_all()?;
    fs::rename(new, folder.join(FILE))
}

/// When the catalog in this folder was backed up last, as far as it was noted.
///
/// ```
/// use coursecat::transfer::{last_backup, note_backup};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// assert_eq!(last_backup(folder), None);
/// let time = "2026-02-02T09:00:00Z".parse()?;
/// note_backup(folder, time)?;
/// assert_eq!(last_backup(folder), Some(time));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn last_backup(folder: impl AsRef<Path>) -> Option<Timestamp> {
    let file = File::open(folder.as_ref().join(FILE)).ok()?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
