//! What a row says, whatever format it came in: the record it stands for, and where it was.
//!
//! Values are as they were given; the catalog judges them.

use crate::catalog::{
    Catalog, CreateCatalogCourse, CreateCourseRun, CreateModulestoreRun, CreateOrganization,
    Outcome, Pending, Warning,
};
use crate::error::{Entity, Error, Result};
use crate::key::CatalogCourseKey;
use crate::model::Timestamp;
use crate::transfer::Place;

/// A row that could be read.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) record: Record,
    /// Who refers to the record.
    pub(super) references: Vec<String>,
}

/// What a row stands for.
#[derive(Debug)]
pub(super) enum Record {
    Organization {
        short_name: String,
        name: String,
        active: bool,
        created: Timestamp,
    },
    CatalogCourse {
        org: String,
        course_code: String,
        title: String,
        language: String,
        created: Timestamp,
    },
    /// A run of a course that must exist.
    CourseRun {
        org: String,
        course_code: String,
        course_key: String,
        run_code: String,
        title: String,
        created: Timestamp,
    },
    /// A run that brings its course and its organization along.
    ModulestoreRun {
        course_key: String,
        title: String,
        language: String,
        created: Option<Timestamp>,
    },
}

/// An answer on its way.
pub(super) enum Answer {
    Organization(Pending<std::sync::Arc<crate::model::Organization>>),
    CatalogCourse(Pending<std::sync::Arc<crate::model::CatalogCourse>>),
    CourseRun(Pending<Outcome<std::sync::Arc<crate::model::CourseRun>>>),
}

/// What came of the request to create a record.
pub(super) enum Created {
    /// It is new.
    New(Vec<Warning>),
    /// It was there, under exactly this key.
    Existed(Vec<Warning>),
    /// There is one, perhaps under another key.
    Clash(Error),
}

impl Record {
    pub(super) fn entity(&self) -> Entity {
        match self {
            Self::Organization { .. } => Entity::Organization,
            Self::CatalogCourse { .. } => Entity::CatalogCourse,
            Self::CourseRun { .. } | Self::ModulestoreRun { .. } => Entity::CourseRun,
        }
    }

    /// The key of the record, for people and for telling records apart.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Organization { short_name, .. } => short_name.clone(),
            Self::CatalogCourse {
                org, course_code, ..
            } => CatalogCourseKey::new(org.as_str(), course_code.as_str()).to_string(),
            Self::CourseRun { course_key, .. } | Self::ModulestoreRun { course_key, .. } => {
                course_key.clone()
            }
        }
    }

    /// Asks the catalog to create it.
    pub(super) fn create(&self, catalog: &Catalog) -> Answer {
        match self {
            Self::Organization {
                short_name,
                name,
                active,
                created,
            } => Answer::Organization(
                catalog.submit(
                    CreateOrganization::new(short_name)
                        .name(name)
                        .active(*active)
                        .imported(*created),
                ),
            ),
            Self::CatalogCourse {
                org,
                course_code,
                title,
                language,
                created,
            } => Answer::CatalogCourse(
                catalog.submit(
                    CreateCatalogCourse::new(org, course_code)
                        .title(title)
                        .language(language)
                        .imported(*created),
                ),
            ),
            Self::CourseRun {
                org,
                course_code,
                course_key,
                run_code,
                title,
                created,
            } => Answer::CourseRun(
                catalog.submit(
                    CreateCourseRun::new((org.as_str(), course_code.as_str()), run_code)
                        .course_key(course_key)
                        .title(title)
                        .imported(*created),
                ),
            ),
            Self::ModulestoreRun {
                course_key,
                title,
                language,
                created,
            } => {
                let mut request = CreateModulestoreRun::new(course_key)
                    .title(title)
                    .language_short(language);
                if let Some(created) = created {
                    request = request.imported(*created);
                }
                Answer::CourseRun(catalog.submit(request))
            }
        }
    }
}

impl Answer {
    /// Waits for it. An error here is one that is not about an existing record.
    pub(super) fn wait(self) -> Result<Created> {
        let answer = match self {
            Self::Organization(pending) => pending.wait().map(|_| (false, Vec::new())),
            Self::CatalogCourse(pending) => pending.wait().map(|_| (false, Vec::new())),
            Self::CourseRun(pending) => pending
                .wait()
                .map(|outcome| (outcome.already_existed(), outcome.warnings)),
        };
        match answer {
            Ok((false, warnings)) => Ok(Created::New(warnings)),
            Ok((true, warnings)) => Ok(Created::Existed(warnings)),
            Err(clash @ Error::AlreadyExists { .. }) => Ok(Created::Clash(clash)),
            Err(error) => Err(error),
        }
    }
}
