//! What stands before every route: the request's id, who it comes from, its time limit, its line in
//! the log.
//!
//! Nothing that a handler does gets past it: one that panics is answered 500.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::FutureExt;

use super::connection::Peer;
use super::leftover::Leftover;
use super::problem::{Code, Problem};
use super::routes::Facts;
use super::state::App;
use super::{query, request_id, tag};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn handle(State(app): State<App>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id::of(request.headers().get(&REQUEST_ID));
    let method = request.method().clone();
    let peer = request.extensions().get::<Peer>().copied();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let place = app.routes.find(route);
    let facts = place.facts(&method);
    let (request, leftover) = Leftover::of(request);
    let mut key = None;
    let answered = match admit(&app, &request, facts, peer) {
        Ok(admitted) => {
            key = admitted;
            answer(&app, request, facts, next).await
        }
        Err(problem) => Err(problem),
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let (status, took) = (response.status(), start.elapsed());
    place.traffic.count(&method, status, took);
    let request_line = Line {
        method: &method,
        route,
        peer,
        key: key.as_deref(),
        status,
        took,
        id: &id,
    };
    request_line.log();
    response.headers_mut().insert(REQUEST_ID, id);
    if let Some(leftover) = leftover {
        leftover.settle(&mut response).await;
    }
    response
}

/// Lets a request through, and tells by which key it came.
fn admit(
    app: &App,
    request: &Request,
    facts: Option<Facts>,
    peer: Option<Peer>,
) -> Result<Option<Arc<str>>, Problem> {
    check_escapes(request.uri())?;
    let scope = facts.and_then(|facts| facts.scope);
    app.guard
        .admit(scope, request.headers(), peer.map(|peer| peer.0.ip()))
}

async fn answer(
    app: &App,
    request: Request,
    facts: Option<Facts>,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(facts) = facts {
        if !facts.has_query {
            query::none(request.uri())?;
        }
        if facts.is_unconditional {
            tag::unheeded(request.headers())?;
        }
    }
    let limit = match facts.is_some_and(|facts| facts.is_long) {
        true => Duration::MAX,
        false => app.config.request_timeout,
    };
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

/// What the log says of a request.
struct Line<'a> {
    method: &'a Method,
    route: &'a str,
    peer: Option<Peer>,
    key: Option<&'a str>,
    status: StatusCode,
    took: Duration,
    id: &'a HeaderValue,
}

impl Line<'_> {
    /// One line a request: changes and refusals for everybody, reads for those who look closer.
    fn log(&self) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    method = %self.method,
                    route = self.route,
                    peer = self.peer.map(|peer| tracing::field::display(peer.0)),
                    key = self.key,
                    status = self.status.as_u16(),
                    micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
                    request_id = self.id.to_str().unwrap_or_default(),
                    "request"
                )
            };
        }
        if self.status.is_server_error() {
            line!(error);
        } else if self.status.is_client_error() || !self.method.is_safe() {
            line!(info);
        } else {
            line!(debug);
        }
    }
}
