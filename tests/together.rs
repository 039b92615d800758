//! Promise: requests that are committed together are answered as if each had come after the answer to the
//! one before it, and leave the same behind.
//!
//! The writer applies most new runs to what readers see only while the disk writes them, so requests of one
//! group are planned before those ahead of them can be seen. Nobody may notice.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use coursecat::{
    Catalog, CourseQuery, CreateCatalogCourse, CreateCourseRun, CreateModulestoreRun,
    DeleteCatalogCourse, DeleteCourseRun, EnsureOrganization, Options, OrganizationQuery, Request,
    RunQuery, SyncCourseRun, Timestamp, UpdateOrganization,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A request by what it names, small enough a world for each to get in the way of others.
#[derive(Clone, Debug)]
enum Ask {
    Modulestore(String, &'static str, &'static str),
    Run(String, String, bool),
    Course(&'static str, &'static str),
    Title(String, &'static str),
    DeleteRun(String),
    DeleteCourse(&'static str, &'static str),
    Rename(&'static str, &'static str),
    Activate(&'static str, bool),
}

const LONG: &str = "a title of far too many letters: ..................................................................................................................................................................................................................................";

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let org = || select(&["Org", "oRG", "X", "Ж", "no good"][..]);
    let code = || select(&["C", "c", "D", "Dé", "DÉ"][..]);
    let key = || {
        let run = select(&["1", "2", "r", "R", "1+ccx@3", "1+ccx@4"][..]);
        (org(), code(), run).prop_map(|(org, code, run)| {
            let scheme = if run.contains("ccx") {
                "ccx-v1"
            } else {
                "course-v1"
            };
            format!("{scheme}:{org}+{code}+{run}")
        })
    };
    let title = || select(&["", "", "T", "U", LONG][..]);
    let ask = prop_oneof![
        20 => (key(), title(), select(&["", "", "fr", "none such"][..]))
            .prop_map(|(key, title, language)| Ask::Modulestore(key, title, language)),
        2 => (key(), org(), code(), any::<bool>()).prop_map(|(key, org, code, is_foreign)| {
            Ask::Run(key, format!("catalog-course:{org}:{code}"), is_foreign)
        }),
        1 => (org(), code()).prop_map(|(org, code)| Ask::Course(org, code)),
        1 => (key(), title()).prop_map(|(key, title)| Ask::Title(key, title)),
        1 => key().prop_map(Ask::DeleteRun),
        1 => (org(), code()).prop_map(|(org, code)| Ask::DeleteCourse(org, code)),
        1 => (org(), org()).prop_map(|(org, other)| Ask::Rename(org, other)),
        1 => (org(), any::<bool>()).prop_map(|(org, active)| Ask::Activate(org, active)),
    ];
    prop::collection::vec(ask, 1..60)
}

/// Hands over a request. Its answer is waited for when that is asked for.
fn hand_over<R: Request>(catalog: &Catalog, request: R) -> Box<dyn FnOnce() -> String>
where
    R::Answer: std::fmt::Debug,
{
    let pending = catalog.submit(request);
    Box::new(|| format!("{:?}", pending.wait()))
}

fn ask(catalog: &Catalog, ask: &Ask) -> Box<dyn FnOnce() -> String> {
    match ask {
        Ask::Modulestore(key, title, language) => {
            let request = CreateModulestoreRun::new(key).title(*title);
            hand_over(catalog, request.language_short(*language))
        }
        Ask::Run(key, course, is_foreign) => {
            let run_code = key.rsplit('+').next().unwrap_or_default();
            let request = CreateCourseRun::new(course.as_str(), run_code);
            // A run may have a key with the codes of another course.
            if *is_foreign {
                hand_over(catalog, request.course_key(key))
            } else {
                hand_over(catalog, request)
            }
        }
        Ask::Course(org, code) => hand_over(catalog, CreateCatalogCourse::new(*org, *code)),
        Ask::Title(key, title) => {
            hand_over(catalog, SyncCourseRun::new(key.as_str()).title(*title))
        }
        Ask::DeleteRun(key) => hand_over(catalog, DeleteCourseRun::new(key.as_str())),
        Ask::DeleteCourse(org, code) => hand_over(catalog, DeleteCatalogCourse::new((*org, *code))),
        Ask::Rename(org, other) => {
            hand_over(catalog, UpdateOrganization::new(*org).short_name(*other))
        }
        Ask::Activate(org, active) => {
            hand_over(catalog, UpdateOrganization::new(*org).active(*active))
        }
    }
}

/// A catalog whose writer asks for the time, and waits until it may have it; and how often it has asked.
fn open() -> (Catalog, Sender<()>, Arc<AtomicUsize>) {
    let noon = Timestamp::from_micros(1_790_000_000_000_000).unwrap();
    let (may_pass, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let clock = move || {
        count.fetch_add(1, Relaxed);
        // Lets everybody pass once the sender is gone.
        let _ = gate.lock().unwrap().recv();
        noon
    };
    let catalog = Options::new().clock(clock).temporary().unwrap();
    (catalog, may_pass, asked)
}

/// All that a catalog has, and all that it has told.
fn all(catalog: &Catalog) -> String {
    assert!(catalog.verify().unwrap().is_clean());
    let organizations = catalog
        .list_organizations(&OrganizationQuery::new())
        .unwrap();
    format!(
        "{organizations:#?} {:#?} {:#?} {:#?}",
        catalog.list_catalog_courses(&CourseQuery::new()).unwrap(),
        catalog.list_course_runs(&RunQuery::new()).unwrap(),
        catalog.changes_since(0, 1_000).unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn together_is_as_one_by_one(asks in asks()) {
        let (single, may_pass, _) = open();
        drop(may_pass);
        single.ensure_organization("Held").unwrap();
        let one_by_one: Vec<_> = asks.iter().map(|what| ask(&single, what)()).collect();

        // The writer waits with the first request until all the others are in its queue.
        let (crowded, may_pass, asked) = open();
        let first = crowded.submit(EnsureOrganization::new("Held"));
        let pending: Vec<_> = asks.iter().map(|what| ask(&crowded, what)).collect();
        drop(may_pass);
        first.wait().unwrap();
        let together: Vec<_> = pending.into_iter().map(|answer| answer()).collect();
        prop_assert!(asked.load(Relaxed) <= asks.len() + 1, "at most once for each request");

        for ((what, apart), together) in asks.iter().zip(&one_by_one).zip(&together) {
            prop_assert_eq!(apart, together, "{:?}", what);
        }
        prop_assert_eq!(all(&single), all(&crowded));
    }
}
