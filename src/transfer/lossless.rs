//! The lines of the coursecat format, as they are written and read.
//!
//! ```text
//! {"type":"coursecat","version":1}
//! {"type":"organization","short_name":"MITx","name":"MIT","active":true,"created":"2026-…Z"}
//! {"type":"catalog_course","key":"catalog-course:MITx:6.00x","org":"MITx","course_code":"6.00x",…}
//! {"type":"course_run","course_key":"course-v1:…","catalog_course":{"org":…,"course_code":…},…}
//! {"type":"end","organizations":1,"catalog_courses":1,"course_runs":1,"references":0}
//! ```
//!
//! The end line lets a file that was cut off be noticed. Backups have a checksum there, too, of
//! all lines before it. Unknown members are refused: a reader must not drop what it does not know.
//! No line holds an internal id.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The version that is written, and the newest that is read.
pub(super) const VERSION: u64 = 1;

pub(super) const HEADER: &str = "coursecat";
pub(super) const ORGANIZATION: &str = "organization";
pub(super) const CATALOG_COURSE: &str = "catalog_course";
pub(super) const COURSE_RUN: &str = "course_run";
pub(super) const END: &str = "end";

/// What every line has: its kind.
#[derive(Deserialize)]
pub(super) struct Kind {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Cow<'a, str>,
    pub(super) version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationLine<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Cow<'a, str>,
    pub(super) short_name: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) active: bool,
    pub(super) created: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogCourseLine<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Cow<'a, str>,
    /// For people and their tools; organization and code say it better.
    #[serde(default)]
    pub(super) key: Option<String>,
    pub(super) org: Cow<'a, str>,
    pub(super) course_code: Cow<'a, str>,
    pub(super) title: Cow<'a, str>,
    pub(super) language: Cow<'a, str>,
    pub(super) created: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourseRunLine<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Cow<'a, str>,
    pub(super) course_key: Cow<'a, str>,
    pub(super) catalog_course: CourseParts<'a>,
    pub(super) title: Cow<'a, str>,
    pub(super) created: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<String>,
}

/// The parts of a catalog course's key: an organization may have colons, which its key as a text
/// cannot tell from its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourseParts<'a> {
    pub(super) org: Cow<'a, str>,
    pub(super) course_code: Cow<'a, str>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) organizations: u64,
    pub(super) catalog_courses: u64,
    pub(super) course_runs: u64,
    pub(super) references: u64,
    /// The checksum of all lines before this one, each with its newline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) xxh3: Option<String>,
}
