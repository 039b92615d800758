//! Repairing: the rows that intact records ask for, put in the place of those that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::Finding;
use super::survey::{Rows, Survey, finding};
use crate::engine::{Batch, Durability, Engine};
use crate::error::{Error, Result};
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId, fold};
use crate::model::{
    CatalogCourse, CourseCode, CourseRun, Language, Organization, OrganizationName, Referrer,
    ShortName, Stats, Subject, Timestamp, Title,
};
use crate::schema::folder::engine_error;
use crate::schema::{
    COURSES, Ledger, ORGANIZATIONS, ORGANIZATIONS_BY_NAME, REFERENCES, RUNS, Row, course_rows,
    organization_rows, read_name_row, reference_row, run_rows,
};

/// What a repair did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RepairReport {
    /// How much the catalog holds now.
    pub stats: Stats,
    /// How many rows were written or removed; 0 if the store was whole.
    pub rows_changed: u64,
    /// Records that had to be made anew from what others say of them, as sentences.
    pub rebuilt: Vec<String>,
    /// What could not be saved.
    pub lost: Vec<Finding>,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.rebuilt {
            writeln!(f, "{sentence}")?;
        }
        for finding in &self.lost {
            writeln!(f, "lost: {finding}")?;
        }
        write!(
            f,
            "{} rows changed, {} records rebuilt, {} lost. The catalog holds {}.",
            self.rows_changed,
            self.rebuilt.len(),
            self.lost.len(),
            self.stats
        )
    }
}

/// Repairs a store.
pub(super) fn repair(engine: &mut dyn Engine, path: &Path) -> Result<RepairReport> {
    let survey = Survey::of(engine, path)?;
    let salvage = Salvage::of(&survey);
    let (wanted, ledger) = salvage.rows(survey.ledger.as_ref());
    let rows_changed = replace(engine, path, survey.rows, wanted, &ledger)?;
    Ok(RepairReport {
        stats: salvage.stats(),
        rows_changed,
        rebuilt: salvage.rebuilt,
        lost: salvage.lost,
    })
}

/// Makes the indexes of a sound store again, since a new version of Unicode puts other characters
/// into lower case than the one that they were made with.
///
/// Refuses, and changes nothing, if two records have become equal ignoring case.
pub(crate) fn refold(engine: &mut dyn Engine, path: &Path) -> Result<()> {
    let survey = Survey::of(engine, path)?;
    let salvage = Salvage::of(&survey);
    if let Some(lost) = salvage.lost.first() {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            detail: format!("with the letters of a new version of Unicode, {lost}"),
        });
    }
    let (wanted, ledger) = salvage.rows(survey.ledger.as_ref());
    let changed = replace(engine, path, survey.rows, wanted, &ledger)?;
    tracing::info!(path = %path.display(), changed, "indexes were made again for a new version of Unicode");
    Ok(())
}

/// The records that are kept, made consistent with each other.
struct Salvage {
    organizations: BTreeMap<OrganizationId, Organization>,
    courses: BTreeMap<CatalogCourseId, CatalogCourse>,
    runs: Vec<CourseRun>,
    references: Vec<(Subject, Referrer)>,
    organization_names: BTreeMap<String, OrganizationId>,
    course_codes: BTreeMap<(OrganizationId, String), CatalogCourseId>,
    run_keys: BTreeSet<String>,
    run_ids: BTreeSet<CourseRunId>,
    next: Ledger,
    rebuilt: Vec<String>,
    lost: Vec<Finding>,
}

impl Salvage {
    /// Keeps what it can of a survey, and names the rest.
    fn of(survey: &Survey) -> Self {
        let records = [ORGANIZATIONS, COURSES, RUNS, REFERENCES].map(|tree| tree.name());
        let lost = survey
            .bad
            .iter()
            .filter(|finding| records.contains(&finding.tree))
            .cloned()
            .collect();
        let mut next = survey.ledger.clone().unwrap_or_else(Ledger::new);
        next.pass_ids(&survey.organizations, &survey.courses, &survey.runs);
        let mut salvage = Self {
            organizations: BTreeMap::new(),
            courses: BTreeMap::new(),
            runs: Vec::new(),
            references: Vec::new(),
            organization_names: BTreeMap::new(),
            course_codes: BTreeMap::new(),
            run_keys: BTreeSet::new(),
            run_ids: BTreeSet::new(),
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
        salvage
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

    /// Keeps a course. If its organization is lost, its name may still be in the index of names,
    /// or in the key of one of the course's runs.
    fn course(&mut self, survey: &Survey, course: &CatalogCourse) {
        let mut course = course.clone();
        if !self.organizations.contains_key(&course.organization_id) {
            let name = name_in_index(&survey.rows, course.organization_id).or_else(|| {
                let mut runs = survey.runs.iter();
                let run = runs.find(|run| run.catalog_course_id == course.id)?;
                Some(run.course_key.org().to_owned())
            });
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

    /// Keeps a run, with a course made anew from its key if its own is lost.
    fn run(&mut self, run: &CourseRun) {
        let mut run = run.clone();
        let folded = fold(run.course_key.as_str()).into_owned();
        let problem = if self.run_keys.contains(&folded) {
            Some("another run has the same key")
        } else if self.courses.contains_key(&run.catalog_course_id) {
            None
        } else {
            match self.course_for(&run) {
                Some(course) => {
                    run.catalog_course_id = course;
                    None
                }
                None => Some("its course is lost and cannot be made anew"),
            }
        };
        if let Some(problem) = problem {
            let [row, _] = run_rows(&run);
            let problem = format!("the run {}: {problem}", run.course_key);
            self.lost.push(finding(row.tree, &row.key, problem));
            return;
        }
        self.run_keys.insert(folded);
        self.run_ids.insert(run.id);
        self.runs.push(run);
    }

    fn course_for(&mut self, run: &CourseRun) -> Option<CatalogCourseId> {
        let key = &run.course_key;
        let organization = self.organization_called(key.org(), None, run.created)?;
        let place = (organization, fold(key.course()).into_owned());
        if let Some(course) = self.course_codes.get(&place) {
            return Some(*course);
        }
        let course_code = CourseCode::new(key.course()).ok()?;
        let course = CatalogCourse {
            id: run.catalog_course_id,
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
        Some(run.catalog_course_id)
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

    /// All rows of a store with these records, and the ledger that accounts for them.
    fn rows(&self, before: Option<&Ledger>) -> (Rows, Ledger) {
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

        let mut ledger = Ledger::new();
        for ((tree, key), value) in &rows {
            ledger.add(*tree, key, value);
        }
        ledger.sequence = before.map_or(0, |ledger| ledger.sequence);
        ledger.next_ids = self.next.next_ids;
        if before != Some(&ledger) {
            ledger.sequence += 1;
        }
        (rows, ledger)
    }

    fn stats(&self) -> Stats {
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

/// Replaces the rows of a store by others, in batches, and tells how many have changed.
///
/// The ledger comes last: until it is written, the store counts as damaged, and the repair can be
/// started again.
fn replace(
    engine: &mut dyn Engine,
    path: &Path,
    mut found: Rows,
    wanted: Rows,
    ledger: &Ledger,
) -> Result<u64> {
    let failed = |error| engine_error(path, "repairing the store", error);
    let ledger = ledger.as_row();
    let ledger_before = found.remove(&(ledger.tree, ledger.key.clone()));
    let mut changes = Vec::new();
    for (place, value) in wanted {
        let before = found.remove(&place);
        if before.as_ref() != Some(&value) {
            changes.push((place, before, Some(value)));
        }
    }
    changes.extend(
        found
            .into_iter()
            .map(|(place, value)| (place, Some(value), None)),
    );
    if changes.is_empty() && ledger_before.as_ref() == Some(&ledger.value) {
        return Ok(0);
    }
    let last = ((ledger.tree, ledger.key), ledger_before, Some(ledger.value));
    let changed = changes.len() as u64 + 1;
    let mut batch = Batch::new();
    for ((tree, key), before, after) in changes {
        batch.put(tree, key, before, after);
        if super::is_full(&batch) {
            let full = std::mem::take(&mut batch);
            engine.commit(&full, Durability::Durable).map_err(failed)?;
        }
    }
    if !batch.is_empty() {
        engine.commit(&batch, Durability::Durable).map_err(failed)?;
    }
    let mut batch = Batch::new();
    let ((tree, key), before, after) = last;
    batch.put(tree, key, before, after);
    engine.commit(&batch, Durability::Durable).map_err(failed)?;
    Ok(changed)
}
