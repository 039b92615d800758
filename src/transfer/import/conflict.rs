//! Conflicts: a row whose record exists already is compared with it, and the record changed.
//!
//! What may change of a record is what its update request can change. The time of creation is not
//! compared: it never changes.

use std::sync::Arc;

use super::record::Record;
use crate::catalog::{
    Catalog, Outcome, Pending, SyncCourseRun, UpdateCatalogCourse, UpdateOrganization, Warning,
};
use crate::error::{Error, Result};
use crate::model::{CatalogCourse, CourseRun, Language, Organization};

/// How a row compares with what is in the catalog.
pub(super) enum Comparison {
    /// There is no record of exactly this key: the one that exists is another.
    Another,
    /// They say the same.
    Same,
    /// They differ in what an update can change; `existing` is the record's key.
    Differs { existing: String },
    /// They differ, in what an update leaves alone only.
    DiffersForGood { existing: String },
}

/// An update on its way.
pub(super) enum Update {
    Organization(Pending<Arc<Organization>>),
    CatalogCourse(Pending<Arc<CatalogCourse>>),
    CourseRun(Pending<Outcome<Arc<CourseRun>>>),
}

impl Record {
    /// Compares it with what the catalog has under its key now.
    pub(super) fn compare(&self, catalog: &Catalog) -> Result<Comparison> {
        let compared = match self {
            Self::Organization {
                short_name,
                name,
                active,
                ..
            } => catalog.get_organization(short_name).map(|existing| {
                let given = if name.is_empty() { short_name } else { name };
                let key = existing.short_name.to_string();
                if existing.name != given.as_str() || existing.active != *active {
                    Comparison::Differs { existing: key }
                } else if existing.short_name != short_name.as_str() {
                    Comparison::DiffersForGood { existing: key }
                } else {
                    Comparison::Same
                }
            }),
            Self::CatalogCourse {
                org,
                course_code,
                title,
                language,
                ..
            } => catalog
                .get_catalog_course((org.as_str(), course_code.as_str()))
                .map(|existing| {
                    let given = if title.is_empty() { course_code } else { title };
                    let same_language =
                        Language::new(language).is_ok_and(|language| language == existing.language);
                    if existing.title == given.as_str() && same_language {
                        Comparison::Same
                    } else {
                        let existing = existing.key().to_string();
                        Comparison::Differs { existing }
                    }
                }),
            Self::CourseRun {
                course_key, title, ..
            }
            | Self::ModulestoreRun {
                course_key, title, ..
            } => catalog.get_course_run(course_key).map(|existing| {
                // A row without a title has none to differ in.
                if title.is_empty() || existing.title == title.as_str() {
                    Comparison::Same
                } else {
                    let existing = existing.course_key.to_string();
                    Comparison::Differs { existing }
                }
            }),
        };
        match compared {
            Err(Error::NotFound { .. }) => Ok(Comparison::Another),
            compared => compared,
        }
    }

    /// Asks the catalog to change the record of this key.
    pub(super) fn update(&self, catalog: &Catalog) -> Update {
        match self {
            Self::Organization {
                short_name,
                name,
                active,
                ..
            } => {
                let given = if name.is_empty() { short_name } else { name };
                let request = UpdateOrganization::new(short_name).name(given);
                Update::Organization(catalog.submit(request.active(*active)))
            }
            Self::CatalogCourse {
                org,
                course_code,
                title,
                language,
                ..
            } => {
                let given = if title.is_empty() { course_code } else { title };
                let request = UpdateCatalogCourse::new((org.as_str(), course_code.as_str()));
                Update::CatalogCourse(catalog.submit(request.title(given).language_short(language)))
            }
            Self::CourseRun {
                course_key, title, ..
            }
            | Self::ModulestoreRun {
                course_key, title, ..
            } => {
                let request = SyncCourseRun::new(course_key).title(title);
                Update::CourseRun(catalog.submit(request))
            }
        }
    }
}

impl Update {
    /// Waits for it.
    pub(super) fn wait(self) -> Result<Vec<Warning>> {
        match self {
            Self::Organization(pending) => pending.wait().map(|_| Vec::new()),
            Self::CatalogCourse(pending) => pending.wait().map(|_| Vec::new()),
            Self::CourseRun(pending) => pending.wait().map(|outcome| outcome.warnings),
        }
    }
}
