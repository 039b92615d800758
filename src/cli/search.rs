//! `coursecat search` and `coursecat stats`

use super::args::SearchArguments;
use super::failure::Failure;
use super::output::{Output, line, say};
use super::session::Session;
use super::view::{CourseView, RunView};

pub(super) fn search(session: &Session, arguments: &SearchArguments) -> Result<(), Failure> {
    let snapshot = session.open()?.snapshot();
    let found = snapshot.search(&arguments.words.join(" "), arguments.limit)?;
    let courses: Vec<_> = found
        .catalog_courses
        .items
        .iter()
        .map(|course| CourseView::of(course, &snapshot))
        .collect();
    let runs: Vec<_> = found
        .course_runs
        .items
        .iter()
        .map(|run| RunView::of(run, &snapshot))
        .collect();
    session.output.list(&courses)?;
    if session.output == Output::Table && !courses.is_empty() && !runs.is_empty() {
        line("")?;
    }
    session.output.list(&runs)?;
    if courses.is_empty() && runs.is_empty() {
        session.done("Nothing found.");
    }
    if found.catalog_courses.next.is_some() || found.course_runs.next.is_some() {
        say("There is more: raise --limit, or use course list --text and run list --text.");
    }
    Ok(())
}

pub(super) fn stats(session: &Session) -> Result<(), Failure> {
    let catalog = session.open()?;
    let stats = catalog.stats();
    let bytes = catalog.size_on_disk()?;
    if session.output == Output::Json {
        return session.output.object(&serde_json::json!({
            "organizations": stats.organizations,
            "catalog_courses": stats.catalog_courses,
            "course_runs": stats.course_runs,
            "references": stats.references,
            "bytes_on_disk": bytes,
        }));
    }
    line(&format!(
        "organizations    {}\ncatalog courses  {}\ncourse runs      {}\nreferences       {}\nbytes on disk    {bytes}",
        stats.organizations, stats.catalog_courses, stats.course_runs, stats.references
    ))
}
