//! What came of an import, as JSON tells it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::transfer::{ImportReport, Place, Reject, Tally};

/// What came of an import.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "ImportReport"))]
pub(crate) struct ImportView {
    /// The rows that were read, refused ones too.
    rows: u64,
    bytes: u64,
    seconds: f64,
    /// Whether the catalog was written to: not by a dry run, and not by a strict import with rejects.
    written: bool,
    /// Whether it was stopped before its end, since the service stops. Sending it again completes it.
    stopped: bool,
    organizations: CountsView,
    catalog_courses: CountsView,
    course_runs: CountsView,
    references: CountsView,
    /// Rows of which not even the kind could be read, by reason.
    unreadable: Counted,
    warnings: Counted,
    skipped_models: Counted,
    /// How many rows had a value in each field that a catalog does not keep.
    #[serde(default)]
    dropped_values: Counted,
    /// The rows that were refused: the first of them.
    pub(crate) rejects: Vec<RejectView>,
    /// How many were refused in all.
    pub(crate) rejected: u64,
}

/// How many there were of each.
type Counted = BTreeMap<String, u64>;

#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "ImportCounts"))]
struct CountsView {
    created: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    /// By reason.
    rejected: Counted,
}

/// A row that was refused. Prints as [`Reject`] does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "ImportReject"))]
pub(crate) struct RejectView {
    /// The line on which it begins.
    pub(crate) line: u64,
    /// Its number, in formats that are no lines.
    pub(crate) row: Option<u64>,
    pub(crate) key: String,
    pub(crate) code: String,
    pub(crate) reason: String,
}

impl RejectView {
    pub(crate) fn of(reject: &Reject) -> Self {
        Self {
            line: reject.place.line,
            row: reject.place.row,
            key: reject.key.clone(),
            code: reject.error.code().to_owned(),
            reason: reject.error.to_string(),
        }
    }
}

impl fmt::Display for RejectView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place {
            line: self.line,
            row: self.row,
        };
        match self.key.as_str() {
            "" => write!(f, "{place}: {}", self.reason),
            key => write!(f, "{place}: {key}: {}", self.reason),
        }
    }
}

impl ImportView {
    #[cfg(feature = "http")]
    pub(crate) fn of(report: &ImportReport, rejects: Vec<RejectView>) -> Self {
        Self {
            rows: report.rows,
            bytes: report.bytes,
            seconds: report.elapsed.as_secs_f64(),
            written: report.written,
            stopped: report.stopped,
            organizations: CountsView::of(&report.organizations),
            catalog_courses: CountsView::of(&report.catalog_courses),
            course_runs: CountsView::of(&report.course_runs),
            references: CountsView::of(&report.references),
            unreadable: named(&report.unreadable),
            warnings: named(&report.warnings),
            skipped_models: report.skipped_models.clone(),
            dropped_values: named(&report.dropped_values),
            rejected: report.rejected(),
            rejects,
        }
    }

    /// The report that it was made of.
    #[cfg(feature = "cli")]
    pub(crate) fn into_report(self) -> ImportReport {
        ImportReport {
            rows: self.rows,
            bytes: self.bytes,
            elapsed: std::time::Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
            stopped: self.stopped,
            written: self.written,
            organizations: self.organizations.into_tally(),
            catalog_courses: self.catalog_courses.into_tally(),
            course_runs: self.course_runs.into_tally(),
            references: self.references.into_tally(),
            unreadable: kept(self.unreadable),
            warnings: kept(self.warnings),
            skipped_models: self.skipped_models,
            dropped_values: kept(self.dropped_values),
        }
    }
}

impl CountsView {
    #[cfg(feature = "http")]
    fn of(tally: &Tally) -> Self {
        Self {
            created: tally.created,
            updated: tally.updated,
            unchanged: tally.unchanged,
            skipped: tally.skipped,
            rejected: named(&tally.rejected),
        }
    }

    #[cfg(feature = "cli")]
    fn into_tally(self) -> Tally {
        Tally {
            created: self.created,
            updated: self.updated,
            unchanged: self.unchanged,
            skipped: self.skipped,
            rejected: kept(self.rejected),
        }
    }
}

#[cfg(feature = "http")]
fn named(counts: &BTreeMap<&'static str, u64>) -> Counted {
    let named = counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    named.collect()
}

/// Names that live as long as the program, which reads a few reports and ends.
#[cfg(feature = "cli")]
fn kept(counts: Counted) -> BTreeMap<&'static str, u64> {
    let kept = counts
        .into_iter()
        .map(|(name, count)| (&*name.leak(), count));
    kept.collect()
}
