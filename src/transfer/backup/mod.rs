//! Backups: a whole catalog in one file that proves to be whole.
//!
//! A backup is the coursecat format (see [`Format::Lines`](super::Format::Lines)) with a checksum
//! in its end line, compressed with zstd: `zstd -d` makes a file of it that any import reads. It
//! is read to the end before anything is believed of it, and never overwritten unasked.

mod durable;
mod inspect;
mod last;
mod receive;
mod restore;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use super::{ExportError, ImportError};
use crate::error::Error;

pub use inspect::{BackupSummary, inspect_backup};
pub use last::{last_backup, note_backup};
pub use receive::receive_backup;
pub use restore::{RestoreReport, restore};
pub use write::{BackupOptions, BackupReport, backup, backup_to};

/// Why a backup could not be written, read or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file is there already, and overwriting it was not asked for.
    #[error("The file {} exists already; choose another name, or ask for it to be overwritten.", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder to restore into holds something.
    #[error("The folder {} is not empty; a backup is restored into a new or an empty folder only.", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Too many interrupted restores have left their folders beside this one.
    #[error(
        "Beside {0}, nine restores are under way or were interrupted. Delete the folders {0}.restoring* that nobody fills and try again.",
        path.display()
    )]
    InTheWay {
        /// The folder to restore into.
        path: PathBuf,
    },
    /// The file is no backup, or not whole.
    #[error("The backup {} is damaged, or none: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// A sentence that says how that is known.
        detail: String,
    },
    /// What was restored is not what the backup holds. The new catalog was thrown away.
    #[error("The catalog restored from {} is not what the backup holds: {detail}. It was thrown away; please report this.", path.display())]
    NotTheSame {
        /// The backup.
        path: PathBuf,
        /// What differs, as the end of a sentence.
        detail: String,
    },
    /// It was stopped, and nothing is left of it.
    #[error("The restore was stopped, and nothing was restored.")]
    Stopped,
    /// The system failed.
    #[error("{doing} {} failed: {source}.", path.display())]
    Io {
        /// What was being done, as the beginning of a sentence.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The new catalog failed.
    #[error(transparent)]
    Catalog(#[from] Error),
}

impl BackupError {
    /// The error in one word, as JSON has it. These names do not change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "already_exists",
            Self::NotEmpty { .. } => "not_empty",
            Self::InTheWay { .. } => "locked",
            Self::Damaged { .. } | Self::NotTheSame { .. } => "corrupt",
            Self::Stopped => "stopped",
            Self::Io { .. } => "storage",
            Self::Catalog(error) => error.code(),
        }
    }

    fn damaged(path: &Path, detail: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            detail: detail.to_string(),
        }
    }

    fn of_export(path: &Path, error: ExportError) -> Self {
        match error {
            ExportError::Write(source) => failed("Writing", path)(source),
            ExportError::Catalog(error) => Self::Catalog(error),
            // Backups are written in a format that can be.
            error @ ExportError::ImportOnly(_) => failed("Writing", path)(io::Error::other(error)),
        }
    }

    fn of_import(path: &Path, error: ImportError) -> Self {
        match error.problem {
            super::ImportProblem::Catalog(error) => Self::Catalog(error),
            problem => Self::damaged(path, problem),
        }
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
