//! The file `db`, sled's log, through a descriptor of our own. Never reads or writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::EngineError;
use super::outcome::{engine_error, guarded};

/// How long sled's threads may take to let go of the log after its last handle is gone. They take
/// microseconds.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// A descriptor of sled's log.
///
/// It stays open as long as the store does: the kernel reports a failed write-back once to every
/// descriptor that was open when it happened.
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
}

impl LogFile {
    /// Opens the log in the folder `dir`, which must exist.
    pub(super) fn open(dir: &Path) -> Result<Self, EngineError> {
        let path = dir.join("db");
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(EngineError::Io {
                doing: "opening",
                path,
                source,
            }),
        }
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes all that sled was given durable.
    ///
    /// sled's flush hands its buffers to the kernel and starts them on their way to the disk, but
    /// does not have the disk write its cache, nor the file system its notion of the file's length.
    /// The second step does.
    pub(super) fn sync(&self, db: &::sled::Db) -> Result<(), EngineError> {
        self.flush(db)?;
        self.sync_data()
    }

    fn flush(&self, db: &::sled::Db) -> Result<(), EngineError> {
        guarded("flushing", || db.flush())?
            .map(drop)
            .map_err(|error| engine_error(error, "flushing", &self.path))
    }

    /// The moment at which a commit becomes durable.
    pub(super) fn sync_data(&self) -> Result<(), EngineError> {
        let synced = self.file.sync_data().and_then(|()| self.check_named());
        synced.map_err(|source| EngineError::Io {
            doing: "syncing",
            path: self.path.clone(),
            source,
        })
    }

    /// Makes sure that the log has a name. A file that was removed takes all that is written to it, and
    /// is gone with the process.
    #[cfg(unix)]
    fn check_named(&self) -> std::io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        match self.file.metadata()?.nlink() {
            0 => Err(std::io::Error::other("it was removed while it was open")),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn check_named(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// The same, by the call that sled makes when it is dropped.
    pub(super) fn sync_all(&self, db: &::sled::Db) -> Result<(), EngineError> {
        self.flush(db)?;
        self.file.sync_all().map_err(|source| EngineError::Io {
            doing: "syncing",
            path: self.path.clone(),
            source,
        })
    }

    /// Whether nobody holds the log open.
    ///
    /// The lock that answers it is given back at once, and is sled's own kind, so that it sees sled
    /// of other processes and of this one. A file system without locks counts as released: sled
    /// finds out for itself.
    pub(super) fn is_released(&self) -> bool {
        match self.file.try_lock() {
            Ok(()) => {
                // Closing the descriptor would do as well; a failure here shows in the next attempt
                // to open.
                let _ = self.file.unlock();
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
                tracing::warn!(path = %self.path.display(), "sled has not let go of its log");
                return false;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        true
    }
}
