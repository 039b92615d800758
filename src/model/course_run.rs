//! Course runs: a catalog course, given once.

use std::fmt;

use super::{Timestamp, Title};
use crate::key::{CatalogCourseId, CourseRunId, RunKey};

/// A course run, such as "Math 100, 2026 Spring".
///
/// Prints as `title (ORG CODE RUN)`, the organization spelled as in the run's key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CourseRun {
    /// Its number in this catalog. Internal: it means nothing outside the process.
    pub id: CourseRunId,
    /// The catalog course that it is a run of.
    pub catalog_course_id: CatalogCourseId,
    /// Its key, unique ignoring case: `course-v1:MITx+Math100+2026_Spring`.
    pub course_key: RunKey,
    /// Its title.
    pub title: Title,
    /// When it was first stored.
    pub created: Timestamp,
}

impl CourseRun {
    /// The most characters that a run's stored key may have.
    pub const MAX_KEY_CHARS: usize = 255;

    /// Its run code, the last part of its key: `2026_Spring`.
    #[must_use]
    pub fn run_code(&self) -> &str {
        self.course_key.run()
    }
}

impl fmt::Display for CourseRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.course_key;
        write!(
            f,
            "{} ({} {} {})",
            self.title,
            key.org(),
            key.course(),
            key.run()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counted_by_pointer_takes_two_lines_of_a_cache() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(counts + size_of::<CourseRun>(), 2 * 64);
    }
}
