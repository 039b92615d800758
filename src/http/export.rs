//! `/v1/export`: the whole catalog, or a part of it, as a stream.
//!
//! It is written by a thread of its own, a piece at a time: never more in memory than a few pieces,
//! however slow the client is.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc::{self, Sender};

use super::answer::Answer;
use super::problem::Problem;
use super::query::Query;
use super::state::App;
use crate::transfer::{ExportError, Filter, Format, export};

/// What to export, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// The format: `coursecat` (JSON Lines, loses nothing), `csv`, `django`, or `django-new-site`.
    #[schemars(extend("enum" = ["coursecat", "csv", "django", "django-new-site"]))]
    format: Option<String>,
    /// Only this organization.
    #[schemars(example = &"MITx")]
    org: Option<String>,
    /// Only courses in this language: `en-us`, or `en` for all kinds of English.
    #[schemars(example = &"en")]
    language: Option<String>,
}

/// How many pieces wait for the client.
const PIECES: usize = 4;

pub(super) async fn get(State(app): State<App>, Query(choice): Query<Choice>) -> Answer {
    let format = match &choice.format {
        None => Format::Lines,
        Some(name) => read_format(name)?,
    };
    if !format.can_export() {
        let error = ExportError::ImportOnly(format);
        return Err(Problem::invalid("format", error.to_string()));
    }
    let place = app.long_work()?;
    let snapshot = app.catalog.snapshot();
    let mut filter = Filter::new();
    if let Some(org) = choice.org {
        snapshot.get_organization(&org)?;
        filter = filter.org(org);
    }
    if let Some(code) = choice.language {
        filter = filter.language(code);
    }
    let (sender, mut pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let written = export(&snapshot, format, &filter, Pieces(&sender));
        if let Err(error) = written {
            // The client must not take what it has for the whole.
            let _ = sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    let body = Body::from_stream(stream::poll_fn(move |context| pieces.poll_recv(context)));
    let (content_type, file) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "catalog.csv"),
        Format::Lines => ("application/x-ndjson", "catalog.jsonl"),
        _ => ("application/json", "catalog.json"),
    };
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{file}\""));
    let mut answer = (
        StatusCode::OK,
        [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))],
        body,
    )
        .into_response();
    if let Ok(name) = name {
        answer
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}

pub(super) fn read_format(name: &str) -> Result<Format, Problem> {
    let format: Result<Format, _> = name.parse();
    format.map_err(|error| Problem::invalid("format", error.to_string()))
}

/// Hands over what is written, and waits while too much of it waits.
struct Pieces<'a>(&'a Sender<io::Result<Bytes>>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
