//! A replica: what a catalog holds, known from its change feed alone.

// Each test takes in the whole module and uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;

use coursecat::{ChangeEvent, ChangeKind, ChangedRecord, Snapshot};

/// Records by kind and key, in words. No organization may be renamed meanwhile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replica {
    position: u64,
    records: BTreeMap<(&'static str, String), String>,
}

impl Replica {
    /// Reads what there is to read.
    pub(crate) fn follow(&mut self, snapshot: &Snapshot) {
        loop {
            let changes = snapshot.changes_since(self.position, 1_000).unwrap();
            if changes.events.is_empty() {
                return;
            }
            for event in &changes.events {
                self.apply(event);
            }
        }
    }

    /// Takes one change, which must be the next, and must be about what was told before.
    pub(crate) fn apply(&mut self, event: &ChangeEvent) {
        assert_eq!(event.sequence, self.position + 1);
        self.position = event.sequence;
        let [before, after] = texts(event);
        let place = (event.entity().as_str(), place_of(event));
        let known = match after {
            Some(after) => self.records.insert(place, after),
            None => self.records.remove(&place),
        };
        assert_eq!(known, before, "{event:?}");
        let was_there = event.kind() != ChangeKind::Created;
        assert_eq!(known.is_some(), was_there, "{event:?}");
    }

    /// Compares with what there is.
    pub(crate) fn check(&self, snapshot: &Snapshot) {
        let mut there = BTreeMap::new();
        let mut references = |key: String| {
            for referrer in snapshot.list_references(&key).unwrap() {
                there.insert(("reference", format!("{referrer} to {key}")), String::new());
            }
        };
        for course in snapshot.catalog_courses() {
            references(course.key().to_string());
        }
        for run in snapshot.course_runs() {
            references(run.course_key.to_string());
        }
        for organization in snapshot.organizations() {
            let key = organization.short_name.to_string();
            there.insert(("organization", key), format!("{organization:?}"));
        }
        for course in snapshot.catalog_courses() {
            let key = course.key().to_string();
            there.insert(("catalog_course", key), format!("{course:?}"));
        }
        for run in snapshot.course_runs() {
            let key = run.course_key.to_string();
            there.insert(("course_run", key), format!("{run:?}"));
        }
        assert_eq!(self.position, snapshot.latest_change());
        assert!(self.records == there, "{:#?} but {there:#?}", self.records);
    }
}

fn place_of(event: &ChangeEvent) -> String {
    match &event.record {
        ChangedRecord::Reference { referrer, .. } => format!("{referrer} to {}", event.key()),
        _ => event.key(),
    }
}

fn texts(event: &ChangeEvent) -> [Option<String>; 2] {
    fn of<T: std::fmt::Debug>(record: &Option<T>) -> Option<String> {
        record.as_ref().map(|record| format!("{record:?}"))
    }
    match &event.record {
        ChangedRecord::Organization(versions) => [of(&versions.before), of(&versions.after)],
        ChangedRecord::CatalogCourse(versions) => [of(&versions.before), of(&versions.after)],
        ChangedRecord::CourseRun { versions, .. } => [of(&versions.before), of(&versions.after)],
        ChangedRecord::Reference { added: true, .. } => [None, Some(String::new())],
        ChangedRecord::Reference { .. } => [Some(String::new()), None],
        other => panic!("{other:?}"),
    }
}
