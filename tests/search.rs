//! Promise: a search finds what looking at every record would find, in order, page by page, however
//! rare the words are and whatever was changed before.
//!
//! The catalog is large enough for a search to leave most courses out. Titles, codes and names have
//! letters whose case is odd. Words are pieces of what is there, or of what was there once.

#[path = "support/dice.rs"]
mod dice;

use std::sync::Arc;

use coursecat::{
    Catalog, CourseQuery, CreateCatalogCourse, CreateModulestoreRun, Cursor, EnsureOrganization,
    Order, Page, Pending, RunQuery, Snapshot, SyncCourseRun, Timestamp, UpdateCatalogCourse,
    UpdateOrganization, fold,
};
use dice::Dice;

const ORGS: u64 = 12;
/// The last one can be renamed.
const WITHOUT_RUNS: u64 = ORGS - 1;
const COURSES: u64 = 1_200;
const RUNS: u64 = 3_000;
const CHANGES: u64 = 500;
const SEARCHES: u64 = 100;

const WORDS: [&str; 16] = [
    "Algebra",
    "Thermo",
    "İstanbul",
    "\u{212a}elvin",
    "ÉCOLE",
    "straße",
    "ΟΔΟΣ",
    "a",
    "Part 1",
    "of",
    "Intro",
    "x:y",
    "Ω+Ω",
    "mitx",
    "ſoft",
    "😊",
];

#[test]
fn a_search_finds_what_looking_at_every_record_finds() {
    let mut dice = Dice::seeded();
    let catalog = filled(&mut dice);
    let mut words = words_of(&catalog.snapshot());
    change(&catalog, &mut dice);
    let snapshot = catalog.snapshot();
    words.extend(words_of(&snapshot));
    for _ in 0..SEARCHES {
        let mut text = piece(&words, &mut dice);
        if dice.below(2) == 0 {
            text = format!("{text} {}", piece(&words, &mut dice));
        }
        let org = (dice.below(3) == 0).then(|| org(dice.below(ORGS)));
        let limit = [1, 7, 100][dice.below(3) as usize];
        check(&snapshot, &text, org.as_deref(), limit);
    }
}

fn org(n: u64) -> String {
    format!("{}Org{n}", ["", "É", "\u{212a}"][n as usize % 3])
}

fn title(dice: &mut Dice) -> String {
    let word = |dice: &mut Dice| match dice.below(40) {
        0 => format!("rare{}", dice.below(1_000_000)),
        n => WORDS[n as usize % WORDS.len()].to_owned(),
    };
    format!("{} {}", word(dice), word(dice))
}

fn filled(dice: &mut Dice) -> Catalog {
    let catalog = Catalog::temporary().unwrap();
    wait(
        (0..ORGS)
            .map(|n| catalog.submit(EnsureOrganization::new(org(n))))
            .collect(),
    );
    let course = |n: u64| (org(n % ORGS), format!("C{n}.x"));
    let courses: Vec<_> = (0..COURSES)
        .map(|n| {
            let (org, code) = course(n);
            catalog.submit(CreateCatalogCourse::new(org, code).title(title(dice)))
        })
        .collect();
    wait(courses);
    let runs: Vec<_> = (0..RUNS)
        .map(|n| {
            let (org, code) = course(dice.below(COURSES / ORGS) * ORGS + dice.below(WITHOUT_RUNS));
            let key = format!("course-v1:{org}+{code}+{n}");
            let new = CreateModulestoreRun::new(key).imported(moment(dice));
            catalog.submit(match dice.below(2) {
                0 => new,
                _ => new.title(title(dice)),
            })
        })
        .collect();
    wait(runs);
    catalog
}

/// Few enough that some records share one.
fn moment(dice: &mut Dice) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + dice.below(1_000) as i64).unwrap()
}

fn change(catalog: &Catalog, dice: &mut Dice) {
    let snapshot = catalog.snapshot();
    let courses: Vec<_> = snapshot.catalog_courses().collect();
    let runs: Vec<_> = snapshot.course_runs().collect();
    for _ in 0..CHANGES {
        let course = courses[dice.below(courses.len() as u64) as usize];
        let run = runs[dice.below(runs.len() as u64) as usize];
        match dice.below(5) {
            0 | 1 => {
                let update = UpdateCatalogCourse::new(course.id).title(title(dice));
                catalog.submit(update).wait().unwrap();
            }
            2 | 3 => {
                let update = SyncCourseRun::new(run.course_key.as_str()).title(title(dice));
                // It may have been deleted.
                let _ = catalog.submit(update).wait();
            }
            _ => {
                let _ = catalog.delete_course_run(run.course_key.as_str());
            }
        }
    }
    for (from, to) in [(org(3), "ORG3"), (org(WITHOUT_RUNS), "Renamed")] {
        let rename = UpdateOrganization::new(from).short_name(to);
        catalog.submit(rename).wait().unwrap();
    }
}

fn wait<T>(pending: Vec<Pending<T>>) {
    for answer in pending {
        answer.wait().unwrap();
    }
}

fn words_of(snapshot: &Snapshot) -> Vec<String> {
    let mut words = Vec::new();
    for run in snapshot.course_runs() {
        words.extend(run.title.as_str().split_whitespace().map(str::to_owned));
        words.push(run.course_key.to_string());
        words.push(run.run_code().to_owned());
    }
    for course in snapshot.catalog_courses() {
        words.extend(course.title.as_str().split_whitespace().map(str::to_owned));
        words.push(course.course_code.to_string());
        words.push(course.org.to_string());
    }
    words
}

/// A word, or a part of one, in any case.
fn piece(words: &[String], dice: &mut Dice) -> String {
    let letters: Vec<char> = words[dice.below(words.len() as u64) as usize]
        .chars()
        .collect();
    let length = letters.len() as u64;
    let start = dice.below(length) * dice.below(2);
    let end = start + 1 + dice.below(length - start);
    let end = if dice.below(2) == 0 { length } else { end };
    let piece: String = letters[start as usize..end as usize].iter().collect();
    match dice.below(3) {
        0 => piece,
        1 => piece.to_uppercase(),
        _ => fold(&piece).into_owned(),
    }
}

fn check(snapshot: &Snapshot, text: &str, org: Option<&str>, limit: usize) {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| fold(word).into_owned())
        .collect();
    let all_occur = |texts: &[&str], key: &str| {
        let (texts, key): (Vec<_>, _) = (texts.iter().map(|text| fold(text)).collect(), fold(key));
        words.iter().all(|word| {
            let of_a_key = word.contains([':', '+', '/', '@']);
            texts.iter().any(|text| text.contains(word)) || of_a_key && key.contains(word)
        })
    };
    let of_org = |id| {
        org.is_none_or(|name| {
            snapshot
                .get_organization(name)
                .is_ok_and(|org| org.id == id)
        })
    };
    let mut courses: Vec<_> = snapshot
        .catalog_courses()
        .filter(|course| of_org(course.organization_id))
        .filter(|course| {
            all_occur(
                &[
                    course.title.as_str(),
                    course.course_code.as_str(),
                    course.org.as_str(),
                ],
                "",
            )
        })
        .cloned()
        .collect();
    let mut runs: Vec<_> = snapshot
        .course_runs()
        .filter(|run| of_org(snapshot.get_catalog_course_of(run).unwrap().organization_id))
        .filter(|run| {
            let key = &run.course_key;
            all_occur(
                &[run.title.as_str(), key.org(), key.course(), key.run()],
                key.as_str(),
            )
        })
        .cloned()
        .collect();

    let (mut course_query, mut run_query) =
        (CourseQuery::new().text(text), RunQuery::new().text(text));
    if let Some(org) = org {
        (course_query, run_query) = (course_query.org(org), run_query.org(org));
    }
    let what = format!("{text:?} of {org:?}");
    assert_eq!(
        snapshot.count_catalog_courses(&course_query),
        courses.len() as u64,
        "{what}"
    );
    assert_eq!(
        snapshot.count_course_runs(&run_query),
        runs.len() as u64,
        "{what}"
    );
    for order in [Order::Key, Order::Newest] {
        // Sorting is stable: those of one moment stay in the order of their keys.
        if order == Order::Newest {
            courses.sort_by_key(|course| std::cmp::Reverse(course.created));
            runs.sort_by(|a, b| {
                let key = |run: &coursecat::CourseRun| fold(run.course_key.as_str()).into_owned();
                b.created.cmp(&a.created).then_with(|| key(a).cmp(&key(b)))
            });
        }
        let course_query = course_query.clone().order(order).limit(limit);
        let found = pages(|after| {
            let query = course_query.clone().after(after);
            snapshot.list_catalog_courses(&query).unwrap()
        });
        assert_eq!(found, first(&courses, limit), "{what}, {order:?}");
        let run_query = run_query.clone().order(order).limit(limit);
        let found = pages(|after| {
            let query = run_query.clone().after(after);
            snapshot.list_course_runs(&query).unwrap()
        });
        assert_eq!(found, first(&runs, limit), "{what}, {order:?}");
    }
}

/// There may be very many.
const PAGES: usize = 20;

fn first<T>(all: &[T], limit: usize) -> &[T] {
    &all[..all.len().min(PAGES * limit)]
}

fn pages<T>(page: impl Fn(Option<Cursor>) -> Page<Arc<T>>) -> Vec<Arc<T>> {
    let mut found = Vec::new();
    let mut after = None;
    for _ in 0..PAGES {
        let page = page(after);
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found
}
