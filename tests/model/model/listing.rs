//! Listings: what they show, in which order, a page at a time.

use std::cmp::Reverse;

use coursecat::Order;

use super::courses::language_short;
use super::{Model, Run, Serial};
use crate::names::fold;
use crate::steps::{Filter, Kind, Listing};
use crate::views::Record;

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
            Kind::Organizations => self.listed_organizations(filter, listing.order),
            Kind::Courses => self.listed_courses(filter, listing.order),
            Kind::Runs => self.listed_runs(filter, listing.order),
        };
        listed.sort_by(|a, b| a.place.cmp(&b.place));
        listed
    }

    fn listed_organizations(&self, filter: &Filter, order: Order) -> Vec<Listed> {
        let orgs = self.orgs.iter();
        let orgs = orgs.filter(|(_, org)| matches(&filter.text, &[&org.short_name, &org.name]));
        orgs.map(|(name, org)| Listed {
            place: place(order, org.created, &[name]),
            serial: org.serial,
            record: self.organization_record(name),
        })
        .collect()
    }

    fn listed_courses(&self, filter: &Filter, order: Order) -> Vec<Listed> {
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

    fn listed_runs(&self, filter: &Filter, order: Order) -> Vec<Listed> {
        let runs = self.runs.iter().filter(|(_, run)| {
            let course = |(org, code): &(String, String)| {
                fold(org) == run.course.0 && *code == self.courses[&run.course].code
            };
            filter
                .org
                .as_ref()
                .is_none_or(|org| fold(org) == run.course.0)
                && filter.course.as_ref().is_none_or(course)
                && matches_run(&filter.text, run)
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
    (
        Reverse(age),
        names.iter().map(|name| (*name).clone()).collect(),
    )
}

/// Whether each word of a search occurs in a run's title or codes, or is a piece of its key.
fn matches_run(search: &str, run: &Run) -> bool {
    let name = &run.name;
    search.split_whitespace().all(|word| {
        let in_key = word.contains([':', '+', '/', '@']) && matches(word, &[&name.stored]);
        in_key || matches(word, &[&run.title, &name.org, &name.course, &name.run])
    })
}

/// Whether each word of a search occurs in one of these texts, ignoring case.
fn matches(search: &str, texts: &[&String]) -> bool {
    search
        .split_whitespace()
        .all(|word| texts.iter().any(|text| fold(text).contains(&fold(word))))
}
