//! Landmarks: records made up from a cursor, to compare real ones with.
//!
//! A landmark has the time and the key that its order looks at, and nothing else; it is never
//! shown, stored or found.

use crate::key::{CatalogCourseId, CourseRunId, OrganizationId, RunKey};
use crate::model::{
    CatalogCourse, CourseCode, CourseRun, Invalid, Language, Organization, OrganizationName,
    ShortName, Timestamp, Title,
};

fn moment(created: i64) -> Result<Timestamp, Invalid> {
    Timestamp::from_micros(created).map_err(|_| super::listing::foreign_cursor())
}

pub(super) fn organization(created: i64, short_name: &str) -> Result<Organization, Invalid> {
    Ok(Organization {
        id: OrganizationId::new(0),
        short_name: ShortName::landmark(short_name),
        name: OrganizationName::landmark(""),
        active: true,
        created: moment(created)?,
    })
}

pub(super) fn course(created: i64, org: &str, course_code: &str) -> Result<CatalogCourse, Invalid> {
    Ok(CatalogCourse {
        id: CatalogCourseId::new(0),
        organization_id: OrganizationId::new(0),
        org: ShortName::landmark(org),
        course_code: CourseCode::landmark(course_code),
        title: Title::landmark(""),
        language: Language::new("en")?,
        created: moment(created)?,
    })
}

pub(super) fn run(created: i64, course_key: &str) -> Result<CourseRun, Invalid> {
    let course_key: RunKey = course_key
        .parse()
        .map_err(|_| super::listing::foreign_cursor())?;
    Ok(CourseRun {
        id: CourseRunId::new(0),
        catalog_course_id: CatalogCourseId::new(0),
        course_key,
        title: Title::landmark(""),
        created: moment(created)?,
    })
}
