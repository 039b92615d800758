//! The keys of the catalog: what people write to name a course, a run or a catalog course, and the
//! numbers the catalog itself knows them by.
//!
//! A [`CourseKey`] is anything people may write for a course. A [`RunKey`] is the form of it that
//! names one run, without branch and version: what a run is stored and looked up under. A
//! [`CatalogCourseKey`] names a catalog course. What ignores case here does so by [`fold()`].
//!
//! Nothing here knows a catalog: no record is looked up, and of the lengths that records allow only
//! the counting is here.

mod catalog_course_key;
mod chars;
mod codes;
mod course_key;
mod error;
mod fold;
mod in_place;
mod parse;
mod run_key;
mod text;

pub use catalog_course_key::CatalogCourseKey;
pub use codes::{CatalogCourseId, CourseRunId, OrganizationId};
pub use course_key::{CourseKey, CourseKeyKind};
pub use error::{InvalidKey, KeyPart};
pub use fold::{cmp_ignoring_case, eq_ignoring_case, fold};
pub(crate) use fold::{fold_into, hash_any_key, hash_ascii_key, hash_ignoring_case};
pub(crate) use in_place::InPlace;
pub use run_key::RunKey;
