//! What is told of a catalog as a whole.

use serde::{Deserialize, Serialize};

use crate::Stats;

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
