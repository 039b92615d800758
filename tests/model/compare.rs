//! Comparing what a catalog or a snapshot holds and reads with what the model holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use coursecat::{
    CatalogCourse, CatalogCourseId, CourseRun, CourseSelector, Entity, Error, Field, Order,
    Organization, Referrer, Snapshot,
};

use crate::model::{CourseName, Model, Serial};
use crate::names::fold;
use crate::reads::{Reads, Shown, count, page};
use crate::steps::{Codes, Filter, Key, Kind, Listing, Read, Selector, Subject};
use crate::told;
use crate::views::{Answer, Expected, Record, Refusal, check};

/// The ids that the catalog has given to the model's records.
///
/// A record keeps its id for as long as it exists, through changes and reopenings, and no id is
/// given twice.
#[derive(Clone, Default)]
pub struct Known {
    organizations: BTreeMap<Serial, u64>,
    courses: BTreeMap<Serial, u64>,
    runs: BTreeMap<Serial, u64>,
}

impl Known {
    fn meet(&mut self, kind: Kind, serial: Serial, id: u64) {
        let ids = match kind {
            Kind::Organizations => &mut self.organizations,
            Kind::Courses => &mut self.courses,
            Kind::Runs => &mut self.runs,
        };
        match ids.get(&serial) {
            Some(known) => assert_eq!(id, *known, "a record has changed its id"),
            None => {
                assert!(
                    ids.values().all(|known| *known != id),
                    "an id is given twice"
                );
                ids.insert(serial, id);
            }
        }
    }

    /// Compares the answer of a write.
    pub fn check_answer(
        &mut self,
        mut found: Result<Answer, Error>,
        mut expected: Expected<Answer>,
    ) {
        if let (Ok(found), Ok(expected)) = (&mut found, &mut expected) {
            let (id, serial) = (found.take_id(), expected.take_id());
            if let (Some((_, id)), Some((kind, serial))) = (id, serial) {
                self.meet(kind, serial, id);
            }
        }
        check(found, expected);
    }

    /// A course that there is or was; one that there never was if there was none at all.
    pub fn nth_course(&self, n: usize) -> (Serial, CatalogCourseId) {
        let known = self.courses.iter().nth(n % self.courses.len().max(1));
        let (serial, id) = known.map_or((Serial::MAX, u64::MAX), |(serial, id)| (*serial, *id));
        (serial, CatalogCourseId::new(id))
    }

    pub fn selector(&self, model: &Model, course: &Selector) -> CourseSelector<'static> {
        match course {
            Selector::Nth(n) => CourseSelector::from(self.nth_course(*n).1),
            Selector::KeyStr(codes) => CourseSelector::from(key_str(model, codes)),
            Selector::Codes(codes) => {
                let (org, code) = model.codes(codes);
                CourseSelector::from((org.as_str(), code.as_str())).into_owned()
            }
            Selector::NoKey(text) => CourseSelector::from(text).into_owned(),
        }
    }

    /// Compares all that a catalog or a snapshot holds, by listing and by each way to look up.
    pub fn check_state(&mut self, reads: &dyn Reads, model: &Model) {
        told::check(reads, model, false);
        for kind in [Kind::Organizations, Kind::Courses, Kind::Runs] {
            for order in [Order::Key, Order::Newest] {
                let listing = Listing {
                    kind,
                    order,
                    filter: Filter::default(),
                };
                let shown = page(reads, &listing, 1_000, None).unwrap();
                let expected = model.list(&listing);
                let records: Vec<_> = expected
                    .iter()
                    .map(|listed| listed.record.clone())
                    .collect();
                assert_eq!(shown.records(), records, "{kind:?} by {order:?}");
                for (listed, (id, _)) in expected.iter().zip(&shown.items) {
                    self.meet(kind, listed.serial, *id);
                }
                assert_eq!(count(reads, &listing), expected.len() as u64);
            }
        }
        for name in model.orgs.keys() {
            self.check_organization(reads, model, name);
        }
        for name in model.courses.keys() {
            self.check_course(reads, model, name);
        }
        for name in model.runs.keys() {
            self.check_run(reads, model, name);
        }
        let stats = reads.stats();
        assert_eq!(
            [
                stats.organizations,
                stats.catalog_courses,
                stats.course_runs,
                stats.references
            ],
            [
                model.orgs.len(),
                model.courses.len(),
                model.runs.len(),
                model.reference_count()
            ]
            .map(|count| count as u64)
        );
    }

    fn check_organization(&self, reads: &dyn Reads, model: &Model, name: &str) {
        let organization = reads.get_organization(name).unwrap();
        assert_eq!(
            organization.id.get(),
            self.organizations[&model.orgs[name].serial]
        );
        let courses = model.courses.keys().filter(|course| course.0 == name);
        assert_eq!(
            reads.count_courses_of(&organization),
            courses.count() as u64
        );
        let of_it = Filter {
            org: Some(name.to_owned()),
            ..Filter::default()
        };
        let runs = Listing {
            kind: Kind::Runs,
            order: Order::Key,
            filter: of_it,
        };
        assert_eq!(count(reads, &runs), model.list(&runs).len() as u64);
    }

    fn check_course(&self, reads: &dyn Reads, model: &Model, name: &CourseName) {
        let expected = &model.courses[name];
        let id = CatalogCourseId::new(self.courses[&expected.serial]);
        let course = reads.get_catalog_course(id.into()).unwrap();
        assert_eq!(course.id, id);
        let organization = self.organizations[&model.orgs[&name.0].serial];
        assert_eq!(course.organization_id.get(), organization);
        let by_codes = (name.0.as_str(), expected.code.as_str());
        assert_eq!(reads.get_catalog_course(by_codes.into()).unwrap(), course);
        assert_eq!(
            reads.get_catalog_course((&course.key()).into()).unwrap(),
            course
        );
        let of_it = Filter {
            course: Some((name.0.clone(), expected.code.clone())),
            ..Filter::default()
        };
        let runs = Listing {
            kind: Kind::Runs,
            order: Order::Newest,
            filter: of_it,
        };
        let runs = records(model, &runs);
        assert_eq!(reads.count_runs_of(&course), runs.len() as u64);
        let listed = reads.list_runs(id.into()).unwrap();
        assert_eq!(views(&listed), runs);
        let codes = Codes::Made(course.org.to_string(), expected.code.clone());
        check_references(reads, model, &Subject::Course(codes));
    }

    fn check_run(&self, reads: &dyn Reads, model: &Model, name: &str) {
        let expected = &model.runs[name];
        let key = &expected.name.stored;
        let run = reads.get_course_run(key).unwrap();
        assert_eq!(run.id.get(), self.runs[&expected.serial]);
        assert_eq!(run.course_key.as_str(), key);
        let course = self.courses[&model.courses[&expected.course].serial];
        assert_eq!(run.catalog_course_id.get(), course);
        assert_eq!(reads.get_catalog_course_of(&run).unwrap().id.get(), course);
        // Folded, it is another key, unless it is folded already.
        assert_eq!(reads.get_course_run(&fold(key)).is_ok(), fold(key) == *key);
        let listed = reads.list_references(key).unwrap();
        let listed: Vec<_> = listed.iter().map(Referrer::as_str).collect();
        assert!(listed.iter().eq(&expected.referrers), "{listed:?}");
    }

    /// Reads about records as they were in a snapshot, which may have changed or gone since.
    pub fn check_stale(&self, snapshot: &Snapshot, reads: &dyn Reads, model: &Model) {
        let id = |serial: Serial| self.courses[&serial];
        for organization in snapshot.organizations() {
            let is_it =
                |name: &str| self.organizations[&model.orgs[name].serial] == organization.id.get();
            let courses = model.courses.keys().filter(|course| is_it(&course.0));
            assert_eq!(reads.count_courses_of(organization), courses.count() as u64);
        }
        for course in snapshot.catalog_courses() {
            let is_it = |name: &CourseName| id(model.courses[name].serial) == course.id.get();
            let runs = model.runs.values().filter(|run| is_it(&run.course));
            assert_eq!(reads.count_runs_of(course), runs.count() as u64);
        }
        for run in snapshot.course_runs() {
            let course = run.catalog_course_id.get();
            let expected = model
                .courses
                .iter()
                .find(|(_, found)| id(found.serial) == course);
            let expected = expected.map(|(name, _)| model.course_record(name));
            let found = reads.get_catalog_course_of(run);
            check(
                found.map(|found: Arc<CatalogCourse>| Record::from(&*found)),
                expected.ok_or_else(|| vec![Refusal::NotFound(Entity::CatalogCourse)]),
            );
        }
    }

    pub fn check_read(&self, reads: &dyn Reads, model: &Model, read: &Read) {
        let nth = |n: usize| self.nth_course(n).0;
        match read {
            Read::Organization(org) => {
                let short_name = model.org_name(org);
                let name = fold(&short_name);
                let expected = model
                    .orgs
                    .contains_key(&name)
                    .then(|| model.organization_record(&name));
                let expected =
                    expected.ok_or_else(|| vec![Refusal::NotFound(Entity::Organization)]);
                let found = reads.get_organization(&short_name);
                check(
                    found.map(|found: Arc<Organization>| Record::from(&*found)),
                    expected,
                );
            }
            Read::Course(course) => {
                let expected = model
                    .select(course, &nth)
                    .map(|name| model.course_record(&name));
                let found = reads.get_catalog_course(self.selector(model, course));
                check(
                    found.map(|found: Arc<CatalogCourse>| Record::from(&*found)),
                    expected,
                );
            }
            Read::Run(key) => {
                let expected = model.find_run(key).map(|name| model.run_record(&name));
                let found = reads.get_course_run(&model.given(key).text);
                check(
                    found.map(|found: Arc<CourseRun>| Record::from(&*found)),
                    expected,
                );
            }
            Read::Runs(keys) => check_many(reads, model, keys),
            Read::RunsOf(course) => {
                let expected = model.select(course, &nth).map(|(org, _)| {
                    let code = model
                        .select(course, &nth)
                        .map(|name| model.courses[&name].code.clone());
                    let of_it = Filter {
                        course: Some((org, code.unwrap())),
                        ..Filter::default()
                    };
                    records(
                        model,
                        &Listing {
                            kind: Kind::Runs,
                            order: Order::Newest,
                            filter: of_it,
                        },
                    )
                });
                let found = reads.list_runs(self.selector(model, course));
                check(found.map(|runs| views(&runs)), expected);
            }
            Read::References(subject) => check_references(reads, model, subject),
            Read::Count(listing) => {
                assert_eq!(count(reads, listing), model.list(listing).len() as u64);
            }
            Read::Search { text, limit } => check_search(reads, model, text, *limit),
        }
    }
}

/// Compares the iterators that only a snapshot has.
pub fn check_iterators(snapshot: &Snapshot, model: &Model) {
    let organizations = snapshot.organizations().map(|found| Record::from(&**found));
    let courses = snapshot
        .catalog_courses()
        .map(|found| Record::from(&**found));
    let runs = snapshot.course_runs().map(|found| Record::from(&**found));
    for (kind, found) in [
        (Kind::Organizations, organizations.collect::<Vec<_>>()),
        (Kind::Courses, courses.collect()),
        (Kind::Runs, runs.collect()),
    ] {
        let listing = Listing {
            kind,
            order: Order::Key,
            filter: Filter::default(),
        };
        assert_eq!(found, records(model, &listing));
    }
}

fn check_many(reads: &dyn Reads, model: &Model, keys: &[Key]) {
    let texts: Vec<_> = keys.iter().map(|key| model.given(key).text).collect();
    let found = reads.get_course_runs(&texts).map(|runs| {
        let runs = runs.iter();
        runs.map(|run| run.as_ref().map(|run| Record::from(&**run)))
            .collect()
    });
    let expected = keys.iter().map(|key| match model.find_run(key) {
        Ok(name) => Ok(Some(model.run_record(&name))),
        Err(broken) if broken == [Refusal::NotFound(Entity::CourseRun)] => Ok(None),
        Err(broken) => Err(broken),
    });
    check(found, expected.collect::<Result<Vec<_>, _>>());
}

fn check_references(reads: &dyn Reads, model: &Model, subject: &Subject) {
    let text = subject_text(model, subject);
    let found = reads.list_references(&text);
    let expected = model.referrers(subject);
    check(
        found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>()),
        expected.map(|referrers| referrers.iter().cloned().collect()),
    );
}

fn check_search(reads: &dyn Reads, model: &Model, text: &str, limit: usize) {
    let found = reads.search(text, limit);
    if !(1..=1_000).contains(&limit) {
        return check(found.map(drop), Err(vec![Refusal::Invalid(Field::Limit)]));
    }
    let found = found.unwrap();
    for (kind, shown) in [
        (Kind::Courses, Shown::from(found.catalog_courses)),
        (Kind::Runs, Shown::from(found.course_runs)),
    ] {
        let filter = Filter {
            text: text.to_owned(),
            ..Filter::default()
        };
        let order = Order::Key;
        let listing = Listing {
            kind,
            order,
            filter,
        };
        let (records, next) = model.page(&listing, limit, None);
        assert_eq!(shown.records(), records);
        assert_eq!(shown.next.is_some(), next.is_some());
        // The rest is found where the search says that it goes on.
        if let (Some(cursor), Some(place)) = (shown.next, next) {
            let rest = page(reads, &listing, 1_000, Some(cursor)).unwrap();
            assert_eq!(rest.records(), model.page(&listing, 1_000, Some(&place)).0);
        }
    }
}

fn records(model: &Model, listing: &Listing) -> Vec<Record> {
    let listed = model.list(listing).into_iter();
    listed.map(|listed| listed.record).collect()
}

fn views(runs: &[Arc<CourseRun>]) -> Vec<Record> {
    runs.iter().map(|run| Record::from(&**run)).collect()
}

fn key_str(model: &Model, codes: &Codes) -> String {
    let (org, code) = model.codes(codes);
    format!("catalog-course:{org}:{code}")
}

pub fn subject_text(model: &Model, subject: &Subject) -> String {
    match subject {
        Subject::Course(codes) => key_str(model, codes),
        Subject::Run(key) => model.given(key).text,
    }
}
