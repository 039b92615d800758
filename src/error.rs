//! The one error of the catalog, by what a caller can do about it.
//!
//! Every message is a complete sentence that names the value; nothing here decides what is
//! wrong, it only says so.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::key::InvalidKey;
use crate::model::{Field, Invalid};

/// What an operation of the catalog answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of record that an error can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Entity {
    /// An organization.
    Organization,
    /// A catalog course.
    CatalogCourse,
    /// A course run.
    CourseRun,
    /// A reference to a catalog course or a course run.
    Reference,
}

impl Entity {
    /// The entity's name in one word, as JSON has it: `catalog_course`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::CatalogCourse => "catalog_course",
            Self::CourseRun => "course_run",
            Self::Reference => "reference",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::CatalogCourse => "catalog course",
            Self::CourseRun => "course run",
            Self::Reference => "reference",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

/// What stands in the way of a deletion.
///
/// Prints as `2 course runs: A, B`, and says so where the list is cut.
#[derive(Clone)]
#[non_exhaustive]
pub struct Blocking {
    /// What kind of record blocks.
    pub entity: Entity,
    /// How many block.
    pub count: u64,
    /// Asked only when somebody wants to know: most look at no more than the refusal.
    keys: Arc<dyn Keys>,
}

/// Keys of records that block.
pub(crate) trait Keys: Send + Sync + 'static {
    /// The first of them in key order, at most so many.
    fn first(&self, most: usize) -> Vec<String>;
}

impl Keys for Vec<String> {
    fn first(&self, most: usize) -> Vec<String> {
        self.iter().take(most).cloned().collect()
    }
}

impl Blocking {
    /// The most keys that [`first`](Blocking::first) lists.
    pub const LISTED: usize = 100;

    pub(crate) fn new(entity: Entity, count: u64, keys: impl Keys) -> Self {
        Self {
            entity,
            count,
            keys: Arc::new(keys),
        }
    }

    /// The keys (or the referrers) of the first [`Blocking::LISTED`] of them, in key order.
    #[must_use]
    pub fn first(&self) -> Vec<String> {
        self.keys.first(Self::LISTED)
    }
}

impl PartialEq for Blocking {
    fn eq(&self, other: &Self) -> bool {
        (self.entity, self.count) == (other.entity, other.count) && self.first() == other.first()
    }
}

impl Eq for Blocking {}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking")
            .field("entity", &self.entity)
            .field("count", &self.count)
            .field("first", &self.first())
            .finish()
    }
}

impl fmt::Display for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}: ", self.count, self.entity)?;
        // A message is for reading: it shows a few, `first` has the rest.
        const SHOWN: usize = 5;
        let first = self.keys.first(SHOWN);
        f.write_str(&first.join(", "))?;
        let shown = first.len() as u64;
        if self.count > shown {
            write!(f, " and {} more", self.count - shown)?;
        }
        Ok(())
    }
}

/// Why an operation was refused or failed.
///
/// An operation that answers an error has changed nothing, with one exception that
/// [`Error::Storage`] explains.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such record.
    #[error("There is no {entity} {key:?}.")]
    NotFound {
        /// What was looked for.
        entity: Entity,
        /// The key it was looked for under.
        key: String,
    },

    /// The record cannot be deleted while others depend on it. Delete those first.
    #[error("The {entity} {key:?} cannot be deleted because of {blocking}.")]
    Protected {
        /// What was to be deleted.
        entity: Entity,
        /// Its key.
        key: String,
        /// What depends on it.
        blocking: Blocking,
    },

    /// Such a record exists already, perhaps in another capitalisation.
    #[error("The {entity} {key:?} cannot be stored because {existing:?} exists already.")]
    AlreadyExists {
        /// What was to be stored.
        entity: Entity,
        /// The key it was to have.
        key: String,
        /// The key of the one that exists.
        existing: String,
    },

    /// A value breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// A string is no key, or a key that cannot name a course run or a catalog course.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),

    /// A new catalog course needs an organization that is missing or inactive, and the catalog
    /// does not create organizations by itself.
    #[error(
        "The organization {short_name:?} {}, and this catalog does not create organizations by itself: create or activate it first, or open the catalog with auto_create_organizations.",
        if *.inactive { "is not active" } else { "does not exist" }
    )]
    UnknownOrganization {
        /// The organization that the course key names.
        short_name: String,
        /// Whether it exists and is merely inactive.
        inactive: bool,
    },

    /// Changes after this position are no longer kept. Read the catalog anew, and go on from
    /// [`Snapshot::latest_change`](crate::Snapshot::latest_change).
    #[error(
        "The changes after {since} are no longer kept; the oldest that is left has number {oldest}. Read the catalog anew, and go on from its latest change."
    )]
    Compacted {
        /// The position that was asked for.
        since: u64,
        /// The number of the oldest change that is left; of the next one if none is.
        oldest: u64,
    },

    /// The condition that the request was made with does not hold: the catalog has changed
    /// meanwhile.
    #[error("The record is not as expected; read it again, and decide anew.")]
    PreconditionFailed,

    /// Another process has the catalog open; or this one has, through another handle.
    #[error(
        "The catalog in {} is open elsewhere: another process (or another handle in this one) holds it. Close that one first.",
        path.display()
    )]
    Locked {
        /// The catalog's folder.
        path: PathBuf,
    },

    /// The stored data is damaged, and so it is not served.
    #[error("The catalog in {} is damaged: {detail}. {CORRUPT_ADVICE}", path.display())]
    Corrupt {
        /// The catalog's folder.
        path: PathBuf,
        /// What was found.
        detail: String,
    },

    /// The folder was written by a newer coursecat. It has not been touched.
    #[error(
        "The catalog in {} has format {found}, and this version of coursecat reads formats up to {supported}. Open it with a newer coursecat.",
        path.display()
    )]
    NewerFormat {
        /// The catalog's folder.
        path: PathBuf,
        /// The format that the folder has.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },

    /// The disk failed: the catalog answers reads and refuses every write until it is opened
    /// again.
    ///
    /// Whether the write that met the failure is stored is unknown until then; writes that were
    /// answered before it are. A write that is refused *after* the failure was never tried.
    #[error(
        "The store failed while {doing}: {source}. If the catalog is open, reads go on; open it again to write."
    )]
    Storage {
        /// What the store was doing.
        doing: String,
        /// The error of the operating system or the store.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },

    /// A defect in coursecat, or in a clock it was given: planning this request panicked. The
    /// catalog is unharmed and goes on.
    #[error(
        "The request was dropped because planning it panicked: {message}. The catalog is unharmed; please report this."
    )]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

const CORRUPT_ADVICE: &str = "Copy the folder away, then repair it, or restore a backup.";

impl Error {
    /// The error's name in one word, as JSON has it: `not_found`.
    ///
    /// These names do not change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Protected { .. } => "protected",
            Self::AlreadyExists { .. } => "already_exists",
            Self::Invalid(_) => "invalid",
            Self::InvalidKey(_) => "invalid_key",
            Self::UnknownOrganization { .. } => "unknown_organization",
            Self::Compacted { .. } => "compacted",
            Self::PreconditionFailed => "precondition_failed",
            Self::Locked { .. } => "locked",
            Self::Corrupt { .. } => "corrupt",
            Self::NewerFormat { .. } => "newer_format",
            Self::Storage { .. } => "storage",
            Self::Panicked { .. } => "panicked",
        }
    }

    pub(crate) fn not_found(entity: Entity, key: impl fmt::Display) -> Self {
        Self::NotFound {
            entity,
            key: key.to_string(),
        }
    }

    pub(crate) fn already_exists(
        entity: Entity,
        key: impl fmt::Display,
        existing: impl fmt::Display,
    ) -> Self {
        Self::AlreadyExists {
            entity,
            key: key.to_string(),
            existing: existing.to_string(),
        }
    }

    pub(crate) fn invalid(field: Field, why: impl Into<String>) -> Self {
        Self::Invalid(Invalid::new(field, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences_that_name_the_value() {
        let keys: Vec<_> = (1..=7).map(|n| format!("course-v1:O+C+{n}")).collect();
        let blocking = Blocking::new(Entity::CourseRun, 7, keys);
        let error = Error::Protected {
            entity: Entity::CatalogCourse,
            key: "catalog-course:O:C".into(),
            blocking,
        };
        assert_eq!(
            error.to_string(),
            "The catalog course \"catalog-course:O:C\" cannot be deleted because of 7 course runs: \
             course-v1:O+C+1, course-v1:O+C+2, course-v1:O+C+3, course-v1:O+C+4, course-v1:O+C+5 and 2 more."
        );
        assert_eq!(
            Error::UnknownOrganization {
                short_name: "Org1".into(),
                inactive: true
            }
            .to_string(),
            "The organization \"Org1\" is not active, and this catalog does not create organizations by itself: \
             create or activate it first, or open the catalog with auto_create_organizations."
        );
    }
}
