//! Watching an import: how far it is, which rows are refused, whether to stop.
//!
//! Nothing here decides anything about a row; it tells.

use std::fmt;

use crate::error::{Entity, Error};

/// Watches an import, and may stop it.
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{Format, Import, Reject, Watch};
///
/// #[derive(Default)]
/// struct Rejects(Vec<String>);
///
/// impl Watch for Rejects {
///     fn rejected(&mut self, reject: &Reject) {
///         self.0.push(reject.to_string());
///     }
/// }
///
/// let mut rejects = Rejects::default();
/// let rows = "course_key,title\ncourse-v1:MITx+Math100,Calculus\n";
/// Import::new().run(&Catalog::temporary()?, Format::Csv, rows.as_bytes(), &mut rejects)?;
/// assert!(rejects.0[0].starts_with("line 2: course-v1:MITx+Math100: The course key "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Watch {
    /// Hears from time to time how far the import is, and once at its end.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Hears of each row that does not go in. The others do.
    fn rejected(&mut self, reject: &Reject) {
        let _ = reject;
    }

    /// Is asked before each row. After `true`, no more rows are read, what has been handed to the
    /// catalog is waited for, and the report says how far the import came.
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes of the input that have been read.
    pub bytes: u64,
    /// The rows that are done: stored, left alone or refused.
    pub rows: u64,
    /// How many of them were refused.
    pub rejected: u64,
    /// Whether this is the rehearsal of a dry run or of a strict import, which writes nothing.
    pub rehearsing: bool,
}

/// A row that does not go in, and why.
///
/// Prints as `line 7: KEY: The reason.`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reject {
    /// Where the row is.
    pub place: Place,
    /// What the row is about, if that could be read.
    pub entity: Option<Entity>,
    /// The row's key, as it was given; empty if it could not be read.
    pub key: String,
    /// Why it was refused.
    pub error: RowError,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.error)
    }
}

/// Where a row is in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// The line on which it begins; the first is 1.
    pub line: u64,
    /// In formats that are no lines: its number among the rows; the first is 1.
    pub row: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            None => write!(f, "line {}", self.line),
            Some(row) => write!(f, "row {row} (line {})", self.line),
        }
    }
}

/// Why a row does not go in.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A rule of the catalog refuses it.
    #[error(transparent)]
    Refused(#[from] Error),
    /// It is not what the format asks for.
    #[error("The row cannot be read: {0}.")]
    Malformed(String),
    /// It is too large to be a row.
    #[error("The row has more than {limit} bytes, which no row needs; it was skipped.")]
    TooLarge {
        /// The most bytes that a row may have.
        limit: usize,
    },
    /// It belongs to a row that is not in the file.
    #[error("The row refers to the {entity} with the pk {pk}, which is not in the file.")]
    Dangling {
        /// What it refers to.
        entity: Entity,
        /// The number by which it refers.
        pk: i64,
    },
}

impl RowError {
    /// The reason in one word: that of the [`Error`](Error::code), or `malformed`, `too_large` or
    /// `dangling`. These names do not change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Malformed(_) => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::Dangling { .. } => "dangling",
        }
    }

    /// What a JSON reader had to say about one row.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // The line is that within the row; the row's own place says it better.
        let why = text.split(" at line ").next().unwrap_or(&text);
        Self::Malformed(match error.column() {
            0 => why.to_owned(),
            column => format!("{why}, at column {column}"),
        })
    }
}
