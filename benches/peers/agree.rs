//! All peers give the same answers to the same questions, or nothing is measured.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::data::RUNS_A_COURSE;
use crate::measure::{Bench, empty_course};
use crate::peer::{Listings as _, Lookups, Peer};
use crate::record::{Answer as _, Deletion};
use crate::subject::{Role, Subject};

/// Answers by question, as text.
pub(crate) type Answers = BTreeMap<String, String>;

/// How many questions of each kind.
const QUESTIONS: usize = 25;

fn tell(answers: &mut Answers, question: String, answer: &impl Debug) {
    answers.insert(question, format!("{answer:?}"));
}

/// The answers to what a map of records can answer, too.
pub(crate) fn of_lookups(bench: &Bench, reader: &mut impl Lookups) -> Answers {
    let mut answers = Answers::new();
    let mut run = |key: &str| reader.run(key).map(|run| run.record());
    for key in bench.questions.keys.first(QUESTIONS) {
        tell(&mut answers, format!("run {key}"), &run(key));
        let other = key.to_uppercase().replacen("COURSE-V1", "course-v1", 1);
        tell(
            &mut answers,
            format!("run in another case {other}"),
            &run(&other),
        );
        let missing = format!("{key}9");
        tell(&mut answers, format!("run {missing}"), &run(&missing));
    }
    for key in bench.questions.parsed.first(QUESTIONS) {
        let run = reader.run_parsed(key).map(|run| run.record());
        tell(&mut answers, format!("parsed {key}"), &run);
    }
    let mut keys = bench.questions.keys.first(QUESTIONS).to_vec();
    keys.push("course-v1:Nobody+Nothing+Never".to_owned());
    let runs: Vec<_> = reader
        .runs(&keys)
        .iter()
        .map(|run| run.as_ref().map(|run| run.record()))
        .collect();
    tell(&mut answers, "many runs".to_owned(), &runs);
    for key in bench.questions.course_keys.first(QUESTIONS) {
        let course = reader.course(key).map(|course| course.record());
        tell(&mut answers, format!("course {key}"), &course);
    }
    for (org, code) in bench.questions.codes.first(QUESTIONS) {
        let course = reader.course_coded(org, code).map(|course| course.record());
        tell(&mut answers, format!("course coded {org} {code}"), &course);
        let other = code.to_lowercase();
        let course = reader
            .course_coded(org, &other)
            .map(|course| course.record());
        tell(
            &mut answers,
            format!("course in another case {org} {other}"),
            &course,
        );
    }
    answers
}

/// The answers of a whole catalog. Writes a little, the same to each.
pub(crate) fn of_catalog<P: Peer>(bench: &Bench, peer: &P) -> Answers {
    write_a_little(bench, peer);
    let mut reader = peer.reader();
    let mut answers = of_lookups(bench, &mut reader);
    for (org, code) in bench.questions.codes.first(QUESTIONS) {
        let runs: Vec<_> = reader
            .runs_of(org, code)
            .iter()
            .map(|run| run.record())
            .collect();
        assert!(
            runs.len() >= RUNS_A_COURSE.min(bench.data.runs % RUNS_A_COURSE),
            "{org} {code}"
        );
        tell(&mut answers, format!("runs of {org} {code}"), &runs);
        let org = org.to_uppercase();
        let course = reader
            .course_coded(&org, code)
            .map(|course| course.record());
        tell(
            &mut answers,
            format!("course of an organization in another case {org} {code}"),
            &course,
        );
    }
    for org in bench.questions.orgs.first(QUESTIONS) {
        let courses = reader.courses_of(org, 50);
        let courses: Vec<_> = courses.iter().map(|course| course.record()).collect();
        tell(&mut answers, format!("courses of {org}"), &courses);
    }
    for text in bench.questions.searches.first(QUESTIONS) {
        let (courses, runs) = reader.search(text, 20);
        let courses: Vec<_> = courses.iter().map(|course| course.record()).collect();
        let runs: Vec<_> = runs.iter().map(|run| run.record()).collect();
        assert!(!courses.is_empty() && !runs.is_empty(), "{text:?} is there");
        tell(&mut answers, format!("search {text}"), &(courses, runs));
    }
    answers
}

/// Creates, changes and deletes; what must come of it, comes.
fn write_a_little<P: Peer>(bench: &Bench, peer: &P) {
    let existing = bench.data.new_run_of(7, usize::MAX);
    let of_new_course = bench.data.run_of_new_course(usize::MAX);
    let new = [existing, of_new_course];
    let name = P::NAME;
    assert_eq!(peer.create(&new), 2, "{name} creates what is new");
    assert_eq!(peer.create(&new), 0, "{name} leaves what exists");
    for new in &new {
        let found = peer.reader().run(&new.key).map(|run| run.record());
        assert_eq!(found, Some(new.run()), "{name} finds what was created");
    }
    peer.sync_title(&new[0].key, "Another title");
    let found = peer.reader().run(&new[0].key).map(|run| run.record().title);
    assert_eq!(
        found.as_deref(),
        Some("Another title"),
        "{name} keeps the title"
    );

    let (org, code) = bench.questions.codes.nth(0);
    let refused = peer.delete_course(org, code);
    assert_eq!(
        refused,
        Deletion::Protected,
        "{name} protects a course with runs"
    );
    let empty = empty_course(org, usize::MAX);
    peer.create_courses(std::slice::from_ref(&empty));
    assert!(
        peer.reader().course_coded(org, &empty.code).is_some(),
        "{name}"
    );
    assert_eq!(
        peer.delete_course(org, &empty.code),
        Deletion::Done,
        "{name}"
    );
    assert!(
        peer.reader().course_coded(org, &empty.code).is_none(),
        "{name}"
    );
}

/// Compares the answers of all with those of the first.
///
/// # Panics
/// If one answers otherwise.
pub(crate) fn check(subjects: &[Box<dyn Subject>], bench: &Bench) {
    let mut first: Option<(&str, Answers)> = None;
    for subject in subjects {
        if subject.role() == Role::DiskCeiling {
            continue;
        }
        let answers = subject.answers(bench);
        let Some((name, expected)) = &first else {
            first = Some((subject.name(), answers));
            continue;
        };
        for (question, answer) in &answers {
            let expected = &expected[question];
            assert_eq!(
                answer,
                expected,
                "{} and {name} differ about: {question}",
                subject.name()
            );
        }
    }
}
