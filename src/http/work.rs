//! Whether a connection is at work: a request of it runs, or a part of an answer waits to be sent.
//!
//! It matters when the service stops: what is at work is waited for, and every other connection is
//! ended at once, be it idle or in the midst of a request's head. The protocol's reader does not
//! tell these apart.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The work of one connection. Clones are of the same.
#[derive(Clone, Default)]
pub(super) struct Work(Arc<State>);

#[derive(Default)]
struct State {
    /// Requests whose answer is not complete.
    running: AtomicUsize,
    /// Whether the other side has not taken what was written last.
    is_unsent: AtomicBool,
}

impl Work {
    /// A request begins to run, until what is returned is dropped.
    pub(super) fn begin(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// Whether there is none. To be asked by the task that polls the connection, after that.
    pub(super) fn is_done(&self) -> bool {
        self.0.running.load(Ordering::Relaxed) == 0 && !self.0.is_unsent.load(Ordering::Relaxed)
    }
}

/// A request that runs.
pub(super) struct Running(Work);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer. Its request runs for as long as there is more of it.
pub(super) struct Answering {
    pub(super) body: Body,
    pub(super) _running: Running,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection's bytes, both ways. Notes when the other side does not take them.
pub(super) struct Line<S> {
    pub(super) stream: S,
    pub(super) work: Work,
}

impl<S> Line<S> {
    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        self.work
            .0
            .is_unsent
            .store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
