//! Records as every interface shows them: the field names of JSON, and the columns of tables.
//!
//! Never an internal id.

use serde::Serialize;

use crate::{CatalogCourse, CourseRun, Organization, Snapshot, Timestamp};

/// Something that can be a JSON object and a row of a table.
pub(super) trait View: Serialize {
    /// The headings of its table.
    const HEADINGS: &'static [&'static str];

    /// Its cells, one for each heading.
    fn cells(&self) -> Vec<String>;
}

/// An organization: {short_name, name, active, created, courses}.
#[derive(Debug, Serialize)]
pub(super) struct OrganizationView {
    short_name: String,
    name: String,
    active: bool,
    created: Timestamp,
    courses: u64,
}

impl OrganizationView {
    pub(super) fn of(organization: &Organization, snapshot: &Snapshot) -> Self {
        Self {
            short_name: organization.short_name.to_string(),
            name: organization.name.to_string(),
            active: organization.active,
            created: organization.created,
            courses: snapshot.count_courses_of(organization),
        }
    }
}

impl View for OrganizationView {
    const HEADINGS: &'static [&'static str] =
        &["SHORT NAME", "NAME", "ACTIVE", "COURSES", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.short_name.clone(),
            self.name.clone(),
            if self.active { "yes" } else { "no" }.to_owned(),
            self.courses.to_string(),
            day(self.created),
        ]
    }
}

/// A catalog course: {key, org, course_code, title, language, language_short, created, runs}.
#[derive(Debug, Serialize)]
pub(super) struct CourseView {
    key: String,
    org: String,
    course_code: String,
    title: String,
    language: String,
    language_short: String,
    created: Timestamp,
    runs: u64,
}

impl CourseView {
    pub(super) fn of(course: &CatalogCourse, snapshot: &Snapshot) -> Self {
        Self {
            key: course.key().to_string(),
            org: course.org.to_string(),
            course_code: course.course_code.to_string(),
            title: course.title.to_string(),
            language: course.language.to_string(),
            language_short: course.language.short().to_owned(),
            created: course.created,
            runs: snapshot.count_runs_of(course),
        }
    }
}

impl View for CourseView {
    const HEADINGS: &'static [&'static str] = &["KEY", "TITLE", "LANGUAGE", "RUNS", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.key.clone(),
            self.title.clone(),
            self.language.clone(),
            self.runs.to_string(),
            day(self.created),
        ]
    }
}

/// A course run: {course_key, catalog_course, org, course_code, run_code, title, created}.
#[derive(Debug, Serialize)]
pub(super) struct RunView {
    course_key: String,
    catalog_course: String,
    org: String,
    course_code: String,
    run_code: String,
    title: String,
    created: Timestamp,
}

impl RunView {
    pub(super) fn of(run: &CourseRun, snapshot: &Snapshot) -> Self {
        let course = snapshot.get_catalog_course_of(run).ok();
        Self {
            course_key: run.course_key.to_string(),
            catalog_course: course.map_or_else(String::new, |course| course.key().to_string()),
            org: run.course_key.org().to_owned(),
            course_code: run.course_key.course().to_owned(),
            run_code: run.run_code().to_owned(),
            title: run.title.to_string(),
            created: run.created,
        }
    }
}

impl View for RunView {
    const HEADINGS: &'static [&'static str] = &["COURSE KEY", "TITLE", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.course_key.clone(),
            self.title.clone(),
            day(self.created),
        ]
    }
}

/// A reference: {referrer}.
#[derive(Debug, Serialize)]
pub(super) struct ReferenceView {
    pub(super) referrer: String,
}

impl View for ReferenceView {
    const HEADINGS: &'static [&'static str] = &["REFERRER"];

    fn cells(&self) -> Vec<String> {
        vec![self.referrer.clone()]
    }
}

/// The day of a moment, for people.
fn day(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.split_once('T')
        .map_or(text.clone(), |(day, _)| day.to_owned())
}
