//! Data in and out: import, export and backup, backup_to, in the formats of the field.
//!
//! Works through the catalog's public requests and snapshots alone: it never sees how records are
//! stored, never prints, and never keeps a whole file in memory.
//!
//! ```
//! use coursecat::Catalog;
//! use coursecat::transfer::{Filter, Format, Import, Unwatched, export};
//!
//! let catalog = Catalog::temporary()?;
//! let csv = "course_key,title,language\ncourse-v1:MITx+Math100+2026,Calculus,en\n";
//! let report = Import::new().run(&catalog, Format::Csv, csv.as_bytes(), &mut Unwatched)?;
//! assert_eq!(report.course_runs.created, 1);
//!
//! let mut lines = Vec::new();
//! export(&catalog.snapshot(), Format::Lines, &Filter::new(), &mut lines)?;
//! let copy = Catalog::temporary()?;
//! let report = Import::new().run(&copy, Format::Lines, &lines[..], &mut Unwatched)?;
//! assert_eq!(report.rejected(), 0);
//! assert_eq!(copy.stats(), catalog.stats());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backup;
mod digest;
mod error;
mod export;
mod format;
mod guard;
mod import;
mod lossless;
mod report;
mod watch;

pub use backup::{
    BackupError, BackupOptions, BackupReport, BackupSummary, RestoreReport, backup, backup_to,
    inspect_backup, last_backup, note_backup, receive_backup, restore,
};
pub use error::{ExportError, ImportError, ImportProblem};
pub use export::{ExportReport, Filter, count_export, export};
pub use format::{Format, UnknownFormat};
pub use import::{Import, OnConflict};
pub use report::{ImportReport, Tally};
pub use watch::{Place, Progress, Reject, RowError, Unwatched, Watch};
