//! Listings: pages of an image, in order, filtered.
//!
//! Listing by key walks organizations, their courses and those courses' runs, so a filter by
//! organization or course is a range and costs nothing. Listing by age walks the index of ages,
//! or sorts the records of one organization, whichever looks at fewer. A search leaves out courses
//! that cannot match, with all their runs; by age, it begins with the newest records nevertheless.

use std::ops::Bound;
use std::sync::Arc;

use super::cursor::Position;
use super::landmark;
use super::newest::Dated;
use super::page::{first_few, page, sorted_after};
use super::query::{CourseQuery, Order, OrganizationQuery, Page, RunQuery, Window};
use super::runs::by_key;
use super::text::Words;
use super::{CourseNode, CoursePlace, Image, OrganizationNode};
use crate::key::{OrganizationId, cmp_ignoring_case, eq_ignoring_case, fold};
use crate::model::{CatalogCourse, CourseRun, Field, Invalid, Organization, Timestamp};

impl Image {
    pub(crate) fn list_organizations(
        &self,
        query: &OrganizationQuery,
    ) -> Result<Page<Arc<Organization>>, Invalid> {
        let matching = |node: &&OrganizationNode| matches_organization(&query.text, node);
        let limit = query.window.limit()?;
        match query.window.order {
            Order::Key => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::OrganizationByKey { short_name }) => Some(fold(short_name)),
                    Some(_) => return Err(foreign_cursor()),
                };
                let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
                let found = self
                    .organizations_by_name
                    .range::<_, str>((start, Bound::Unbounded))
                    .filter_map(|(_, slot)| self.organizations.get(*slot))
                    .filter(matching)
                    .map(|node| &node.organization);
                Ok(page(found, limit, |last| Position::OrganizationByKey {
                    short_name: last.short_name.to_string(),
                }))
            }
            Order::Newest => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::OrganizationByAge {
                        created,
                        short_name,
                    }) => Some(landmark::organization(*created, short_name)?),
                    Some(_) => return Err(foreign_cursor()),
                };
                let all = self
                    .organizations()
                    .filter(matching)
                    .map(|node| &node.organization);
                let sorted = sorted_after(all, after.as_ref(), limit);
                Ok(page(sorted, limit, |last| Position::OrganizationByAge {
                    created: last.created.as_micros(),
                    short_name: last.short_name.to_string(),
                }))
            }
        }
    }

    pub(crate) fn count_organizations(&self, query: &OrganizationQuery) -> u64 {
        if query.text.is_empty() {
            return self.organization_count();
        }
        let matching = |node: &&OrganizationNode| matches_organization(&query.text, node);
        self.organizations().filter(matching).count() as u64
    }

    pub(crate) fn list_courses(
        &self,
        query: &CourseQuery,
    ) -> Result<Page<Arc<CatalogCourse>>, Invalid> {
        let limit = query.window.limit()?;
        let scope = self.scope(query.org.as_deref());
        match query.window.order {
            Order::Key => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::CourseByKey { org, course_code }) => {
                        Some((org.as_str(), course_code.as_str()))
                    }
                    Some(_) => return Err(foreign_cursor()),
                };
                let found = self
                    .courses_from(scope, after)
                    .filter(|place| self.may_match(place, &query.text))
                    .map(|place| &place.course)
                    .filter(|course| {
                        after.is_none_or(|(org, code)| !is_course(course, org, code))
                            && matches_course(query, course)
                    });
                Ok(page(found, limit, |last| Position::CourseByKey {
                    org: last.org.to_string(),
                    course_code: last.course_code.to_string(),
                }))
            }
            Order::Newest => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::CourseByAge {
                        created,
                        org,
                        course_code,
                    }) => Some(Arc::new(landmark::course(*created, org, course_code)?)),
                    Some(_) => return Err(foreign_cursor()),
                };
                let mark = |last: &CatalogCourse| Position::CourseByAge {
                    created: last.created.as_micros(),
                    org: last.org.to_string(),
                    course_code: last.course_code.to_string(),
                };
                let few = self.is_few(scope, query.text.is_empty(), limit, |scope| match scope {
                    Scope::One(node) => node.course_count(),
                    Scope::All => self.course_count(),
                    Scope::None => 0,
                });
                let matching = |course: &&Arc<CatalogCourse>| {
                    scope.has(course.organization_id) && matches_course(query, course)
                };
                if !few {
                    let mut walk = self.courses_by_age.iter_after(after.clone());
                    if query.text.is_empty() {
                        return Ok(page(walk.filter(matching), limit, mark));
                    }
                    if let Some(found) = first_few(&mut walk, self.few_to_walk(), limit, matching) {
                        return Ok(page(found.into_iter(), limit, mark));
                    }
                }
                let all = self
                    .courses_from(scope, None)
                    .filter(|place| self.may_match(place, &query.text))
                    .map(|place| &place.course)
                    .filter(matching);
                let sorted = sorted_after(all, after.as_deref(), limit);
                Ok(page(sorted, limit, mark))
            }
        }
    }

    pub(crate) fn count_courses(&self, query: &CourseQuery) -> u64 {
        let scope = self.scope(query.org.as_deref());
        if query.language.is_none() && query.course_code.is_none() && query.text.is_empty() {
            return match scope {
                Scope::All => self.course_count(),
                Scope::One(node) => node.course_count(),
                Scope::None => 0,
            };
        }
        self.courses_from(scope, None)
            .filter(|place| self.may_match(place, &query.text))
            .filter(|place| matches_course(query, &place.course))
            .count() as u64
    }

    pub(crate) fn list_runs(&self, query: &RunQuery) -> Result<Page<Arc<CourseRun>>, Invalid> {
        let limit = query.window.limit()?;
        match query.window.order {
            Order::Key => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::RunByKey {
                        org,
                        course_code,
                        course_key,
                    }) => Some((org.as_str(), course_code.as_str(), course_key.as_str())),
                    Some(_) => return Err(foreign_cursor()),
                };
                let courses = self.courses_of_runs(query, after.map(|(org, code, _)| (org, code)));
                let found = courses.flat_map(move |node| {
                    let from = after
                        .filter(|(org, code, _)| is_course(&node.course, org, code))
                        .map(|(_, _, key)| key);
                    by_key(node.runs.matching(&query.text).filter(|run| {
                        from.is_none_or(|key| {
                            cmp_ignoring_case(run.course_key.as_str(), key).is_gt()
                        })
                    }))
                });
                Ok(page(found, limit, |last| self.run_position(last)))
            }
            Order::Newest => {
                let after = match position(&query.window) {
                    None => None,
                    Some(Position::RunByAge {
                        created,
                        course_key,
                    }) => Some(Arc::new(landmark::run(*created, course_key)?)),
                    Some(_) => return Err(foreign_cursor()),
                };
                let mark = |last: &CourseRun| Position::RunByAge {
                    created: last.created.as_micros(),
                    course_key: last.course_key.as_str().to_owned(),
                };
                let scope = self.scope(query.org.as_deref());
                let few = query.course.is_some()
                    || self.is_few(scope, query.text.is_empty(), limit, |scope| match scope {
                        Scope::One(node) => node.run_count(),
                        Scope::All => self.run_count(),
                        Scope::None => 0,
                    });
                if !few {
                    let mut walk = self.runs_by_age.iter_after(after.clone());
                    let matching = |run: &&Arc<CourseRun>| {
                        self.run_in_scope(scope, run) && query.text.match_run(run)
                    };
                    if query.text.is_empty() {
                        return Ok(page(walk.filter(matching), limit, mark));
                    }
                    if let Some(found) = first_few(&mut walk, self.few_to_walk(), limit, matching) {
                        return Ok(page(found.into_iter(), limit, mark));
                    }
                }
                let all = self
                    .courses_of_runs(query, None)
                    .flat_map(|node| node.runs.matching(&query.text));
                let sorted = sorted_after(all, after.as_deref(), limit);
                Ok(page(sorted, limit, mark))
            }
        }
    }

    pub(crate) fn count_runs(&self, query: &RunQuery) -> u64 {
        if query.text.is_empty() && query.course.is_none() {
            return match self.scope(query.org.as_deref()) {
                Scope::All => self.run_count(),
                Scope::One(node) => node.run_count(),
                Scope::None => 0,
            };
        }
        self.courses_of_runs(query, None)
            .flat_map(|node| node.runs.matching(&query.text))
            .count() as u64
    }

    /// The courses whose runs a query is about, in key order, but for those that no run can match
    /// in.
    fn courses_of_runs<'a>(
        &'a self,
        query: &'a RunQuery,
        from: Option<(&str, &str)>,
    ) -> Box<dyn Iterator<Item = &'a CourseNode> + 'a> {
        let scope = self.scope(query.org.as_deref());
        let Some(key) = &query.course else {
            let courses = self
                .courses_from(scope, from)
                .filter_map(|place| self.course_at(place))
                .filter(|node| query.text.may_match(node.runs.pairs()));
            return Box::new(courses);
        };
        let course = self
            .course_coded(key.org(), key.course_code())
            .filter(|node| scope.has(node.course.organization_id))
            .filter(|node| {
                from.is_none_or(|(org, code)| {
                    cmp_ignoring_case(node.course.org.as_str(), org)
                        .then_with(|| cmp_ignoring_case(node.course.course_code.as_str(), code))
                        .is_ge()
                })
            });
        Box::new(course.into_iter())
    }

    /// The courses of a scope in key order, from the one with this organization and code on.
    fn courses_from<'a>(
        &'a self,
        scope: Scope<'a>,
        from: Option<(&str, &str)>,
    ) -> impl Iterator<Item = &'a CoursePlace> + 'a {
        let from = from.map(|(org, code)| (fold(org).into_owned(), fold(code).into_owned()));
        let one = match scope {
            Scope::One(node) => Some(node),
            Scope::All | Scope::None => None,
        };
        let first_name = from.as_ref().map_or("", |(org, _)| org.as_str());
        let all = matches!(scope, Scope::All)
            .then(|| {
                self.organizations_by_name
                    .range::<_, str>((Bound::Included(first_name), Bound::Unbounded))
                    .filter_map(|(_, slot)| self.organizations.get(*slot))
            })
            .into_iter()
            .flatten();
        one.into_iter().chain(all).flat_map(move |node| {
            let first_code = match &from {
                None => Some(""),
                Some((org, code)) => {
                    match fold(node.organization.short_name.as_str())
                        .as_ref()
                        .cmp(org)
                    {
                        std::cmp::Ordering::Less => None,
                        std::cmp::Ordering::Equal => Some(code.as_str()),
                        std::cmp::Ordering::Greater => Some(""),
                    }
                }
            };
            first_code
                .map(|code| {
                    node.courses
                        .range::<_, str>((Bound::Included(code), Bound::Unbounded))
                        .map(|(_, place)| place)
                })
                .into_iter()
                .flatten()
        })
    }

    fn scope(&self, org: Option<&str>) -> Scope<'_> {
        match org {
            None => Scope::All,
            Some(org) => self.organization_named(org).map_or(Scope::None, Scope::One),
        }
    }

    /// Whether to sort the records of a scope rather than to walk all of them by age.
    ///
    /// A walk meets one record of the scope in every `all / these`, so it looks at about
    /// `limit * all / these` of them; with a text to match, at many more.
    fn is_few(
        &self,
        scope: Scope<'_>,
        without_text: bool,
        limit: usize,
        count: impl Fn(Scope<'_>) -> u64,
    ) -> bool {
        let these = count(scope);
        let all = count(Scope::All);
        match scope {
            Scope::All => false,
            Scope::None => true,
            Scope::One(_) if without_text => {
                these.saturating_mul(these) <= all.saturating_mul(limit as u64)
            }
            Scope::One(_) => these <= all / 2,
        }
    }

    /// How many records are looked at by age before a search looks for courses that can match.
    ///
    /// A word that is in many records is soon found in a page of the newest. One that is in few is
    /// found sooner by looking at every course, which takes an eighth of the time that a record
    /// takes, or less.
    fn few_to_walk(&self) -> usize {
        MIN_WALK + self.courses.len() / 8
    }

    fn run_in_scope(&self, scope: Scope<'_>, run: &CourseRun) -> bool {
        match scope {
            Scope::All => true,
            _ => self
                .course(run.catalog_course_id)
                .is_some_and(|node| scope.has(node.course.organization_id)),
        }
    }

    fn run_position(&self, run: &CourseRun) -> Position {
        let course = self.course(run.catalog_course_id).map(|node| &node.course);
        Position::RunByKey {
            org: course.map_or_else(String::new, |course| course.org.to_string()),
            course_code: course.map_or_else(String::new, |course| course.course_code.to_string()),
            course_key: run.course_key.as_str().to_owned(),
        }
    }
}

/// However few courses there are, a search for a page of the newest looks at so many records first.
const MIN_WALK: usize = 64;

/// The organizations that a query is about.
#[derive(Clone, Copy)]
enum Scope<'a> {
    All,
    One(&'a OrganizationNode),
    /// It names an organization that does not exist.
    None,
}

impl Scope<'_> {
    fn has(&self, organization: OrganizationId) -> bool {
        match self {
            Scope::All => true,
            Scope::One(node) => node.organization.id == organization,
            Scope::None => false,
        }
    }
}

impl Dated for Organization {
    fn created(&self) -> Timestamp {
        self.created
    }

    fn cmp_key(&self, other: &Self) -> std::cmp::Ordering {
        cmp_ignoring_case(self.short_name.as_str(), other.short_name.as_str())
    }
}

fn position(window: &Window) -> Option<&Position> {
    window.after.as_ref().map(|cursor| &cursor.0)
}

pub(super) fn foreign_cursor() -> Invalid {
    Invalid::new(
        Field::Cursor,
        "The cursor belongs to another listing or another order; start again without one.",
    )
}

fn matches_organization(words: &Words, node: &OrganizationNode) -> bool {
    let organization = &node.organization;
    words.match_any(&[organization.short_name.as_str(), organization.name.as_str()])
}

fn matches_course(query: &CourseQuery, course: &CatalogCourse) -> bool {
    query
        .course_code
        .as_ref()
        .is_none_or(|code| eq_ignoring_case(course.course_code.as_str(), code))
        && query.language.as_ref().is_none_or(|language| {
            course.language.as_str() == language || course.language.short() == language
        })
        && query.text.match_any(&[
            course.title.as_str(),
            course.course_code.as_str(),
            course.org.as_str(),
        ])
}

fn is_course(course: &CatalogCourse, org: &str, course_code: &str) -> bool {
    eq_ignoring_case(course.org.as_str(), org)
        && eq_ignoring_case(course.course_code.as_str(), course_code)
}
