//! Counts of records.

use std::fmt;

/// How much a catalog holds.
///
/// Prints as `1 organization, 2 catalog courses, 3 course runs, 0 references`.
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

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.organizations, "organization"),
            (self.catalog_courses, "catalog course"),
            (self.course_runs, "course run"),
            (self.references, "reference"),
        ];
        for (i, (count, noun)) in counts.into_iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {noun}{plural}")?;
        }
        Ok(())
    }
}
