//! What is measured, one after the other: filling, opening, the reads of the catalog as it was
//! filled, then its writes.

use std::fmt::Display;
use std::io::Cursor;
use std::time::Instant;

use super::super::failure::Failure;
use super::super::progress::StopFlag;
use super::data::Data;
use super::disk::Place;
use super::report::{Operation, Report};
use super::timing::{BATCH, Pace, Timing};
use crate::transfer::{Format, Import, Watch};
use crate::{Catalog, CourseQuery, Error, Order};

/// Measures all of it, in a place where there is nothing yet.
pub(super) fn measure_all(place: &Place, pace: &Pace, report: &mut Report) -> Result<(), Failure> {
    let data = Data::with_runs(report.runs() as usize);
    let catalog = Catalog::open(place.catalog())?;
    let operation = Operation::new("import", "bulk import, a run");
    report.measure(pace, operation, || import(&catalog, &data, pace))?;

    // The last handle closes it.
    drop(catalog);
    let operation = Operation::new("open", "open, after a clean close");
    report.measure(pace, operation, || open(place, pace))?;

    let catalog = Catalog::open(place.catalog())?;
    reads(&catalog, &data, pace, report)?;

    // Just before what it is to be compared with: disks change their pace.
    let operation = Operation::new("fdatasync", "append and fdatasync");
    report.measure(pace, operation, || place.time_appends(pace))?;
    writes(&catalog, &data, pace, report)
}

fn import(catalog: &Catalog, data: &Data, pace: &Pace) -> Result<Timing, Failure> {
    let rows = Cursor::new(data.json_lines());
    let mut watch = Stopping(&pace.stop);
    let start = Instant::now();
    let imported = Import::new().run(catalog, Format::PlainLines, rows, &mut watch);
    let elapsed = start.elapsed();
    let report = imported.map_err(|error| went_wrong("import", error.problem))?;
    if report.rejected() > 0 {
        return Err(went_wrong("import", report));
    }
    Timing::of_whole(report.rows, elapsed)
}

fn open(place: &Place, pace: &Pace) -> Result<Timing, Failure> {
    let path = place.catalog();
    pace.samples(1, || {
        let start = Instant::now();
        let catalog = Catalog::open(&path)?;
        let took = start.elapsed();
        drop(catalog);
        Ok(took)
    })
}

fn reads(catalog: &Catalog, data: &Data, pace: &Pace, report: &mut Report) -> Result<(), Failure> {
    let mut reader = catalog.reader();
    let keys = &data.run_keys;
    let courses = &data.course_keys;

    let operation = Operation::new("get_course_run", "get run by key").in_batches(BATCH);
    report.measure(pace, operation, || {
        pace.repeat(BATCH, |n| Ok(reader.get_course_run(&keys[n % keys.len()])?))
    })?;

    let operation = Operation::new("get_catalog_course", "get course by key").in_batches(BATCH);
    report.measure(pace, operation, || {
        pace.repeat(BATCH, |n| {
            Ok(reader.get_catalog_course(&courses[n % courses.len()])?)
        })
    })?;

    let operation = Operation::new("runs_of_course", "runs of a course (20)").in_batches(BATCH);
    report.measure(pace, operation, || {
        pace.repeat(
            BATCH,
            |n| Ok(reader.list_runs(&courses[n % courses.len()])?),
        )
    })?;

    let operation = Operation::new("page_of_50_courses", "page of 50 courses");
    report.measure(pace, operation, || {
        pace.repeat(1, |n| {
            let org = data.courses[n % courses.len()].org.as_str();
            let query = CourseQuery::new().org(org).order(Order::Key).limit(50);
            Ok(reader.list_catalog_courses(&query)?)
        })
    })?;

    let operation = Operation::new("search", "text search, two words");
    report.measure(pace, operation, || {
        pace.repeat(1, |n| {
            let course = &data.courses[n % courses.len()];
            let words = format!("{} {}", course.code, course.org);
            Ok(reader.search(&words, 20)?)
        })
    })?;

    let operation = Operation::new("get_100_course_runs", "get 100 runs in one call");
    report.measure(pace, operation, || {
        pace.repeat(1, |n| {
            let hundreds = keys.len() / 100;
            let hundred = &keys[n % hundreds * 100..][..100];
            Ok(reader.get_course_runs(hundred)?)
        })
    })
}

fn writes(catalog: &Catalog, data: &Data, pace: &Pace, report: &mut Report) -> Result<(), Failure> {
    let keys = &data.run_keys;

    let operation = Operation::new("delete_course_refused", "delete course, refused");
    report.measure(pace, operation, || {
        pace.repeat(1, |n| {
            match catalog.delete_catalog_course(&data.course_keys[n % data.course_keys.len()]) {
                Err(Error::Protected { .. }) => Ok(()),
                Err(error) => Err(error.into()),
                Ok(()) => Err(went_wrong("delete", "a course that has runs was deleted")),
            }
        })
    })?;

    let operation = Operation::new("sync_title", "sync title, durable");
    report.measure(pace, operation, || {
        pace.repeat(1, |n| {
            // One that it has not had: nothing would be written.
            let title = format!("A new title, number {n}");
            Ok(catalog.sync_course_run_details(&keys[n % keys.len()], &title)?)
        })
    })?;

    for (callers, title) in [
        (1, "create run, durable, 1 caller"),
        (16, "create run, durable, 16 callers"),
        (64, "create run, durable, 64 callers"),
    ] {
        let operation = Operation::new("create_run_durable", title).by(callers);
        report.measure(pace, operation, || {
            pace.callers(callers, |n| {
                let course = &data.courses[n % data.courses.len()];
                let key = course.run_key(&format!("New_{callers}_{n}"));
                let title = "An Introduction to Measuring";
                Ok(catalog.create_course_run_for_modulestore_course_with(key, title, "")?)
            })
        })?;
    }
    Ok(())
}

/// What cannot happen to the records that are measured, unless something is wrong with coursecat.
fn went_wrong(doing: &str, what: impl Display) -> Failure {
    Failure::other(format!(
        "The {doing} that was to be measured went wrong: {what}."
    ))
}

/// Watches for Ctrl-C only.
struct Stopping<'a>(&'a StopFlag);

impl Watch for Stopping<'_> {
    fn should_stop(&mut self) -> bool {
        self.0.is_set()
    }
}
