//! `/healthz`, whether the process answers, and `/readyz`, whether to send it requests.

use axum::extract::State;
use serde::Serialize;

use super::answer::{Answer, ok};
use super::problem::{Code, Problem};
use super::state::App;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(super) async fn live() -> Answer {
    ok(&Health { status: "ok" })
}

pub(super) async fn ready(State(app): State<App>) -> Answer {
    if *app.stopping.borrow() {
        return Err(Problem::new(Code::Unavailable, "The service is stopping."));
    }
    ok(&Health { status: "ready" })
}
