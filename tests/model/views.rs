//! What the catalog and the model are compared by: records, answers and refusals.

use std::sync::Arc;

use coursecat::{CatalogCourse, CourseRun, Entity, Error, Field, Organization, Outcome, Warning};

use crate::steps::Kind;

/// A record as outsiders see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Organization {
        short_name: String,
        name: String,
        active: bool,
        created: i64,
    },
    Course {
        key_str: String,
        org: String,
        code: String,
        title: String,
        language: String,
        language_short: String,
        created: i64,
        prints: String,
    },
    Run {
        key: String,
        run_code: String,
        title: String,
        created: i64,
        prints: String,
    },
}

impl Record {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Organization { .. } => Kind::Organizations,
            Self::Course { .. } => Kind::Courses,
            Self::Run { .. } => Kind::Runs,
        }
    }
}

impl From<&Organization> for Record {
    fn from(organization: &Organization) -> Self {
        Self::Organization {
            short_name: organization.short_name.to_string(),
            name: organization.name.to_string(),
            active: organization.active,
            created: organization.created.as_micros(),
        }
    }
}

impl From<&CatalogCourse> for Record {
    fn from(course: &CatalogCourse) -> Self {
        Self::Course {
            key_str: course.key().to_string(),
            org: course.org.to_string(),
            code: course.course_code.to_string(),
            title: course.title.to_string(),
            language: course.language.to_string(),
            language_short: course.language.short().to_owned(),
            created: course.created.as_micros(),
            prints: course.to_string(),
        }
    }
}

impl From<&CourseRun> for Record {
    fn from(run: &CourseRun) -> Self {
        Self::Run {
            key: run.course_key.to_string(),
            run_code: run.run_code().to_owned(),
            title: run.title.to_string(),
            created: run.created.as_micros(),
            prints: run.to_string(),
        }
    }
}

/// The answer of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    Flag(bool),
    /// A record, with its id or, from the model, its serial.
    Record(u64, Record),
    Run(u64, Record, Vec<Warning>),
}

impl Answer {
    /// Takes the id out, which is no part of what is compared.
    pub fn take_id(&mut self) -> Option<(Kind, u64)> {
        match self {
            Self::Done | Self::Flag(_) => None,
            Self::Record(id, record) | Self::Run(id, record, _) => {
                Some((record.kind(), std::mem::take(id)))
            }
        }
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<bool> for Answer {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Arc<Organization>> for Answer {
    fn from(organization: Arc<Organization>) -> Self {
        Self::Record(organization.id.get(), Record::from(&*organization))
    }
}

impl From<Arc<CatalogCourse>> for Answer {
    fn from(course: Arc<CatalogCourse>) -> Self {
        Self::Record(course.id.get(), Record::from(&*course))
    }
}

impl From<Outcome<Arc<CourseRun>>> for Answer {
    fn from(outcome: Outcome<Arc<CourseRun>>) -> Self {
        let existed = |warning: &Warning| matches!(warning, Warning::AlreadyExisted { .. });
        assert_eq!(
            outcome.already_existed(),
            outcome.warnings.iter().any(existed)
        );
        let run = &outcome.value;
        Self::Run(run.id.get(), Record::from(&**run), outcome.warnings)
    }
}

/// A rule that a request breaks.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    InvalidKey,
    Invalid(Field),
    NotFound(Entity),
    AlreadyExists {
        entity: Entity,
        existing: String,
    },
    Protected {
        entity: Entity,
        key: String,
        by: Entity,
        count: usize,
        first: Vec<String>,
    },
    UnknownOrganization {
        short_name: String,
        inactive: bool,
    },
    /// A short name that would disagree with these runs, one of which is named.
    Disagrees(Vec<String>),
}

/// What the model answers: where a request breaks several rules, all of them.
pub type Expected<T> = Result<T, Vec<Refusal>>;

impl Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidKey => "invalid_key",
            Self::Invalid(_) | Self::Disagrees(_) => "invalid",
            Self::NotFound(_) => "not_found",
            Self::AlreadyExists { .. } => "already_exists",
            Self::Protected { .. } => "protected",
            Self::UnknownOrganization { .. } => "unknown_organization",
        }
    }

    /// Whether this is what an error says.
    fn is(&self, error: &Error) -> bool {
        let same = match (self, error) {
            (Self::InvalidKey, Error::InvalidKey(_)) => true,
            (Self::Invalid(field), Error::Invalid(invalid)) => invalid.field == *field,
            (Self::Disagrees(runs), Error::Invalid(invalid)) => {
                invalid.field == Field::ShortName
                    && runs.iter().any(|run| invalid.why.contains(run.as_str()))
            }
            (Self::NotFound(entity), Error::NotFound { entity: found, .. }) => found == entity,
            (
                Self::AlreadyExists { entity, existing },
                Error::AlreadyExists {
                    entity: found,
                    existing: found_existing,
                    ..
                },
            ) => (found, found_existing) == (entity, existing),
            (
                Self::Protected {
                    entity,
                    key,
                    by,
                    count,
                    first,
                },
                Error::Protected {
                    entity: found,
                    key: found_key,
                    blocking,
                },
            ) => {
                (found, found_key) == (entity, key)
                    && (&blocking.entity, &blocking.first()) == (by, first)
                    && blocking.count == *count as u64
            }
            (
                Self::UnknownOrganization {
                    short_name,
                    inactive,
                },
                Error::UnknownOrganization {
                    short_name: found,
                    inactive: found_inactive,
                },
            ) => (found, found_inactive) == (short_name, inactive),
            _ => false,
        };
        same && error.code() == self.code()
    }
}

/// Compares an answer. A refusal has to name one of the rules that are broken; which one where
/// there are several is not promised.
#[track_caller]
pub fn check<T: PartialEq + std::fmt::Debug>(found: Result<T, Error>, expected: Expected<T>) {
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "found, and expected"),
        (Err(error), Err(broken)) => assert!(
            broken.iter().any(|refusal| refusal.is(&error)),
            "found {error:?}, expected one of {broken:?}"
        ),
        (found, expected) => panic!("found {found:?}, expected {expected:?}"),
    }
}
