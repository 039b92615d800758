//! Bodies that a thread of its own writes, a piece at a time: never more in memory than a few pieces,
//! however slow the client is.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Sender};

/// How many pieces wait for the client.
const PIECES: usize = 4;

/// A body that is what this writes. If writing fails, the body breaks off, so that no client takes
/// what it has for the whole.
pub(super) fn written(
    place: OwnedSemaphorePermit,
    write: impl FnOnce(Pieces<'_>) -> io::Result<()> + Send + 'static,
) -> Body {
    let (sender, mut pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = write(Pieces(&sender)) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(stream::poll_fn(move |context| pieces.poll_recv(context)))
}

/// Hands over what is written, and waits while too much of it waits.
pub(super) struct Pieces<'a>(&'a Sender<io::Result<Bytes>>);

impl Pieces<'_> {
    /// Waits until the connection has taken all of it.
    pub(super) fn wait_until_taken(&self) -> io::Result<()> {
        let free = Handle::current().block_on(self.0.reserve_many(PIECES));
        free.map(drop).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
