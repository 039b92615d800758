//! Changes that have been planned and are not in the image yet. Where many wait, they are applied while the disk
//! writes them, when the writer would have nothing else to do. Decides nothing about any of them.
//!
//! What is planned meanwhile must not miss them. So only new runs wait here, with their courses if these are
//! new, and only requests that look at [no other course](super::request::Plan::LOOKS_AT_ONE_COURSE) are planned
//! meanwhile. One that may have to do with one of these courses is planned once more, when they have been applied.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::request::Planned;
use crate::image::{Change, CourseMark, Image};
use crate::model::CatalogCourse;

/// Where requests are about the same courses again and again, as in an import, nothing waits any more in a
/// group after so many plans had to be made once more.
const MOST_PLANNED_AGAIN: usize = 4;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Unapplied {
    changes: Vec<Change>,
    courses: HashSet<CourseMark, RandomState>,
    planned_again: usize,
}

impl Unapplied {
    /// The course that all these changes are about, if they may wait.
    pub(super) fn may_wait(&self, changes: &[Change], image: &Image) -> Option<Arc<CatalogCourse>> {
        if self.planned_again >= MOST_PLANNED_AGAIN {
            return None;
        }
        course_of(changes, image)
    }

    /// Keeps changes that may wait, all about this course.
    pub(super) fn add(&mut self, changes: &[Change], course: &CatalogCourse, image: &Image) {
        self.courses.insert(image.mark_of(course));
        self.changes.extend_from_slice(changes);
    }

    /// Whether a plan that looks at one course might be another with these changes in the image; `None` if it
    /// refuses the request, or panics.
    ///
    /// They only add, so a run that exists already exists still. What a plan missed can only be the course, or a run
    /// of it.
    pub(super) fn concern(&self, planned: Option<&Planned>, image: &Image) -> bool {
        if self.changes.is_empty() {
            return false;
        }
        planned.is_none_or(|planned| {
            !planned.changes.is_empty()
                && course_of(&planned.changes, image)
                    .is_none_or(|course| self.courses.contains(&image.mark_of(&course)))
        })
    }

    /// Tells that a plan has to be made once more.
    pub(super) fn note_planned_again(&mut self) {
        self.planned_again += 1;
    }

    /// Applies them all.
    pub(super) fn apply_to(&mut self, image: &mut Image) {
        for change in self.changes.drain(..) {
            image.apply(&change);
        }
        self.courses.clear();
    }
}

/// The course of a run, if that and maybe the course itself are all that is created.
fn course_of(changes: &[Change], image: &Image) -> Option<Arc<CatalogCourse>> {
    let (course, run) = match changes {
        [Change::CourseRun(run)] => (None, run),
        [Change::CatalogCourse(course), Change::CourseRun(run)] => (Some(course), run),
        _ => return None,
    };
    let id = run.as_new()?.catalog_course_id;
    match course {
        Some(course) => course.as_new().filter(|course| course.id == id).cloned(),
        None => image.course(id).map(|node| Arc::clone(&node.course)),
    }
}
