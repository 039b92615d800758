//! Keys: who may use the service, and what for.
//!
//! A key is shown once, when it is made. What is kept of it is a digest, compared in constant time;
//! no key is ever logged or printed again.

mod file;
mod secret;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use file::{KeyError, KeyFile};
pub use secret::Secret;

use crate::model::Timestamp;
use secret::Digest;

/// What a key allows; each scope includes those before it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read records, lists, changes and exports.
    Read,
    /// And change records.
    Write,
    /// And import, take backups and manage keys.
    Admin,
}

impl Scope {
    /// The scope's name: `read`, `write` or `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|scope| scope.as_str() == name)
            .ok_or_else(|| format!("{name:?} is no scope; there are read, write and admin"))
    }
}

/// What is known of a key: everything but the key itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Key {
    /// Its name, by which it is revoked.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends to be one; none if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The part of it that is no secret.
    id: String,
    digest: Digest,
}

impl Key {
    /// Whether it has ended to be one.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// The keys of a service, to look them up in.
#[derive(Debug, Default)]
pub(super) struct Ring(HashMap<String, Key>);

impl Ring {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self(keys.into_iter().map(|key| (key.id.clone(), key)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a client shows, if it is one now.
    pub(super) fn find(&self, shown: &str) -> Option<&Key> {
        let (id, _) = secret::parts(shown)?;
        let key = self.0.get(id)?;
        let is_it = key.digest.is_of(shown);
        (is_it && !key.is_expired(Timestamp::now())).then_some(key)
    }
}
