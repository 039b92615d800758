//! `/v1/verify`: a check of the whole store.

use axum::extract::State;

use super::answer::{Answer, ok};
use super::problem::{Code, Problem};
use super::state::App;
use crate::view::VerifyView;

pub(super) async fn get(State(app): State<App>) -> Answer {
    let place = app.long_work()?;
    let catalog = app.catalog.clone();
    // The writer does it; it is waited for on a thread that may wait, even if the client goes away.
    let verified = tokio::task::spawn_blocking(move || {
        let _place = place;
        catalog.verify()
    });
    let report = verified
        .await
        .map_err(|_| Problem::new(Code::Unavailable, "The service is stopping."))??;
    ok(&VerifyView::of(&report))
}
