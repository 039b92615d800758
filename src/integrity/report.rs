//! What a check found, for people and programs.

use std::fmt;
use std::time::Duration;

use crate::model::Stats;

/// Something that is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The tree in which it was found.
    pub tree: &'static str,
    /// The key of the row in hexadecimal digits; empty if it is about the tree as a whole.
    pub row: String,
    /// What is wrong, as the end of a sentence.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tree)?;
        if !self.row.is_empty() {
            write!(f, " {}", self.row)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The outcome of a check of a whole store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How many intact records there are.
    pub stats: Stats,
    /// How many rows have been read, indexes and all.
    pub rows: u64,
    /// The number of the newest commit.
    pub sequence: u64,
    /// How long the check took.
    pub elapsed: Duration,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rows read in {:.1?} (commit {}): {}.",
            self.rows, self.elapsed, self.sequence, self.stats
        )?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match self.findings.len() {
            0 => write!(f, "Nothing is wrong."),
            1 => write!(f, "One thing is wrong."),
            n => write!(f, "{n} things are wrong."),
        }
    }
}
