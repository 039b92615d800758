//! Retracing the change feed: from the records as they are, back from event to event, to what each
//! record was before and after each of them.
//!
//! An event that does not fit what comes after it is damage. Nothing is changed here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::changes::{StoredChange, StoredPage, changes_row};
use super::records::{StoredCourse, StoredOrganization, StoredRun};
use super::row::BadRow;
use crate::image::{ChangeEvent, ChangedRecord, FeedPage, Image, Referred, Versions};
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject};

/// The records as they are now.
pub(crate) trait Present {
    fn organization(&mut self, id: OrganizationId) -> Option<Arc<Organization>>;
    /// A course; its organization's short name need not be right.
    fn course(&mut self, id: CatalogCourseId) -> Option<Arc<CatalogCourse>>;
    fn run(&mut self, course: CatalogCourseId, id: CourseRunId) -> Option<Arc<CourseRun>>;
    fn has_reference(&mut self, subject: Subject, referrer: &Referrer) -> bool;
}

/// The ids of records that rows of the feed tell of.
pub(crate) struct Mentioned {
    pub(crate) courses: HashSet<CatalogCourseId>,
    pub(crate) runs: HashSet<CourseRunId>,
}

impl Mentioned {
    pub(crate) fn by(pages: &[StoredPage]) -> Self {
        use StoredChange as S;
        let (mut courses, mut runs) = (HashSet::new(), HashSet::new());
        for (_, what) in pages.iter().flat_map(|page| &page.events) {
            let (course, run) = match what {
                S::OrganizationCreated(_)
                | S::OrganizationUpdated(..)
                | S::OrganizationDeleted(..) => (None, None),
                S::CourseCreated(id) | S::CourseUpdated(id, _) | S::CourseDeleted(id, _) => {
                    (Some(*id), None)
                }
                S::RunCreated(course, id)
                | S::RunUpdated(course, id, _)
                | S::RunDeleted(course, id, _) => (Some(*course), Some(*id)),
                S::Reference(_, course, run, _) => (Some(*course), *run),
            };
            courses.extend(course.map(CatalogCourseId::new));
            runs.extend(run.map(CourseRunId::new));
        }
        Self { courses, runs }
    }
}

/// A row of the feed that does not fit.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) key: Vec<u8>,
    pub(crate) why: BadRow,
}

/// Puts rows of the feed, in order, together with the records as they are now.
///
/// Gives the newest pages that fit, in order, and the newest row that does not.
pub(crate) fn retrace(
    stored: Vec<StoredPage>,
    next_event: u64,
    present: &mut dyn Present,
) -> (Vec<Arc<FeedPage>>, Option<Misfit>) {
    let mut walk = Walk {
        present,
        next: next_event,
        organizations: HashMap::new(),
        courses: HashMap::new(),
        runs: HashMap::new(),
        references: HashMap::new(),
    };
    let mut pages = Vec::new();
    let mut misfit = None;
    for stored in stored.into_iter().rev() {
        let key = stored.key();
        match walk.page(stored) {
            Ok(page) => pages.push(Arc::new(page)),
            Err(why) => {
                misfit = Some(Misfit { key, why });
                break;
            }
        }
    }
    pages.reverse();
    (pages, misfit)
}

/// The records as they were when the walk has come this far back; those that are not here are as
/// they are now.
struct Walk<'a> {
    present: &'a mut dyn Present,
    /// The number of the event that was walked back last.
    next: u64,
    organizations: HashMap<OrganizationId, Option<Arc<Organization>>>,
    courses: HashMap<CatalogCourseId, Option<Arc<CatalogCourse>>>,
    runs: HashMap<CourseRunId, Option<Arc<CourseRun>>>,
    references: HashMap<(Subject, Referrer), bool>,
}

/// What there was before an event.
enum Before<T> {
    /// Nothing: it created the record.
    Nothing,
    /// This, and the event updated it.
    Older(T),
    /// This, and the event deleted it.
    Gone(T),
}

impl Walk<'_> {
    fn page(&mut self, stored: StoredPage) -> Result<FeedPage, BadRow> {
        if stored.end() != self.next {
            return Err(misfit(format!(
                "its events end before number {}, and those after it begin with number {}",
                stored.end(),
                self.next
            )));
        }
        let (first, value) = (stored.first, stored.value);
        let mut events = Vec::with_capacity(stored.events.len());
        for (time, what) in stored.events.into_iter().rev() {
            self.next -= 1;
            events.push(ChangeEvent {
                sequence: self.next,
                time,
                record: self.back(what)?,
            });
        }
        events.reverse();
        let page = FeedPage::new(events).ok_or_else(|| misfit("it has no event".to_owned()))?;
        // When it is let go, its row is computed again.
        let row = changes_row(&page);
        if page.first() != first || row.value != value {
            return Err(misfit("it is not written as it would be".to_owned()));
        }
        Ok(page)
    }

    /// Goes back behind a change.
    fn back(&mut self, what: StoredChange) -> Result<ChangedRecord, BadRow> {
        use StoredChange as S;
        match what {
            S::OrganizationCreated(id) => self.organization_back(id, Before::Nothing),
            S::OrganizationUpdated(id, before) => self.organization_back(id, Before::Older(before)),
            S::OrganizationDeleted(id, before) => self.organization_back(id, Before::Gone(before)),
            S::CourseCreated(id) => self.course_back(id, Before::Nothing),
            S::CourseUpdated(id, before) => self.course_back(id, Before::Older(before)),
            S::CourseDeleted(id, before) => self.course_back(id, Before::Gone(before)),
            S::RunCreated(course, id) => self.run_back(course, id, Before::Nothing),
            S::RunUpdated(course, id, before) => self.run_back(course, id, Before::Older(before)),
            S::RunDeleted(course, id, before) => self.run_back(course, id, Before::Gone(before)),
            S::Reference(added, course, run, referrer) => {
                self.reference_back(added, course, run, referrer)
            }
        }
    }

    fn organization_back(
        &mut self,
        id: u64,
        before: Before<StoredOrganization>,
    ) -> Result<ChangedRecord, BadRow> {
        let id = OrganizationId::new(id);
        let before = before.map(|stored| stored.record(id))?;
        let versions = before.versions(
            self.organization(id),
            |before, after| before.created == after.created,
            || format!("the organization {id}"),
        )?;
        self.organizations.insert(id, versions.before.clone());
        Ok(ChangedRecord::Organization(versions))
    }

    fn course_back(
        &mut self,
        id: u64,
        before: Before<StoredCourse>,
    ) -> Result<ChangedRecord, BadRow> {
        let id = CatalogCourseId::new(id);
        let before = before.map(|stored| {
            stored.record(id, |organization| {
                let organization = self.organization(organization)?;
                Some(organization.short_name.clone())
            })
        })?;
        let versions = before.versions(
            self.course(id),
            |before, after| {
                before.created == after.created
                    && before.organization_id == after.organization_id
                    && before.course_code == after.course_code
            },
            || format!("the catalog course {id}"),
        )?;
        self.courses.insert(id, versions.before.clone());
        Ok(ChangedRecord::CatalogCourse(versions))
    }

    fn run_back(
        &mut self,
        course: u64,
        id: u64,
        before: Before<StoredRun>,
    ) -> Result<ChangedRecord, BadRow> {
        let (course, id) = (CatalogCourseId::new(course), CourseRunId::new(id));
        let before = before.map(|stored| stored.record(course, id))?;
        let versions = before.versions(
            self.run(course, id),
            |before, after| {
                before.created == after.created && before.course_key == after.course_key
            },
            || format!("the course run {id}"),
        )?;
        let catalog_course = self
            .course(course)
            .ok_or_else(|| misfit(format!("there was no catalog course {course}")))?;
        self.runs.insert(id, versions.before.clone());
        Ok(ChangedRecord::CourseRun {
            versions,
            catalog_course,
        })
    }

    fn reference_back(
        &mut self,
        added: bool,
        course: u64,
        run: Option<u64>,
        referrer: String,
    ) -> Result<ChangedRecord, BadRow> {
        let course = CatalogCourseId::new(course);
        let referrer = Referrer::new(referrer).map_err(|error| misfit(error.why))?;
        let to = match run.map(CourseRunId::new) {
            Some(run) => self.run(course, run).map(Referred::CourseRun),
            None => self.course(course).map(Referred::CatalogCourse),
        };
        let to =
            to.ok_or_else(|| misfit(format!("nothing was there for {referrer:?} to refer to")))?;
        let place = (to.subject(), referrer.clone());
        let now = match self.references.get(&place) {
            Some(now) => *now,
            None => self.present.has_reference(place.0, &place.1),
        };
        if now != added {
            return Err(misfit(format!("the reference of {referrer:?} was not so")));
        }
        self.references.insert(place, !added);
        Ok(ChangedRecord::Reference {
            to,
            referrer,
            added,
        })
    }

    fn organization(&mut self, id: OrganizationId) -> Option<Arc<Organization>> {
        match self.organizations.get(&id) {
            Some(then) => then.clone(),
            None => self.present.organization(id),
        }
    }

    /// A course, with the name that its organization had then.
    fn course(&mut self, id: CatalogCourseId) -> Option<Arc<CatalogCourse>> {
        let course = match self.courses.get(&id) {
            Some(then) => then.clone()?,
            None => self.present.course(id)?,
        };
        let organization = self.organization(course.organization_id)?;
        if course.org == organization.short_name {
            return Some(course);
        }
        let mut respelled = CatalogCourse::clone(&course);
        respelled.org = organization.short_name.clone();
        let respelled = Arc::new(respelled);
        self.courses.insert(id, Some(Arc::clone(&respelled)));
        Some(respelled)
    }

    fn run(&mut self, course: CatalogCourseId, id: CourseRunId) -> Option<Arc<CourseRun>> {
        let run = match self.runs.get(&id) {
            Some(then) => then.clone(),
            None => self.present.run(course, id),
        };
        run.filter(|run| run.catalog_course_id == course)
    }
}

impl<S> Before<S> {
    fn map<T>(self, record: impl FnOnce(S) -> Result<T, BadRow>) -> Result<Before<T>, BadRow> {
        Ok(match self {
            Self::Nothing => Before::Nothing,
            Self::Older(stored) => Before::Older(record(stored)?),
            Self::Gone(stored) => Before::Gone(record(stored)?),
        })
    }
}

impl<T: PartialEq> Before<T> {
    /// This, and what there was after the event. `agree` tells whether two versions agree in what
    /// never changes.
    fn versions(
        self,
        after: Option<Arc<T>>,
        agree: impl Fn(&T, &T) -> bool,
        name: impl Fn() -> String,
    ) -> Result<Versions<T>, BadRow> {
        match (self, after) {
            (Self::Nothing, Some(after)) => Ok(Versions::created(after)),
            (Self::Older(before), Some(after)) if before != *after && agree(&before, &after) => {
                Ok(Versions::updated(Arc::new(before), after))
            }
            (Self::Gone(before), None) => Ok(Versions::deleted(Arc::new(before))),
            (Self::Older(_), Some(_)) => Err(misfit(format!("{} was not changed so", name()))),
            (Self::Gone(_), Some(_)) => Err(misfit(format!("{} was not deleted", name()))),
            (_, None) => Err(misfit(format!("{} was not there", name()))),
        }
    }
}

fn misfit(why: String) -> BadRow {
    BadRow::Content(why)
}

/// The records of an image.
pub(super) struct ImageRecords<'a> {
    image: &'a Image,
    /// The runs of courses that were asked for, by id.
    runs: HashMap<CatalogCourseId, HashMap<CourseRunId, Arc<CourseRun>>>,
}

impl<'a> ImageRecords<'a> {
    pub(super) fn new(image: &'a Image) -> Self {
        Self {
            image,
            runs: HashMap::new(),
        }
    }
}

impl Present for ImageRecords<'_> {
    fn organization(&mut self, id: OrganizationId) -> Option<Arc<Organization>> {
        Some(Arc::clone(&self.image.organization(id)?.organization))
    }

    fn course(&mut self, id: CatalogCourseId) -> Option<Arc<CatalogCourse>> {
        Some(Arc::clone(&self.image.course(id)?.course))
    }

    fn run(&mut self, course: CatalogCourseId, id: CourseRunId) -> Option<Arc<CourseRun>> {
        let image = self.image;
        let runs = self.runs.entry(course).or_insert_with(|| {
            let node = image.course(course);
            let runs = node.into_iter().flat_map(|node| &node.runs);
            runs.map(|run| (run.id, Arc::clone(run))).collect()
        });
        runs.get(&id).cloned()
    }

    fn has_reference(&mut self, subject: Subject, referrer: &Referrer) -> bool {
        self.image.has_reference(subject, referrer)
    }
}
