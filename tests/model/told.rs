//! The change feed: what the model says has changed, and what the catalog tells.

use std::collections::BTreeMap;
use std::fmt::Display;

use coursecat::{CatalogCourse, ChangeEvent, ChangedRecord, Error, Field, Organization, Referred};

use crate::model::{Course, CourseName, Model, Org, Run, Serial};
use crate::reads::Reads;

/// One event in words, both records in full.
fn line(
    sequence: usize,
    time: i64,
    kind: &str,
    entity: &str,
    key: &str,
    [before, after]: [Option<String>; 2],
) -> String {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    format!("{sequence} {time} {kind} {entity} {key}: {before:?} -> {after:?}")
}

/// What has happened between two states of the model, which one write lies between, in the order in
/// which a write does things.
pub fn between(before: &Model, after: &Model, time: i64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |entity, changes: Vec<(String, [Option<String>; 2])>| {
        for (key, texts) in changes {
            let kind = match &texts {
                [None, _] => "created",
                [_, None] => "deleted",
                _ => "updated",
            };
            let sequence = after.told.len() + lines.len() + 1;
            lines.push(line(sequence, time, kind, entity, &key, texts));
        }
    };
    tell("organization", changed(orgs(before), orgs(after)));
    tell("catalog_course", changed(courses(before), courses(after)));
    tell("course_run", changed(runs(before), runs(after)));
    tell("reference", changed(references(before), references(after)));
    lines
}

/// The records whose text is another, with the key that they have at last. What follows from
/// another record (the organization's name in a course) is no part of a text.
fn changed<K: Ord>(
    mut before: BTreeMap<K, [String; 3]>,
    after: BTreeMap<K, [String; 3]>,
) -> Vec<(String, [Option<String>; 2])> {
    let mut found = Vec::new();
    for (id, [key, text, own]) in after {
        match before.remove(&id) {
            Some([_, _, own_before]) if own_before == own => {}
            Some([_, text_before, _]) => found.push((key, [Some(text_before), Some(text)])),
            None => found.push((key, [None, Some(text)])),
        }
    }
    let gone = before.into_values();
    found.extend(gone.map(|[key, text, _]| (key, [Some(text), None])));
    found
}

/// Key, text, and what of the text is the record's own.
fn orgs(model: &Model) -> BTreeMap<Serial, [String; 3]> {
    let of = |org: &Org| {
        let text = org_text(&org.short_name, &org.name, org.active, org.created);
        [org.short_name.clone(), text.clone(), text]
    };
    model
        .orgs
        .values()
        .map(|org| (org.serial, of(org)))
        .collect()
}

fn courses(model: &Model) -> BTreeMap<Serial, [String; 3]> {
    let of = |(name, course): (&CourseName, &Course)| {
        let org = &model.orgs[&name.0].short_name;
        let key = format!("catalog-course:{org}:{}", course.code);
        let own = format!("{} {} {}", course.title, course.language, course.created);
        [key, format!("{org} {} {own}", course.code), own]
    };
    let courses = model.courses.iter();
    courses.map(|entry| (entry.1.serial, of(entry))).collect()
}

fn runs(model: &Model) -> BTreeMap<Serial, [String; 3]> {
    let of = |run: &Run| {
        let course = &model.courses[&run.course];
        let org = &model.orgs[&run.course.0].short_name;
        let own = format!("{} {}", run.title, run.created);
        let key = &run.name.stored;
        let text = format!("{key} {own} of catalog-course:{org}:{}", course.code);
        [key.clone(), text, own]
    };
    model
        .runs
        .values()
        .map(|run| (run.serial, of(run)))
        .collect()
}

fn references(model: &Model) -> BTreeMap<(Serial, String), [String; 3]> {
    let keys = courses(model).into_iter().chain(runs(model));
    let keys: BTreeMap<Serial, String> = keys.map(|(serial, [key, ..])| (serial, key)).collect();
    let of_courses = model.courses.values().map(|c| (c.serial, &c.referrers));
    let of_runs = model.runs.values().map(|run| (run.serial, &run.referrers));
    let mut found = BTreeMap::new();
    for (serial, referrers) in of_courses.chain(of_runs) {
        for referrer in referrers {
            let text = [keys[&serial].clone(), referrer.clone(), String::new()];
            found.insert((serial, referrer.clone()), text);
        }
    }
    found
}

fn org_text(short_name: &str, name: &str, active: bool, created: impl Display) -> String {
    format!("{short_name} {name} {active} {created}")
}

/// What the catalog tells, in the words of the model.
fn in_words(event: &ChangeEvent) -> String {
    let org = |org: &Organization| {
        let created = org.created.as_micros();
        org_text(
            org.short_name.as_str(),
            org.name.as_str(),
            org.active,
            created,
        )
    };
    let course = |course: &CatalogCourse| {
        let own = format!(
            "{} {} {}",
            course.title,
            course.language,
            course.created.as_micros()
        );
        format!("{} {} {own}", course.org, course.course_code)
    };
    let texts = match &event.record {
        ChangedRecord::Organization(of) => [&of.before, &of.after].map(|r| r.as_deref().map(org)),
        ChangedRecord::CatalogCourse(of) => {
            [&of.before, &of.after].map(|record| record.as_deref().map(course))
        }
        ChangedRecord::CourseRun {
            versions,
            catalog_course,
        } => [&versions.before, &versions.after].map(|run| {
            run.as_deref().map(|run| {
                let own = format!("{} {}", run.title, run.created.as_micros());
                assert_eq!(run.catalog_course_id, catalog_course.id);
                format!("{} {own} of {}", run.course_key, catalog_course.key())
            })
        }),
        ChangedRecord::Reference {
            to,
            referrer,
            added,
        } => {
            let key = match to {
                Referred::CatalogCourse(course) => course.key().to_string(),
                Referred::CourseRun(run) => run.course_key.to_string(),
                _ => unreachable!(),
            };
            assert_eq!(key, event.key());
            let text = Some(referrer.to_string());
            if *added { [None, text] } else { [text, None] }
        }
        _ => unreachable!(),
    };
    line(
        usize::try_from(event.sequence).unwrap(),
        event.time.as_micros(),
        event.kind().as_str(),
        event.entity().as_str(),
        &event.key(),
        texts,
    )
}

/// Compares what is kept of the feed, or only the end of it, and asks for what there is not.
pub fn check(reads: &dyn Reads, model: &Model, all: bool) {
    let told = model.told.len() as u64;
    assert_eq!(reads.latest_change(), told);
    let oldest = reads.oldest_change();
    let mut since = oldest - 1;
    if !all {
        since = since.max(told.saturating_sub(10));
    }
    loop {
        // Pages of a length that ends anywhere in a row.
        let changes = reads.changes_since(since, 7).unwrap();
        assert_eq!(changes.latest, told);
        let at = usize::try_from(since).unwrap();
        let expected = model.told[at..].iter().take(7);
        let lines: Vec<_> = changes.events.iter().map(in_words).collect();
        assert!(lines.iter().eq(expected), "{lines:#?} of {:#?}", model.told);
        assert_eq!(changes.next, since + lines.len() as u64);
        since = changes.next;
        if lines.is_empty() {
            break;
        }
    }
    assert_eq!(since, told);
    if let Some(gone) = oldest.checked_sub(2) {
        let error = reads.changes_since(gone, 1).unwrap_err();
        let Error::Compacted {
            since,
            oldest: left,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((since, left), (gone, oldest));
    }
    let error = reads.changes_since(told + 1, 1).unwrap_err();
    assert!(matches!(error, Error::Invalid(invalid) if invalid.field == Field::Since));
}
