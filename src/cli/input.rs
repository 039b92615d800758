//! What is imported: files, and standard input or pipes, for which Ctrl-C need not wait.
//!
//! It looks at the first bytes for the format and understands no more.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::failure::{Failure, exit};
use super::output::printable_path;
use super::progress::StopFlag;

/// How many bytes are read at once.
const CHUNK_BYTES: usize = 1 << 16;
/// How much of an input its format is told by.
const HEAD_BYTES: usize = 1 << 13;
/// How often it is looked at whether to stop, while there is nothing to read.
const PATIENCE: Duration = Duration::from_millis(50);

/// An opened input.
pub(super) enum Input {
    /// A file, which can be read twice, and its size.
    File(BufReader<File>, u64),
    /// Something that comes as it comes, and once.
    Stream(Stream),
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path, stop: &StopFlag) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stream(Stream::new(stop, || Ok(io::stdin()))));
        }
        let metadata = check_readable(path)?;
        if !metadata.is_file() {
            // A pipe can take as long to open as it takes to read.
            let path = path.to_owned();
            return Ok(Self::Stream(Stream::new(stop, || File::open(path))));
        }
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let file = BufReader::with_capacity(CHUNK_BYTES, file);
        Ok(Self::File(file, metadata.len()))
    }

    /// The first bytes, which stay where they are.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::File(file, _) => file.fill_buf(),
            Self::Stream(stream) => stream.head(),
        }
    }

    /// How many bytes there are; 0 if that is not known.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File(_, bytes) => *bytes,
            Self::Stream(_) => 0,
        }
    }
}

/// Refuses what is not there or is a folder, before anything is done.
pub(super) fn check_readable(path: &Path) -> Result<fs::Metadata, Failure> {
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        let what = format!("{} is a folder, not a file.", printable_path(path));
        return Err(Failure::with_code(exit::INVALID, what).advise("Name a file in it."));
    }
    Ok(metadata)
}

/// Says that the system does not give what is in a file.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let what = format!("{} cannot be read: {error}.", printable_path(path));
    Failure::with_code(exit::INVALID, what).advise(match error.kind() {
        ErrorKind::NotFound => "Look at how its name is spelled.",
        ErrorKind::PermissionDenied => "Ask whoever owns it to let you read it.",
        _ => "See whether another program can read it.",
    })
}

/// Chunks that a thread of its own reads. Waiting for one ends when the program shall stop.
pub(super) struct Stream {
    chunks: Receiver<io::Result<Vec<u8>>>,
    stop: StopFlag,
    /// What has come, and how much of it has been read.
    come: Vec<u8>,
    at: usize,
}

impl Stream {
    fn new<R: Read>(
        stop: &StopFlag,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> Self {
        let (sender, chunks) = sync_channel(2);
        // It is not waited for: if the program ends before the input does, it ends with it.
        std::thread::spawn(move || {
            if let Err(error) = open().and_then(|input| send_all(input, &sender)) {
                // Whoever has stopped listening has no use for it.
                let _ = sender.send(Err(error));
            }
        });
        let stop = stop.clone();
        Self {
            chunks,
            stop,
            come: Vec::new(),
            at: 0,
        }
    }

    fn head(&mut self) -> io::Result<&[u8]> {
        while self.come.len() < HEAD_BYTES
            && let Some(chunk) = self.next()?
        {
            self.come.extend(chunk);
        }
        Ok(&self.come)
    }

    /// Waits for the next chunk; `None` after the last.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.stop.is_set() {
                return Err(io::Error::other("it was stopped"));
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => return chunk.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

fn send_all(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => chunk.truncate(length),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if sender.send(Ok(chunk)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.come.len() {
            self.come = self.next()?.unwrap_or_default();
            self.at = 0;
        }
        Ok(self.come.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}
