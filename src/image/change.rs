//! Changes: what a write does to the catalog, record by record.
//!
//! A change carries the record before and after, so that it can be applied to the image, turned
//! into guarded rows, and told to others. It decides nothing: the operation that made it has
//! checked every rule.

use std::sync::Arc;

use super::event::Referred;
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer};

/// A record before and after a change; `None` where there is none.
///
/// At least one side is there, and both sides have the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Versions<T> {
    /// The record before the change; `None` if it is new.
    pub before: Option<Arc<T>>,
    /// The record after the change; `None` if it is gone.
    pub after: Option<Arc<T>>,
}

impl<T> Versions<T> {
    pub(crate) fn created(after: Arc<T>) -> Self {
        Self {
            before: None,
            after: Some(after),
        }
    }

    /// The record, if it is new.
    pub(crate) fn as_new(&self) -> Option<&Arc<T>> {
        self.after.as_ref().filter(|_| self.before.is_none())
    }

    pub(crate) fn updated(before: Arc<T>, after: Arc<T>) -> Self {
        Self {
            before: Some(before),
            after: Some(after),
        }
    }

    pub(crate) fn deleted(before: Arc<T>) -> Self {
        Self {
            before: Some(before),
            after: None,
        }
    }
}

/// One change of the catalog.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Organization(Versions<Organization>),
    CatalogCourse(Versions<CatalogCourse>),
    CourseRun(Versions<CourseRun>),
    ReferenceAdded(Referred, Referrer),
    ReferenceRemoved(Referred, Referrer),
}
