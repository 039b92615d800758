//! `/v1/changes`: what has changed since a position.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, ok};
use super::paging::default_limit;
use super::query::Query;
use super::state::App;
use crate::view::{CourseView, Moment, OrganizationView, ReferenceView, RunView};
use crate::{ChangeEvent, ChangedRecord, Timestamp};

/// From where to read the feed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    /// The sequence number of the last change that is known; 0 is before the first.
    #[serde(default)]
    #[schemars(example = 0, range(max = u64::MAX))]
    since: u64,
    /// How many changes to read at most.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 1_000))]
    limit: usize,
}

/// Some of the changes, in order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChangePage")]
pub(super) struct Page<'a> {
    results: Vec<ChangeView<'a>>,
    /// The position after them: what to ask for next.
    next: u64,
    /// The number of the newest change. There is more to read if `next` is less.
    latest: u64,
}

/// One change of one record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Change")]
pub(super) struct ChangeView<'a> {
    /// Its number: one more than that of the change before it.
    pub(super) sequence: u64,
    /// When it was stored.
    #[schemars(with = "Moment")]
    time: Timestamp,
    /// What has happened to the record.
    #[schemars(extend("enum" = ["created", "updated", "deleted"]))]
    pub(super) kind: &'static str,
    /// What kind of record it is.
    #[schemars(extend("enum" = ["organization", "catalog_course", "course_run", "reference"]))]
    entity: &'static str,
    /// The record's key; of a reference, that of what it refers to.
    key: String,
    /// The record after the change, without counts; null if it is gone.
    record: Option<Record<'a>>,
    /// The record before the change, if it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Record<'a>>,
}

/// A record of any kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Record")]
enum Record<'a> {
    Organization(OrganizationView<'a>),
    Course(CourseView<'a>),
    Run(RunView<'a>),
    Reference(ReferenceView),
}

impl<'a> ChangeView<'a> {
    pub(super) fn of(event: &'a ChangeEvent) -> Self {
        let (before, record) = match &event.record {
            ChangedRecord::Organization(versions) => (
                versions
                    .before
                    .as_deref()
                    .map(OrganizationView::bare)
                    .map(Record::Organization),
                versions
                    .after
                    .as_deref()
                    .map(OrganizationView::bare)
                    .map(Record::Organization),
            ),
            ChangedRecord::CatalogCourse(versions) => (
                versions
                    .before
                    .as_deref()
                    .map(CourseView::bare)
                    .map(Record::Course),
                versions
                    .after
                    .as_deref()
                    .map(CourseView::bare)
                    .map(Record::Course),
            ),
            ChangedRecord::CourseRun {
                versions,
                catalog_course,
            } => {
                let view = |run| Record::Run(RunView::with_course(run, Some(catalog_course)));
                (
                    versions.before.as_deref().map(view),
                    versions.after.as_deref().map(view),
                )
            }
            ChangedRecord::Reference {
                referrer, added, ..
            } => {
                let referrer = referrer.to_string();
                let view = Some(Record::Reference(ReferenceView { referrer }));
                if *added { (None, view) } else { (view, None) }
            }
        };
        Self {
            sequence: event.sequence,
            time: event.time,
            kind: event.kind().as_str(),
            entity: event.entity().as_str(),
            key: event.key(),
            record,
            before,
        }
    }
}

pub(super) async fn list(State(app): State<App>, Query(position): Query<Position>) -> Answer {
    let changes = app.catalog.changes_since(position.since, position.limit)?;
    ok(&Page {
        results: changes.events.iter().map(ChangeView::of).collect(),
        next: changes.next,
        latest: changes.latest,
    })
}
