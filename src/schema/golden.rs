//! The bytes of the format, held fast: FORMAT.md promises them, and stores that exist have them.
//!
//! When a test here fails, the format has changed: that takes a new version, not a new number here.

use super::records::{Row, course_rows, organization_rows, reference_row, run_rows};
use super::{Digest, Ledger, hex};
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
    ledger.folding = [17, 0, 0]; // Whatever this compiler has.
    assert_eq!(
        shown(&ledger.as_row()),
        include_str!("golden_ledger.txt").trim_end()
    );
    let read = Ledger::read(&ledger.as_row().key, &ledger.as_row().value);
    assert_eq!(read, Ok(ledger));
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
