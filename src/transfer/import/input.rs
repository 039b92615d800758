//! The input of an import: counted, without a byte order mark, and text at first sight.
//!
//! It decodes nothing: what is not UTF-8 is found row by row.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};

use super::ImportProblem;

/// See the [module](self).
pub(super) struct Input<'a> {
    inner: &'a mut dyn BufRead,
    bytes: &'a Cell<u64>,
    /// The first bytes, which have been looked at, and how many of them have been read.
    head: Vec<u8>,
    at: usize,
}

/// Enough for every mark that is looked for.
const HEAD_BYTES: usize = 4;

impl<'a> Input<'a> {
    /// Looks at the first bytes.
    pub(super) fn open(
        inner: &'a mut dyn BufRead,
        bytes: &'a Cell<u64>,
    ) -> Result<Self, ImportProblem> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        Read::take(&mut *inner, HEAD_BYTES as u64).read_to_end(&mut head)?;
        if let Some(problem) = ImportProblem::of_first_bytes(&head) {
            return Err(problem);
        }
        let at = if head.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        bytes.set(at as u64);
        Ok(Self {
            inner,
            bytes,
            head,
            at,
        })
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), available.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.head.len() {
            return Ok(self.head.get(self.at..).unwrap_or_default());
        }
        // A signal, such as that of Ctrl-C, may interrupt the system while it reads.
        while let Err(error) = self.inner.fill_buf() {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.set(self.bytes.get() + amount as u64);
        let of_head = amount.min(self.head.len() - self.at);
        self.at += of_head;
        if amount > of_head {
            self.inner.consume(amount - of_head);
        }
    }
}
