//! Organizations: who offers courses.

use std::fmt;

use super::{OrganizationName, ShortName, Timestamp};
use crate::key::OrganizationId;

/// An organization, such as MITx.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// Its number in this catalog. Internal: it means nothing outside the process.
    pub id: OrganizationId,
    /// Its short name, unique ignoring case: the `MITx` of `course-v1:MITx+Math100+2026`.
    pub short_name: ShortName,
    /// Its full name.
    pub name: OrganizationName,
    /// Whether new catalog courses may come to it without being asked for by name.
    pub active: bool,
    /// When it was first stored.
    pub created: Timestamp,
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.short_name)
    }
}
