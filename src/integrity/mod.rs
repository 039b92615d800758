//! Integrity: is a store whole, and if not, what can be saved of it.
//!
//! [`verify()`] looks and reports, [`repair()`] rebuilds what follows from intact records: indexes,
//! counts and digest; [`compact()`] writes a store anew. None changes a record that is intact, and
//! none runs by itself: opening a catalog checks counts and digest and refuses a store that does not add up.

mod compact;
mod feed;
mod fill;
mod rebuild;
mod repair;
mod report;
mod salvage;
mod sums;
mod survey;
#[cfg(test)]
mod tests;
mod verify;

use std::path::Path;

use crate::engine::{Batch, Engine, SledOptions};
use crate::error::{Error, Result};
use crate::schema::folder::{Folder, engine_error};

use survey::Survey;

pub use compact::{CompactReport, compact};
pub use repair::RepairReport;
pub use report::{Finding, Report};

pub(crate) use repair::refold;
pub(crate) use verify::verify as verify_engine;

/// Checks the store of a catalog that is not open: every row, every index against its records,
/// the references, the change feed, the counts and the digest. Changes no row.
///
/// Works on a store that [`Catalog::open`](crate::Catalog::open) refuses as corrupt, as long as
/// the engine can read its files.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// use coursecat::Catalog;
///
/// let catalog = Catalog::open(path)?;
/// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
/// drop(catalog);
/// let report = coursecat::verify(path)?;
/// assert!(report.is_clean(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Locked`] while the catalog is open;
/// [`Error::Corrupt`] if the files are too damaged to be read at all;
/// [`Error::Invalid`] if there is no catalog;
/// [`Error::NewerFormat`] if a newer coursecat wrote it;
/// [`Error::Storage`] if the disk fails.
pub fn verify(path: impl AsRef<Path>) -> Result<Report> {
    let (folder, engine) = Folder::open(path.as_ref(), &SledOptions::default())?;
    let report = verify_engine(&engine, folder.path(), folder.mark())?;
    close(&folder, Box::new(engine))?;
    Ok(report)
}

/// Rebuilds the indexes, counts and digest of a catalog that is not open from its intact records,
/// and lists what is lost.
///
/// A run whose catalog course is lost keeps it: the course is made anew from the run's key, with
/// its code as title; so is a lost organization. Nothing can be made of other lost records. Copy
/// the folder before you repair it. A repair that is interrupted can be started again.
///
/// The change feed is kept as far as it fits the records. Where records had to be repaired it begins
/// anew, and whoever has followed it is told that changes are [compacted](crate::Error::Compacted).
///
/// Where the files are damaged, what can be read of a copy takes the place of the store: damage to
/// its log costs the pages that it hits, of sixteen rows each; one in some hundred leads to others, and
/// costs what is below it, some two thousand.
///
/// # Errors
/// Those of [`verify()`]; a store of whose files nothing can be read is left as it is, and has to be
/// restored from a backup.
pub fn repair(path: impl AsRef<Path>) -> Result<RepairReport> {
    let folder = Folder::claim(path.as_ref())?;
    let read = folder
        .open_store(&SledOptions::default())
        .and_then(|engine| Survey::of(&engine, folder.path()).map(|survey| (engine, survey)));
    match read {
        Ok((mut engine, survey)) => {
            folder.raise_format()?;
            let report = repair::repair(&mut engine, folder.path(), survey, folder.mark())?;
            close(&folder, Box::new(engine))?;
            Ok(report)
        }
        Err(damage @ Error::Corrupt { .. }) => rebuild::rebuild(&folder, damage),
        Err(error) => Err(error),
    }
}

/// Whether a batch is as large as one may be: as large as a group of the writer.
fn is_full(batch: &Batch) -> bool {
    batch.len() >= 400 || batch.bytes() >= 45 * 1024
}

fn close(folder: &Folder, engine: Box<dyn Engine>) -> Result<()> {
    engine
        .close()
        .map_err(|error| engine_error(folder.path(), "closing the store", error))
}
