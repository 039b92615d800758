//! coursecat: an embedded course catalog.
//!
//! It keeps the list of a site's *catalog courses* ("Math 100") and their *course runs* ("Math
//! 100, 2026 Spring") in one folder, with the rules of Open edX's `openedx_catalog`: which keys
//! are valid, what may exist beside what, what protects what from deletion.
//!
//! Reads are answered from memory and never wait; a write is answered when it is on the disk. It
//! is no general database, holds no course content and no enrolments, and one process at a time
//! has a folder open.
//!
//! ```
//! use coursecat::{Catalog, CourseQuery, Order};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path();
//! let catalog = Catalog::open(path)?;
//!
//! // A run comes with its catalog course and its organization.
//! let key = "course-v1:MITx+Math100+2026_Spring";
//! let run = catalog.create_course_run_for_modulestore_course_with(key, "Calculus", "en")?;
//! assert_eq!(run.value.to_string(), "Calculus (MITx Math100 2026_Spring)");
//!
//! // Reads, by key and in pages.
//! let course = catalog.get_catalog_course("catalog-course:MITx:Math100")?;
//! assert_eq!(catalog.list_runs(course.id)?.len(), 1);
//! let english = CourseQuery::new().language("en").order(Order::Key);
//! assert_eq!(catalog.list_catalog_courses(&english)?.items, [course]);
//!
//! // What others depend on is protected.
//! let error = catalog.delete_catalog_course("catalog-course:MITx:Math100").unwrap_err();
//! assert_eq!(error.code(), "protected");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Start at [`Catalog`]; [`Options`] has what can be chosen when opening one, [`Snapshot`] all
//! ways to read, [`Request`] all ways to write, [`Error`] all that can go wrong.

// What comes from outside must never bring a program down that embeds a catalog.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod catalog;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod engine;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod histogram;
#[cfg(feature = "http")]
pub mod http;
mod image;
mod integrity;
pub mod key;
mod model;
mod schema;
#[cfg(feature = "transfer")]
pub mod transfer;
#[cfg(any(feature = "cli", feature = "http"))]
mod view;

pub use catalog::{
    AddReference, Catalog, Changes, CourseSelector, CreateCatalogCourse, CreateCourseRun,
    CreateModulestoreRun, CreateOrganization, DeleteCatalogCourse, DeleteCourseRun,
    DeleteOrganization, EnsureOrganization, Found, OnlyIf, Options, Outcome, Pending, Reader,
    RemoveReference, Request, Snapshot, SyncCourseRun, UpdateCatalogCourse, UpdateOrganization,
    Warning, Watch, WriteDurability, WriterStats,
};
pub use error::{Blocking, Entity, Error, Result};
pub use histogram::Distribution;
pub use image::{
    ChangeEvent, ChangeKind, ChangedRecord, CourseQuery, CourseRuns, Cursor, Order,
    OrganizationQuery, Page, Referred, RunQuery, Versions,
};
pub use integrity::{CompactReport, Finding, RepairReport, Report, compact, repair, verify};
pub use key::{
    CatalogCourseId, CatalogCourseKey, CourseKey, CourseKeyKind, CourseRunId, InvalidKey, KeyPart,
    OrganizationId, RunKey, eq_ignoring_case, fold,
};
pub use model::{
    CatalogCourse, CourseCode, CourseRun, Field, Invalid, Language, Organization, OrganizationName,
    Referrer, RunCode, ShortName, Stats, Timestamp, Title,
};

/// Runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
