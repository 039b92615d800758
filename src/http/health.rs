//! `/healthz`, whether the process answers, and `/readyz`, whether to send it requests.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Answer, ok};
use super::problem::{Code, Problem};
use super::state::App;

/// How the service is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    status: &'static str,
}

pub(super) async fn live() -> Answer {
    ok(&Health { status: "ok" })
}

pub(super) async fn ready(State(app): State<App>) -> Answer {
    if *app.stopping.borrow() {
        return Err(Problem::new(Code::Unavailable, "The service is stopping."));
    }
    if app.catalog.writer_stats().has_ended {
        return Err(Problem::new(Code::ReadOnly, Code::ReadOnly.advice()));
    }
    ok(&Health { status: "ready" })
}
