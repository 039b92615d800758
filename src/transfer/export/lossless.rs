//! Writes the coursecat format: everything, in the order in which it can be read again.

use std::io::Write;

use xxhash_rust::xxh3::Xxh3;

use super::Part;
use crate::model::Stats;
use crate::transfer::ExportError;
use crate::transfer::digest::digits;
use crate::transfer::lossless::{
    CATALOG_COURSE, COURSE_RUN, CatalogCourseLine, CourseParts, CourseRunLine, END, EndLine,
    HEADER, HeaderLine, ORGANIZATION, OrganizationLine, VERSION,
};

/// Writes all lines; with a hash, its checksum goes into the end line.
pub(in crate::transfer) fn write(
    part: &Part<'_>,
    out: &mut dyn Write,
    hash: Option<Xxh3>,
) -> Result<Stats, ExportError> {
    let mut lines = LineWriter {
        out,
        hash,
        line: Vec::new(),
    };
    let mut counts = Stats::default();
    lines.write(&HeaderLine {
        kind: HEADER.into(),
        version: VERSION,
    })?;
    for organization in part.organizations() {
        counts.organizations += 1;
        lines.write(&OrganizationLine {
            kind: ORGANIZATION.into(),
            short_name: organization.short_name.as_str().into(),
            name: organization.name.as_str().into(),
            active: organization.active,
            created: organization.created.to_string(),
        })?;
    }
    for course in part.courses() {
        counts.catalog_courses += 1;
        let references = part.references_of(course)?;
        counts.references += references.len() as u64;
        lines.write(&CatalogCourseLine {
            kind: CATALOG_COURSE.into(),
            key: Some(course.key().to_string()),
            org: course.org.as_str().into(),
            course_code: course.course_code.as_str().into(),
            title: course.title.as_str().into(),
            language: course.language.as_str().into(),
            created: course.created.to_string(),
            references,
        })?;
    }
    for (run, course) in part.runs() {
        counts.course_runs += 1;
        let references = part.references(run.course_key.as_str())?;
        counts.references += references.len() as u64;
        lines.write(&CourseRunLine {
            kind: COURSE_RUN.into(),
            course_key: run.course_key.as_str().into(),
            catalog_course: CourseParts {
                org: course.org.as_str().into(),
                course_code: course.course_code.as_str().into(),
            },
            title: run.title.as_str().into(),
            created: run.created.to_string(),
            references,
        })?;
    }
    let xxh3 = lines.hash.as_ref().map(digits);
    lines.write(&EndLine {
        kind: END.to_owned(),
        organizations: counts.organizations,
        catalog_courses: counts.catalog_courses,
        course_runs: counts.course_runs,
        references: counts.references,
        xxh3,
    })?;
    Ok(counts)
}

struct LineWriter<'a> {
    out: &'a mut dyn Write,
    hash: Option<Xxh3>,
    line: Vec<u8>,
}

impl LineWriter<'_> {
    fn write(&mut self, line: &impl serde::Serialize) -> Result<(), ExportError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        if let Some(hash) = &mut self.hash {
            hash.update(&self.line);
        }
        self.out.write_all(&self.line)?;
        Ok(())
    }
}
