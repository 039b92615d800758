//! A file that is known by its name: opened, and made durable. What is in it is for others to say.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::EngineError;

/// A descriptor of a file and the name it was opened by.
///
/// It stays open for as long as the file is written to: the kernel reports a failed write-back once to every
/// descriptor that was open when it happened.
pub(super) struct NamedFile {
    pub(super) file: File,
    path: PathBuf,
}

impl NamedFile {
    /// Opens a file for reading and writing.
    pub(super) fn open(path: PathBuf) -> Result<Self, EngineError> {
        Self::open_with(path, OpenOptions::new().read(true).write(true))
    }

    /// Opens a file for reading and writing; makes it if there is none.
    pub(super) fn open_or_create(path: PathBuf) -> Result<Self, EngineError> {
        let mut how = OpenOptions::new();
        Self::open_with(
            path,
            how.read(true).write(true).create(true).truncate(false),
        )
    }

    fn open_with(path: PathBuf, how: &OpenOptions) -> Result<Self, EngineError> {
        match how.open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(EngineError::Io {
                doing: "opening",
                path,
                source,
            }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what was written to the file durable.
    pub(super) fn sync_data(&self) -> Result<(), EngineError> {
        let synced = self.file.sync_data().and_then(|()| self.check_named());
        synced.map_err(|source| self.failed("syncing", source))
    }

    /// Makes what was written to the file durable, and what the file system knows of it.
    pub(super) fn sync_all(&self) -> Result<(), EngineError> {
        let synced = self.file.sync_all();
        synced.map_err(|source| self.failed("syncing", source))
    }

    /// What the operating system refused to do to the file.
    pub(super) fn failed(&self, doing: &'static str, source: io::Error) -> EngineError {
        EngineError::Io {
            doing,
            path: self.path.clone(),
            source,
        }
    }

    /// Makes sure that the file has a name. One that was removed takes all that is written to it, and
    /// is gone with the process.
    #[cfg(unix)]
    fn check_named(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        match self.file.metadata()?.nlink() {
            0 => Err(io::Error::other("it was removed while it was open")),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn check_named(&self) -> io::Result<()> {
        Ok(())
    }
}
