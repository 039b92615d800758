//! The records of the catalog, and the rules that each of them obeys on its own.
//!
//! An [`Organization`] offers [`CatalogCourse`]s ("Math 100"), and a catalog course is given as
//! [`CourseRun`]s ("Math 100, 2026 Spring"). Whatever is in one of these types has passed its
//! rules: a [`Title`] is never empty, a [`Language`] is always a code that upstream would store.
//!
//! Nothing here knows how records are stored, found or changed; rules that need a second record
//! to decide (uniqueness, protection) live with the operations in `catalog`.

mod catalog_course;
mod course_run;
mod invalid;
mod language;
mod organization;
mod reference;
mod stats;
mod text;
mod timestamp;

pub use catalog_course::CatalogCourse;
pub use course_run::CourseRun;
pub use invalid::{Field, Invalid};
pub use language::Language;
pub use organization::Organization;
pub(crate) use reference::Subject;
pub use stats::Stats;
pub use text::{CourseCode, OrganizationName, Referrer, RunCode, ShortName, Title};
pub use timestamp::Timestamp;
