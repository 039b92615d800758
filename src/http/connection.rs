//! One connection: the limits that hold before there is a request.
//!
//! A client that sends nothing, or slowly, or does not read its answers, is cut off; a head that is
//! too large is refused by the protocol's own reader.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use futures_util::TryFutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use super::state::App;
use super::work::{Answering, Line, Work};

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The most bytes that a request's head may have: longer than any key or cursor.
const MOST_HEAD_BYTES: usize = 32 << 10;
/// The most headers that a request may have.
const MOST_HEADERS: usize = 100;

/// Serves the requests of a connection, one after the other, until it ends or the service stops.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, app: &App) {
    // Answers are written whole; waiting for more to send would only make them late.
    let _ = stream.set_nodelay(true);
    let config = &app.config;
    let mut stream = TimeoutStream::new(stream);
    // A client that follows the feed is told before it is cut off.
    let patience = config.request_timeout.max(config.stream_timeout * 2);
    stream.set_write_timeout(Some(patience));
    let work = Work::default();
    let line = Line {
        stream: Box::pin(stream),
        work: work.clone(),
    };
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let running = work.begin();
        let answer = router.clone().call(request.map(Body::new));
        answer.map_ok(|answer| {
            answer.map(|body| Answering {
                body,
                _running: running,
            })
        })
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(MOST_HEAD_BYTES)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(line), service);
    let mut connection = pin!(connection);
    let mut stopping = app.stopping.subscribe();
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            poll_fn(|context| match connection.as_mut().poll(context) {
                Poll::Pending if work.is_done() => Poll::Ready(Ok(())),
                polled => polled,
            })
            .await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended: {error}");
    }
}
