//! Answers: records as JSON, and where a new one is.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::{Code, Problem};
use super::tag::{Known, Tag};
use crate::view::segment;

/// What a handler gives.
pub(super) type Answer = Result<Response, Problem>;

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    Ok(of_json(status, written(value)?))
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| {
        tracing::error!("an answer cannot be written: {error}");
        Problem::new(Code::Internal, "The answer cannot be written.")
    })
}

fn of_json(status: StatusCode, json: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, content_type)], json).into_response()
}

/// A record, or 304 if the client has this representation of it.
pub(super) fn record(known: &Known, value: &impl Serialize) -> Answer {
    let json = written(value)?;
    let tag = Tag::of_json(&json);
    let answer = if known.has(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        of_json(StatusCode::OK, json)
    };
    Ok(tagged(answer, &tag))
}

/// An answer about a record that is known by this tag from now on.
pub(super) fn tagged(mut answer: Response, tag: &Tag) -> Response {
    if let Some(tag) = tag.to_header() {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

/// 200 and a value.
pub(super) fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// 201, a new record, and its address below a collection.
pub(super) fn created(collection: &str, key: &str, value: &impl Serialize) -> Answer {
    let mut answer = json(StatusCode::CREATED, value)?;
    let address = format!("{collection}/{}", segment(key));
    if let Ok(address) = HeaderValue::from_str(&address) {
        answer.headers_mut().insert(header::LOCATION, address);
    }
    Ok(answer)
}

/// 204: done, and there is nothing to say.
pub(super) fn done() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}
