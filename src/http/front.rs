//! What stands before every route: the request's id, its time limit, its line in the log.
//!
//! Nothing that a handler does gets past it: one that panics is answered 500.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::FutureExt;

use super::connection::Peer;
use super::problem::{Code, Problem};
use super::request_id;
use super::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn handle(State(app): State<App>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id::of(request.headers().get(&REQUEST_ID));
    let method = request.method().clone();
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answered = answer(&app, request, next).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let status = response.status();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    log(&method, route, peer, status, start.elapsed(), &id);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

async fn answer(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    check_escapes(request.uri())?;
    let limit = app.config.request_timeout;
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, answering).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(Problem::new(
            Code::Internal,
            "The request met a defect of the service; please report this.",
        )),
        Err(_) => Err(Problem::new(
            Code::Timeout,
            format!(
                "The request was not done after {} seconds. Whether a write is stored is not known.",
                limit.as_secs()
            ),
        )),
    }
}

/// Refuses escapes that are none, and those that are no text.
fn check_escapes(uri: &Uri) -> Result<(), Problem> {
    let text = uri.path_and_query().map_or("", |text| text.as_str());
    if !text.contains('%') {
        return Ok(());
    }
    let mut parts = text.split('%');
    parts.next();
    let hex = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !parts.all(hex) {
        let detail = "A % in the address must be followed by two hexadecimal digits; write %25 for the character itself.";
        return Err(Problem::bad_request(detail));
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    match decoded {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::bad_request(
            "What is percent-encoded in the address is no text in UTF-8.",
        )),
    }
}

/// One line a request: changes and refusals for everybody, reads for those who look closer.
fn log(
    method: &Method,
    route: &str,
    peer: Option<Peer>,
    status: StatusCode,
    took: Duration,
    id: &HeaderValue,
) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                %method,
                route,
                peer = peer.map(|peer| tracing::field::display(peer.0)),
                status = status.as_u16(),
                micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                request_id = id.to_str().unwrap_or_default(),
                "request"
            )
        };
    }
    if status.is_server_error() {
        line!(error);
    } else if status.is_client_error() || !method.is_safe() {
        line!(info);
    } else {
        line!(debug);
    }
}
