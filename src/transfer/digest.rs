//! A checksum and a count of what passes through, read or written.
//!
//! Against accidents, not against forgers: it is xxh3 with 128 bits.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

/// Passes everything on, and knows its length and checksum.
pub(super) struct Digesting<T> {
    inner: T,
    hash: Box<Xxh3>,
    bytes: u64,
}

impl<T> Digesting<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            hash: Box::new(Xxh3::new()),
            bytes: 0,
        }
    }

    /// The checksum of what has passed so far, in hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        digits(&self.hash)
    }

    /// How many bytes have passed so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn into_inner(self) -> T {
        self.inner
    }

    fn see(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

/// A checksum as it is written.
pub(super) fn digits(hash: &Xxh3) -> String {
    format!("{:032x}", hash.digest128())
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.see(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.see(bytes.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
