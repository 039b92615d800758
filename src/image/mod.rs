//! The catalog in memory: an immutable image that every read is answered from.
//!
//! An [`Image`] is a value. Cloning one is cheap, since all its parts share structure, and
//! applying changes to a clone leaves the original as it was: readers keep theirs for as long as
//! they like while the writer prepares the next. The image trusts its changes; it knows no rules,
//! no rows and no disk.

mod change;
mod cursor;
mod event;
mod feed;
mod landmark;
mod listing;
mod newest;
mod query;
mod table;
mod text;

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::key::{CatalogCourseId, OrganizationId, eq_ignoring_case, fold, hash_ignoring_case};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject};

pub(crate) use change::Change;
pub(crate) use feed::{Feed, OffFeed, Page as FeedPage, Retention};
use newest::Newest;
use table::Table;

pub use change::Versions;
pub use cursor::Cursor;
pub use event::{ChangeEvent, ChangeKind, ChangedRecord, Referred};
pub use query::{CourseQuery, Order, OrganizationQuery, Page, RunQuery};

/// An organization with its courses, in the order of their folded codes.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationNode {
    pub(crate) organization: Arc<Organization>,
    courses: OrdMap<Arc<str>, CatalogCourseId>,
    runs: u64,
}

impl OrganizationNode {
    /// How many catalog courses the organization has.
    pub(crate) fn course_count(&self) -> u64 {
        self.courses.len() as u64
    }

    /// How many course runs its courses have, together.
    pub(crate) fn run_count(&self) -> u64 {
        self.runs
    }
}

/// A catalog course with its runs, in the order of their folded keys.
///
/// Most courses have a handful of runs, so they are one vector that a new run copies. A course
/// with thousands of CCX runs still works, at some microseconds for each thousand.
#[derive(Clone, Debug)]
pub(crate) struct CourseNode {
    pub(crate) course: Arc<CatalogCourse>,
    runs: Vec<Arc<CourseRun>>,
}

impl CourseNode {
    /// The course's runs, ordered by key ignoring case.
    pub(crate) fn runs(&self) -> &[Arc<CourseRun>] {
        &self.runs
    }

    fn run_place(&self, key: &str) -> Result<usize, usize> {
        self.runs
            .binary_search_by(|run| crate::key::cmp_ignoring_case(run.course_key.as_str(), key))
    }
}

/// What `courses_by_code` holds for a course.
#[derive(Clone, Debug)]
struct CodeEntry {
    organization: OrganizationId,
    folded_code: Arc<str>,
    course: CatalogCourseId,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Folded short name → organization; also the order of every listing by key.
    organizations_by_name: OrdMap<Arc<str>, OrganizationId>,
    organizations: Table<Arc<OrganizationNode>>,
    courses: Table<Arc<CourseNode>>,
    courses_by_code: Table<CodeEntry>,
    courses_by_age: Newest<CatalogCourse>,
    /// Every run, under the hash of its folded key.
    runs: Table<Arc<CourseRun>>,
    runs_by_age: Newest<CourseRun>,
    references: OrdSet<(Subject, Referrer)>,
    /// The newest of the changes that have led to this image.
    pub(crate) feed: Feed,
}

impl Image {
    pub(crate) fn new() -> Self {
        Self {
            organizations_by_name: OrdMap::new(),
            organizations: Table::new(),
            courses: Table::new(),
            courses_by_code: Table::new(),
            courses_by_age: Newest::new(),
            runs: Table::new(),
            runs_by_age: Newest::new(),
            references: OrdSet::new(),
            feed: Feed::beginning_at(1),
        }
    }

    // Counts.

    pub(crate) fn organization_count(&self) -> u64 {
        self.organizations.len() as u64
    }

    pub(crate) fn course_count(&self) -> u64 {
        self.courses.len() as u64
    }

    pub(crate) fn run_count(&self) -> u64 {
        self.runs.len() as u64
    }

    pub(crate) fn reference_count(&self) -> u64 {
        self.references.len() as u64
    }

    // Lookups.

    pub(crate) fn organization(&self, id: OrganizationId) -> Option<&Arc<OrganizationNode>> {
        let hash = self.organizations.hash(|h| h.write_u64(id.get()));
        self.organizations
            .get(hash, |node| node.organization.id == id)
    }

    /// The organization of this short name, ignoring case.
    pub(crate) fn organization_named(&self, short_name: &str) -> Option<&Arc<OrganizationNode>> {
        let id = self.organizations_by_name.get(&*fold(short_name))?;
        self.organization(*id)
    }

    pub(crate) fn course(&self, id: CatalogCourseId) -> Option<&Arc<CourseNode>> {
        let hash = self.courses.hash(|h| h.write_u64(id.get()));
        self.courses.get(hash, |node| node.course.id == id)
    }

    /// The catalog course of an organization with this code, ignoring case in both.
    pub(crate) fn course_coded(
        &self,
        short_name: &str,
        course_code: &str,
    ) -> Option<&Arc<CourseNode>> {
        let organization = *self.organizations_by_name.get(&*fold(short_name))?;
        self.course_in(organization, course_code)
    }

    /// The same, where the organization is known.
    pub(crate) fn course_in(
        &self,
        organization: OrganizationId,
        course_code: &str,
    ) -> Option<&Arc<CourseNode>> {
        let entry =
            self.courses_by_code
                .get(self.hash_of_code(organization, course_code), |entry| {
                    entry.organization == organization
                        && eq_ignoring_case(&entry.folded_code, course_code)
                })?;
        self.course(entry.course)
    }

    /// The run with exactly this stored key.
    pub(crate) fn run(&self, key: &str) -> Option<&Arc<CourseRun>> {
        self.runs
            .get(self.hash_of_key(key), |run| run.course_key.as_str() == key)
    }

    /// The run whose stored key is this one, ignoring case.
    pub(crate) fn run_ignoring_case(&self, key: &str) -> Option<&Arc<CourseRun>> {
        self.runs.get(self.hash_of_key(key), |run| {
            eq_ignoring_case(run.course_key.as_str(), key)
        })
    }

    // Listings without a query.

    /// Every organization, ordered by short name ignoring case.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &Arc<OrganizationNode>> {
        self.organizations_by_name
            .values()
            .filter_map(|id| self.organization(*id))
    }

    /// An organization's catalog courses, ordered by code ignoring case.
    pub(crate) fn courses_of<'a>(
        &'a self,
        node: &'a OrganizationNode,
    ) -> impl Iterator<Item = &'a Arc<CourseNode>> {
        node.courses.values().filter_map(|id| self.course(*id))
    }

    /// Every catalog course, by organization and code.
    pub(crate) fn courses(&self) -> impl Iterator<Item = &Arc<CourseNode>> {
        self.organizations().flat_map(|node| self.courses_of(node))
    }

    /// Who refers to a record, ordered by name.
    pub(crate) fn referrers(&self, subject: Subject) -> impl Iterator<Item = &Referrer> {
        self.references
            .range((
                Bound::Included((subject, Referrer::landmark(""))),
                Bound::Unbounded,
            ))
            .take_while(move |(s, _)| *s == subject)
            .map(|(_, referrer)| referrer)
    }

    pub(crate) fn has_reference(&self, subject: Subject, referrer: &Referrer) -> bool {
        self.references.contains(&(subject, referrer.clone()))
    }

    // Changes.

    /// Applies a change whose rules have been checked against this image.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Organization(versions) => self.apply_organization(versions),
            Change::CatalogCourse(versions) => self.apply_course(versions),
            Change::CourseRun(versions) => self.apply_run(versions),
            Change::ReferenceAdded(to, referrer) => {
                self.add_reference(to.subject(), referrer.clone());
            }
            Change::ReferenceRemoved(to, referrer) => {
                self.references.remove(&(to.subject(), referrer.clone()));
            }
        }
    }

    /// Adds a reference to a record that may be known by its id alone.
    pub(crate) fn add_reference(&mut self, subject: Subject, referrer: Referrer) {
        self.references.insert((subject, referrer));
    }

    fn apply_organization(&mut self, versions: &Versions<Organization>) {
        let mut node = None;
        if let Some(before) = &versions.before {
            self.organizations_by_name
                .remove(&*fold(before.short_name.as_str()));
            let hash = self.organizations.hash(|h| h.write_u64(before.id.get()));
            node = self
                .organizations
                .remove(hash, |node| node.organization.id == before.id);
        }
        let Some(after) = &versions.after else {
            return;
        };
        self.organizations_by_name
            .insert(fold(after.short_name.as_str()).as_ref().into(), after.id);
        let mut node = node.unwrap_or_else(|| {
            Arc::new(OrganizationNode {
                organization: Arc::clone(after),
                courses: OrdMap::new(),
                runs: 0,
            })
        });
        Arc::make_mut(&mut node).organization = Arc::clone(after);
        let renamed = versions
            .before
            .as_ref()
            .is_some_and(|before| before.short_name != after.short_name);
        let courses: Vec<_> = if renamed {
            node.courses.values().copied().collect()
        } else {
            Vec::new()
        };
        let hash = self.organizations.hash(|h| h.write_u64(after.id.get()));
        self.organizations
            .put(hash, node, |node| node.organization.id == after.id);
        for course in courses {
            self.respell(course, after);
        }
    }

    /// Gives a course its organization's new short name.
    fn respell(&mut self, course: CatalogCourseId, organization: &Organization) {
        let Some(before) = self.course(course).map(|node| Arc::clone(&node.course)) else {
            return;
        };
        let mut after = CatalogCourse::clone(&before);
        after.org = organization.short_name.clone();
        self.apply_course(&Versions::updated(before, Arc::new(after)));
    }

    fn apply_course(&mut self, versions: &Versions<CatalogCourse>) {
        if let Some(before) = &versions.before {
            self.courses_by_age.remove(before);
        }
        if let Some(after) = &versions.after {
            self.courses_by_age.insert(Arc::clone(after));
        }
        match (&versions.before, &versions.after) {
            (None, Some(after)) => self.add_course(after),
            (Some(_), Some(after)) => self.replace_course(after),
            (Some(before), None) => self.remove_course(before),
            (None, None) => {}
        }
    }

    fn add_course(&mut self, course: &Arc<CatalogCourse>) {
        let folded_code: Arc<str> = fold(course.course_code.as_str()).as_ref().into();
        self.change_organization(course.organization_id, |node| {
            node.courses.insert(Arc::clone(&folded_code), course.id);
        });
        let entry = CodeEntry {
            organization: course.organization_id,
            folded_code,
            course: course.id,
        };
        let hash = self.hash_of_code(course.organization_id, course.course_code.as_str());
        self.courses_by_code
            .put(hash, entry, |entry| entry.course == course.id);
        let node = CourseNode {
            course: Arc::clone(course),
            runs: Vec::new(),
        };
        let hash = self.courses.hash(|h| h.write_u64(course.id.get()));
        self.courses
            .put(hash, Arc::new(node), |node| node.course.id == course.id);
    }

    /// Replaces a course by a version of it with the same id, organization and code.
    fn replace_course(&mut self, course: &Arc<CatalogCourse>) {
        self.change_course(course.id, |node| node.course = Arc::clone(course));
    }

    fn remove_course(&mut self, course: &CatalogCourse) {
        self.change_organization(course.organization_id, |node| {
            node.courses.remove(&*fold(course.course_code.as_str()));
        });
        let hash = self.hash_of_code(course.organization_id, course.course_code.as_str());
        self.courses_by_code
            .remove(hash, |entry| entry.course == course.id);
        let hash = self.courses.hash(|h| h.write_u64(course.id.get()));
        self.courses
            .remove(hash, |node| node.course.id == course.id);
    }

    fn apply_run(&mut self, versions: &Versions<CourseRun>) {
        if let Some(before) = &versions.before {
            self.runs_by_age.remove(before);
            if versions.after.is_none() {
                self.remove_run(before);
            }
        }
        let Some(after) = &versions.after else {
            return;
        };
        self.runs_by_age.insert(Arc::clone(after));
        let hash = self.hash_of_key(after.course_key.as_str());
        self.runs
            .put(hash, Arc::clone(after), |run| run.id == after.id);
        let organization = self.change_course(after.catalog_course_id, |node| {
            match node.run_place(after.course_key.as_str()) {
                Ok(at) => node.runs[at] = Arc::clone(after),
                Err(at) => node.runs.insert(at, Arc::clone(after)),
            }
            node.course.organization_id
        });
        if let (None, Some(organization)) = (&versions.before, organization) {
            self.change_organization(organization, |node| node.runs += 1);
        }
    }

    fn remove_run(&mut self, run: &CourseRun) {
        let hash = self.hash_of_key(run.course_key.as_str());
        self.runs.remove(hash, |other| other.id == run.id);
        let organization = self.change_course(run.catalog_course_id, |node| {
            if let Ok(at) = node.run_place(run.course_key.as_str()) {
                node.runs.remove(at);
            }
            node.course.organization_id
        });
        if let Some(organization) = organization {
            self.change_organization(organization, |node| node.runs -= 1);
        }
    }

    fn change_organization(
        &mut self,
        id: OrganizationId,
        change: impl FnOnce(&mut OrganizationNode),
    ) {
        let hash = self.organizations.hash(|h| h.write_u64(id.get()));
        self.organizations.change(
            hash,
            |node| node.organization.id == id,
            |node| {
                change(Arc::make_mut(node));
            },
        );
    }

    fn change_course<R>(
        &mut self,
        id: CatalogCourseId,
        change: impl FnOnce(&mut CourseNode) -> R,
    ) -> Option<R> {
        let hash = self.courses.hash(|h| h.write_u64(id.get()));
        self.courses.change(
            hash,
            |node| node.course.id == id,
            |node| change(Arc::make_mut(node)),
        )
    }

    fn hash_of_key(&self, key: &str) -> u64 {
        self.runs.hash(|mut h| hash_ignoring_case(key, &mut h))
    }

    fn hash_of_code(&self, organization: OrganizationId, course_code: &str) -> u64 {
        self.courses_by_code.hash(|mut h| {
            h.write_u64(organization.get());
            hash_ignoring_case(course_code, &mut h);
        })
    }
}
