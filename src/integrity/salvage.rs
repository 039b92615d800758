//! What can be saved of a store: the intact records, made consistent with each other.
//!
//! It reads a survey and decides; it writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::survey::{Rows, Survey, finding};
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId, eq_ignoring_case, fold};
use crate::model::{
    CatalogCourse, CourseCode, CourseRun, Language, Organization, OrganizationName, Referrer,
    ShortName, Stats, Subject, Timestamp, Title,
};
use crate::schema::{
    COURSES, Ledger, ORGANIZATIONS, ORGANIZATIONS_BY_NAME, REFERENCES, RUNS, Row, course_rows,
    index_text, indexed_record, organization_rows, read_name_row, reference_row, run_rows,
};

/// The records that are kept, made consistent with each other.
pub(super) struct Salvage {
    organizations: BTreeMap<OrganizationId, Organization>,
    courses: BTreeMap<CatalogCourseId, CatalogCourse>,
    runs: Vec<CourseRun>,
    references: Vec<(Subject, Referrer)>,
    organization_names: BTreeMap<String, OrganizationId>,
    course_codes: BTreeMap<(OrganizationId, String), CatalogCourseId>,
    run_keys: BTreeSet<String>,
    run_ids: BTreeSet<CourseRunId>,
    run_codes: BTreeSet<(CatalogCourseId, String)>,
    next: Ledger,
    /// What had to be made anew, as sentences.
    pub(super) rebuilt: Vec<String>,
    /// What could not be kept.
    pub(super) lost: Vec<Finding>,
}

impl Salvage {
    /// Keeps what it can of a survey, and names the rest.
    pub(super) fn of(survey: &Survey) -> Self {
        let records = [ORGANIZATIONS, COURSES, RUNS, REFERENCES].map(|tree| tree.name());
        let lost = survey
            .bad
            .iter()
            .filter(|finding| records.contains(&finding.tree))
            .cloned()
            .collect();
        let mut next = survey.ledger.clone().unwrap_or_else(Ledger::new);
        next.pass_ids(&survey.organizations, &survey.courses, &survey.runs);
        // Ids of records that are lost are still in use: those that are left name them.
        next.next_ids.pass(
            survey.courses.iter().map(|c| c.organization_id).max(),
            survey.runs.iter().map(|r| r.catalog_course_id).max(),
            None,
        );
        let mut salvage = Self {
            organizations: BTreeMap::new(),
            courses: BTreeMap::new(),
            runs: Vec::new(),
            references: Vec::new(),
            organization_names: BTreeMap::new(),
            course_codes: BTreeMap::new(),
            run_keys: BTreeSet::new(),
            run_ids: BTreeSet::new(),
            run_codes: BTreeSet::new(),
            next,
            rebuilt: Vec::new(),
            lost,
        };
        for organization in &survey.organizations {
            salvage.organization(organization.clone());
        }
        for course in &survey.courses {
            salvage.course(survey, course);
        }
        for run in &survey.runs {
            salvage.run(run);
        }
        for (subject, referrer) in &survey.references {
            salvage.reference(*subject, referrer);
        }
        salvage.name_the_vanished(survey);
        salvage
    }

    /// Lists the records that are gone without a trace but in an index.
    fn name_the_vanished(&mut self, survey: &Survey) {
        let kept = self.rows();
        for ((tree, key), value) in &survey.rows {
            let Some(record) = indexed_record(*tree, key, value) else {
                continue;
            };
            if !survey.rows.contains_key(&record) && !kept.contains_key(&record) {
                let text = String::from_utf8_lossy(key.get(index_text(*tree)..).unwrap_or(key));
                let problem = format!("the record of {text:?}, as the index folds it, is gone");
                self.lost.push(finding(record.0, &record.1, problem));
            }
        }
    }

    fn organization(&mut self, organization: Organization) {
        let folded = fold(organization.short_name.as_str()).into_owned();
        if self.organization_names.contains_key(&folded) {
            let [row, _] = organization_rows(&organization);
            let problem = format!(
                "another organization is called {} too",
                organization.short_name
            );
            self.lost.push(finding(row.tree, &row.key, problem));
            return;
        }
        self.organization_names.insert(folded, organization.id);
        self.organizations.insert(organization.id, organization);
    }

    /// Keeps a course. If its organization is lost, its name may still be in the key of one of the
    /// course's runs, or folded in the index of names.
    fn course(&mut self, survey: &Survey, course: &CatalogCourse) {
        let mut course = course.clone();
        if !self.organizations.contains_key(&course.organization_id) {
            let mut runs = survey.runs.iter();
            let name = runs
                .find(|run| run.catalog_course_id == course.id)
                .map(|run| run.course_key.org().to_owned())
                .or_else(|| name_in_index(&survey.rows, course.organization_id));
            match name.and_then(|name| {
                self.organization_called(&name, Some(course.organization_id), course.created)
            }) {
                Some(organization) => course.organization_id = organization,
                None => {
                    let [row, _] = course_rows(&course);
                    let problem = format!(
                        "the organization of the course {:?} is lost, and nothing tells its name",
                        course.course_code
                    );
                    self.lost.push(finding(row.tree, &row.key, problem));
                    return;
                }
            }
        }
        let folded = fold(course.course_code.as_str()).into_owned();
        let place = (course.organization_id, folded);
        if self.course_codes.contains_key(&place) {
            let [row, _] = course_rows(&course);
            let problem = format!(
                "another course of its organization has the code {:?} too",
                course.course_code
            );
            self.lost.push(finding(row.tree, &row.key, problem));
            return;
        }
        self.course_codes.insert(place, course.id);
        self.courses.insert(course.id, course);
    }

    /// The organization of this name, made anew if there is none.
    fn organization_called(
        &mut self,
        name: &str,
        id: Option<OrganizationId>,
        created: Timestamp,
    ) -> Option<OrganizationId> {
        if let Some(id) = self.organization_names.get(fold(name).as_ref()) {
            return Some(*id);
        }
        let id = id.unwrap_or_else(|| self.next.next_ids.organization());
        let organization = Organization {
            id,
            short_name: ShortName::new(name).ok()?,
            name: OrganizationName::new(name).ok()?,
            active: true,
            created,
        };
        self.rebuilt.push(format!(
            "The organization {name} was lost; it was made anew with its short name as its name."
        ));
        self.organization(organization);
        Some(id)
    }

    /// Keeps a run. If its course is lost, or is not the one that its key names, it goes to that
    /// one, made anew if need be.
    fn run(&mut self, run: &CourseRun) {
        let mut run = run.clone();
        if let Err(problem) = self.settle(&mut run) {
            let [row, _] = run_rows(&run);
            let problem = format!("the run {}: {problem}", run.course_key);
            self.lost.push(finding(row.tree, &row.key, problem));
            return;
        }
        self.runs.push(run);
    }

    /// Gives a run its place among those that are kept, or says why it has none.
    fn settle(&mut self, run: &mut CourseRun) -> Result<(), &'static str> {
        let folded = fold(run.course_key.as_str()).into_owned();
        if self.run_keys.contains(&folded) {
            return Err("another run has the same key");
        }
        if !self.is_in_its_course(run) {
            run.catalog_course_id = self
                .course_for(run)
                .ok_or("its course is lost and cannot be made anew")?;
        }
        let code = (run.catalog_course_id, run.run_code().to_owned());
        if run.course_key.counts_for_run_code() && !self.run_codes.insert(code) {
            return Err("another run of its course has the same run code");
        }
        if !self.run_ids.insert(run.id) {
            run.id = self.next.next_ids.run();
            self.run_ids.insert(run.id);
        }
        self.run_keys.insert(folded);
        Ok(())
    }

    /// Whether the course of a run is kept, and the one that the run's key names.
    fn is_in_its_course(&self, run: &CourseRun) -> bool {
        let Some(course) = self.courses.get(&run.catalog_course_id) else {
            return false;
        };
        let org = self.organizations.get(&course.organization_id);
        course.course_code == run.course_key.course()
            && org
                .is_some_and(|org| eq_ignoring_case(org.short_name.as_str(), run.course_key.org()))
    }

    fn course_for(&mut self, run: &CourseRun) -> Option<CatalogCourseId> {
        let key = &run.course_key;
        let organization = self.organization_called(key.org(), None, run.created)?;
        let place = (organization, fold(key.course()).into_owned());
        if let Some(id) = self.course_codes.get(&place) {
            // A code in another capitalisation is another course, which cannot be beside this one.
            let course = self.courses.get(id)?;
            return (course.course_code == key.course()).then_some(*id);
        }
        let id = match self.courses.contains_key(&run.catalog_course_id) {
            true => self.next.next_ids.course(),
            false => run.catalog_course_id,
        };
        let course_code = CourseCode::new(key.course()).ok()?;
        let course = CatalogCourse {
            id,
            organization_id: organization,
            org: ShortName::landmark(""),
            title: Title::new(course_code.as_str()).ok()?,
            course_code,
            language: Language::default(),
            created: run.created,
        };
        self.rebuilt.push(format!(
            "The catalog course {} of {} was lost; it was made anew with its code as title, in {}.",
            course.course_code,
            key.org(),
            course.language
        ));
        self.course_codes.insert(place, course.id);
        self.courses.insert(course.id, course);
        Some(id)
    }

    fn reference(&mut self, subject: Subject, referrer: &Referrer) {
        let exists = match subject {
            Subject::CatalogCourse(id) => self.courses.contains_key(&id),
            Subject::CourseRun(id) => self.run_ids.contains(&id),
        };
        if exists {
            self.references.push((subject, referrer.clone()));
        } else {
            let row = reference_row(subject, referrer);
            let problem = format!("what {referrer:?} refers to is lost");
            self.lost.push(finding(row.tree, &row.key, problem));
        }
    }

    /// All rows of a store with these records, but for its ledger and its change feed.
    pub(super) fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        let mut put = |row: Row| {
            rows.insert((row.tree, row.key), row.value);
        };
        self.organizations
            .values()
            .flat_map(organization_rows)
            .for_each(&mut put);
        self.courses
            .values()
            .flat_map(course_rows)
            .for_each(&mut put);
        self.runs.iter().flat_map(run_rows).for_each(&mut put);
        let references = self.references.iter();
        references
            .map(|(subject, referrer)| reference_row(*subject, referrer))
            .for_each(&mut put);
        rows
    }

    /// The ledger that accounts for these rows.
    pub(super) fn ledger(&self, rows: &Rows, next_event: u64, before: Option<&Ledger>) -> Ledger {
        let mut ledger = Ledger::new();
        for ((tree, key), value) in rows {
            ledger.add(*tree, key, value);
        }
        ledger.next_event = next_event;
        ledger.sequence = before.map_or(0, |ledger| ledger.sequence);
        ledger.next_ids = self.next.next_ids;
        if before != Some(&ledger) {
            ledger.sequence += 1;
        }
        ledger
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            organizations: self.organizations.len() as u64,
            catalog_courses: self.courses.len() as u64,
            course_runs: self.runs.len() as u64,
            references: self.references.len() as u64,
        }
    }
}

/// The folded short name under which the index of names still knows an organization.
fn name_in_index(rows: &Rows, id: OrganizationId) -> Option<String> {
    rows.range((ORGANIZATIONS_BY_NAME, Vec::new())..)
        .take_while(|((tree, _), _)| *tree == ORGANIZATIONS_BY_NAME)
        .find_map(|((_, key), value)| {
            let (name, found) = read_name_row(key, value).ok()?;
            (found == id).then_some(name)
        })
}
