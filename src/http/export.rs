//! `/v1/export`: the whole catalog, or a part of it, as a stream.
//!
//! How many records of each kind it holds is counted before, and told in a header.

use std::io;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::pieces::written;
use super::problem::Problem;
use super::query::Query;
use super::state::App;
use crate::Stats;
use crate::transfer::{ExportError, Filter, Format, count_export, export};

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

/// How much there is of each kind of record: what comes is a stream, which ends with no more than its
/// end.
const RECORDS: HeaderName = HeaderName::from_static("coursecat-records");

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
    let counts = count_export(&snapshot, format, &filter).map_err(of_export)?;
    let body = written(place, move |out| {
        let written = export(&snapshot, format, &filter, out);
        written.map(drop).map_err(io::Error::other)
    });
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
    if let Ok(counts) = HeaderValue::from_str(&counted(counts)) {
        answer.headers_mut().insert(RECORDS, counts);
    }
    Ok(answer)
}

/// As RFC 8941 writes a dictionary.
fn counted(counts: Stats) -> String {
    format!(
        "organizations={}, catalog_courses={}, course_runs={}, references={}",
        counts.organizations, counts.catalog_courses, counts.course_runs, counts.references
    )
}

fn of_export(error: ExportError) -> Problem {
    match error {
        ExportError::Catalog(error) => error.into(),
        error => Problem::invalid("format", error.to_string()),
    }
}

pub(super) fn read_format(name: &str) -> Result<Format, Problem> {
    let format: Result<Format, _> = name.parse();
    format.map_err(|error| Problem::invalid("format", error.to_string()))
}
