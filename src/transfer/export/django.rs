//! Writes Django's fixture, as `manage.py loaddata` reads it: organizations first, so that every
//! row comes after the one that it refers to.
//!
//! Primary keys are numbered from 1 in each model; they mean nothing beyond the file. What upstream
//! has and a catalog does not is as new: no description, no logo, never modified. References are
//! not in it.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;

use super::Part;
use crate::model::{Stats, Timestamp};
use crate::transfer::ExportError;

/// Whether organizations come with their primary keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// As `dumpdata` writes them.
    Given,
    /// The site gives them, from 1 in the order of the file. The signal receiver
    /// `verify_organization_change` of `openedx_catalog` fails on a key that the site does not
    /// have.
    LeftToSite,
}

pub(super) fn write(
    part: &Part<'_>,
    numbers: Numbers,
    out: &mut dyn Write,
) -> Result<Stats, ExportError> {
    let mut counts = Stats::default();
    let mut rows = RowWriter {
        out,
        line: Vec::new(),
        is_first: true,
    };
    let mut organizations = HashMap::new();
    for organization in part.organizations() {
        counts.organizations += 1;
        organizations.insert(organization.id, counts.organizations);
        let created = django_time(organization.created);
        rows.write(
            "organizations.organization",
            (numbers == Numbers::Given).then_some(counts.organizations),
            &OrganizationFields {
                created: &created,
                modified: &created,
                name: organization.name.as_str(),
                short_name: organization.short_name.as_str(),
                description: None,
                logo: "",
                active: organization.active,
            },
        )?;
    }
    let mut courses = HashMap::new();
    for course in part.courses() {
        let Some(org) = organizations.get(&course.organization_id) else {
            continue; // A snapshot never has a course without its organization.
        };
        counts.catalog_courses += 1;
        courses.insert(course.id, counts.catalog_courses);
        rows.write(
            "openedx_catalog.catalogcourse",
            Some(counts.catalog_courses),
            &CatalogCourseFields {
                org: *org,
                course_code: course.course_code.as_str(),
                created: &django_time(course.created),
                title: course.title.as_str(),
                language: course.language.as_str(),
            },
        )?;
    }
    for (run, course) in part.runs() {
        let Some(course) = courses.get(&course.id) else {
            continue; // A snapshot never has a run without its course.
        };
        counts.course_runs += 1;
        rows.write(
            "openedx_catalog.courserun",
            Some(counts.course_runs),
            &CourseRunFields {
                course_key: run.course_key.as_str(),
                catalog_course: *course,
                run_code: run.run_code(),
                created: &django_time(run.created),
                title: run.title.as_str(),
            },
        )?;
    }
    rows.end()?;
    Ok(counts)
}

/// A time as Django writes it: cut to milliseconds, without a fraction if it is zero.
fn django_time(time: Timestamp) -> String {
    const MICROS_AND_ZONE: &str = "000Z";
    let text = time.to_string();
    if time.as_micros().rem_euclid(1_000_000) == 0 {
        text.replace(".000000Z", "Z")
    } else {
        let end = text.len().saturating_sub(MICROS_AND_ZONE.len());
        format!("{}Z", text.get(..end).unwrap_or(&text))
    }
}

#[derive(Serialize)]
struct FixtureRow<'a, F> {
    model: &'a str,
    pk: Option<u64>,
    fields: &'a F,
}

#[derive(Serialize)]
struct OrganizationFields<'a> {
    created: &'a str,
    modified: &'a str,
    name: &'a str,
    short_name: &'a str,
    description: Option<&'a str>,
    logo: &'a str,
    active: bool,
}

#[derive(Serialize)]
struct CatalogCourseFields<'a> {
    org: u64,
    course_code: &'a str,
    created: &'a str,
    title: &'a str,
    language: &'a str,
}

#[derive(Serialize)]
struct CourseRunFields<'a> {
    course_key: &'a str,
    catalog_course: u64,
    run_code: &'a str,
    created: &'a str,
    title: &'a str,
}

/// Writes an array, one row a line.
struct RowWriter<'a> {
    out: &'a mut dyn Write,
    line: Vec<u8>,
    is_first: bool,
}

impl RowWriter<'_> {
    fn write(
        &mut self,
        model: &str,
        pk: Option<u64>,
        fields: &impl Serialize,
    ) -> Result<(), ExportError> {
        self.line.clear();
        let before: &[u8] = if self.is_first { b"[\n" } else { b",\n" };
        self.is_first = false;
        self.line.extend_from_slice(before);
        serde_json::to_writer(&mut self.line, &FixtureRow { model, pk, fields })?;
        self.out.write_all(&self.line)?;
        Ok(())
    }

    fn end(self) -> Result<(), ExportError> {
        let after: &[u8] = if self.is_first { b"[]\n" } else { b"\n]\n" };
        self.out.write_all(after)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_as_django_cuts_them() {
        for (time, written) in [
            ("2026-01-02T00:42:57.506999Z", "2026-01-02T00:42:57.506Z"),
            ("2026-01-02T00:42:57.000001Z", "2026-01-02T00:42:57.000Z"),
            ("2026-01-02T00:42:57Z", "2026-01-02T00:42:57Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
        ] {
            assert_eq!(django_time(time.parse().unwrap()), written);
        }
    }
}
