//! Reading: from a catalog or a snapshot alike, in the words of the model; and what the model
//! lists.

use std::cmp::Reverse;
use std::sync::Arc;

use coursecat::{
    Catalog, CatalogCourse, CatalogCourseKey, CourseQuery, CourseRun, CourseSelector, Cursor,
    Error, Found, Order, Organization, OrganizationQuery, Page, Referrer, RunQuery, Snapshot, Stats,
};

use super::model::{Model, Serial, language_short};
use super::names::fold;
use super::steps::{Filter, Kind, Listing};
use super::views::Record;

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
    fn list_runs(course: CourseSelector<'_>) -> Result<Vec<Arc<CourseRun>>, Error>;
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
}

/// A page of records of any kind, each with its id.
pub struct Shown {
    pub items: Vec<(u64, Record)>,
    pub next: Option<Cursor>,
}

impl Shown {
    pub fn records(&self) -> Vec<Record> {
        self.items.iter().map(|(_, record)| record.clone()).collect()
    }
}

impl From<Page<Arc<Organization>>> for Shown {
    fn from(page: Page<Arc<Organization>>) -> Self {
        let items = page.items.iter();
        let items = items.map(|organization| (organization.id.get(), Record::from(&**organization)));
        Self { items: items.collect(), next: page.next }
    }
}

impl From<Page<Arc<CatalogCourse>>> for Shown {
    fn from(page: Page<Arc<CatalogCourse>>) -> Self {
        let items = page.items.iter();
        let items = items.map(|course| (course.id.get(), Record::from(&**course)));
        Self { items: items.collect(), next: page.next }
    }
}

impl From<Page<Arc<CourseRun>>> for Shown {
    fn from(page: Page<Arc<CourseRun>>) -> Self {
        let items = page.items.iter().map(|run| (run.id.get(), Record::from(&**run)));
        Self { items: items.collect(), next: page.next }
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
            let query = organization_query(&listing.filter).order(order).limit(limit);
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

/// Where a record stands in a listing: by age, if that is asked for, then by folded names.
pub type Place = (Reverse<i64>, Vec<String>);

/// A record of the model in a listing.
#[derive(Clone, Debug)]
pub struct Listed {
    pub place: Place,
    pub serial: Serial,
    pub record: Record,
}

impl Model {
    /// All that a listing shows, in order.
    pub fn list(&self, listing: &Listing) -> Vec<Listed> {
        let filter = &listing.filter;
        let mut listed = match listing.kind {
            Kind::Organizations => self.organizations(filter, listing.order),
            Kind::Courses => self.courses(filter, listing.order),
            Kind::Runs => self.runs(filter, listing.order),
        };
        listed.sort_by(|a, b| a.place.cmp(&b.place));
        listed
    }

    fn organizations(&self, filter: &Filter, order: Order) -> Vec<Listed> {
        let orgs = self.orgs.iter();
        let orgs = orgs.filter(|(_, org)| matches(&filter.text, &[&org.short_name, &org.name]));
        orgs.map(|(name, org)| Listed {
            place: place(order, org.created, &[name]),
            serial: org.serial,
            record: self.organization_record(name),
        })
        .collect()
    }

    fn courses(&self, filter: &Filter, order: Order) -> Vec<Listed> {
        let courses = self.courses.iter().filter(|(name, course)| {
            let language = |wanted: &String| {
                *wanted == course.language || wanted == language_short(&course.language)
            };
            let short_name = &self.orgs[&name.0].short_name;
            filter.org.as_ref().is_none_or(|org| fold(org) == name.0)
                && filter.code.as_ref().is_none_or(|code| fold(code) == name.1)
                && filter.language.as_ref().is_none_or(language)
                && matches(&filter.text, &[&course.title, &course.code, short_name])
        });
        courses
            .map(|(name, course)| Listed {
                place: place(order, course.created, &[&name.0, &name.1]),
                serial: course.serial,
                record: self.course_record(name),
            })
            .collect()
    }

    fn runs(&self, filter: &Filter, order: Order) -> Vec<Listed> {
        let runs = self.runs.iter().filter(|(_, run)| {
            let course = |(org, code): &(String, String)| {
                fold(org) == run.course.0 && *code == self.courses[&run.course].code
            };
            filter.org.as_ref().is_none_or(|org| fold(org) == run.course.0)
                && filter.course.as_ref().is_none_or(course)
                && matches(&filter.text, &[&run.title, &run.name.stored])
        });
        runs.map(|(key, run)| Listed {
            // Among runs of the same age, the key alone decides.
            place: match order {
                Order::Key => place(order, 0, &[&run.course.0, &run.course.1, key]),
                Order::Newest => place(order, run.created, &[key]),
            },
            serial: run.serial,
            record: self.run_record(key),
        })
        .collect()
    }

    /// The page of a listing after a place, and where the next one starts if there is one.
    pub fn page(
        &self,
        listing: &Listing,
        limit: usize,
        after: Option<&Place>,
    ) -> (Vec<Record>, Option<Place>) {
        let mut rest = self.list(listing);
        rest.retain(|listed| after.is_none_or(|after| listed.place > *after));
        let next = (rest.len() > limit).then(|| rest[limit - 1].place.clone());
        rest.truncate(limit);
        (rest.into_iter().map(|listed| listed.record).collect(), next)
    }
}

fn place(order: Order, created: i64, names: &[&String]) -> Place {
    let age = match order {
        Order::Key => 0,
        Order::Newest => created,
    };
    (Reverse(age), names.iter().map(|name| (*name).clone()).collect())
}

/// Whether each word of a search occurs in one of these texts, ignoring case.
fn matches(search: &str, texts: &[&String]) -> bool {
    search
        .split_whitespace()
        .all(|word| texts.iter().any(|text| fold(text).contains(&fold(word))))
}
