//! Verifying: what the records ask for, compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use super::sums::whole;
use super::survey::{Survey, finding};
use super::{Finding, Report, feed};
use crate::engine::{Engine, Tree};
use crate::error::Result;
use crate::key::{CourseRunId, fold};
use crate::model::{Stats, Subject};
use crate::schema::{
    CHANGES, COURSES, COURSES_BY_CODE, Ledger, META, Misfit, ORGANIZATIONS, ORGANIZATIONS_BY_NAME,
    REFERENCES, RUNS, RUNS_BY_KEY, Row, course_rows, organization_rows, reference_row, run_rows,
};

/// Checks every row of a store that is known to have had so many commits.
pub(crate) fn verify(engine: &dyn Engine, path: &Path, commits: u64) -> Result<Report> {
    let started = Instant::now();
    // What is whole, as nearly every store is, shows it by sums.
    if let Some(whole) = whole(engine, path, commits)? {
        return Ok(Report {
            stats: whole.stats,
            rows: whole.rows,
            sequence: whole.sequence,
            elapsed: started.elapsed(),
            findings: Vec::new(),
        });
    }
    let mut survey = Survey::of(engine, path)?;
    let mut findings = survey.bad.clone();
    check_records(&survey, &mut findings);
    check_indexes(&survey, &mut findings);
    check_references(&survey, &mut findings);
    check_ledger(&survey, commits, &mut findings);
    if let Some(Misfit { key, why }) = feed::misfit(&mut survey) {
        findings.push(finding(CHANGES, &key, why));
    }
    Ok(Report {
        stats: Stats {
            organizations: survey.organizations.len() as u64,
            catalog_courses: survey.courses.len() as u64,
            course_runs: survey.runs.len() as u64,
            references: survey.references.len() as u64,
        },
        rows: survey.rows.len() as u64,
        sequence: survey.ledger.as_ref().map_or(0, |ledger| ledger.sequence),
        elapsed: started.elapsed(),
        findings,
    })
}

/// Checks what each record says of others, and that no two claim the same.
fn check_records(survey: &Survey, findings: &mut Vec<Finding>) {
    let organizations: BTreeMap<_, _> = survey
        .organizations
        .iter()
        .map(|organization| (organization.id, &organization.short_name))
        .collect();
    let courses: BTreeMap<_, _> = survey
        .courses
        .iter()
        .map(|course| (course.id, course))
        .collect();
    for course in &survey.courses {
        if !organizations.contains_key(&course.organization_id) {
            let [row, _] = course_rows(course);
            let problem = format!(
                "the organization {} of the course {:?} is missing",
                course.organization_id, course.course_code
            );
            findings.push(finding(COURSES, &row.key, problem));
        }
    }
    let mut ids = BTreeSet::<CourseRunId>::new();
    let mut codes = BTreeSet::new();
    for run in &survey.runs {
        let mut report = |problem: String| {
            let [row, _] = run_rows(run);
            findings.push(finding(RUNS, &row.key, problem));
        };
        let key = &run.course_key;
        if !ids.insert(run.id) {
            report(format!("the run {key} has the id of another"));
        }
        if key.counts_for_run_code() && !codes.insert((run.catalog_course_id, key.run())) {
            report(format!(
                "the run {key} has the course and run code of another"
            ));
        }
        let Some(course) = courses.get(&run.catalog_course_id) else {
            report(format!("the catalog course of the run {key} is missing"));
            continue;
        };
        let org = organizations.get(&course.organization_id);
        if org.is_some_and(|org| fold(org.as_str()) != fold(key.org())) {
            report(format!(
                "the run {key} belongs to a course of another organization"
            ));
        }
        if course.course_code != key.course() {
            report(format!("the run {key} belongs to a course of another code"));
        }
    }
}

/// Checks that each index has a row for each record, and no others.
fn check_indexes(survey: &Survey, findings: &mut Vec<Finding>) {
    let organizations = survey.organizations.iter().map(organization_rows);
    check_index(
        survey,
        ORGANIZATIONS_BY_NAME,
        ORGANIZATIONS,
        organizations,
        findings,
    );
    let courses = survey.courses.iter().map(course_rows);
    check_index(survey, COURSES_BY_CODE, COURSES, courses, findings);
    let runs = survey.runs.iter().map(run_rows);
    check_index(survey, RUNS_BY_KEY, RUNS, runs, findings);
}

fn check_index(
    survey: &Survey,
    index: Tree,
    records: Tree,
    rows: impl Iterator<Item = [Row; 2]>,
    findings: &mut Vec<Finding>,
) {
    let mut expected = BTreeMap::new();
    for [record, row] in rows {
        if let Some(other) = expected.insert(row.key, row.value) {
            let same = format!(
                "another record is found under the same key ({} bytes)",
                other.len()
            );
            findings.push(finding(records, &record.key, same));
        }
    }
    for ((_, key), value) in survey
        .rows
        .range((index, Vec::new())..)
        .take_while(|((tree, _), _)| *tree == index)
    {
        match expected.remove(key) {
            Some(row) if row == *value => {}
            Some(_) => findings.push(finding(index, key, "it does not lead to its record")),
            None => findings.push(finding(index, key, "no record belongs to it")),
        }
    }
    for key in expected.keys() {
        findings.push(finding(
            index,
            key,
            "it is missing, though its record is there",
        ));
    }
}

fn check_references(survey: &Survey, findings: &mut Vec<Finding>) {
    let courses: BTreeSet<_> = survey.courses.iter().map(|course| course.id).collect();
    let runs: BTreeSet<_> = survey.runs.iter().map(|run| run.id).collect();
    for (subject, referrer) in &survey.references {
        let exists = match subject {
            Subject::CatalogCourse(id) => courses.contains(id),
            Subject::CourseRun(id) => runs.contains(id),
        };
        if !exists {
            let row = reference_row(*subject, referrer);
            let problem = format!("what {referrer:?} refers to is missing");
            findings.push(finding(REFERENCES, &row.key, problem));
        }
    }
}

fn check_ledger(survey: &Survey, commits: u64, findings: &mut Vec<Finding>) {
    let mut report = |problem: String| {
        findings.push(Finding {
            tree: META.name(),
            row: String::new(),
            problem,
        });
    };
    let Some(ledger) = &survey.ledger else {
        report("the ledger is missing".to_owned());
        return;
    };
    if let Some(lost) = ledger.commits_lost(commits) {
        report(lost);
    }
    let mut found = Ledger::new();
    for ((tree, key), value) in &survey.rows {
        found.add(*tree, key, value);
    }
    if let Some(difference) = ledger.difference(&found) {
        report(difference);
    }
    found.pass_ids(&survey.organizations, &survey.courses, &survey.runs);
    if ledger.next_ids != ledger.next_ids.passing(&found.next_ids) {
        report("it would give an id again that is in use".to_owned());
    }
}
