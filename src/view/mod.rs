//! Records as every interface shows them: the fields that JSON has, on the command line and over
//! HTTP alike.
//!
//! Never an internal id. A view borrows from its record where it can, so that answering costs no
//! copies.

mod import;
mod path;
mod reports;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub(crate) use import::{ImportView, RejectView};
pub(crate) use path::segment;
pub(crate) use reports::{StatsView, VerifyView};

use crate::{CatalogCourse, CourseRun, Organization, Snapshot, Timestamp};

/// An organization: who offers courses.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Organization"))]
pub(crate) struct OrganizationView<'a> {
    /// Its short name, unique ignoring case.
    pub(crate) short_name: Cow<'a, str>,
    /// Its full name.
    pub(crate) name: Cow<'a, str>,
    /// Whether new catalog courses may come to it without being asked for by name.
    pub(crate) active: bool,
    /// When it was first stored.
    #[cfg_attr(feature = "http", schemars(with = "Moment"))]
    pub(crate) created: Timestamp,
    /// How many catalog courses it has. Not told of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(with = "u64"))]
    pub(crate) courses: Option<u64>,
}

impl<'a> OrganizationView<'a> {
    pub(crate) fn of(organization: &'a Organization, snapshot: &Snapshot) -> Self {
        Self {
            courses: Some(snapshot.count_courses_of(organization)),
            ..Self::bare(organization)
        }
    }

    /// The same without counts, which a record by itself does not tell.
    pub(crate) fn bare(organization: &'a Organization) -> Self {
        Self {
            short_name: organization.short_name.as_str().into(),
            name: organization.name.as_str().into(),
            active: organization.active,
            created: organization.created,
            courses: None,
        }
    }

    #[cfg(feature = "cli")]
    pub(crate) fn into_owned(self) -> OrganizationView<'static> {
        OrganizationView {
            short_name: owned(self.short_name),
            name: owned(self.name),
            ..self
        }
    }
}

/// A catalog course: what is taught, apart from when.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Course"))]
pub(crate) struct CourseView<'a> {
    /// Its key, `catalog-course:ORG:CODE`.
    pub(crate) key: Cow<'a, str>,
    /// The short name of its organization.
    pub(crate) org: Cow<'a, str>,
    /// Its code, unique within the organization ignoring case.
    pub(crate) course_code: Cow<'a, str>,
    /// Its title.
    pub(crate) title: Cow<'a, str>,
    /// Its language, as a full code: `en-us`.
    pub(crate) language: Cow<'a, str>,
    /// Its language, as a short (legacy) code: `en`, `zh_HANS`.
    pub(crate) language_short: Cow<'a, str>,
    /// When it was first stored.
    #[cfg_attr(feature = "http", schemars(with = "Moment"))]
    pub(crate) created: Timestamp,
    /// How many runs it has. Not told of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(with = "u64"))]
    pub(crate) runs: Option<u64>,
}

impl<'a> CourseView<'a> {
    pub(crate) fn of(course: &'a CatalogCourse, snapshot: &Snapshot) -> Self {
        Self {
            runs: Some(snapshot.count_runs_of(course)),
            ..Self::bare(course)
        }
    }

    /// The same without counts, which a record by itself does not tell.
    pub(crate) fn bare(course: &'a CatalogCourse) -> Self {
        Self {
            key: course.key().to_string().into(),
            org: course.org.as_str().into(),
            course_code: course.course_code.as_str().into(),
            title: course.title.as_str().into(),
            language: course.language.as_str().into(),
            language_short: course.language.short().into(),
            created: course.created,
            runs: None,
        }
    }

    #[cfg(feature = "cli")]
    pub(crate) fn into_owned(self) -> CourseView<'static> {
        CourseView {
            key: owned(self.key),
            org: owned(self.org),
            course_code: owned(self.course_code),
            title: owned(self.title),
            language: owned(self.language),
            language_short: owned(self.language_short),
            ..self
        }
    }
}

/// A course run: a catalog course, given once.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Run"))]
pub(crate) struct RunView<'a> {
    /// Its key, unique ignoring case: `course-v1:ORG+COURSE+RUN`.
    pub(crate) course_key: Cow<'a, str>,
    /// The key of the catalog course that it is a run of.
    pub(crate) catalog_course: Cow<'a, str>,
    /// The organization, as the run's key spells it.
    pub(crate) org: Cow<'a, str>,
    /// The course code.
    pub(crate) course_code: Cow<'a, str>,
    /// The run code, the last part of the key.
    pub(crate) run_code: Cow<'a, str>,
    /// Its title.
    pub(crate) title: Cow<'a, str>,
    /// When it was first stored.
    #[cfg_attr(feature = "http", schemars(with = "Moment"))]
    pub(crate) created: Timestamp,
    /// What is worth knowing about the operation, in answers to POST and PATCH:
    /// `already_existed`, `org_case_mismatch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(with = "Vec<String>"))]
    pub(crate) warnings: Option<Vec<Cow<'a, str>>>,
}

impl<'a> RunView<'a> {
    pub(crate) fn of(run: &'a CourseRun, snapshot: &Snapshot) -> Self {
        // A snapshot never has a run without its course; a run that was just written may have lost
        // it since.
        let course = snapshot.get_catalog_course_of(run).ok();
        Self::with_course(run, course.as_deref())
    }

    /// A run of this course.
    pub(crate) fn with_course(run: &'a CourseRun, course: Option<&CatalogCourse>) -> Self {
        let key = &run.course_key;
        Self {
            course_key: key.as_str().into(),
            catalog_course: course
                .map_or_else(String::new, |course| course.key().to_string())
                .into(),
            org: key.org().into(),
            course_code: key.course().into(),
            run_code: key.run().into(),
            title: run.title.as_str().into(),
            created: run.created,
            warnings: None,
        }
    }

    /// The same with what an operation warned of.
    #[cfg(feature = "http")]
    pub(crate) fn warned(mut self, warnings: &[crate::Warning]) -> Self {
        self.warnings = Some(
            warnings
                .iter()
                .map(|warning| warning.code().into())
                .collect(),
        );
        self
    }

    #[cfg(feature = "cli")]
    pub(crate) fn into_owned(self) -> RunView<'static> {
        RunView {
            course_key: owned(self.course_key),
            catalog_course: owned(self.catalog_course),
            org: owned(self.org),
            course_code: owned(self.course_code),
            run_code: owned(self.run_code),
            title: owned(self.title),
            created: self.created,
            warnings: self
                .warnings
                .map(|codes| codes.into_iter().map(owned).collect()),
        }
    }
}

/// A reference: a name by which something outside refers to a course or a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "http", schemars(rename = "Reference"))]
pub(crate) struct ReferenceView {
    /// Who refers to the record.
    pub(crate) referrer: String,
}

/// How a moment looks to a reader of JSON.
#[cfg(feature = "http")]
#[derive(schemars::JsonSchema)]
#[schemars(inline)]
pub(crate) struct Moment(
    /// A moment in UTC, to the microsecond (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

#[cfg(feature = "cli")]
fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
