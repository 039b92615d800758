//! An index of records by time of creation, newest first.
//!
//! Records created in the same microsecond come in key order. The index holds the records
//! themselves by pointer, and nothing but them.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdSet;

use crate::key::cmp_ignoring_case;
use crate::model::{CatalogCourse, CourseRun, Timestamp};

/// A record that has its place in the order "newest first, then by key".
pub(crate) trait Dated {
    fn created(&self) -> Timestamp;
    fn cmp_key(&self, other: &Self) -> Ordering;
}

impl Dated for CatalogCourse {
    fn created(&self) -> Timestamp {
        self.created
    }

    fn cmp_key(&self, other: &Self) -> Ordering {
        cmp_ignoring_case(self.org.as_str(), other.org.as_str())
            .then_with(|| cmp_ignoring_case(self.course_code.as_str(), other.course_code.as_str()))
    }
}

impl Dated for CourseRun {
    fn created(&self) -> Timestamp {
        self.created
    }

    fn cmp_key(&self, other: &Self) -> Ordering {
        cmp_ignoring_case(self.course_key.as_str(), other.course_key.as_str())
    }
}

/// The order "newest first, then by key" of two records.
pub(crate) fn newest_first<T: Dated>(a: &T, b: &T) -> Ordering {
    b.created().cmp(&a.created()).then_with(|| a.cmp_key(b))
}

/// A place in the index. The time is kept beside the pointer, so that most comparisons need not
/// follow it.
#[derive(Debug)]
struct Place<T> {
    created: Timestamp,
    record: Arc<T>,
}

impl<T: Dated> Place<T> {
    fn of(record: Arc<T>) -> Self {
        Self {
            created: record.created(),
            record,
        }
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        Self {
            created: self.created,
            record: Arc::clone(&self.record),
        }
    }
}

impl<T: Dated> Ord for Place<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .created
            .cmp(&self.created)
            .then_with(|| self.record.cmp_key(&other.record))
    }
}

impl<T: Dated> PartialOrd for Place<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Dated> PartialEq for Place<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Dated> Eq for Place<T> {}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Newest<T: Dated>(OrdSet<Place<T>>);

impl<T: Dated> Newest<T> {
    pub(crate) fn new() -> Self {
        Self(OrdSet::new())
    }

    pub(crate) fn insert(&mut self, record: Arc<T>) {
        self.0.insert(Place::of(record));
    }

    pub(crate) fn remove(&mut self, record: &Arc<T>) {
        self.0.remove(&Place::of(Arc::clone(record)));
    }

    /// The records after the place where `after` is or would be; from the newest on without it.
    pub(crate) fn iter_after(&self, after: Option<Arc<T>>) -> impl Iterator<Item = &Arc<T>> {
        let start = after.map_or(Bound::Unbounded, |record| {
            Bound::Excluded(Place::of(record))
        });
        self.0
            .range((start, Bound::Unbounded))
            .map(|place| &place.record)
    }
}

impl<T: Dated> Clone for Newest<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
