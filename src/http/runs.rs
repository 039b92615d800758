//! `/v1/runs`

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, created, done, ok, record, tagged};
use super::body::{Fields, Json};
use super::paging::{OrderName, Results, default_limit};
use super::path::Key;
use super::patterns::{self, CourseKeyText};
use super::problem::Problem;
use super::query::Query;
use super::state::App;
use super::tag::{Expected, Known, Tag, change};
use crate::model::{Language, Title};
use crate::view::RunView;
use crate::{
    CatalogCourseKey, CourseRun, CreateModulestoreRun, Cursor, DeleteCourseRun, Outcome, RunQuery,
    Snapshot, SyncCourseRun,
};

/// Where course runs are.
pub(super) const COLLECTION: &str = "/v1/runs";

/// The most runs that one request may get.
pub(super) const MOST_AT_ONCE: usize = 1_000;

/// Which course runs to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only those of this organization's courses, ignoring case.
    #[schemars(example = &"MITx")]
    org: Option<String>,
    /// Only those of this catalog course: `catalog-course:ORG:CODE`.
    #[schemars(regex(pattern = patterns::CATALOG_COURSE_KEY), example = &"catalog-course:MITx:8.01x")]
    course: Option<String>,
    /// Only those in whose title or key each of these words occurs, ignoring case.
    #[serde(default)]
    #[schemars(example = &"computer science")]
    q: String,
    /// In which order.
    #[serde(default)]
    order: OrderName,
    /// How many to list at most.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 1_000))]
    limit: usize,
    /// The cursor that the page before came with, as `next`; of another list or order, it is refused.
    #[schemars(regex(pattern = patterns::CURSOR))]
    cursor: Option<String>,
}

pub(super) async fn list(State(app): State<App>, Query(list): Query<List>) -> Answer {
    let cursor: Option<Cursor> = list.cursor.map(|text| text.parse()).transpose()?;
    let mut query = RunQuery::new()
        .text(&list.q)
        .order(list.order.into())
        .limit(list.limit)
        .after(cursor);
    if let Some(org) = list.org {
        query = query.org(org);
    }
    if let Some(course) = list.course {
        let key: CatalogCourseKey = course.parse()?;
        query = query.course(key);
    }
    let snapshot = app.catalog.snapshot();
    let page = snapshot.list_course_runs(&query)?;
    Results::of(&page, |run| RunView::of(run, &snapshot)).answer()
}

/// A run that exists elsewhere and is to be in the catalog, with its course and organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunCreate")]
pub(super) struct Create {
    /// Its key: `course-v1:ORG+COURSE+RUN`.
    #[schemars(with = "CourseKeyText")]
    course_key: String,
    /// Its title, and that of its course if it is new; the course's, or the course code, unless
    /// given.
    #[schemars(length(max = Title::MAX_CHARS))]
    title: Option<String>,
    /// The language of its course if it is new, as a short (legacy) code: `en`, `zh_HANS`.
    #[schemars(regex(pattern = patterns::LANGUAGE_SHORT), length(max = Language::MAX_CHARS))]
    language_short: Option<String>,
}

impl Fields for Create {
    const NAMES: &'static [&'static str] = &["course_key", "title", "language_short"];
}

pub(super) async fn create(State(app): State<App>, Json(body): Json<Create>) -> Answer {
    let request = CreateModulestoreRun::new(body.course_key)
        .title(body.title.unwrap_or_default())
        .language_short(body.language_short.unwrap_or_default());
    let outcome = app.catalog.submit(request).await?;
    created_run(&app, &outcome)
}

/// 201 with a new run, or 200 with one that existed.
pub(super) fn created_run(app: &App, outcome: &Outcome<Arc<CourseRun>>) -> Answer {
    let snapshot = app.catalog.snapshot();
    let view = RunView::of(&outcome.value, &snapshot);
    let tag = Tag::of(&view);
    let view = view.warned(&outcome.warnings);
    let answer = if outcome.already_existed() {
        ok(&view)?
    } else {
        created(COLLECTION, &view.course_key, &view)?
    };
    Ok(tagged(answer, &tag))
}

pub(super) async fn get(State(app): State<App>, Key(key): Key, known: Known) -> Answer {
    let snapshot = app.catalog.snapshot();
    let run = snapshot.get_course_run(key)?;
    record(&known, &RunView::of(&run, &snapshot))
}

fn tag_of(snapshot: &Snapshot, key: &str) -> Option<Tag> {
    let run = snapshot.get_course_run(key).ok()?;
    Some(Tag::of(&RunView::of(&run, snapshot)))
}

/// Which runs to get.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunKeys")]
pub(super) struct GetMany {
    /// Their keys, at most 1000.
    #[schemars(length(max = MOST_AT_ONCE), inner(regex(pattern = patterns::COURSE_KEY)))]
    course_keys: Vec<String>,
}

impl Fields for GetMany {
    const NAMES: &'static [&'static str] = &["course_keys"];
}

/// Runs in the order in which they were asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Runs")]
pub(super) struct Many<'a> {
    /// Null where there is none.
    results: Vec<Option<RunView<'a>>>,
}

pub(super) async fn get_many(State(app): State<App>, Json(body): Json<GetMany>) -> Answer {
    let asked = body.course_keys.len();
    if asked > MOST_AT_ONCE {
        return Err(Problem::invalid(
            "course_keys",
            format!(
                "{asked} keys are too many for one request; at most {MOST_AT_ONCE} are allowed."
            ),
        ));
    }
    let snapshot = app.catalog.snapshot();
    let found = snapshot.get_course_runs(&body.course_keys)?;
    let views = found
        .iter()
        .map(|run| run.as_deref().map(|run| RunView::of(run, &snapshot)));
    ok(&Many {
        results: views.collect(),
    })
}

/// What is to change of a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunPatch")]
pub(super) struct Patch {
    /// Its new title; an empty one changes nothing.
    #[schemars(length(max = Title::MAX_CHARS))]
    title: Option<String>,
}

impl Fields for Patch {
    const NAMES: &'static [&'static str] = &["title"];
}

pub(super) async fn patch(
    State(app): State<App>,
    Key(key): Key,
    expected: Expected,
    Json(body): Json<Patch>,
) -> Answer {
    let request = SyncCourseRun::new(key.as_str()).title(body.title.unwrap_or_default());
    let current = move |now: &Snapshot| tag_of(now, &key);
    let outcome = change(&app, request, expected, current).await?;
    let snapshot = app.catalog.snapshot();
    let view = RunView::of(&outcome.value, &snapshot);
    let tag = Tag::of(&view);
    Ok(tagged(ok(&view.warned(&outcome.warnings))?, &tag))
}

pub(super) async fn delete(State(app): State<App>, Key(key): Key, expected: Expected) -> Answer {
    let request = DeleteCourseRun::new(key.as_str());
    let current = move |now: &Snapshot| tag_of(now, &key);
    change(&app, request, expected, current).await?;
    done()
}
