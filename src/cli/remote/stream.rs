//! What a server sends as it comes: an export, a backup.

use std::io::{self, Read};

use ureq::BodyReader;
use ureq::http::HeaderMap;

use super::{Refusal, Remote};
use crate::cli::failure::Failure;

/// A stream from a server. Its end is its true end: one that is cut off is an error.
pub(in crate::cli) struct Stream<'a> {
    remote: &'a Remote,
    headers: HeaderMap,
    body: BodyReader<'static>,
    broken: Option<Failure>,
}

impl Remote {
    /// Gets a stream.
    pub(in crate::cli) fn stream(&self, path: &str) -> Result<Stream<'_>, Refusal> {
        let (head, body) = self.get_as_it_comes(path)?.into_parts();
        Ok(Stream {
            remote: self,
            headers: head.headers,
            body: body.into_reader(),
            broken: None,
        })
    }
}

impl Stream<'_> {
    /// A header of it, if it is text.
    pub(in crate::cli) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Why no more of it comes, if that is since the connection broke.
    pub(in crate::cli) fn broken(&mut self) -> Option<Failure> {
        self.broken.take()
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.body.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let error = ureq::Error::from(error);
                self.broken = Some(self.remote.unreachable(&error, false));
                Err(io::Error::other("the connection broke"))
            }
            read => read,
        }
    }
}
