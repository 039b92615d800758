//! `/v1/courses`

use axum::extract::State;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, created, done, ok, record, tagged};
use super::body::{Fields, Json};
use super::paging::{OrderName, Results, default_limit};
use super::path::Key;
use super::patterns::{self, CourseKeyIfAny};
use super::problem::Problem;
use super::query::Query;
use super::runs;
use super::state::App;
use super::tag::{Expected, Known, Tag, change};
use crate::model::{CourseCode, Language, RunCode, Title};
use crate::view::{CourseView, RunView};
use crate::{
    CatalogCourse, CourseQuery, CreateCatalogCourse, CreateCourseRun, Cursor, DeleteCatalogCourse,
    RunQuery, Snapshot, UpdateCatalogCourse,
};

/// Where catalog courses are.
pub(super) const COLLECTION: &str = "/v1/courses";

/// Which catalog courses to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only those of this organization, ignoring case.
    #[schemars(example = &"MITx")]
    org: Option<String>,
    /// Only those with this course code, ignoring case.
    #[schemars(example = &"8.01x")]
    course_code: Option<String>,
    /// Only those in this language: `en-us`, or `en` for all kinds of English.
    #[schemars(example = &"en")]
    language: Option<String>,
    /// Only those in whose title, course code or organization each of these words occurs,
    /// ignoring case.
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
    let mut query = CourseQuery::new()
        .text(&list.q)
        .order(list.order.into())
        .limit(list.limit)
        .after(cursor);
    if let Some(org) = list.org {
        query = query.org(org);
    }
    if let Some(code) = list.course_code {
        query = query.course_code(code);
    }
    if let Some(code) = list.language {
        query = query.language(code);
    }
    let snapshot = app.catalog.snapshot();
    let page = snapshot.list_catalog_courses(&query)?;
    Results::of(&page, |course| CourseView::of(course, &snapshot)).answer()
}

/// A new catalog course.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CourseCreate", transform = one_language)]
pub(super) struct Create {
    /// The short name of its organization, which must exist.
    org: String,
    /// Its code, unique within the organization ignoring case.
    #[schemars(length(min = 1, max = CourseCode::MAX_CHARS))]
    course_code: String,
    /// Its title; the course code unless given.
    #[schemars(length(max = Title::MAX_CHARS))]
    title: Option<String>,
    /// Its language, as a full code: `en-us`.
    #[schemars(regex(pattern = patterns::LANGUAGE), length(max = Language::MAX_CHARS))]
    language: Option<String>,
    /// Its language, as a short (legacy) code: `en`, `zh_HANS`.
    #[schemars(regex(pattern = patterns::LANGUAGE_SHORT), length(max = Language::MAX_CHARS))]
    language_short: Option<String>,
}

impl Fields for Create {
    const NAMES: &'static [&'static str] =
        &["org", "course_code", "title", "language", "language_short"];
}

/// Says that a language is given in one way only.
fn one_language(schema: &mut Schema) {
    let given = json!({ "type": "string" });
    let both = json!({
        "properties": { "language": given, "language_short": given },
        "required": ["language", "language_short"],
    });
    schema.insert("not".to_owned(), both);
}

pub(super) async fn create(State(app): State<App>, Json(body): Json<Create>) -> Answer {
    let mut request =
        CreateCatalogCourse::new(body.org, body.course_code).title(body.title.unwrap_or_default());
    request = match (body.language, body.language_short) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(
                "language_short",
                "Give language or language_short, not both.",
            ));
        }
        (Some(code), None) => request.language(code),
        (None, short) => request.language_short(short.unwrap_or_default()),
    };
    let course = app.catalog.submit(request).await?;
    let view = view(&app, &course);
    let answer = created(COLLECTION, &view.key, &view)?;
    Ok(tagged(answer, &Tag::of(&view)))
}

pub(super) async fn get(State(app): State<App>, Key(key): Key, known: Known) -> Answer {
    let snapshot = app.catalog.snapshot();
    let course = snapshot.get_catalog_course(&key)?;
    record(&known, &CourseView::of(&course, &snapshot))
}

fn tag_of(snapshot: &Snapshot, key: &str) -> Option<Tag> {
    let course = snapshot.get_catalog_course(key).ok()?;
    Some(Tag::of(&CourseView::of(&course, snapshot)))
}

/// What is to change of a catalog course; what is left out, or empty, stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CoursePatch")]
pub(super) struct Patch {
    /// Its new title.
    #[schemars(length(max = Title::MAX_CHARS))]
    title: Option<String>,
    /// Its new language, as a short (legacy) code: `en`, `zh_HANS`.
    #[schemars(regex(pattern = patterns::LANGUAGE_SHORT), length(max = Language::MAX_CHARS))]
    language_short: Option<String>,
}

impl Fields for Patch {
    const NAMES: &'static [&'static str] = &["title", "language_short"];
}

pub(super) async fn patch(
    State(app): State<App>,
    Key(key): Key,
    expected: Expected,
    Json(body): Json<Patch>,
) -> Answer {
    let request = UpdateCatalogCourse::new(&key)
        .title(body.title.unwrap_or_default())
        .language_short(body.language_short.unwrap_or_default());
    let current = move |now: &Snapshot| tag_of(now, &key);
    let course = change(&app, request, expected, current).await?;
    let view = view(&app, &course);
    Ok(tagged(ok(&view)?, &Tag::of(&view)))
}

pub(super) async fn delete(State(app): State<App>, Key(key): Key, expected: Expected) -> Answer {
    let request = DeleteCatalogCourse::new(&key);
    let current = move |now: &Snapshot| tag_of(now, &key);
    change(&app, request, expected, current).await?;
    done()
}

/// How to list the runs of a course.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListRuns {
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

pub(super) async fn list_runs(
    State(app): State<App>,
    Key(key): Key,
    Query(list): Query<ListRuns>,
) -> Answer {
    let cursor: Option<Cursor> = list.cursor.map(|text| text.parse()).transpose()?;
    let snapshot = app.catalog.snapshot();
    let course = snapshot.get_catalog_course(&key)?;
    let query = RunQuery::new()
        .course(course.key())
        .text(&list.q)
        .order(list.order.into())
        .limit(list.limit)
        .after(cursor);
    let page = snapshot.list_course_runs(&query)?;
    Results::of(&page, |run| RunView::of(run, &snapshot)).answer()
}

/// A new run of a course.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunOfCourseCreate")]
pub(super) struct CreateRun {
    /// Its run code.
    #[schemars(regex(pattern = patterns::RUN_CODE), length(max = RunCode::MAX_CHARS))]
    run_code: String,
    /// Its title; the course's unless given.
    #[schemars(length(max = Title::MAX_CHARS))]
    title: Option<String>,
    /// Its key, which must agree with course and run code; `course-v1:ORG+COURSE+RUN` unless
    /// given.
    #[schemars(with = "Option<CourseKeyIfAny>")]
    course_key: Option<String>,
}

impl Fields for CreateRun {
    const NAMES: &'static [&'static str] = &["run_code", "title", "course_key"];
}

pub(super) async fn create_run(
    State(app): State<App>,
    Key(key): Key,
    Json(body): Json<CreateRun>,
) -> Answer {
    let request = CreateCourseRun::new(key, body.run_code)
        .title(body.title.unwrap_or_default())
        .course_key(body.course_key.unwrap_or_default());
    let outcome = app.catalog.submit(request).await?;
    runs::created_run(&app, &outcome)
}

fn view<'a>(app: &App, course: &'a CatalogCourse) -> CourseView<'a> {
    CourseView::of(course, &app.catalog.snapshot())
}
