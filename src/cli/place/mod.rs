//! Where the records are: in a folder that this process has open, or behind a server.
//!
//! The verbs are written once, for any place; what each place answers, and how it fails, is the same
//! to the byte. A failure to find a key comes with what may have been meant.

mod folder;
mod server;

pub(super) use folder::Folder;
pub(super) use server::{Server, with_parameters};

use super::failure::Failure;
use super::view::{CourseView, OrganizationView, ReferenceView, RunView};
use crate::view::StatsView;
use crate::{Cursor, Order, Outcome};

/// An answer, or how it failed.
pub(super) type Answer<T> = Result<T, Failure>;

/// See the [module](self).
pub(super) trait Place {
    fn create_organization(
        &self,
        short_name: &str,
        name: &str,
        active: bool,
    ) -> Answer<OrganizationView<'static>>;
    fn organizations(&self, short_names: &[String]) -> Answer<Vec<OrganizationView<'static>>>;
    fn list_organizations(
        &self,
        text: &str,
        part: Part,
    ) -> Answer<Listed<OrganizationView<'static>>>;
    fn update_organization(
        &self,
        short_name: &str,
        change: &OrganizationChange<'_>,
    ) -> Answer<OrganizationView<'static>>;
    fn delete_organization(&self, short_name: &str) -> Answer<()>;

    fn create_course(&self, course: &NewCourse<'_>) -> Answer<CourseView<'static>>;
    fn courses(&self, keys: &[String]) -> Answer<Vec<CourseView<'static>>>;
    fn list_courses(
        &self,
        filter: &CourseFilter<'_>,
        part: Part,
    ) -> Answer<Listed<CourseView<'static>>>;
    fn runs_of(&self, course: &str) -> Answer<Vec<RunView<'static>>>;
    fn update_course(
        &self,
        key: &str,
        title: &str,
        language_short: &str,
    ) -> Answer<CourseView<'static>>;
    fn delete_course(&self, key: &str) -> Answer<()>;

    fn create_run(&self, run: &NewRun<'_>) -> Answer<Outcome<RunView<'static>>>;
    fn runs(&self, keys: &[String]) -> Answer<Vec<RunView<'static>>>;
    fn list_runs(&self, filter: &RunFilter<'_>, part: Part) -> Answer<Listed<RunView<'static>>>;
    fn sync_run(&self, key: &str, title: &str) -> Answer<Outcome<RunView<'static>>>;
    fn delete_run(&self, key: &str) -> Answer<()>;

    /// Whether the reference is new.
    fn add_reference(&self, key: &str, referrer: &str) -> Answer<bool>;
    fn remove_reference(&self, key: &str, referrer: &str) -> Answer<()>;
    fn references(&self, key: &str) -> Answer<Vec<ReferenceView>>;

    fn stats(&self) -> Answer<StatsView>;
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) order: Order,
    pub(super) limit: usize,
    /// Where the part before ended.
    pub(super) after: Option<Cursor>,
}

/// A part of a list, and where to go on if there is more.
#[derive(Debug)]
pub(super) struct Listed<V> {
    pub(super) items: Vec<V>,
    pub(super) next: Option<Cursor>,
}

/// What is to change of an organization; what is empty stays.
#[derive(Debug, Default)]
pub(super) struct OrganizationChange<'a> {
    pub(super) short_name: &'a str,
    pub(super) name: &'a str,
    pub(super) active: Option<bool>,
}

/// A new catalog course.
#[derive(Debug)]
pub(super) struct NewCourse<'a> {
    pub(super) org: &'a str,
    pub(super) course_code: &'a str,
    pub(super) title: &'a str,
    pub(super) language: Option<&'a str>,
    pub(super) language_short: &'a str,
}

/// Which catalog courses to list.
#[derive(Debug, Default)]
pub(super) struct CourseFilter<'a> {
    pub(super) org: Option<&'a str>,
    pub(super) course_code: Option<&'a str>,
    pub(super) language: Option<&'a str>,
    pub(super) text: &'a str,
}

/// A new run, which brings its course and organization, or comes into a course that exists.
#[derive(Debug)]
pub(super) enum NewRun<'a> {
    WithCourse {
        key: &'a str,
        title: &'a str,
        language_short: &'a str,
    },
    InCourse {
        course: &'a str,
        run_code: &'a str,
        key: &'a str,
        title: &'a str,
    },
}

/// Which runs to list.
#[derive(Debug, Default)]
pub(super) struct RunFilter<'a> {
    pub(super) org: Option<&'a str>,
    /// The key of a catalog course.
    pub(super) course: Option<&'a str>,
    pub(super) text: &'a str,
}
