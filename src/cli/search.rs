//! `coursecat search`, `coursecat stats`, and suggestions for keys that are not found.

use super::args::SearchArguments;
use super::failure::Failure;
use super::output::{Output, line, say};
use super::session::Session;
use super::view::{CourseView, RunView};
use crate::{Entity, Error, Snapshot, eq_ignoring_case};

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

/// Adds the most similar key to an error about one that is not found.
pub(super) fn suggest_run(error: Error, snapshot: &Snapshot) -> Failure {
    if !matches!(
        error,
        Error::NotFound {
            entity: Entity::CourseRun,
            ..
        }
    ) {
        return suggest_course(error, snapshot);
    }
    suggest(error, || {
        snapshot.course_runs().map(|run| run.course_key.to_string())
    })
}

/// The same for catalog courses.
pub(super) fn suggest_course(error: Error, snapshot: &Snapshot) -> Failure {
    if !matches!(
        error,
        Error::NotFound {
            entity: Entity::CatalogCourse,
            ..
        }
    ) {
        return suggest_organization(error, snapshot);
    }
    suggest(error, || {
        snapshot
            .catalog_courses()
            .map(|course| course.key().to_string())
    })
}

/// The same for organizations.
pub(super) fn suggest_organization(error: Error, snapshot: &Snapshot) -> Failure {
    if !matches!(
        error,
        Error::NotFound {
            entity: Entity::Organization,
            ..
        }
    ) {
        return error.into();
    }
    suggest(error, || {
        snapshot
            .organizations()
            .map(|org| org.short_name.to_string())
    })
}

/// How alike two keys must be for one to be suggested for the other; 1 is the same.
const ALIKE: f64 = 0.93;
/// A larger catalog is not looked through for a suggestion.
const MOST_KEYS: usize = 200_000;

fn suggest<I: Iterator<Item = String>>(error: Error, keys: impl Fn() -> I) -> Failure {
    let Error::NotFound { key: asked, .. } = &error else {
        return error.into();
    };
    let asked = asked.clone();
    let failure = Failure::from(error);
    if let Some(same) = keys()
        .take(MOST_KEYS)
        .find(|key| eq_ignoring_case(key, &asked))
    {
        return failure.advise(format!("There is {same:?}, in another capitalisation."));
    }
    let best = keys()
        .take(MOST_KEYS)
        .map(|key| (strsim::jaro_winkler(&key, &asked), key))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((_, key)) => failure.advise(format!("Did you mean {key:?}?")),
        None => failure.advise("Look for it with: coursecat search WORDS"),
    }
}
