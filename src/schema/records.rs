//! The content of rows, and its way to and from the records of the model.
//!
//! The order and the types of the fields are the format: a change here is a new row version.
//! What a record's key says already (ids, the folded text) is not written again in its row.

use bincode::{Decode, Encode};

use super::keys;
use super::row::{self, BadRow};
use super::trees::{
    COURSES, COURSES_BY_CODE, ORGANIZATIONS, ORGANIZATIONS_BY_NAME, REFERENCES, RUNS, RUNS_BY_KEY,
};
use crate::engine::Tree;
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId};
use crate::model::{
    CatalogCourse, CourseCode, CourseRun, Invalid, Language, Organization, OrganizationName,
    Referrer, ShortName, Subject, Timestamp, Title,
};

/// A row: where it lies, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) tree: Tree,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl Row {
    pub(crate) fn of(tree: Tree, key: Vec<u8>, content: &impl Encode) -> Self {
        let value = row::encode(tree, &key, content);
        Self { tree, key, value }
    }
}

/// A row of `organizations`.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredOrganization<Text = String> {
    short_name: Text,
    name: Text,
    active: bool,
    created_micros: i64,
}

/// A row of `courses`.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredCourse<Text = String> {
    organization: u64,
    course_code: Text,
    title: Text,
    language: Text,
    created_micros: i64,
}

/// A row of `runs`. The run code is a part of the key.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredRun<Text = String> {
    course_key: Text,
    title: Text,
    created_micros: i64,
}

/// A row of `organizations_by_name` or `courses_by_code`: the id of the record.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct StoredId(u64);

/// A row of `runs_by_key`: the ids that make up the run's row key.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct RunPlace {
    course: u64,
    run: u64,
}

/// A row of `references`: all there is to a reference is in its key.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoredReference;

fn content(error: Invalid) -> BadRow {
    BadRow::Content(error.why)
}

impl StoredOrganization {
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Organization, BadRow> {
        let id = keys::read_organization(key)?;
        row::decode::<Self>(ORGANIZATIONS, key, value)?.record(id)
    }

    /// The record of this id.
    pub(super) fn record(self, id: OrganizationId) -> Result<Organization, BadRow> {
        Ok(Organization {
            id,
            short_name: ShortName::new(self.short_name).map_err(content)?,
            name: OrganizationName::new(self.name).map_err(content)?,
            active: self.active,
            created: Timestamp::from_micros(self.created_micros).map_err(content)?,
        })
    }
}

impl<'a, Text: From<&'a str>> From<&'a Organization> for StoredOrganization<Text> {
    fn from(organization: &'a Organization) -> Self {
        Self {
            short_name: organization.short_name.as_str().into(),
            name: organization.name.as_str().into(),
            active: organization.active,
            created_micros: organization.created.as_micros(),
        }
    }
}

/// The rows of an organization: its record, and its place in the index of names.
pub(crate) fn organization_rows(organization: &Organization) -> [Row; 2] {
    let stored = StoredOrganization::<&str>::from(organization);
    let short_name = organization.short_name.as_str();
    [
        Row::of(ORGANIZATIONS, keys::organization(organization.id), &stored),
        Row::of(
            ORGANIZATIONS_BY_NAME,
            keys::organization_name(short_name),
            &StoredId(organization.id.get()),
        ),
    ]
}

/// Reads a row of `organizations_by_name`: a folded short name, and whose it is.
pub(crate) fn read_name_row(key: &[u8], value: &[u8]) -> Result<(String, OrganizationId), BadRow> {
    let StoredId(id) = row::decode(ORGANIZATIONS_BY_NAME, key, value)?;
    let name = String::from_utf8(key.to_vec()).map_err(|_| BadRow::Key)?;
    Ok((name, OrganizationId::new(id)))
}

/// The tree and key of the record that a row of an index leads to; `None` for a row that is of no
/// index, or cannot be read.
pub(crate) fn indexed_record(tree: Tree, key: &[u8], value: &[u8]) -> Option<(Tree, Vec<u8>)> {
    let id = || row::decode(tree, key, value).ok().map(|StoredId(id)| id);
    if tree == ORGANIZATIONS_BY_NAME {
        let id = OrganizationId::new(id()?);
        Some((ORGANIZATIONS, keys::organization(id)))
    } else if tree == COURSES_BY_CODE {
        let id = CatalogCourseId::new(id()?);
        Some((COURSES, keys::course(id)))
    } else if tree == RUNS_BY_KEY {
        let place: RunPlace = row::decode(tree, key, value).ok()?;
        let course = CatalogCourseId::new(place.course);
        Some((RUNS, keys::run(course, CourseRunId::new(place.run))))
    } else {
        None
    }
}

/// Where the folded text begins in the keys of an index.
pub(crate) fn index_text(tree: Tree) -> usize {
    if tree == COURSES_BY_CODE { 8 } else { 0 }
}

impl StoredCourse {
    /// Reads a course; `org` gives the short name of an organization that has been read before.
    pub(crate) fn read(
        key: &[u8],
        value: &[u8],
        org: impl FnOnce(OrganizationId) -> Option<ShortName>,
    ) -> Result<CatalogCourse, BadRow> {
        let id = keys::read_course(key)?;
        row::decode::<Self>(COURSES, key, value)?.record(id, org)
    }

    /// The record of this id; `org` as in [`read`](Self::read).
    pub(super) fn record(
        self,
        id: CatalogCourseId,
        org: impl FnOnce(OrganizationId) -> Option<ShortName>,
    ) -> Result<CatalogCourse, BadRow> {
        let organization_id = OrganizationId::new(self.organization);
        let org = org(organization_id).ok_or_else(|| {
            BadRow::Content(format!("its organization {organization_id} does not exist"))
        })?;
        let language = Language::new(&self.language).map_err(content)?;
        Ok(CatalogCourse {
            id,
            organization_id,
            org,
            course_code: CourseCode::new(self.course_code).map_err(content)?,
            title: Title::new(self.title).map_err(content)?,
            language,
            created: Timestamp::from_micros(self.created_micros).map_err(content)?,
        })
    }
}

impl<'a, Text: From<&'a str>> From<&'a CatalogCourse> for StoredCourse<Text> {
    fn from(course: &'a CatalogCourse) -> Self {
        Self {
            organization: course.organization_id.get(),
            course_code: course.course_code.as_str().into(),
            title: course.title.as_str().into(),
            language: course.language.as_str().into(),
            created_micros: course.created.as_micros(),
        }
    }
}

/// The rows of a catalog course: its record, and its place in the index of codes.
pub(crate) fn course_rows(course: &CatalogCourse) -> [Row; 2] {
    let stored = StoredCourse::<&str>::from(course);
    let by_code = keys::course_code(course.organization_id, course.course_code.as_str());
    [
        Row::of(COURSES, keys::course(course.id), &stored),
        Row::of(COURSES_BY_CODE, by_code, &StoredId(course.id.get())),
    ]
}

impl StoredRun {
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<CourseRun, BadRow> {
        let (course, id) = keys::read_run(key)?;
        row::decode::<Self>(RUNS, key, value)?.record(course, id)
    }

    /// The record of these ids.
    pub(super) fn record(
        self,
        catalog_course_id: CatalogCourseId,
        id: CourseRunId,
    ) -> Result<CourseRun, BadRow> {
        Ok(CourseRun {
            id,
            catalog_course_id,
            course_key: self
                .course_key
                .parse()
                .map_err(|error| BadRow::Content(format!("{error}")))?,
            title: Title::new(self.title).map_err(content)?,
            created: Timestamp::from_micros(self.created_micros).map_err(content)?,
        })
    }
}

impl<'a, Text: From<&'a str>> From<&'a CourseRun> for StoredRun<Text> {
    fn from(run: &'a CourseRun) -> Self {
        Self {
            course_key: run.course_key.as_str().into(),
            title: run.title.as_str().into(),
            created_micros: run.created.as_micros(),
        }
    }
}

/// The rows of a course run: its record, and its place in the index of keys.
pub(crate) fn run_rows(run: &CourseRun) -> [Row; 2] {
    let stored = StoredRun::<&str>::from(run);
    let place = RunPlace {
        course: run.catalog_course_id.get(),
        run: run.id.get(),
    };
    let by_key = keys::course_key(run.course_key.as_str());
    [
        Row::of(RUNS, keys::run(run.catalog_course_id, run.id), &stored),
        Row::of(RUNS_BY_KEY, by_key, &place),
    ]
}

impl StoredReference {
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(Subject, Referrer), BadRow> {
        let read = keys::read_reference(key)?;
        let Self = row::decode(REFERENCES, key, value)?;
        Ok(read)
    }
}

/// The row of a reference.
pub(crate) fn reference_row(subject: Subject, referrer: &Referrer) -> Row {
    Row::of(
        REFERENCES,
        keys::reference(subject, referrer),
        &StoredReference,
    )
}
