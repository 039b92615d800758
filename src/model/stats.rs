//! Counts of records.

/// How much a catalog holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The number of organizations.
    pub organizations: u64,
    /// The number of catalog courses.
    pub catalog_courses: u64,
    /// The number of course runs.
    pub course_runs: u64,
    /// The number of references to courses and runs.
    pub references: u64,
}
