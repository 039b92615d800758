//! Export: a snapshot, or a part of it, written in a format.
//!
//! Everything comes from one snapshot, in the order of keys, so the same catalog always gives the
//! same bytes. Nothing is held in memory but the snapshot, and no internal id is written.

mod django;
mod lossless;
mod table;

use std::io::{BufWriter, Write};
use std::sync::Arc;

use super::{ExportError, Format};
use crate::catalog::Snapshot;
use crate::error::Result;
use crate::key::eq_ignoring_case;
use crate::model::{CatalogCourse, CourseRun, Organization, Stats};
use django::Numbers;

pub(super) use lossless::write as write_lossless;

/// Which part of a catalog to export; all of it unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    org: Option<String>,
    language: Option<String>,
}

impl Filter {
    /// Everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this organization, ignoring case, its courses and their runs.
    #[must_use]
    pub fn org(mut self, short_name: impl Into<String>) -> Self {
        self.org = Some(short_name.into());
        self
    }

    /// Only catalog courses in this language, their runs and their organizations: a full code
    /// (`en-us`) or a short one (`en`, which takes in `en-us` and `en-gb`; `zh_HANS`).
    #[must_use]
    pub fn language(mut self, code: impl Into<String>) -> Self {
        self.language = Some(code.into());
        self
    }
}

/// How much was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportReport {
    /// The number of each kind of record that was written. A CSV holds course runs only.
    pub counts: Stats,
    /// The bytes that were written.
    pub bytes: u64,
}

/// Writes a snapshot, or a part of it, in a format.
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{Filter, Format, export};
///
/// let catalog = Catalog::temporary()?;
/// let key = "course-v1:MITx+Math100+2026";
/// catalog.create_course_run_for_modulestore_course_with(key, "=Calculus", "en")?;
/// let mut csv = Vec::new();
/// let report = export(&catalog.snapshot(), Format::Csv, &Filter::new().org("mitx"), &mut csv)?;
/// assert_eq!(report.counts.course_runs, 1);
/// // A spreadsheet must not take the title for a formula.
/// assert!(String::from_utf8(csv)?.contains("course-v1:MITx+Math100+2026,'=Calculus,en,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExportError::ImportOnly`] if the format is for imports only; [`ExportError::Catalog`] if the
/// filter names an organization that does not exist; [`ExportError::Write`] if the output cannot
/// be written, and then part of it may have been.
pub fn export(
    snapshot: &Snapshot,
    format: Format,
    filter: &Filter,
    out: impl Write,
) -> Result<ExportReport, ExportError> {
    let part = Part::new(snapshot, filter)?;
    let mut out = Counting {
        inner: BufWriter::with_capacity(1 << 16, out),
        bytes: 0,
    };
    let counts = match format {
        Format::Lines => lossless::write(&part, &mut out, None)?,
        Format::Csv => table::write(&part, &mut out)?,
        Format::Fixture => django::write(&part, Numbers::Given, &mut out)?,
        Format::NewSiteFixture => django::write(&part, Numbers::LeftToSite, &mut out)?,
        Format::PlainLines | Format::CoursesApi => return Err(ExportError::ImportOnly(format)),
    };
    out.flush()?;
    Ok(ExportReport {
        counts,
        bytes: out.bytes,
    })
}

/// Counts what an export of the same would write, without writing it.
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{Filter, Format, count_export, export};
///
/// let catalog = Catalog::temporary()?;
/// let key = "course-v1:MITx+Math100+2026";
/// catalog.create_course_run_for_modulestore_course_with(key, "Calculus", "en")?;
/// catalog.add_reference(key, "enrollments")?;
/// let (snapshot, everything) = (catalog.snapshot(), Filter::new());
/// for format in [Format::Lines, Format::Csv, Format::Fixture, Format::NewSiteFixture] {
///     let written = export(&snapshot, format, &everything, std::io::sink())?.counts;
///     assert_eq!(count_export(&snapshot, format, &everything)?, written);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`export`], but for that of writing.
pub fn count_export(
    snapshot: &Snapshot,
    format: Format,
    filter: &Filter,
) -> Result<Stats, ExportError> {
    let part = Part::new(snapshot, filter)?;
    let course_runs = part.runs().count() as u64;
    match format {
        Format::Lines => {
            let mut references = 0;
            for course in part.courses() {
                references += part.references_of(course)?.len() as u64;
            }
            for (run, _) in part.runs() {
                references += part.references(run.course_key.as_str())?.len() as u64;
            }
            Ok(Stats {
                organizations: part.organizations().count() as u64,
                catalog_courses: part.courses().count() as u64,
                course_runs,
                references,
            })
        }
        Format::Csv => Ok(Stats {
            course_runs,
            ..Stats::default()
        }),
        Format::Fixture | Format::NewSiteFixture => Ok(Stats {
            organizations: part.organizations().count() as u64,
            catalog_courses: part.courses().count() as u64,
            course_runs,
            references: 0,
        }),
        Format::PlainLines | Format::CoursesApi => Err(ExportError::ImportOnly(format)),
    }
}

/// The part of a snapshot that a filter lets through.
pub(super) struct Part<'a> {
    pub(super) snapshot: &'a Snapshot,
    filter: &'a Filter,
}

impl<'a> Part<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, filter: &'a Filter) -> Result<Self> {
        if let Some(org) = &filter.org {
            snapshot.get_organization(org)?;
        }
        Ok(Self { snapshot, filter })
    }

    /// Its organizations, in the order of keys.
    fn organizations(&self) -> impl Iterator<Item = &'a Arc<Organization>> + '_ {
        // Both go in the same order, so one walk over the courses serves all organizations.
        let mut with_courses = self.courses().peekable();
        self.snapshot
            .organizations()
            .filter(move |organization| match &self.filter.language {
                None => self.has_org(organization.short_name.as_str()),
                Some(_) => {
                    let mut found = false;
                    while with_courses
                        .next_if(|course| course.organization_id == organization.id)
                        .is_some()
                    {
                        found = true;
                    }
                    found
                }
            })
    }

    /// Its catalog courses, in the order of keys.
    fn courses(&self) -> impl Iterator<Item = &'a Arc<CatalogCourse>> + '_ {
        self.snapshot
            .catalog_courses()
            .filter(|course| self.has_course(course))
    }

    /// Its runs, in the order of keys, each with its catalog course.
    fn runs(&self) -> impl Iterator<Item = (&'a Arc<CourseRun>, Arc<CatalogCourse>)> + '_ {
        let mut last: Option<Arc<CatalogCourse>> = None;
        self.snapshot.course_runs().filter_map(move |run| {
            let course = match last.take() {
                Some(course) if course.id == run.catalog_course_id => course,
                // A snapshot never has a run without its course.
                _ => self.snapshot.get_catalog_course_of(run).ok()?,
            };
            last = Some(Arc::clone(&course));
            self.has_course(&course).then_some((run, course))
        })
    }

    fn has_course(&self, course: &CatalogCourse) -> bool {
        self.has_org(course.org.as_str())
            && self.filter.language.as_ref().is_none_or(|code| {
                course.language.as_str() == code || course.language.short() == code
            })
    }

    fn has_org(&self, short_name: &str) -> bool {
        self.filter
            .org
            .as_ref()
            .is_none_or(|org| eq_ignoring_case(org, short_name))
    }

    /// Who refers to a catalog course.
    fn references_of(&self, course: &CatalogCourse) -> Result<Vec<String>> {
        // An organization with a colon makes the key that of another course; by such a key
        // nothing can ever have been made to refer to this one.
        match course.org.as_str().contains(':') {
            true => Ok(Vec::new()),
            false => self.references(&course.key().to_string()),
        }
    }

    /// Who refers to the record of this key.
    fn references(&self, key: &str) -> Result<Vec<String>> {
        if self.snapshot.stats().references == 0 {
            return Ok(Vec::new());
        }
        let referrers = self.snapshot.list_references(key)?;
        Ok(referrers.iter().map(ToString::to_string).collect())
    }
}

/// Counts what is written.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
