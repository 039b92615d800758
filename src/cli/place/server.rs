//! The records behind a server.
//!
//! What has no address there, such as an empty key, is asked of an empty catalog, which knows as well
//! what is wrong with it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use ureq::http::Method;

use super::{
    Answer, CourseFilter, Folder, Listed, NewCourse, NewRun, OrganizationChange, Part, Place,
    RunFilter,
};
use crate::cli::failure::Failure;
use crate::cli::remote::{Refusal, Remote};
use crate::cli::suggest::{Keys, hint};
use crate::cli::view::{CourseView, OrganizationView, ReferenceView, RunView};
use crate::view::{StatsView, segment};
use crate::{CatalogCourseKey, Cursor, Entity, Order, Outcome, Warning};

/// See the [module](self).
#[derive(Debug)]
pub(in crate::cli) struct Server<'a>(pub(in crate::cli) &'a Remote);

const ORGANIZATIONS: &str = "/v1/organizations";
const COURSES: &str = "/v1/courses";
const RUNS: &str = "/v1/runs";

/// A larger catalog is not looked through for a suggestion: each 1,000 keys are a request.
const MOST_PAGES: usize = 20;
/// The most records that one request may get.
const MOST_AT_ONCE: usize = 1_000;

/// A page of a list.
#[derive(Deserialize)]
struct Page<T, C = Cursor> {
    results: Vec<T>,
    next: Option<C>,
}

impl<T> From<Page<T>> for Listed<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.results,
            next: page.next,
        }
    }
}

/// The address of a record.
fn at(collection: &str, key: &str) -> String {
    // The one key that would have the address of something else.
    let segment = match key {
        "get" => "%67et".to_owned(),
        key => segment(key),
    };
    format!("{collection}/{segment}")
}

/// An address with parameters; those without a value are left out.
pub(in crate::cli) fn with_parameters<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
) -> String {
    let address = format!("{path}?");
    let before = address.len();
    let mut query = form_urlencoded::Serializer::for_suffix(address, before);
    for (name, value) in parameters {
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

/// The parameters of a part of a list.
fn of_part(part: &Part) -> [(&'static str, Cow<'static, str>); 3] {
    let order = match part.order {
        Order::Key => "key",
        Order::Newest => "-created",
    };
    let cursor = part.after.as_ref().map(ToString::to_string);
    [
        ("order", order.into()),
        ("limit", part.limit.to_string().into()),
        ("cursor", cursor.unwrap_or_default().into()),
    ]
}

/// Whether a filter is given that nothing can have: the server takes it for one that is not given.
fn is_empty(filters: &[Option<&str>]) -> bool {
    filters.contains(&Some(""))
}

impl Server<'_> {
    /// Makes a failure of a refusal, with what may have been meant by a key that is not found.
    pub(in crate::cli) fn failed(&self, refusal: Refusal) -> Failure {
        let Refusal::Problem(problem) = refusal else {
            return refusal.into();
        };
        let entity = [
            Entity::Organization,
            Entity::CatalogCourse,
            Entity::CourseRun,
            Entity::Reference,
        ]
        .into_iter()
        .find(|entity| entity.as_str() == problem.entity);
        let asked = problem.key.clone();
        let is_not_found = problem.code == "not_found";
        let failure = Failure::from(Refusal::Problem(problem));
        match entity {
            Some(entity) if is_not_found => {
                let keys = self.keys(entity);
                hint(failure, entity, &asked, || -> Keys<'_> {
                    Box::new(keys.iter().cloned())
                })
            }
            _ => failure,
        }
    }

    /// The keys of the first records of a kind, as far as they can be had.
    fn keys(&self, entity: Entity) -> Vec<String> {
        match entity {
            Entity::Organization => self.first(ORGANIZATIONS, |org: OrganizationView<'_>| {
                org.short_name.into_owned()
            }),
            Entity::CatalogCourse => {
                self.first(COURSES, |course: CourseView<'_>| course.key.into_owned())
            }
            Entity::CourseRun => self.first(RUNS, |run: RunView<'_>| run.course_key.into_owned()),
            Entity::Reference => Vec::new(),
        }
    }

    fn first<T: DeserializeOwned>(
        &self,
        collection: &str,
        key: impl Fn(T) -> String,
    ) -> Vec<String> {
        let mut part = Part {
            order: Order::Key,
            limit: MOST_AT_ONCE,
            after: None,
        };
        let mut keys = Vec::new();
        for _ in 0..MOST_PAGES {
            let Ok(page) = self
                .0
                .get::<Page<T>>(&with_parameters(collection, of_part(&part)))
            else {
                break;
            };
            keys.extend(page.results.into_iter().map(&key));
            part.after = page.next;
            if part.after.is_none() {
                break;
            }
        }
        keys
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.0.get(path).map_err(|refusal| self.failed(refusal))
    }

    fn change<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Answer<T> {
        let changed = self.0.change(method, path, body);
        changed.map_err(|refusal| self.failed(refusal))
    }

    fn delete(&self, path: &str) -> Answer<()> {
        self.0.delete(path).map_err(|refusal| self.failed(refusal))
    }

    /// A list, from its first part to its last.
    fn all<T: DeserializeOwned>(&self, path: &str) -> Answer<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<T, String> = self.get(&with_parameters(
                path,
                [
                    ("limit", MOST_AT_ONCE.to_string().into()),
                    ("cursor", cursor.as_str().into()),
                ],
            ))?;
            items.extend(page.results);
            match page.next {
                Some(next) => cursor = next,
                None => return Ok(items),
            }
        }
    }

    /// A run as an operation answers with it, and what that warned of.
    fn outcome(mut run: RunView<'static>) -> Outcome<RunView<'static>> {
        let codes = run.warnings.take().unwrap_or_default();
        let warnings = codes.iter().filter_map(|code| warning(code, &run));
        Outcome {
            warnings: warnings.collect(),
            value: run,
        }
    }
}

/// What a code warns of; nothing if a newer server has more of them.
fn warning(code: &str, run: &RunView<'_>) -> Option<Warning> {
    let course_key = run.course_key.to_string();
    match code {
        "already_existed" => Some(Warning::AlreadyExisted { course_key }),
        "org_case_mismatch" => {
            let course: CatalogCourseKey = run.catalog_course.parse().ok()?;
            let short_name = course.org().to_owned();
            Some(Warning::OrgCaseMismatch {
                course_key,
                short_name,
            })
        }
        _ => None,
    }
}

impl Place for Server<'_> {
    fn create_organization(
        &self,
        short_name: &str,
        name: &str,
        active: bool,
    ) -> Answer<OrganizationView<'static>> {
        let body = json!({ "short_name": short_name, "name": name, "active": active });
        self.change(&Method::POST, ORGANIZATIONS, &body)
    }

    fn organizations(&self, short_names: &[String]) -> Answer<Vec<OrganizationView<'static>>> {
        let get = |name: &String| match name.as_str() {
            "" => Ok(Folder::empty()?
                .organizations(std::slice::from_ref(name))?
                .remove(0)),
            name => self.get(&at(ORGANIZATIONS, name)),
        };
        short_names.iter().map(get).collect()
    }

    fn list_organizations(
        &self,
        text: &str,
        part: Part,
    ) -> Answer<Listed<OrganizationView<'static>>> {
        let text = [("q", text.into())];
        let page: Page<_> = self.get(&with_parameters(
            ORGANIZATIONS,
            text.into_iter().chain(of_part(&part)),
        ))?;
        Ok(page.into())
    }

    fn update_organization(
        &self,
        short_name: &str,
        change: &OrganizationChange<'_>,
    ) -> Answer<OrganizationView<'static>> {
        if short_name.is_empty() {
            return Folder::empty()?.update_organization(short_name, change);
        }
        let body = json!({
            "short_name": change.short_name, "name": change.name, "active": change.active,
        });
        self.change(&Method::PATCH, &at(ORGANIZATIONS, short_name), &body)
    }

    fn delete_organization(&self, short_name: &str) -> Answer<()> {
        match short_name {
            "" => Folder::empty()?.delete_organization(short_name),
            _ => self.delete(&at(ORGANIZATIONS, short_name)),
        }
    }

    fn create_course(&self, course: &NewCourse<'_>) -> Answer<CourseView<'static>> {
        let mut body = json!({
            "org": course.org, "course_code": course.course_code, "title": course.title,
        });
        match course.language {
            Some(code) => body["language"] = code.into(),
            None => body["language_short"] = course.language_short.into(),
        }
        self.change(&Method::POST, COURSES, &body)
    }

    fn courses(&self, keys: &[String]) -> Answer<Vec<CourseView<'static>>> {
        let get = |key: &String| match key.as_str() {
            "" => Ok(Folder::empty()?
                .courses(std::slice::from_ref(key))?
                .remove(0)),
            key => self.get(&at(COURSES, key)),
        };
        keys.iter().map(get).collect()
    }

    fn list_courses(
        &self,
        filter: &CourseFilter<'_>,
        part: Part,
    ) -> Answer<Listed<CourseView<'static>>> {
        if is_empty(&[filter.org, filter.course_code, filter.language]) {
            return Folder::empty()?.list_courses(filter, part);
        }
        let filters = [
            ("org", filter.org.unwrap_or_default().into()),
            ("course_code", filter.course_code.unwrap_or_default().into()),
            ("language", filter.language.unwrap_or_default().into()),
            ("q", filter.text.into()),
        ];
        let page: Page<_> = self.get(&with_parameters(
            COURSES,
            filters.into_iter().chain(of_part(&part)),
        ))?;
        Ok(page.into())
    }

    fn runs_of(&self, course: &str) -> Answer<Vec<RunView<'static>>> {
        match course {
            "" => Folder::empty()?.runs_of(course),
            _ => self.all(&format!("{}/runs", at(COURSES, course))),
        }
    }

    fn update_course(
        &self,
        key: &str,
        title: &str,
        language_short: &str,
    ) -> Answer<CourseView<'static>> {
        if key.is_empty() {
            return Folder::empty()?.update_course(key, title, language_short);
        }
        let body = json!({ "title": title, "language_short": language_short });
        self.change(&Method::PATCH, &at(COURSES, key), &body)
    }

    fn delete_course(&self, key: &str) -> Answer<()> {
        match key {
            "" => Folder::empty()?.delete_course(key),
            _ => self.delete(&at(COURSES, key)),
        }
    }

    fn create_run(&self, run: &NewRun<'_>) -> Answer<Outcome<RunView<'static>>> {
        let (path, body) = match *run {
            NewRun::WithCourse {
                key,
                title,
                language_short,
            } => (
                RUNS.to_owned(),
                json!({ "course_key": key, "title": title, "language_short": language_short }),
            ),
            NewRun::InCourse { course: "", .. } => return Folder::empty()?.create_run(run),
            NewRun::InCourse {
                course,
                run_code,
                key,
                title,
            } => (
                format!("{}/runs", at(COURSES, course)),
                json!({ "run_code": run_code, "course_key": key, "title": title }),
            ),
        };
        self.change(&Method::POST, &path, &body).map(Self::outcome)
    }

    fn runs(&self, keys: &[String]) -> Answer<Vec<RunView<'static>>> {
        #[derive(Deserialize)]
        struct Many {
            results: Vec<Option<RunView<'static>>>,
        }
        let mut found = Vec::new();
        for keys in keys.chunks(MOST_AT_ONCE) {
            let body = json!({ "course_keys": keys });
            let many: Result<Many, _> = self.0.change(&Method::POST, "/v1/runs/get", &body);
            let some: Option<Vec<_>> = match many {
                Ok(many) => many.results.into_iter().collect(),
                Err(Refusal::Problem(problem)) if problem.code == "invalid_key" => None,
                Err(refusal) => return Err(refusal.into()),
            };
            match some {
                Some(runs) => found.extend(runs),
                // One by one, the first that is none says what is the matter with it.
                None => {
                    for key in keys {
                        found.push(match key.as_str() {
                            "" => Folder::empty()?.runs(std::slice::from_ref(key))?.remove(0),
                            key => self.get(&at(RUNS, key))?,
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    fn list_runs(&self, filter: &RunFilter<'_>, part: Part) -> Answer<Listed<RunView<'static>>> {
        if is_empty(&[filter.org, filter.course]) {
            return Folder::empty()?.list_runs(filter, part);
        }
        let filters = [
            ("org", filter.org.unwrap_or_default().into()),
            ("course", filter.course.unwrap_or_default().into()),
            ("q", filter.text.into()),
        ];
        let page: Page<_> = self.get(&with_parameters(
            RUNS,
            filters.into_iter().chain(of_part(&part)),
        ))?;
        Ok(page.into())
    }

    fn sync_run(&self, key: &str, title: &str) -> Answer<Outcome<RunView<'static>>> {
        if key.is_empty() {
            return Folder::empty()?.sync_run(key, title);
        }
        let body = json!({ "title": title });
        self.change(&Method::PATCH, &at(RUNS, key), &body)
            .map(Self::outcome)
    }

    fn delete_run(&self, key: &str) -> Answer<()> {
        match key {
            "" => Folder::empty()?.delete_run(key),
            _ => self.delete(&at(RUNS, key)),
        }
    }

    fn add_reference(&self, key: &str, referrer: &str) -> Answer<bool> {
        if key.is_empty() || referrer.is_empty() {
            return Folder::empty()?.add_reference(key, referrer);
        }
        let added = self.0.put(&reference(key, referrer));
        added.map_err(|refusal| self.failed(refusal))
    }

    fn remove_reference(&self, key: &str, referrer: &str) -> Answer<()> {
        if key.is_empty() || referrer.is_empty() {
            return Folder::empty()?.remove_reference(key, referrer);
        }
        self.delete(&reference(key, referrer))
    }

    fn references(&self, key: &str) -> Answer<Vec<ReferenceView>> {
        match key {
            "" => Folder::empty()?.references(key),
            _ => self.all(&format!("{}/references", of_either(key))),
        }
    }

    fn stats(&self) -> Answer<StatsView> {
        self.get("/v1/stats")
    }
}

/// The address of a course or a run.
fn of_either(key: &str) -> String {
    // No course key starts so: its namespace is another.
    let collection = match key.starts_with("catalog-course:") {
        true => COURSES,
        false => RUNS,
    };
    at(collection, key)
}

fn reference(key: &str, referrer: &str) -> String {
    format!("{}/references/{}", of_either(key), segment(referrer))
}
