//! `/v1/changes/stream`: the change feed as server-sent events, as they happen.
//!
//! Nothing is kept for a client but its position: each reads the feed by itself, as fast as its
//! connection takes it. One that does not is cut off, with an event that says so, and can go on from
//! where it was.

use std::fmt::Write;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::answer::Answer;
use super::changes::ChangeView;
use super::problem::{Code, Problem};
use super::query::Query;
use super::state::App;
use crate::error::Error;
use crate::{Changes, Watch};

/// From where to follow the feed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    /// The sequence number of the last change that is known; unless given, the newest one. The header
    /// `Last-Event-ID` wins over it.
    #[schemars(example = 0, range(max = u64::MAX))]
    since: Option<u64>,
}

/// What `Last-Event-ID` may be.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct EventId(
    #[schemars(range(max = u64::MAX))]
    #[expect(dead_code, reason = "only its schema is used")]
    u64,
);

/// How many changes are handed over at a time.
const MOST_AT_ONCE: usize = 100;

pub(super) async fn get(
    State(app): State<App>,
    Query(position): Query<Position>,
    headers: HeaderMap,
) -> Answer {
    let since = match headers.get("last-event-id") {
        None => position.since,
        Some(id) => Some(read_id(id)?),
    };
    let place = app.stream()?;
    let since = since.unwrap_or_else(|| app.catalog.latest_change());
    let follower = Follower {
        watch: app.catalog.watch(since)?,
        heartbeat: app.config.stream_heartbeat,
        patience: app.config.stream_timeout,
        stopping: app.stopping.subscribe(),
        handed_over: None,
        has_ended: false,
        _place: place,
    };
    let events = stream::unfold(follower, async |mut follower| {
        let event = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), follower))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(events)).into_response())
}

fn read_id(id: &HeaderValue) -> Result<u64, Problem> {
    let number = id.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| {
        let detail = "The header Last-Event-ID must be the id of an event: a number.";
        Problem::bad_request(detail)
    })
}

/// One client that follows the feed.
struct Follower {
    watch: Watch,
    heartbeat: Duration,
    patience: Duration,
    stopping: watch::Receiver<bool>,
    /// When the connection was given something last.
    handed_over: Option<Instant>,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

/// Why a stream ends.
#[derive(Serialize)]
struct End<'a> {
    code: &'a str,
    detail: &'a str,
    /// The position to go on from.
    last: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<u64>,
}

impl Follower {
    /// The next piece of the stream. It is asked for when the connection has taken the one before.
    async fn next(&mut self) -> Option<Bytes> {
        if self.has_ended {
            return None;
        }
        let Some(handed_over) = self.handed_over else {
            // The head of the answer goes out with it, so that the client knows it is heard.
            self.handed_over = Some(Instant::now());
            return Some(Bytes::from_static(b": following\n\n"));
        };
        if handed_over.elapsed() > self.patience {
            let detail = "The stream was not read for too long; go on from the last event.";
            return Some(self.end("slow_consumer", detail, None));
        }
        let changes = tokio::select! {
            changes = self.watch.next_async(MOST_AT_ONCE) => Some(changes),
            () = tokio::time::sleep(self.heartbeat) => None,
            _ = self.stopping.wait_for(|stopping| *stopping) => Some(Ok(None)),
        };
        let piece = match changes {
            None => Bytes::from_static(b": heartbeat\n\n"),
            Some(Ok(Some(changes))) => written(&changes),
            Some(Ok(None)) => {
                let detail = "The service stops; go on from the last event when it is back.";
                self.end("stopping", detail, None)
            }
            Some(Err(Error::Compacted { oldest, .. })) => {
                let detail =
                    "Changes that were not read are no longer kept. Read the catalog anew.";
                self.end("compacted", detail, Some(oldest))
            }
            Some(Err(error)) => {
                tracing::debug!("a stream ends: {error}");
                let detail = "The store failed, so nothing changes until the service is started anew; go on from the last event then.";
                self.end(Code::ReadOnly.as_str(), detail, None)
            }
        };
        self.handed_over = Some(Instant::now());
        Some(piece)
    }

    fn end(&mut self, code: &str, detail: &str, oldest: Option<u64>) -> Bytes {
        self.has_ended = true;
        let end = End {
            code,
            detail,
            last: self.watch.position(),
            oldest,
        };
        let json = serde_json::to_string(&end).unwrap_or_default();
        format!("event: end\ndata: {json}\n\n").into()
    }
}

/// Changes as events.
fn written(changes: &Changes) -> Bytes {
    let mut text = String::new();
    for event in &changes.events {
        let view = ChangeView::of(event);
        // JSON has no line breaks of its own, and writing into memory does not fail.
        let json = serde_json::to_string(&view).unwrap_or_default();
        let _ = write!(
            text,
            "id: {}\nevent: {}\ndata: {json}\n\n",
            view.sequence, view.kind
        );
    }
    text.into()
}
