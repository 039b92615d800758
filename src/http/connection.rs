//! One connection: the limits that hold before there is a request.
//!
//! A client that sends nothing, or slowly, or does not read its answers, is cut off; a head that is
//! too large is refused by the protocol's own reader.

use std::net::SocketAddr;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use super::config::Config;

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The most bytes that a request's head may have: longer than any key or cursor.
const MOST_HEAD_BYTES: usize = 32 << 10;
/// The most headers that a request may have.
const MOST_HEADERS: usize = 100;

/// Serves the requests of a connection, one after the other, until it ends or the service stops.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    config: &Config,
    watcher: Watcher,
) {
    // Answers are written whole; waiting for more to send would only make them late.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    // A client that follows the feed is told before it is cut off.
    let patience = config.request_timeout.max(config.stream_timeout * 2);
    stream.set_write_timeout(Some(patience));
    let io: TokioIo<Pin<Box<TimeoutStream<TcpStream>>>> = TokioIo::new(Box::pin(stream));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(MOST_HEAD_BYTES)
        .max_headers(MOST_HEADERS)
        .serve_connection(io, service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, "a connection ended: {error}");
    }
}
