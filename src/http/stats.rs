//! `/v1/stats`: how much the catalog holds.

use axum::extract::State;

use super::answer::{Answer, ok};
use super::problem::{Code, Problem};
use super::state::App;
use crate::view::StatsView;

pub(super) async fn get(State(app): State<App>) -> Answer {
    let stats = app.catalog.stats();
    let catalog = app.catalog.clone();
    // Measuring looks at files, and is the writer's: it is asked from a thread that may wait.
    let measured = tokio::task::spawn_blocking(move || catalog.size_on_disk()).await;
    let bytes_on_disk =
        measured.map_err(|_| Problem::new(Code::Unavailable, "The service is stopping."))??;
    ok(&StatsView::of(stats, bytes_on_disk))
}
