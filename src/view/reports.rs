//! What is told of a catalog as a whole.

use serde::{Deserialize, Serialize};

use crate::{Finding, Report, Stats};

/// How much the catalog holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Stats"))]
pub(crate) struct StatsView {
    pub(crate) organizations: u64,
    pub(crate) catalog_courses: u64,
    pub(crate) course_runs: u64,
    pub(crate) references: u64,
    /// The bytes that the store's files have on the disk.
    pub(crate) bytes_on_disk: u64,
}

impl StatsView {
    pub(crate) fn of(stats: Stats, bytes_on_disk: u64) -> Self {
        Self {
            organizations: stats.organizations,
            catalog_courses: stats.catalog_courses,
            course_runs: stats.course_runs,
            references: stats.references,
            bytes_on_disk,
        }
    }
}

/// How a store is, row by row.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "VerifyReport"))]
pub(crate) struct VerifyView {
    /// Whether nothing is wrong.
    pub(crate) clean: bool,
    /// The rows that were read, indexes and all.
    rows: u64,
    /// The number of the newest commit.
    commit: u64,
    seconds: f64,
    /// The intact records.
    records: RecordsView,
    /// Everything that is wrong.
    findings: Vec<FindingView>,
}

/// How many records there are of each kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "RecordCounts"))]
struct RecordsView {
    organizations: u64,
    catalog_courses: u64,
    course_runs: u64,
    references: u64,
}

/// Something that is wrong with a store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Finding"))]
struct FindingView {
    /// The tree in which it was found.
    tree: String,
    /// The key of the row in hexadecimal digits; empty if it is about the tree as a whole.
    row: String,
    /// What is wrong, as the end of a sentence.
    problem: String,
}

impl VerifyView {
    pub(crate) fn of(report: &Report) -> Self {
        let stats = report.stats;
        let finding = |finding: &Finding| FindingView {
            tree: finding.tree.to_owned(),
            row: finding.row.clone(),
            problem: finding.problem.clone(),
        };
        Self {
            clean: report.is_clean(),
            rows: report.rows,
            commit: report.sequence,
            seconds: report.elapsed.as_secs_f64(),
            records: RecordsView {
                organizations: stats.organizations,
                catalog_courses: stats.catalog_courses,
                course_runs: stats.course_runs,
                references: stats.references,
            },
            findings: report.findings.iter().map(finding).collect(),
        }
    }

    /// The report that it was made of.
    #[cfg(feature = "cli")]
    pub(crate) fn into_report(self) -> Report {
        let finding = |finding: FindingView| Finding {
            // The program reads one report and ends.
            tree: finding.tree.leak(),
            row: finding.row,
            problem: finding.problem,
        };
        Report {
            stats: Stats {
                organizations: self.records.organizations,
                catalog_courses: self.records.catalog_courses,
                course_runs: self.records.course_runs,
                references: self.records.references,
            },
            rows: self.rows,
            sequence: self.commit,
            elapsed: std::time::Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
            findings: self.findings.into_iter().map(finding).collect(),
        }
    }
}
