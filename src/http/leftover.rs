//! What is left of a request's body when its answer is ready: a refusal does not wait for all of it.
//!
//! The protocol's reader ends a connection on which a part of a body was not read, and tells nobody;
//! a client that sends its next request there loses that. So a short rest is read, and of a long one
//! the client is told that the connection ends. Nothing waits long for a rest.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// The longest rest that is read.
const MOST_BYTES: u64 = 64 << 10;
/// For how long it may arrive.
const PATIENCE: Duration = Duration::from_secs(1);

/// The body of a request that is answered meanwhile.
pub(super) struct Leftover {
    body: Shared,
    /// Whether the client waits for leave to send it, and does without when it has its answer.
    is_held_back: bool,
}

impl Leftover {
    /// Keeps hold of a request's body; none if there is none to read.
    pub(super) fn of(request: Request) -> (Request, Option<Self>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let is_held_back = request.headers().contains_key(header::EXPECT);
        let (head, body) = request.into_parts();
        let ended = false;
        let body = Shared(Arc::new(Mutex::new(Read { body, ended })));
        let leftover = Self {
            body: body.clone(),
            is_held_back,
        };
        let request = Request::from_parts(head, Body::new(body));
        (request, Some(leftover))
    }

    /// Reads what is left, or has the answer say that the connection ends.
    pub(super) async fn settle(self, answer: &mut Response) {
        let is_late = answer.status() == StatusCode::REQUEST_TIMEOUT;
        let is_read = self.body.is_end_stream()
            || !is_late
                && !self.is_held_back
                && tokio::time::timeout(PATIENCE, self.body.drain())
                    .await
                    .unwrap_or(false);
        if !is_read {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

/// A body, read by whoever answers and then by whoever settles.
#[derive(Clone)]
struct Shared(Arc<Mutex<Read>>);

struct Read {
    body: Body,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all of it could be read, and was not much.
    async fn drain(mut self) -> bool {
        let mut left = MOST_BYTES;
        while self.size_hint().lower() <= left {
            match self.frame().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(less) = left.checked_sub(length) else {
                        return false;
                    };
                    left = less;
                }
            }
        }
        false
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut read = self.lock();
        let frame = Pin::new(&mut read.body).poll_frame(context);
        read.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        let read = self.lock();
        read.ended || read.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}
