//! What can go wrong with a whole import or export.
//!
//! Never about a single row that is refused: that is a [`Reject`](super::Reject), and the others
//! go in.

use std::fmt;
use std::io;

use super::Format;
use super::report::ImportReport;
use crate::error::Error;

/// Why an import ended before the end of its input.
///
/// Rows before the place of the problem are in the catalog (unless the import was strict or a dry
/// run); the report counts them. Running a corrected file again leaves them alone.
#[derive(Debug)]
#[non_exhaustive]
pub struct ImportError {
    /// What the matter is.
    pub problem: ImportProblem,
    /// What came of the rows before it.
    pub report: Box<ImportReport>,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}

/// See [`ImportError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportProblem {
    /// The system cannot read the input.
    #[error("The input cannot be read: {0}.")]
    Read(#[source] io::Error),
    /// There is nothing in the input.
    #[error("The input is empty.")]
    Empty,
    /// The input is no text in UTF-8.
    #[error("The input is {0}")]
    NotText(&'static str),
    /// The input as a whole is not of its format.
    #[error("Line {line} is not as the format {format} has it: {why}.")]
    Malformed {
        /// The format.
        format: Format,
        /// The line.
        line: u64,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
    /// The end of the input is missing, or what is there is not all that should be.
    #[error("The input is cut off or damaged (it ends at line {line}): {why}.")]
    Incomplete {
        /// The last line.
        line: u64,
        /// How that is known, as the end of a sentence.
        why: String,
    },
    /// A newer coursecat wrote the input.
    #[error(
        "The input has version {found} of the coursecat format, and this program reads up to {supported}. Use a newer coursecat."
    )]
    NewerVersion {
        /// The version that the input has.
        found: u64,
        /// The newest version that this program reads.
        supported: u64,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] Error),
}

impl ImportProblem {
    /// What is wrong with an input that begins with these bytes (all of them, if it has less than
    /// four), whatever its format: it is empty, or no text in UTF-8.
    #[must_use]
    pub fn of_first_bytes(first_bytes: &[u8]) -> Option<Self> {
        let what = match first_bytes {
            [] => return Some(Self::Empty),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text; save it as UTF-8.",
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                "compressed with zstd; restore it if it is a backup, or decompress it first."
            }
            [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => "compressed; decompress it first.",
            [0, ..] => "no text.",
            _ => return None,
        };
        Some(Self::NotText(what))
    }

    /// The problem in one word, as JSON has it. These names do not change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "unreadable",
            Self::Empty => "empty",
            Self::NotText(_) => "not_text",
            Self::Malformed { .. } => "malformed",
            Self::Incomplete { .. } => "incomplete",
            Self::NewerVersion { .. } => "newer_version",
            Self::Catalog(error) => error.code(),
        }
    }
}

impl From<io::Error> for ImportProblem {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The system cannot write the output.
    #[error("The output cannot be written: {0}.")]
    Write(#[from] io::Error),
    /// The format is for imports only.
    #[error(
        "The format {0} can be imported, not exported; use coursecat, csv, django or django-new-site."
    )]
    ImportOnly(Format),
    /// The filter asks for what is not there.
    #[error(transparent)]
    Catalog(#[from] Error),
}

impl From<serde_json::Error> for ExportError {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error.into())
    }
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(error.into())
    }
}
