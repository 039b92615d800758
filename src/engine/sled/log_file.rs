//! The file `db`, sled's log, through a descriptor of our own. Never reads or writes it.

use std::fs::TryLockError;
use std::path::Path;
use std::time::{Duration, Instant};

use super::EngineError;
use super::named_file::NamedFile;
use super::outcome::{engine_error, guarded};

/// How long sled's threads may take to let go of the log after its last handle is gone. They take
/// microseconds.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// A descriptor of sled's log.
pub(super) struct LogFile {
    file: NamedFile,
}

impl LogFile {
    /// Opens the log in the folder `dir`, which must exist.
    pub(super) fn open(dir: &Path) -> Result<Self, EngineError> {
        let file = NamedFile::open(dir.join("db"))?;
        Ok(Self { file })
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// How long the log is, in bytes.
    pub(super) fn bytes(&self) -> Result<u64, EngineError> {
        let metadata = self.file.file.metadata();
        metadata
            .map(|metadata| metadata.len())
            .map_err(|source| self.file.failed("measuring", source))
    }

    /// Makes all that sled was given durable.
    ///
    /// sled's flush hands its buffers to the kernel and starts them on their way to the disk, but
    /// does not have the disk write its cache, nor the file system its notion of the file's length.
    /// The second step does.
    pub(super) fn sync(&self, db: &::sled::Db) -> Result<(), EngineError> {
        self.flush(db)?;
        self.file.sync_data()
    }

    /// The same, by the call that sled makes when it is dropped.
    pub(super) fn sync_all(&self, db: &::sled::Db) -> Result<(), EngineError> {
        self.flush(db)?;
        self.file.sync_all()
    }

    fn flush(&self, db: &::sled::Db) -> Result<(), EngineError> {
        guarded("flushing", || db.flush())?
            .map(drop)
            .map_err(|error| engine_error(error, "flushing", self.path()))
    }

    /// Whether nobody holds the log open.
    ///
    /// The lock that answers it is given back at once, and is sled's own kind, so that it sees sled
    /// of other processes and of this one. A file system without locks counts as released: sled
    /// finds out for itself.
    pub(super) fn is_released(&self) -> bool {
        match self.file.file.try_lock() {
            Ok(()) => {
                // Closing the descriptor would do as well; a failure here shows in the next attempt
                // to open.
                let _ = self.file.file.unlock();
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => true,
        }
    }

    /// Waits until sled has let go of the log, so that it can be opened again at once. sled answers
    /// a flush before the thread that wrote is done with the file, and that thread's share of it
    /// holds the lock.
    ///
    /// Returns whether it has; after five seconds it is given up as stuck.
    pub(super) fn wait_until_released(&self) -> bool {
        let deadline = Instant::now() + RELEASE_LIMIT;
        let mut pause = Duration::from_micros(50);
        while !self.is_released() {
            if Instant::now() > deadline {
                tracing::warn!(path = %self.path().display(), "sled has not let go of its log");
                return false;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        true
    }
}
