//! Django's fixture: an array of rows in any order, which refer to each other by number.
//!
//! A row waits until the one that it refers to has come, so an export of coursecat's own, which
//! begins with the organizations, needs next to no memory, and what Django writes, which ends with
//! them, that of its rows in a compact form. Numbers mean nothing beyond the file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;
use serde_json::Value;

use super::input::Input;
use super::json::{Json, Size};
use super::plain::{given_key, parse};
use super::record::{Record, Row};
use super::sink::Sink;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::error::{Entity, Error};
use crate::model::Timestamp;
use crate::transfer::{Format, Place, RowError};

pub(super) fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), ImportProblem> {
    let mut json = Json::new(input, Format::Fixture);
    if json.peek()?.is_none() {
        return Err(ImportProblem::Empty);
    }
    json.expect(b"[", "the '[' of an array")?;
    let mut rows = Waiting::default();
    let mut bytes = Vec::new();
    let mut number = 0;
    while sink.goes_on() {
        if !json.next_element(number == 0)? {
            if json.peek()?.is_some() {
                return Err(json.malformed("something follows the array".to_owned()));
            }
            break;
        }
        number += 1;
        json.peek()?;
        let place = Place {
            line: json.line,
            row: Some(number),
        };
        bytes.clear();
        match json.value(&mut bytes)? {
            Size::TooLarge => {
                let limit = MOST_ROW_BYTES;
                sink.refuse(place, None, String::new(), RowError::TooLarge { limit })?;
            }
            Size::Kept => rows.take(place, &bytes, sink)?,
        }
    }
    if sink.goes_on() {
        rows.refuse_the_rest(sink)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct OfModel {
    model: String,
}

#[derive(Deserialize)]
struct FixtureRow<F> {
    pk: i64,
    fields: F,
}

#[derive(Deserialize)]
struct OrganizationRow {
    /// Left out, or null, where the site is to number its organizations.
    pk: Option<i64>,
    fields: OrganizationFields,
}

#[derive(Deserialize)]
struct OrganizationFields {
    short_name: String,
    name: String,
    active: bool,
    created: String,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    logo: Value,
}

#[derive(Deserialize)]
struct CatalogCourseFields {
    org: i64,
    course_code: String,
    title: String,
    language: String,
    created: String,
}

#[derive(Deserialize)]
struct CourseRunFields {
    catalog_course: i64,
    course_key: String,
    run_code: String,
    title: String,
    created: String,
}

/// A catalog course whose organization has not come yet.
struct WaitingCourse {
    place: Place,
    pk: i64,
    course_code: Box<str>,
    title: Box<str>,
    language: Box<str>,
    created: Timestamp,
}

/// A run whose catalog course has not come yet, or waits itself.
struct WaitingRun {
    place: Place,
    course_key: Box<str>,
    run_code: Box<str>,
    title: Box<str>,
    created: Timestamp,
}

/// What has come by its number, and what waits for it.
#[derive(Default)]
struct Waiting {
    organizations: HashMap<i64, Box<str>>,
    /// The greatest number of an organization so far: a site gives the next one to a row without.
    last_organization: i64,
    /// The organization's number and the code of each course that has come.
    courses: HashMap<i64, (i64, Box<str>)>,
    /// By the number of the organization.
    waiting_courses: HashMap<i64, Vec<WaitingCourse>>,
    /// By the number of the course.
    waiting_runs: HashMap<i64, Vec<WaitingRun>>,
}

impl Waiting {
    fn take(&mut self, place: Place, bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), Error> {
        let refused = |sink: &mut Sink<'_>, entity, error| {
            sink.refuse(place, entity, given_key(bytes), error)
        };
        let model = match parse::<OfModel>(bytes) {
            Ok(row) => row.model.to_ascii_lowercase(),
            Err(error) => return refused(sink, None, error),
        };
        let (entity, taken) = match model.as_str() {
            "organizations.organization" => (
                Entity::Organization,
                parse(bytes).map(|row| self.organization(place, row, sink)),
            ),
            "openedx_catalog.catalogcourse" => (
                Entity::CatalogCourse,
                parse(bytes).map(|row| self.catalog_course(place, row, sink)),
            ),
            "openedx_catalog.courserun" => (
                Entity::CourseRun,
                parse(bytes).map(|row| self.course_run(place, row, sink)),
            ),
            _ => {
                sink.skip_model(&model);
                return Ok(());
            }
        };
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Fault::Row(error))) | Err(error) => refused(sink, Some(entity), error),
            Ok(Err(Fault::Catalog(error))) => Err(error),
        }
    }

    fn organization(
        &mut self,
        place: Place,
        OrganizationRow { pk, fields }: OrganizationRow,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let created = time(&fields.created)?;
        let pk = pk.unwrap_or(self.last_organization.saturating_add(1));
        self.last_organization = self.last_organization.max(pk);
        match self.organizations.entry(pk) {
            Entry::Occupied(_) => return Err(twice(pk)),
            Entry::Vacant(free) => free.insert(fields.short_name.as_str().into()),
        };
        for (name, value) in [
            (
                "organizations.organization.description",
                &fields.description,
            ),
            ("organizations.organization.logo", &fields.logo),
        ] {
            if !(value.is_null() || value == "") {
                sink.drop_value(name);
            }
        }
        let record = Record::Organization {
            short_name: fields.short_name,
            name: fields.name,
            active: fields.active,
            created,
        };
        sink.row(row(place, record))?;
        for course in self.waiting_courses.remove(&pk).unwrap_or_default() {
            self.send_course(pk, course, sink)?;
        }
        Ok(())
    }

    fn catalog_course(
        &mut self,
        place: Place,
        FixtureRow { pk, fields }: FixtureRow<CatalogCourseFields>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let course = WaitingCourse {
            place,
            pk,
            created: time(&fields.created)?,
            course_code: fields.course_code.into(),
            title: fields.title.into(),
            language: fields.language.into(),
        };
        let org = fields.org;
        match self.courses.entry(pk) {
            Entry::Occupied(_) => return Err(twice(pk)),
            Entry::Vacant(free) => free.insert((org, course.course_code.clone())),
        };
        if self.organizations.contains_key(&org) {
            self.send_course(org, course, sink)?;
        } else {
            self.waiting_courses.entry(org).or_default().push(course);
        }
        Ok(())
    }

    fn course_run(
        &mut self,
        place: Place,
        FixtureRow { fields, .. }: FixtureRow<CourseRunFields>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let run = WaitingRun {
            place,
            created: time(&fields.created)?,
            course_key: fields.course_key.into(),
            run_code: fields.run_code.into(),
            title: fields.title.into(),
        };
        let course = fields.catalog_course;
        let codes = self.courses.get(&course).and_then(|(org, code)| {
            let org = self.organizations.get(org)?;
            Some((org.to_string(), code.to_string()))
        });
        match codes {
            Some((org, course_code)) => send_run(org, course_code, run, sink)?,
            None => self.waiting_runs.entry(course).or_default().push(run),
        }
        Ok(())
    }

    /// Sends a course whose organization has come, and the runs that wait for it.
    fn send_course(
        &mut self,
        org: i64,
        course: WaitingCourse,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let Some(org) = self.organizations.get(&org) else {
            return Ok(()); // It is sent only when it has come.
        };
        let record = Record::CatalogCourse {
            org: org.to_string(),
            course_code: course.course_code.to_string(),
            title: course.title.into(),
            language: course.language.into(),
            created: course.created,
        };
        sink.row(row(course.place, record))?;
        for run in self.waiting_runs.remove(&course.pk).unwrap_or_default() {
            send_run(org.to_string(), course.course_code.to_string(), run, sink)?;
        }
        Ok(())
    }

    /// What waits for rows that are not in the file, in the order of the file.
    fn refuse_the_rest(self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut rest = Vec::new();
        for (pk, courses) in self.waiting_courses {
            let error = RowError::Dangling {
                entity: Entity::Organization,
                pk,
            };
            for course in courses {
                let key = course.course_code.into_string();
                rest.push((course.place, Entity::CatalogCourse, key, error.clone()));
            }
        }
        for (pk, runs) in self.waiting_runs {
            // Its course may be there, and wait itself.
            let error = match self.courses.get(&pk) {
                None => RowError::Dangling {
                    entity: Entity::CatalogCourse,
                    pk,
                },
                Some((org, _)) => RowError::Dangling {
                    entity: Entity::Organization,
                    pk: *org,
                },
            };
            for run in runs {
                let key = run.course_key.into_string();
                rest.push((run.place, Entity::CourseRun, key, error.clone()));
            }
        }
        rest.sort_by_key(|(place, ..)| *place);
        for (place, entity, key, error) in rest {
            sink.refuse(place, Some(entity), key, error)?;
        }
        Ok(())
    }
}

fn send_run(
    org: String,
    course_code: String,
    run: WaitingRun,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let record = Record::CourseRun {
        org,
        course_code,
        course_key: run.course_key.into(),
        run_code: run.run_code.into(),
        title: run.title.into(),
        created: run.created,
    };
    sink.row(row(run.place, record))
}

fn row(place: Place, record: Record) -> Row {
    Row {
        place,
        record,
        references: Vec::new(),
    }
}

/// A fault of one row, or of the catalog.
enum Fault {
    Row(RowError),
    Catalog(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Catalog(error)
    }
}

fn twice(pk: i64) -> Fault {
    Fault::Row(RowError::Malformed(format!(
        "the pk {pk} has been used before by a row of this model"
    )))
}

/// Reads a time as Django writes it.
///
/// Django cuts microseconds to milliseconds and writes a fraction unless there are none, so
/// `.000Z` is what becomes of 1 to 999 microseconds. It is read as the least of these: then it is
/// written again as it was, which a whole second would not be.
fn time(text: &str) -> Result<Timestamp, Fault> {
    let read = || {
        let time = text.parse::<Timestamp>()?;
        let is_cut = text.ends_with(".000Z");
        Timestamp::from_micros(time.as_micros() + i64::from(is_cut))
    };
    read().map_err(|invalid| Fault::Row(RowError::Refused(invalid.into())))
}
