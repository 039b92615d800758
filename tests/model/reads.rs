//! Reading: from a catalog or a snapshot alike, in the words of the model.

use std::sync::Arc;

use coursecat::{
    Catalog, CatalogCourse, CatalogCourseKey, Changes, CourseQuery, CourseRun, CourseRuns,
    CourseSelector, Cursor, Error, Found, Organization, OrganizationQuery, Page, Referrer,
    RunQuery, Snapshot, Stats,
};

use crate::steps::{Filter, Kind, Listing};
use crate::views::Record;

/// Declares the reading methods that a catalog and a snapshot have both.
macro_rules! reads {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        pub trait Reads {
            $(fn $name(&self, $($arg: $type),*) -> $answer;)*
        }

        impl Reads for Catalog {
            $(fn $name(&self, $($arg: $type),*) -> $answer {
                self.$name($($arg),*)
            })*
        }

        impl Reads for Snapshot {
            $(fn $name(&self, $($arg: $type),*) -> $answer {
                self.$name($($arg),*)
            })*
        }
    };
}

reads! {
    fn get_organization(short_name: &str) -> Result<Arc<Organization>, Error>;
    fn get_catalog_course(course: CourseSelector<'_>) -> Result<Arc<CatalogCourse>, Error>;
    fn get_catalog_course_of(run: &CourseRun) -> Result<Arc<CatalogCourse>, Error>;
    fn get_course_run(key: &str) -> Result<Arc<CourseRun>, Error>;
    fn get_course_runs(keys: &[String]) -> Result<Vec<Option<Arc<CourseRun>>>, Error>;
    fn list_runs(course: CourseSelector<'_>) -> Result<CourseRuns, Error>;
    fn list_organizations(query: &OrganizationQuery) -> Result<Page<Arc<Organization>>, Error>;
    fn list_catalog_courses(query: &CourseQuery) -> Result<Page<Arc<CatalogCourse>>, Error>;
    fn list_course_runs(query: &RunQuery) -> Result<Page<Arc<CourseRun>>, Error>;
    fn count_organizations(query: &OrganizationQuery) -> u64;
    fn count_catalog_courses(query: &CourseQuery) -> u64;
    fn count_course_runs(query: &RunQuery) -> u64;
    fn count_courses_of(organization: &Organization) -> u64;
    fn count_runs_of(course: &CatalogCourse) -> u64;
    fn search(text: &str, limit: usize) -> Result<Found, Error>;
    fn list_references(key: &str) -> Result<Vec<Referrer>, Error>;
    fn stats() -> Stats;
    fn changes_since(since: u64, limit: usize) -> Result<Changes, Error>;
    fn latest_change() -> u64;
    fn oldest_change() -> u64;
}

/// A page of records of any kind, each with its id.
pub struct Shown {
    pub items: Vec<(u64, Record)>,
    pub next: Option<Cursor>,
}

impl Shown {
    pub fn records(&self) -> Vec<Record> {
        self.items
            .iter()
            .map(|(_, record)| record.clone())
            .collect()
    }
}

impl From<Page<Arc<Organization>>> for Shown {
    fn from(page: Page<Arc<Organization>>) -> Self {
        let items = page.items.iter();
        let items =
            items.map(|organization| (organization.id.get(), Record::from(&**organization)));
        Self {
            items: items.collect(),
            next: page.next,
        }
    }
}

impl From<Page<Arc<CatalogCourse>>> for Shown {
    fn from(page: Page<Arc<CatalogCourse>>) -> Self {
        let items = page.items.iter();
        let items = items.map(|course| (course.id.get(), Record::from(&**course)));
        Self {
            items: items.collect(),
            next: page.next,
        }
    }
}

impl From<Page<Arc<CourseRun>>> for Shown {
    fn from(page: Page<Arc<CourseRun>>) -> Self {
        let items = page
            .items
            .iter()
            .map(|run| (run.id.get(), Record::from(&**run)));
        Self {
            items: items.collect(),
            next: page.next,
        }
    }
}

/// A page of a listing.
pub fn page(
    reads: &dyn Reads,
    listing: &Listing,
    limit: usize,
    after: Option<Cursor>,
) -> Result<Shown, Error> {
    let order = listing.order;
    Ok(match listing.kind {
        Kind::Organizations => {
            let query = organization_query(&listing.filter)
                .order(order)
                .limit(limit);
            reads.list_organizations(&query.after(after))?.into()
        }
        Kind::Courses => {
            let query = course_query(&listing.filter).order(order).limit(limit);
            reads.list_catalog_courses(&query.after(after))?.into()
        }
        Kind::Runs => {
            let query = run_query(&listing.filter).order(order).limit(limit);
            reads.list_course_runs(&query.after(after))?.into()
        }
    })
}

pub fn count(reads: &dyn Reads, listing: &Listing) -> u64 {
    let filter = &listing.filter;
    match listing.kind {
        Kind::Organizations => reads.count_organizations(&organization_query(filter)),
        Kind::Courses => reads.count_catalog_courses(&course_query(filter)),
        Kind::Runs => reads.count_course_runs(&run_query(filter)),
    }
}

fn organization_query(filter: &Filter) -> OrganizationQuery {
    OrganizationQuery::new().text(&filter.text)
}

fn course_query(filter: &Filter) -> CourseQuery {
    let mut query = CourseQuery::new().text(&filter.text);
    if let Some(org) = &filter.org {
        query = query.org(org);
    }
    if let Some(code) = &filter.code {
        query = query.course_code(code);
    }
    if let Some(language) = &filter.language {
        query = query.language(language);
    }
    query
}

fn run_query(filter: &Filter) -> RunQuery {
    let mut query = RunQuery::new().text(&filter.text);
    if let Some(org) = &filter.org {
        query = query.org(org);
    }
    if let Some((org, code)) = &filter.course {
        query = query.course(CatalogCourseKey::new(org.as_str(), code.as_str()));
    }
    query
}
