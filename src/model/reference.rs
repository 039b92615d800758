//! References: outside systems that hold on to a course or a run.
//!
//! They stand in for the foreign keys that other applications have upstream: what is referred to
//! cannot be deleted. A reference is a [`Subject`] and the name of its
//! [`Referrer`](super::Referrer); it has no other content.

use crate::key::{CatalogCourseId, CourseRunId};

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// A catalog course.
    CatalogCourse(CatalogCourseId),
    /// A course run.
    CourseRun(CourseRunId),
}
