//! Row keys: bytes that sort the way their values do.
//!
//! Ids are big-endian; texts come last and folded. No two different values give the same key,
//! and every key can be read back. Reading takes arbitrary bytes and never panics.

use super::row::BadRow;
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId, fold};
use crate::model::{Referrer, Subject};

/// The only key of `meta`.
pub(crate) const LEDGER: &[u8] = b"ledger";

pub(crate) fn organization(id: OrganizationId) -> Vec<u8> {
    id.get().to_be_bytes().to_vec()
}

pub(crate) fn organization_name(short_name: &str) -> Vec<u8> {
    fold(short_name).into_owned().into_bytes()
}

pub(crate) fn course(id: CatalogCourseId) -> Vec<u8> {
    id.get().to_be_bytes().to_vec()
}

pub(crate) fn course_code(organization: OrganizationId, course_code: &str) -> Vec<u8> {
    let mut key = organization.get().to_be_bytes().to_vec();
    key.extend_from_slice(fold(course_code).as_bytes());
    key
}

/// What every key of an organization's courses in `courses_by_code` starts with.
pub(crate) fn courses_of(organization: OrganizationId) -> Vec<u8> {
    organization.get().to_be_bytes().to_vec()
}

pub(crate) fn run(course: CatalogCourseId, run: CourseRunId) -> Vec<u8> {
    let mut key = course.get().to_be_bytes().to_vec();
    key.extend_from_slice(&run.get().to_be_bytes());
    key
}

/// What every key of a course's runs in `runs` starts with.
pub(crate) fn runs_of(course: CatalogCourseId) -> Vec<u8> {
    course.get().to_be_bytes().to_vec()
}

pub(crate) fn course_key(stored: &str) -> Vec<u8> {
    fold(stored).into_owned().into_bytes()
}

pub(crate) fn reference(subject: Subject, referrer: &Referrer) -> Vec<u8> {
    let mut key = references_to(subject);
    key.extend_from_slice(referrer.as_str().as_bytes());
    key
}

/// The key of the events that begin with this one.
pub(crate) fn change(first: u64) -> Vec<u8> {
    first.to_be_bytes().to_vec()
}

const COURSE_KIND: u8 = 1;
const RUN_KIND: u8 = 2;

/// What every key of the references to a record starts with.
pub(crate) fn references_to(subject: Subject) -> Vec<u8> {
    let (kind, id) = match subject {
        Subject::CatalogCourse(id) => (COURSE_KIND, id.get()),
        Subject::CourseRun(id) => (RUN_KIND, id.get()),
    };
    let mut key = vec![kind];
    key.extend_from_slice(&id.to_be_bytes());
    key
}

pub(crate) fn read_organization(key: &[u8]) -> Result<OrganizationId, BadRow> {
    read_id(key).map(OrganizationId::new)
}

pub(crate) fn read_course(key: &[u8]) -> Result<CatalogCourseId, BadRow> {
    read_id(key).map(CatalogCourseId::new)
}

pub(crate) fn read_run(key: &[u8]) -> Result<(CatalogCourseId, CourseRunId), BadRow> {
    let (course, run) = key.split_first_chunk::<8>().ok_or(BadRow::Key)?;
    let course = CatalogCourseId::new(u64::from_be_bytes(*course));
    Ok((course, CourseRunId::new(read_id(run)?)))
}

pub(crate) fn read_reference(key: &[u8]) -> Result<(Subject, Referrer), BadRow> {
    let (kind, rest) = key.split_first().ok_or(BadRow::Key)?;
    let (id, referrer) = rest.split_first_chunk::<8>().ok_or(BadRow::Key)?;
    let id = u64::from_be_bytes(*id);
    let subject = match *kind {
        COURSE_KIND => Subject::CatalogCourse(CatalogCourseId::new(id)),
        RUN_KIND => Subject::CourseRun(CourseRunId::new(id)),
        _ => return Err(BadRow::Key),
    };
    let referrer = std::str::from_utf8(referrer).map_err(|_| BadRow::Key)?;
    Ok((subject, Referrer::new(referrer).map_err(|_| BadRow::Key)?))
}

pub(crate) fn read_change(key: &[u8]) -> Result<u64, BadRow> {
    read_id(key)
}

fn read_id(key: &[u8]) -> Result<u64, BadRow> {
    Ok(u64::from_be_bytes(key.try_into().map_err(|_| BadRow::Key)?))
}
