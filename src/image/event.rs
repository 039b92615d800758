//! Events: what the change feed tells of each change of a record. They only say what has happened.

use std::sync::Arc;

use super::Image;
use super::change::{Change, Versions};
use crate::key::{CatalogCourseId, CourseRunId};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject, Timestamp};

/// One change of one record, as the change feed tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeEvent {
    /// Its number: one more than that of the event before it. None is ever given twice.
    pub sequence: u64,
    /// When the change was made, by the catalog's clock.
    pub time: Timestamp,
    /// What was changed, before and after.
    pub record: ChangedRecord,
}

/// A record that was changed, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangedRecord {
    /// An organization. Where its short name is another after than before, the keys of its catalog
    /// courses have changed with it; they have no events of their own.
    Organization(Versions<Organization>),
    /// A catalog course, with its organization's short name as it was then.
    CatalogCourse(Versions<CatalogCourse>),
    /// A course run.
    CourseRun {
        /// The run itself.
        versions: Versions<CourseRun>,
        /// The catalog course that it is a run of, as it was then.
        catalog_course: Arc<CatalogCourse>,
    },
    /// A reference, which is created or deleted and never updated.
    Reference {
        /// What is referred to, as it was then.
        to: Referred,
        /// Who refers to it.
        referrer: Referrer,
        /// Whether the reference has come, not gone.
        added: bool,
    },
}

/// What a reference refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Referred {
    /// A catalog course.
    CatalogCourse(Arc<CatalogCourse>),
    /// A course run.
    CourseRun(Arc<CourseRun>),
}

/// What has become of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It was there before, and is another now.
    Updated,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// The kind in one word, as JSON has it: `created`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

impl ChangeEvent {
    /// Whether the record was created, updated or deleted.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match &self.record {
            ChangedRecord::Organization(versions) => versions.kind(),
            ChangedRecord::CatalogCourse(versions) => versions.kind(),
            ChangedRecord::CourseRun { versions, .. } => versions.kind(),
            ChangedRecord::Reference { added: true, .. } => ChangeKind::Created,
            ChangedRecord::Reference { added: false, .. } => ChangeKind::Deleted,
        }
    }

    /// The record's key, after the change if it is still there: an organization's short name, a
    /// catalog course's or a course run's key; of a reference, the key of what it refers to.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.record {
            ChangedRecord::Organization(versions) => versions
                .newest()
                .map(|record| record.short_name.to_string()),
            ChangedRecord::CatalogCourse(versions) => {
                versions.newest().map(|record| record.key().to_string())
            }
            ChangedRecord::CourseRun { versions, .. } => versions
                .newest()
                .map(|record| record.course_key.to_string()),
            ChangedRecord::Reference { to, .. } => Some(to.key()),
        }
        // One of the two versions is always there.
        .unwrap_or_default()
    }
}

impl<T> Versions<T> {
    fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Created,
            (Some(_), Some(_)) => ChangeKind::Updated,
            (Some(_), None) => ChangeKind::Deleted,
        }
    }

    /// The record after the change, or before it if it is gone.
    fn newest(&self) -> Option<&T> {
        self.after.as_deref().or(self.before.as_deref())
    }
}

impl Referred {
    /// The key of what is referred to.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::CatalogCourse(course) => course.key().to_string(),
            Self::CourseRun(run) => run.course_key.to_string(),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::CatalogCourse(course) => Subject::CatalogCourse(course.id),
            Self::CourseRun(run) => Subject::CourseRun(run.id),
        }
    }

    /// The ids under which the record is stored; those of a run begin with its course's.
    pub(crate) fn ids(&self) -> (CatalogCourseId, Option<CourseRunId>) {
        match self {
            Self::CatalogCourse(course) => (course.id, None),
            Self::CourseRun(run) => (run.catalog_course_id, Some(run.id)),
        }
    }
}

impl Image {
    /// What the feed tells of a change that was applied to this image last. `None` for a run without
    /// a catalog course, of which there is none.
    pub(crate) fn tell(&self, change: Change) -> Option<ChangedRecord> {
        change.told(|course| Some(Arc::clone(&self.course(course)?.course)))
    }
}

impl Change {
    /// What the feed tells of the change, with the catalog course that a run has afterwards.
    pub(crate) fn told(
        self,
        course: impl FnOnce(CatalogCourseId) -> Option<Arc<CatalogCourse>>,
    ) -> Option<ChangedRecord> {
        Some(match self {
            Change::Organization(versions) => ChangedRecord::Organization(versions),
            Change::CatalogCourse(versions) => ChangedRecord::CatalogCourse(versions),
            Change::CourseRun(versions) => {
                let id = versions.newest()?.catalog_course_id;
                ChangedRecord::CourseRun {
                    catalog_course: course(id)?,
                    versions,
                }
            }
            Change::ReferenceAdded(to, referrer) => ChangedRecord::Reference {
                to,
                referrer,
                added: true,
            },
            Change::ReferenceRemoved(to, referrer) => ChangedRecord::Reference {
                to,
                referrer,
                added: false,
            },
        })
    }
}
