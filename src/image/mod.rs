//! The catalog in memory: an immutable image that every read is answered from.
//!
//! An [`Image`] is a value. Cloning one is cheap, since all its parts share structure, and
//! applying changes to a clone leaves the original as it was: readers keep theirs for as long as
//! they like while the writer prepares the next. The image trusts its changes; it knows no rules,
//! no rows and no disk.

mod apply;
mod change;
mod cursor;
mod event;
mod feed;
mod index;
mod landmark;
mod listing;
mod newest;
mod page;
mod pages;
mod pairs;
mod query;
mod runs;
mod slab;
mod tags_by_id;
mod text;

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use arrayvec::ArrayVec;
use foldhash::fast::RandomState;
use imbl::{OrdMap, OrdSet};

use crate::key::{
    CatalogCourseId, OrganizationId, eq_ignoring_case, fold, hash_any_key, hash_ascii_key,
    hash_ignoring_case,
};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject};

pub(crate) use change::Change;
pub(crate) use feed::{Feed, OffFeed, Page as FeedPage, Retention};
use index::{Index, Tag};
use newest::Newest;
use slab::{Slab, Slot};
use tags_by_id::TagsById;
use text::Words;

pub use change::Versions;
pub use cursor::Cursor;
pub use event::{ChangeEvent, ChangeKind, ChangedRecord, Referred};
pub use query::{CourseQuery, Order, OrganizationQuery, Page, RunQuery};
pub use runs::CourseRuns;

/// An organization with its courses, in the order of their folded codes.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationNode {
    pub(crate) organization: Arc<Organization>,
    courses: OrdMap<Arc<str>, CoursePlace>,
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

/// A catalog course with its runs.
#[derive(Clone, Debug)]
pub(crate) struct CourseNode {
    pub(crate) course: Arc<CatalogCourse>,
    pub(crate) runs: CourseRuns,
}

/// How many runs are looked up at once: more than a processor waits for at a time.
pub(crate) const AT_ONCE: usize = 32;

/// A course as its organization knows it: the record, and where the index of courses has it with
/// its runs.
#[derive(Clone, Debug)]
struct CoursePlace {
    /// The same as the index points to.
    course: Arc<CatalogCourse>,
    /// Of its codes.
    tag: Tag,
}

/// See [`Image::mark_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CourseMark(Tag);

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Image {
    /// The order of every listing by key: folded short names.
    organizations_by_name: OrdMap<Arc<str>, Slot>,
    organizations_by_id: Index<Slot, 8>,
    organizations: Slab<OrganizationNode>,
    /// By the folded short name of the organization and the folded code. Nothing else points to the
    /// runs of a course: to change them changes this alone.
    courses: Index<CourseNode, 3>,
    /// The tags of their codes.
    course_tags: TagsById,
    courses_by_age: Newest<CatalogCourse>,
    /// By the folded key.
    runs: Index<Arc<CourseRun>, 5>,
    runs_by_age: Newest<CourseRun>,
    references: OrdSet<(Subject, Referrer)>,
    /// The newest of the changes that have led to this image.
    pub(crate) feed: Feed,
    /// Makes hashes that nobody outside foresees, so that keys cannot be chosen to collide.
    seed: RandomState,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("organizations", &self.organizations.len())
            .field("courses", &self.courses.len())
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}

impl Image {
    pub(crate) fn new() -> Self {
        Self::with_room(0, 0)
    }

    /// An empty image that so many courses and runs are about to be loaded into.
    pub(crate) fn with_room(courses: usize, runs: usize) -> Self {
        Self {
            organizations_by_name: OrdMap::new(),
            organizations_by_id: Index::new(),
            organizations: Slab::new(),
            courses: Index::with_room(courses),
            course_tags: TagsById::new(),
            courses_by_age: Newest::new(),
            runs: Index::with_room(runs),
            runs_by_age: Newest::new(),
            references: OrdSet::new(),
            feed: Feed::beginning_at(1),
            seed: RandomState::default(),
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

    pub(crate) fn organization(&self, id: OrganizationId) -> Option<&OrganizationNode> {
        self.organizations.get(self.organization_slot(id)?)
    }

    /// The organization of this short name, ignoring case.
    pub(crate) fn organization_named(&self, short_name: &str) -> Option<&OrganizationNode> {
        let slot = self.organizations_by_name.get(&*fold(short_name))?;
        self.organizations.get(*slot)
    }

    pub(crate) fn course(&self, id: CatalogCourseId) -> Option<&CourseNode> {
        let tag = self.course_tags.get(id.get())?;
        self.courses
            .find(tag, |node| (node.course.id == id).then_some(node))
    }

    /// The catalog course of an organization, whose case is ignored, with exactly this code.
    pub(crate) fn course_coded(&self, short_name: &str, course_code: &str) -> Option<&CourseNode> {
        self.course_under(short_name, course_code, |code| code == course_code)
    }

    /// The catalog course of an organization with this code, ignoring case in both.
    pub(crate) fn course_coded_ignoring_case(
        &self,
        short_name: &str,
        course_code: &str,
    ) -> Option<&CourseNode> {
        let is = |code: &str| eq_ignoring_case(code, course_code);
        self.course_under(short_name, course_code, is)
    }

    fn course_under(
        &self,
        short_name: &str,
        course_code: &str,
        is: impl Fn(&str) -> bool,
    ) -> Option<&CourseNode> {
        let tag = self.tag_of_codes(short_name, course_code);
        self.courses.find(tag, |node| {
            let CourseNode { course, .. } = node;
            (is(course.course_code.as_str()) && eq_ignoring_case(course.org.as_str(), short_name))
                .then_some(node)
        })
    }

    /// The run with exactly this stored key.
    #[inline(always)]
    pub(crate) fn run(&self, key: &str) -> Option<&Arc<CourseRun>> {
        self.run_under(key, move |run| run.course_key.as_str() == key)
    }

    /// The run whose stored key is this one, ignoring case.
    pub(crate) fn run_ignoring_case(&self, key: &str) -> Option<&Arc<CourseRun>> {
        self.run_under(key, move |run| {
            eq_ignoring_case(run.course_key.as_str(), key)
        })
    }

    /// The runs with exactly these stored keys, at most [`AT_ONCE`] of them.
    ///
    /// Step by step for all of them, so that the processor waits for many at the same time.
    pub(crate) fn runs_at_once<'a>(
        &'a self,
        keys: &[impl AsRef<str>],
    ) -> ArrayVec<Option<&'a Arc<CourseRun>>, AT_ONCE> {
        let keys = keys.iter().map(AsRef::as_ref).take(AT_ONCE);
        let tags: ArrayVec<Tag, AT_ONCE> = keys.clone().map(|key| self.tag_of_key(key)).collect();
        let likely: ArrayVec<_, AT_ONCE> = tags.iter().map(|tag| self.runs.likely(*tag)).collect();
        let of_key = |(run, key): (Option<&'a Arc<CourseRun>>, &str)| match run {
            Some(run) if run.course_key.as_str() == key => Some(run),
            _ => self.run(key),
        };
        likely.into_iter().zip(keys).map(of_key).collect()
    }

    #[inline(always)]
    fn run_under(&self, key: &str, is: impl Fn(&CourseRun) -> bool) -> Option<&Arc<CourseRun>> {
        self.runs
            .find(self.tag_of_key(key), move |run| is(run).then_some(run))
    }

    // Listings without a query.

    /// Every organization, ordered by short name ignoring case.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &OrganizationNode> {
        self.organizations_by_name
            .values()
            .filter_map(|slot| self.organizations.get(*slot))
    }

    /// An organization's catalog courses, ordered by code ignoring case.
    pub(crate) fn courses_of<'a>(
        &'a self,
        node: &'a OrganizationNode,
    ) -> impl Iterator<Item = &'a CourseNode> {
        node.courses
            .values()
            .filter_map(|place| self.course_at(place))
    }

    /// Every catalog course, by organization and code.
    pub(crate) fn courses(&self) -> impl Iterator<Item = &CourseNode> {
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

    // Places and tags.

    fn organization_slot(&self, id: OrganizationId) -> Option<Slot> {
        let tag = self.tag_of_id(id.get());
        self.organizations_by_id.find(tag, |&slot| {
            let node = self.organizations.get(slot)?;
            (node.organization.id == id).then_some(slot)
        })
    }

    /// A course with its runs. The record itself is not looked at.
    #[inline]
    fn course_at(&self, place: &CoursePlace) -> Option<&CourseNode> {
        self.courses.find(place.tag, |node| {
            Arc::ptr_eq(&node.course, &place.course).then_some(node)
        })
    }

    /// Whether this course or one of its runs can match a search: if not, none does.
    #[inline]
    fn may_match(&self, place: &CoursePlace, words: &Words) -> bool {
        let may_match = |node: &CourseNode| words.may_match(node.runs.pairs());
        words.is_empty() || self.course_at(place).is_some_and(may_match)
    }

    /// The mark of a course: the same for all courses with these codes ignoring case, in all images of a catalog;
    /// rarely for others.
    pub(crate) fn mark_of(&self, course: &CatalogCourse) -> CourseMark {
        CourseMark(self.tag_of_codes(course.org.as_str(), course.course_code.as_str()))
    }

    fn tag_of_id(&self, id: u64) -> Tag {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(id);
        Tag::of(hasher.finish())
    }

    #[inline(always)]
    fn tag_of_key(&self, key: &str) -> Tag {
        // What rarely happens is somewhere else, and needs nothing of what happens here: all that is
        // here then is in registers.
        match hash_ascii_key(key, self.seed.build_hasher()) {
            Some(hasher) => Tag::of(hasher.finish()),
            None => self.tag_of_any_key(key),
        }
    }

    #[cold]
    fn tag_of_any_key(&self, key: &str) -> Tag {
        Tag::of(hash_any_key(key, self.seed.build_hasher()).finish())
    }

    fn tag_of_codes(&self, short_name: &str, course_code: &str) -> Tag {
        let hasher = hash_ignoring_case(short_name, self.seed.build_hasher());
        Tag::of(hash_ignoring_case(course_code, hasher).finish())
    }
}
