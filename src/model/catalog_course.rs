//! Catalog courses: what is taught, apart from when.

use std::fmt;

use super::{CourseCode, Language, ShortName, Timestamp, Title};
use crate::key::{CatalogCourseId, CatalogCourseKey, OrganizationId};

/// A catalog course, such as "Math 100".
///
/// Prints as `title (ORG CODE)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogCourse {
    /// Its number in this catalog. Internal: it means nothing outside the process.
    pub id: CatalogCourseId,
    /// The organization that offers it.
    pub organization_id: OrganizationId,
    /// That organization's short name, in its present spelling.
    pub org: ShortName,
    /// Its code, unique within the organization ignoring case.
    pub course_code: CourseCode,
    /// Its title.
    pub title: Title,
    /// The language it is taught in.
    pub language: Language,
    /// When it was first stored.
    pub created: Timestamp,
}

impl CatalogCourse {
    /// The course's key, `catalog-course:ORG:CODE`.
    ///
    /// It follows its organization's spelling, so it changes when the organization is renamed.
    #[must_use]
    pub fn key(&self) -> CatalogCourseKey {
        CatalogCourseKey::new(self.org.as_str(), self.course_code.as_str())
    }
}

impl fmt::Display for CatalogCourse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.title, self.org, self.course_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_counted_by_pointer_takes_two_lines_of_a_cache() {
        let counts = 2 * size_of::<usize>();
        assert!(counts + size_of::<CatalogCourse>() <= 2 * 64);
    }
}
