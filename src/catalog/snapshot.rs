//! Snapshots: the catalog at one moment, to read from for as long as one likes.
//!
//! A snapshot is only read. It shows whole, durable commits and never changes; taking one copies
//! a pointer, and holding one costs the memory of what has changed since.

use std::sync::Arc;

use super::changes::{Changes, read_changes};
use super::references::find_subject;
use super::runs::{find_run, find_runs};
use super::selector::CourseSelector;
use crate::error::{Entity, Error, Result};
use crate::image::{CourseQuery, CourseRuns, Image, Order, OrganizationQuery, Page, RunQuery};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Stats};

/// The catalog at one moment, to read from for as long as one likes.
///
/// It shows whole, durable commits and never changes; taking one copies a pointer.
///
/// ```
/// use coursecat::Catalog;
///
/// let catalog = Catalog::temporary()?;
/// let before = catalog.snapshot();
/// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
/// assert_eq!(before.stats().course_runs, 0);
/// assert_eq!(catalog.snapshot().stats().course_runs, 1);
/// # Ok::<(), coursecat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    image: Arc<Image>,
}

/// What a search found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// Matching catalog courses, in key order, and where to go on.
    pub catalog_courses: Page<Arc<CatalogCourse>>,
    /// Matching course runs, in key order, and where to go on.
    pub course_runs: Page<Arc<CourseRun>>,
}

/// Declares each reading method once: on a snapshot, where its body is, and on the catalog and a
/// reader, where it reads the newest image.
macro_rules! reads {
    ($(
        $(#[$doc:meta])*
        pub fn $name:ident $(<$lt:lifetime>)? (&$self:ident $(, $arg:ident : $type:ty)* $(,)?) -> $answer:ty {
            |$image:ident| $body:expr
        }
    )*) => {
        impl Snapshot {
            $(
                $(#[$doc])*
                pub fn $name $(<$lt>)? (&self $(, $arg: $type)*) -> $answer {
                    let $image: &Image = &self.image;
                    $body
                }
            )*
        }

        impl super::Catalog {
            $(
                $(#[$doc])*
                pub fn $name $(<$lt>)? (&self $(, $arg: $type)*) -> $answer {
                    let guard = self.image();
                    let $image: &Image = &guard;
                    $body
                }
            )*
        }

        impl super::Reader {
            $(
                $(#[$doc])*
                pub fn $name $(<$lt>)? (&mut self $(, $arg: $type)*) -> $answer {
                    let $image: &Image = self.image();
                    $body
                }
            )*
        }
    };
}

reads! {
    /// A catalog course: by id, by key, or by organization and course code.
    ///
    /// The organization is matched ignoring case, the course code exactly.
    ///
    /// Source: `get_catalog_course` of openedx_catalog.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; [`Error::InvalidKey`] if a key is malformed.
    pub fn get_catalog_course<'a>(&self, course: impl Into<CourseSelector<'a>>) -> Result<Arc<CatalogCourse>> {
        |image| Ok(Arc::clone(&course.into().find(image)?.course))
    }

    /// A course run by its key, exactly; branch and version are dropped from the key first.
    ///
    /// A key as text is as good as a parsed one, and as fast.
    ///
    /// Source: `get_course_run` of openedx_catalog.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; [`Error::InvalidKey`] if the key is malformed or
    /// names no run.
    pub fn get_course_run(&self, course_key: impl AsRef<str>) -> Result<Arc<CourseRun>> {
        |image| find_run(image, course_key.as_ref()).map(Arc::clone)
    }

    /// Many course runs at once, in the order asked, with `None` where there is none.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if a key is malformed or names no run.
    pub fn get_course_runs(&self, course_keys: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<Option<Arc<CourseRun>>>> {
        |image| find_runs(image, course_keys)
    }

    /// The catalog course that a run is a run of.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the course has been deleted since the run was read.
    pub fn get_catalog_course_of(&self, run: &CourseRun) -> Result<Arc<CatalogCourse>> {
        |image| Ok(Arc::clone(&CourseSelector::Id(run.catalog_course_id).find(image)?.course))
    }

    /// An organization by its short name, matched ignoring case.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub fn get_organization(&self, short_name: impl AsRef<str>) -> Result<Arc<Organization>> {
        |image| image
            .organization_named(short_name.as_ref())
            .map(|node| Arc::clone(&node.organization))
            .ok_or_else(|| Error::not_found(Entity::Organization, short_name.as_ref()))
    }

    /// All runs of a catalog course, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such course; [`Error::InvalidKey`] if a key is
    /// malformed.
    pub fn list_runs<'a>(&self, course: impl Into<CourseSelector<'a>>) -> Result<CourseRuns> {
        |image| Ok(course.into().find(image)?.runs.clone())
    }

    /// A page of the organizations that a query asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the limit is not 1 to 1000, or the cursor is of another listing.
    pub fn list_organizations(&self, query: &OrganizationQuery) -> Result<Page<Arc<Organization>>> {
        |image| Ok(image.list_organizations(query)?)
    }

    /// A page of the catalog courses that a query asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the limit is not 1 to 1000, or the cursor is of another listing.
    pub fn list_catalog_courses(&self, query: &CourseQuery) -> Result<Page<Arc<CatalogCourse>>> {
        |image| Ok(image.list_courses(query)?)
    }

    /// A page of the course runs that a query asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the limit is not 1 to 1000, or the cursor is of another listing.
    pub fn list_course_runs(&self, query: &RunQuery) -> Result<Page<Arc<CourseRun>>> {
        |image| Ok(image.list_runs(query)?)
    }

    /// How many organizations a query matches; limit and cursor are not looked at.
    #[must_use]
    pub fn count_organizations(&self, query: &OrganizationQuery) -> u64 {
        |image| image.count_organizations(query)
    }

    /// How many catalog courses a query matches; limit and cursor are not looked at.
    #[must_use]
    pub fn count_catalog_courses(&self, query: &CourseQuery) -> u64 {
        |image| image.count_courses(query)
    }

    /// How many course runs a query matches; limit and cursor are not looked at.
    #[must_use]
    pub fn count_course_runs(&self, query: &RunQuery) -> u64 {
        |image| image.count_runs(query)
    }

    /// How many catalog courses an organization has.
    #[must_use]
    pub fn count_courses_of(&self, organization: &Organization) -> u64 {
        |image| image.organization(organization.id).map_or(0, |node| node.course_count())
    }

    /// How many runs a catalog course has.
    #[must_use]
    pub fn count_runs_of(&self, course: &CatalogCourse) -> u64 {
        |image| image.course(course.id).map_or(0, |node| node.runs.len() as u64)
    }

    /// Looks for a text in titles and codes: the first `limit` catalog courses and the first
    /// `limit` course runs, in key order, in which each word of it occurs, ignoring case.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the limit is not 1 to 1000.
    pub fn search(&self, text: &str, limit: usize) -> Result<Found> {
        |image| {
            let courses = CourseQuery::new().text(text).order(Order::Key).limit(limit);
            let runs = RunQuery::new().text(text).order(Order::Key).limit(limit);
            Ok(Found {
                catalog_courses: image.list_courses(&courses)?,
                course_runs: image.list_runs(&runs)?,
            })
        }
    }

    /// Who refers to the catalog course or the course run of this key, ordered by name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such course or run; [`Error::InvalidKey`] if the key is
    /// malformed.
    pub fn list_references(&self, key: impl AsRef<str>) -> Result<Vec<Referrer>> {
        |image| {
            let to = find_subject(image, key.as_ref())?;
            Ok(image.referrers(to.subject()).cloned().collect())
        }
    }

    /// The changes after number `since`, in order, at most `limit` of them: from 1 to 1000.
    ///
    /// Every change of a record has a number, one more than the change before it; 0 is the position
    /// before the first. What is answered here is durable, is answered in the same order for ever,
    /// and goes on over restarts without a gap. With
    /// [`Durability::Every`](super::WriteDurability::Every) it is as durable as the rest of what is
    /// read.
    ///
    /// A write that changes nothing is not told. One that changes several records (a run that comes
    /// with its catalog course) is told as one change for each, one after the other. The feed of a
    /// [rehearsal](super::Catalog::rehearse) goes on from the catalog's; a restored or imported
    /// catalog has a feed of its own, with other numbers.
    ///
    /// ```
    /// use coursecat::{Catalog, ChangeKind, Entity};
    ///
    /// let catalog = Catalog::temporary()?;
    /// let key = "course-v1:MITx+Math100+2026";
    /// catalog.create_course_run_for_modulestore_course_with(key, "Calculus", "en")?;
    /// let seen = catalog.latest_change();
    /// catalog.sync_course_run_details(key, "Calculus I")?;
    /// catalog.delete_course_run(key)?;
    ///
    /// let changes = catalog.changes_since(seen, 100)?;
    /// let told: Vec<_> = changes
    ///     .events
    ///     .iter()
    ///     .map(|event| (event.sequence, event.kind(), event.entity(), event.key()))
    ///     .collect();
    /// assert_eq!(told, [
    ///     (4, ChangeKind::Updated, Entity::CourseRun, key.to_owned()),
    ///     (5, ChangeKind::Deleted, Entity::CourseRun, key.to_owned()),
    /// ]);
    /// // Nothing has come since.
    /// assert!(catalog.changes_since(changes.next, 100)?.events.is_empty());
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Compacted`] if changes after `since` are no longer kept;
    /// [`Error::Invalid`] if `since` is a number that this catalog has not given yet, as that of
    /// another catalog may be, or the limit is not from 1 to 1000.
    pub fn changes_since(&self, since: u64, limit: usize) -> Result<Changes> {
        |image| read_changes(image, since, limit)
    }

    /// The number of the newest change; 0 if there has been none.
    ///
    /// Whoever reads everything from a [`Snapshot`] and goes on with the changes after this one
    /// misses nothing.
    #[must_use]
    pub fn latest_change(&self) -> u64 {
        |image| image.feed.newest()
    }

    /// The number of the oldest change that is kept; of the next one if none is.
    #[must_use]
    pub fn oldest_change(&self) -> u64 {
        |image| image.feed.oldest()
    }

    /// How much the catalog holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        |image| Stats {
            organizations: image.organization_count(),
            catalog_courses: image.course_count(),
            course_runs: image.run_count(),
            references: image.reference_count(),
        }
    }
}

impl Snapshot {
    pub(super) fn new(image: Arc<Image>) -> Self {
        Self { image }
    }

    /// Every organization, ordered by short name ignoring case.
    pub fn organizations(&self) -> impl Iterator<Item = &Arc<Organization>> {
        self.image.organizations().map(|node| &node.organization)
    }

    /// Every catalog course, ordered by organization and code ignoring case.
    pub fn catalog_courses(&self) -> impl Iterator<Item = &Arc<CatalogCourse>> {
        self.image.courses().map(|node| &node.course)
    }

    /// Every course run, ordered by organization, course code and key ignoring case.
    pub fn course_runs(&self) -> impl Iterator<Item = &Arc<CourseRun>> {
        self.image.courses().flat_map(|node| node.runs.by_key())
    }
}
