//! `…/references` of courses and runs.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, done, json, ok};
use super::courses;
use super::paging::default_limit;
use super::path::{Key, Reference};
use super::patterns;
use super::problem::Problem;
use super::query::Query;
use super::state::App;
use super::tag::{self, Expected, Tag};
use crate::key::{CatalogCourseKey, CourseKey, InvalidKey};
use crate::view::ReferenceView;
use crate::{AddReference, RemoveReference, Snapshot};

/// How to list references. They are ordered by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// How many to list at most.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 1_000))]
    limit: usize,
    /// The cursor that the page before came with, as `next`; of another list or order, it is refused.
    #[schemars(regex(pattern = patterns::CURSOR))]
    cursor: Option<String>,
}

/// A page of references.
#[derive(Debug, Serialize)]
struct Referrers {
    results: Vec<ReferenceView>,
    /// The cursor of the next page: the last name of this one, in base64.
    next: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Key(key): Key,
    Query(query): Query<List>,
) -> Answer {
    check(&uri, &key)?;
    if !(1..=1_000).contains(&query.limit) {
        let detail = format!("The limit {} is not between 1 and 1000.", query.limit);
        return Err(Problem::invalid("limit", detail));
    }
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let all = app.catalog.list_references(key)?;
    let mut rest = all
        .iter()
        .filter(|name| after.as_deref().is_none_or(|after| name.as_str() > after));
    let results: Vec<_> = rest
        .by_ref()
        .take(query.limit)
        .map(|referrer| ReferenceView {
            referrer: referrer.to_string(),
        })
        .collect();
    let next = match (rest.next(), results.last()) {
        (Some(_), Some(last)) => Some(BASE64URL_NOPAD.encode(last.referrer.as_bytes())),
        _ => None,
    };
    ok(&Referrers { results, next })
}

fn read_cursor(text: &str) -> Result<String, Problem> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            let detail =
                "This is not a cursor; use the one that the page before came with, unchanged.";
            Problem::invalid("cursor", detail)
        })
}

/// Refuses the key of a run where courses are, and the other way round.
fn check(uri: &Uri, key: &str) -> Result<(), InvalidKey> {
    if uri.path().starts_with(courses::COLLECTION) {
        key.parse::<CatalogCourseKey>().map(drop)
    } else {
        key.parse::<CourseKey>().map(drop)
    }
}

/// Never sent, since there is no asking for a single reference; it tells whether there is one.
fn tag_of(snapshot: &Snapshot, path: &Reference) -> Option<Tag> {
    let referrers = snapshot.list_references(&path.key).ok()?;
    let found = referrers
        .iter()
        .find(|name| name.as_str() == path.referrer)?;
    let referrer = found.to_string();
    Some(Tag::of(&ReferenceView { referrer }))
}

pub(super) async fn put(
    State(app): State<App>,
    uri: Uri,
    path: Reference,
    expected: Expected,
) -> Answer {
    check(&uri, &path.key)?;
    let referrer = path.referrer.clone();
    let request = AddReference::new(path.key.as_str(), path.referrer.as_str());
    let current = move |now: &Snapshot| tag_of(now, &path);
    let is_new = tag::put(&app, request, expected, current).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    json(status, &ReferenceView { referrer })
}

pub(super) async fn delete(
    State(app): State<App>,
    uri: Uri,
    path: Reference,
    expected: Expected,
) -> Answer {
    check(&uri, &path.key)?;
    let request = RemoveReference::new(path.key.as_str(), path.referrer.as_str());
    let current = move |now: &Snapshot| tag_of(now, &path);
    tag::change(&app, request, expected, current).await?;
    done()
}
