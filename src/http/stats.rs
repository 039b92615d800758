//! `/v1/stats`: how much the catalog holds.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Answer, ok};
use super::problem::{Code, Problem};
use super::state::App;

/// How much the catalog holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stats {
    organizations: u64,
    catalog_courses: u64,
    course_runs: u64,
    references: u64,
    /// The bytes that the store's files have on the disk.
    bytes_on_disk: u64,
}

pub(super) async fn get(State(app): State<App>) -> Answer {
    let stats = app.catalog.stats();
    let catalog = app.catalog.clone();
    // Measuring looks at files, and is the writer's: it is asked from a thread that may wait.
    let measured = tokio::task::spawn_blocking(move || catalog.size_on_disk()).await;
    let bytes_on_disk =
        measured.map_err(|_| Problem::new(Code::Unavailable, "The service is stopping."))??;
    ok(&Stats {
        organizations: stats.organizations,
        catalog_courses: stats.catalog_courses,
        course_runs: stats.course_runs,
        references: stats.references,
        bytes_on_disk,
    })
}
