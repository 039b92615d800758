//! The bytes of the format, held fast: FORMAT.md promises them, and stores that exist have them.
//!
//! When a test here fails, the format has changed: that takes a new version, not a new number here.

use std::sync::Arc;

use super::changes::changes_row;
use super::records::{Row, course_rows, organization_rows, reference_row, run_rows};
use super::{Digest, Ledger, hex};
use crate::image::{ChangeEvent, ChangedRecord, FeedPage, Referred, Versions};
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject, Timestamp};

fn organization() -> Organization {
    Organization {
        id: OrganizationId::new(1),
        short_name: "MITx".to_owned().try_into().unwrap(),
        name: "MIT".to_owned().try_into().unwrap(),
        active: false,
        created: Timestamp::from_micros(0).unwrap(),
    }
}

fn course() -> CatalogCourse {
    CatalogCourse {
        id: CatalogCourseId::new(300),
        organization_id: OrganizationId::new(1),
        org: "MITx".to_owned().try_into().unwrap(),
        course_code: "École 1".to_owned().try_into().unwrap(),
        title: "Écoles".to_owned().try_into().unwrap(),
        language: "fr-ca".parse().unwrap(),
        created: "2026-06-08T00:00:00.000001Z".parse().unwrap(),
    }
}

fn run() -> CourseRun {
    CourseRun {
        id: CourseRunId::new(70_000),
        catalog_course_id: CatalogCourseId::new(300),
        course_key: "ccx-v1:MITx+Math+R+ccx@1".parse().unwrap(),
        title: "T".to_owned().try_into().unwrap(),
        created: "1969-12-31T23:59:59.999999Z".parse().unwrap(),
    }
}

fn shown(row: &Row) -> String {
    format!("{} {} {}", row.tree, hex(&row.key), hex(&row.value))
}

/// Events of every kind that there is, two of them about a run and a reference to it.
fn changes() -> FeedPage {
    let organization = Arc::new(organization());
    let active = Arc::new(Organization {
        active: true,
        ..Organization::clone(&organization)
    });
    let (course, run) = (Arc::new(course()), Arc::new(run()));
    let of_run = |versions| ChangedRecord::CourseRun {
        versions,
        catalog_course: Arc::clone(&course),
    };
    let reference = |to, added| ChangedRecord::Reference {
        to,
        referrer: Referrer::new("Enrol").unwrap(),
        added,
    };
    let records = [
        ChangedRecord::Organization(Versions::created(Arc::clone(&organization))),
        ChangedRecord::Organization(Versions::updated(Arc::clone(&organization), active)),
        ChangedRecord::Organization(Versions::deleted(organization)),
        ChangedRecord::CatalogCourse(Versions::created(Arc::clone(&course))),
        ChangedRecord::CatalogCourse(Versions::updated(Arc::clone(&course), Arc::clone(&course))),
        ChangedRecord::CatalogCourse(Versions::deleted(Arc::clone(&course))),
        of_run(Versions::created(Arc::clone(&run))),
        of_run(Versions::updated(Arc::clone(&run), Arc::clone(&run))),
        of_run(Versions::deleted(Arc::clone(&run))),
        reference(Referred::CatalogCourse(Arc::clone(&course)), true),
        reference(Referred::CourseRun(run), false),
    ];
    let times = [
        7, 7, 6, 1_000, 1_000, 1_000, 1_000, 70_000, 70_000, 70_000, 70_000,
    ];
    let events = records.into_iter().zip(times).zip(258..);
    let events = events.map(|((record, micros), sequence)| ChangeEvent {
        sequence,
        time: Timestamp::from_micros(micros).unwrap(),
        record,
    });
    FeedPage::new(events.collect()).unwrap()
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(organization_rows(&organization()));
    rows.extend(course_rows(&course()));
    rows.extend(run_rows(&run()));
    let referrer = Referrer::new("Enrol").unwrap();
    rows.push(reference_row(
        Subject::CatalogCourse(CatalogCourseId::new(300)),
        &referrer,
    ));
    rows.push(reference_row(
        Subject::CourseRun(CourseRunId::new(70_000)),
        &referrer,
    ));
    rows.push(changes_row(&changes()));
    rows
}

#[test]
fn rows_have_these_bytes() {
    let shown: Vec<String> = rows().iter().map(shown).collect();
    let golden = include_str!("golden.txt");
    assert_eq!(shown.join("\n"), golden.trim_end());
}

#[test]
fn the_ledger_has_these_bytes() {
    let mut ledger = Ledger::new();
    for row in rows() {
        ledger.add(row.tree, &row.key, &row.value);
    }
    ledger.sequence = 7;
    ledger.next_event = 269;
    ledger.folding = [17, 0, 0]; // Whatever this compiler has.
    assert_eq!(
        shown(&ledger.as_row()),
        include_str!("golden_ledger.txt").trim_end()
    );
    let read = Ledger::read(&ledger.as_row().key, &ledger.as_row().value);
    assert_eq!(read, Ok(ledger));
}

#[test]
fn a_ledger_of_format_1_is_read() {
    let golden = include_str!("golden_ledger_1.txt");
    let [_, key, value] = golden.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{golden}");
    };
    let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let read = Ledger::read(&bytes(key), &bytes(value)).unwrap();
    assert_eq!((read.sequence, read.next_event), (7, 2));
    // All that version 1 has is in version 2, which begins where that one does.
    let row = read.as_row();
    assert_eq!(row.value[5..9], bytes(value)[5..9]);
    assert_eq!(
        row.value[row.value.len() - 16..],
        bytes(value)[bytes(value).len() - 16..]
    );
}

#[test]
fn the_digest_does_not_depend_on_the_order_of_rows() {
    let sum = |rows: &mut dyn Iterator<Item = Row>| {
        let mut digest = Digest::default();
        rows.for_each(|row| digest.add(row.tree, &row.key, &row.value));
        digest
    };
    let forwards = sum(&mut rows().into_iter());
    assert_eq!(forwards, sum(&mut rows().into_iter().rev()));
    assert_ne!(forwards, sum(&mut rows().into_iter().skip(1)));
}
