//! `coursecat search` and `coursecat stats`

use super::args::SearchArguments;
use super::failure::Failure;
use super::output::{Output, line, say};
use super::place::{CourseFilter, Part, RunFilter};
use super::session::Session;
use crate::Order;

/// As [`search`](crate::Snapshot::search) does, in the catalog of any place.
pub(super) fn search(session: &Session, arguments: &SearchArguments) -> Result<(), Failure> {
    let place = session.place()?;
    let text = arguments.words.join(" ");
    let part = Part {
        order: Order::Key,
        limit: arguments.limit,
        after: None,
    };
    let filter = CourseFilter {
        text: &text,
        ..CourseFilter::default()
    };
    let courses = place.list_courses(&filter, part.clone())?;
    let filter = RunFilter {
        text: &text,
        ..RunFilter::default()
    };
    let runs = place.list_runs(&filter, part)?;
    session.output.list(&courses.items)?;
    if session.output == Output::Table && !courses.items.is_empty() && !runs.items.is_empty() {
        line("")?;
    }
    session.output.list(&runs.items)?;
    if courses.items.is_empty() && runs.items.is_empty() {
        session.done("Nothing found.");
    }
    if courses.next.is_some() || runs.next.is_some() {
        say("There is more: raise --limit, or use course list --text and run list --text.");
    }
    Ok(())
}

pub(super) fn stats(session: &Session) -> Result<(), Failure> {
    let stats = session.place()?.stats()?;
    if session.output == Output::Json {
        return session.output.object(&stats);
    }
    line(&format!(
        "organizations    {}\ncatalog courses  {}\ncourse runs      {}\nreferences       {}\nbytes on disk    {}",
        stats.organizations,
        stats.catalog_courses,
        stats.course_runs,
        stats.references,
        stats.bytes_on_disk
    ))
}
