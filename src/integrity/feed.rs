//! The change feed of a store that is checked or repaired: does it fit the records, and what of it
//! can be kept? Numbers that were given are never given again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::survey::{Rows, Survey};
use crate::engine::Tree;
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject};
use crate::schema::{
    CHANGES, COURSES, Ledger, Mentioned, Misfit, ORGANIZATIONS, Present, REFERENCES, RUNS, Row,
    StoredPage, changes_row, retrace,
};

/// The records that a feed tells of, as they are now, and all organizations.
pub(super) struct Records {
    mentioned: Mentioned,
    organizations: HashMap<OrganizationId, Arc<Organization>>,
    courses: HashMap<CatalogCourseId, Arc<CatalogCourse>>,
    runs: HashMap<CourseRunId, Arc<CourseRun>>,
    references: HashSet<(Subject, Referrer)>,
}

impl Records {
    /// Takes the records that these rows mention, when they are given.
    pub(super) fn of(pages: &[StoredPage]) -> Self {
        Self {
            mentioned: Mentioned::by(pages),
            organizations: HashMap::new(),
            courses: HashMap::new(),
            runs: HashMap::new(),
            references: HashSet::new(),
        }
    }

    pub(super) fn add_organization(&mut self, organization: &Organization) {
        let record = Arc::new(organization.clone());
        self.organizations.insert(organization.id, record);
    }

    pub(super) fn add_course(&mut self, course: &CatalogCourse) {
        if self.mentioned.courses.contains(&course.id) {
            self.courses.insert(course.id, Arc::new(course.clone()));
        }
    }

    pub(super) fn add_run(&mut self, run: &CourseRun) {
        if self.mentioned.runs.contains(&run.id) {
            self.runs.insert(run.id, Arc::new(run.clone()));
        }
    }

    pub(super) fn add_reference(&mut self, subject: Subject, referrer: &Referrer) {
        let is_mentioned = match subject {
            Subject::CatalogCourse(id) => self.mentioned.courses.contains(&id),
            Subject::CourseRun(id) => self.mentioned.runs.contains(&id),
        };
        if is_mentioned {
            self.references.insert((subject, referrer.clone()));
        }
    }

    fn of_survey(survey: &Survey) -> Self {
        let mut records = Self::of(&survey.pages);
        let of = &mut records;
        survey
            .organizations
            .iter()
            .for_each(|record| of.add_organization(record));
        survey
            .courses
            .iter()
            .for_each(|record| of.add_course(record));
        survey.runs.iter().for_each(|record| of.add_run(record));
        for (subject, referrer) in &survey.references {
            of.add_reference(*subject, referrer);
        }
        records
    }
}

impl Present for Records {
    fn organization(&mut self, id: OrganizationId) -> Option<Arc<Organization>> {
        self.organizations.get(&id).cloned()
    }

    fn course(&mut self, id: CatalogCourseId) -> Option<Arc<CatalogCourse>> {
        self.courses.get(&id).cloned()
    }

    fn run(&mut self, course: CatalogCourseId, id: CourseRunId) -> Option<Arc<CourseRun>> {
        let run = self.runs.get(&id)?;
        (run.catalog_course_id == course).then(|| Arc::clone(run))
    }

    fn has_reference(&mut self, subject: Subject, referrer: &Referrer) -> bool {
        self.references.contains(&(subject, referrer.clone()))
    }
}

/// The newest row of the feed that does not fit the records of a survey.
pub(super) fn misfit(survey: &mut Survey) -> Option<Misfit> {
    let next_event = survey.ledger.as_ref()?.next_event;
    let mut records = Records::of_survey(survey);
    let pages = std::mem::take(&mut survey.pages);
    retrace(pages, next_event, &mut records).1
}

/// How many numbers are left out where it is not known which were given: more than any feed had.
const NUMBERS_LEFT_OUT: u64 = 1_000_000_000;

/// What a repair keeps of the feed.
pub(super) struct KeptFeed {
    pub(super) rows: Vec<Row>,
    pub(super) next_event: u64,
    /// What was done to it, as a sentence.
    pub(super) done: Option<String>,
}

impl KeptFeed {
    /// Decides for a store whose records will be these rows.
    ///
    /// `is_known` tells whether the ledger is that of the last commit.
    pub(super) fn of(survey: &mut Survey, wanted: &Rows, is_known: bool) -> Self {
        let end = survey.pages.iter().map(StoredPage::end).max();
        let ledger = survey.ledger.as_ref();
        let next = ledger.map_or(1, |ledger| ledger.next_event);
        let next = next.max(end.unwrap_or(1));
        let Some(ledger) = ledger.filter(|_| is_known) else {
            return Self::begun_anew(
                next.saturating_add(NUMBERS_LEFT_OUT),
                "It is not known which changes were told last",
            );
        };
        if !has_the_same_records(&survey.rows, wanted, ledger) {
            // Whoever has read all there was has to hear of it, too.
            return Self::begun_anew(
                next.saturating_add(1),
                "The change feed does not tell how the records were repaired",
            );
        }
        let mut records = Records::of_survey(survey);
        let pages = std::mem::take(&mut survey.pages);
        let stored = survey.rows.keys().filter(|(tree, _)| *tree == CHANGES);
        let stored = stored.count();
        let (kept, _) = retrace(pages, next, &mut records);
        let done = (kept.len() < stored).then(|| {
            let oldest = kept.first().map_or(next, |page| page.first());
            format!(
                "The change feed does not fit the records; what is left of it begins with number {oldest}."
            )
        });
        Self {
            rows: kept.iter().map(|page| changes_row(page)).collect(),
            next_event: next,
            done,
        }
    }

    fn begun_anew(next_event: u64, why: &str) -> Self {
        Self {
            rows: Vec::new(),
            next_event,
            done: Some(format!(
                "{why}: the feed begins anew with number {next_event}, and whoever has followed it has to read the catalog anew."
            )),
        }
    }
}

/// Whether the records will be those that were found, and are as many as were stored.
fn has_the_same_records(found: &Rows, wanted: &Rows, ledger: &Ledger) -> bool {
    const RECORDS: [Tree; 4] = [ORGANIZATIONS, COURSES, RUNS, REFERENCES];
    let is_record = |tree: &Tree| RECORDS.contains(tree);
    let of = |rows| Rows::iter(rows).filter(move |((tree, _), _)| is_record(tree));
    let stored = RECORDS.iter().map(|tree| ledger.count(*tree));
    of(found).eq(of(wanted)) && stored.sum::<u64>() == of(wanted).count() as u64
}
