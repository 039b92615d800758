//! The records that every peer answers with, and the requests that all are given.
//!
//! A peer's answer is owned and decoded: whoever has it needs neither the peer nor a transaction.
//! coursecat answers with its own records, shared by pointer; [`Answer`] makes them comparable.

use std::sync::Arc;

use bincode::{BorrowDecode, Decode, Encode};

/// A course run, as a peer keeps and answers it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Run {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) created: i64,
}

/// A catalog course, as a peer keeps and answers it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Course {
    pub(crate) org: String,
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) language: String,
    pub(crate) created: i64,
}

/// An organization, as a peer keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Organization {
    pub(crate) short_name: String,
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) created: i64,
}

/// A run whose texts are still in the row: enough to look at many without copying any.
#[derive(BorrowDecode)]
pub(crate) struct RunView<'row> {
    pub(crate) key: &'row str,
    pub(crate) title: &'row str,
    #[expect(dead_code, reason = "it is in the row")]
    created: i64,
}

/// A course, likewise.
#[derive(BorrowDecode)]
#[expect(dead_code, reason = "all of it is in the row")]
pub(crate) struct CourseView<'row> {
    pub(crate) org: &'row str,
    pub(crate) code: &'row str,
    pub(crate) title: &'row str,
    language: &'row str,
    created: i64,
}

/// The request that a platform makes most: the run of this key, with its course and organization
/// as needed.
#[derive(Clone, Debug)]
pub(crate) struct NewRun {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) language: &'static str,
    pub(crate) created: i64,
}

impl NewRun {
    /// The run that is stored.
    pub(crate) fn run(&self) -> Run {
        Run {
            key: self.key.clone(),
            title: self.title.clone(),
            created: self.created,
        }
    }

    /// The course that is stored if the run's is new.
    pub(crate) fn course(&self, parts: KeyParts<'_>) -> Course {
        Course {
            org: parts.org.to_owned(),
            code: parts.code.to_owned(),
            title: self.title.clone(),
            language: self.language.to_owned(),
            created: self.created,
        }
    }

    /// The organization that is stored if the course's is new.
    pub(crate) fn organization(&self, parts: KeyParts<'_>) -> Organization {
        Organization {
            short_name: parts.org.to_owned(),
            name: parts.org.to_owned(),
            active: true,
            created: self.created,
        }
    }
}

/// The parts of `course-v1:ORG+CODE+RUN`. The peers are spared the whole grammar of course keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyParts<'key> {
    pub(crate) org: &'key str,
    pub(crate) code: &'key str,
}

impl<'key> KeyParts<'key> {
    pub(crate) fn of(key: &'key str) -> Self {
        let parts = key.strip_prefix("course-v1:").and_then(|parts| {
            let (org, rest) = parts.split_once('+')?;
            let (code, _run) = rest.split_once('+')?;
            Some(Self { org, code })
        });
        parts.expect("the data has keys of this form only")
    }

    /// The parts of `catalog-course:ORG:CODE`.
    pub(crate) fn of_course(key_str: &'key str) -> Option<Self> {
        let (org, code) = key_str.strip_prefix("catalog-course:")?.split_once(':')?;
        Some(Self { org, code })
    }
}

/// What has become of a request to delete a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    Done,
    Protected,
}

/// An answer that says the same as a plain record.
pub(crate) trait Answer<Record> {
    fn record(&self) -> Record;
}

impl<Record: Clone> Answer<Record> for Record {
    fn record(&self) -> Record {
        self.clone()
    }
}

impl<Record: Clone> Answer<Record> for Arc<Record> {
    fn record(&self) -> Record {
        Record::clone(self)
    }
}
