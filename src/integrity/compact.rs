//! Compacting: a fresh store with the same rows, put in the place of the old one.
//!
//! sled does not give space back; a store that is filled anew, page by page, has little to give. No row
//! is changed, not even the ledger.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::fill::{check, fill};
use crate::engine::{Engine, SledOptions};
use crate::error::Result;
use crate::schema::folder::{Folder, engine_error};
use crate::schema::load_checked;

/// What compacting a catalog did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompactReport {
    /// How many rows the store has, indexes and ledger and all.
    pub rows: u64,
    /// The size of its files before, in bytes.
    pub bytes_before: u64,
    /// The size of its files now, in bytes.
    pub bytes_after: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl fmt::Display for CompactReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows written anew in {:.1?}: {} bytes before, {} bytes now.",
            self.rows, self.elapsed, self.bytes_before, self.bytes_after
        )
    }
}

/// Writes the store of a catalog that is not open anew, which gives back the space that old
/// versions of its rows have, and checks it before it takes the place of the old one.
///
/// Whenever it is interrupted, the folder has the old store or the new one, whole; the next
/// opening clears away the other. It needs as much free space as the new store takes, and some twenty
/// megabytes more while it works.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// use coursecat::Catalog;
///
/// let catalog = Catalog::open(path)?;
/// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
/// drop(catalog);
/// coursecat::compact(path)?;
/// assert_eq!(Catalog::open(path)?.stats().course_runs, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Locked`] while the catalog is open; [`Error::Corrupt`] if it is damaged, which has to
/// be repaired first; [`Error::Invalid`] if there is none; [`Error::NewerFormat`] if a newer
/// coursecat wrote it; [`Error::Storage`] if the disk fails. After each, one of the two stores is
/// there, whole.
///
/// [`Error::Locked`]: crate::Error::Locked
/// [`Error::Corrupt`]: crate::Error::Corrupt
/// [`Error::Invalid`]: crate::Error::Invalid
/// [`Error::NewerFormat`]: crate::Error::NewerFormat
/// [`Error::Storage`]: crate::Error::Storage
pub fn compact(path: impl AsRef<Path>) -> Result<CompactReport> {
    let started = Instant::now();
    let options = SledOptions::default();
    let (folder, old) = Folder::open(path.as_ref(), &options)?;
    let failed = |error| engine_error(folder.path(), "compacting the store", error);
    let bytes_before = old.size_on_disk().map_err(failed)?;
    let (_, ledger) = load_checked(&old, folder.path())?;
    folder.check_mark(&ledger)?;

    let mut new = folder.new_store(&options)?;
    let rows = fill(&mut new, &ledger, |tree, row| old.load(tree, row)).map_err(failed)?;
    check(&new, folder.path(), &ledger)?;
    Box::new(new).close().map_err(failed)?;
    Box::new(old).close().map_err(failed)?;
    folder.replace_store(ledger.sequence)?;

    let engine = folder.open_store(&options)?;
    let bytes_after = engine.size_on_disk().map_err(failed)?;
    Box::new(engine).close().map_err(failed)?;
    Ok(CompactReport {
        rows,
        bytes_before,
        bytes_after,
        elapsed: started.elapsed(),
    })
}
