//! A copy of an input that can be read only once, so that it can be read twice.
//!
//! The file is readable by its owner alone, and is gone when this is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::transfer::Watch;

/// See the [module](self).
pub(super) struct Spool {
    file: File,
    /// `None` if the file has no name any more.
    path: Option<PathBuf>,
}

impl Spool {
    /// Copies an input; `None` if it was stopped.
    pub(super) fn fill(
        folder: Option<&Path>,
        input: &mut dyn Read,
        watch: &mut dyn Watch,
    ) -> io::Result<Option<Self>> {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        // The input is not to blame for what goes wrong here.
        let failed = |error: io::Error| {
            let why = format!(
                "a copy of it cannot be kept in {}: {error}",
                folder.display()
            );
            io::Error::new(error.kind(), why)
        };
        let mut spool = Self::create(&folder).map_err(failed)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            if watch.should_stop() {
                return Ok(None);
            }
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => spool
                    .file
                    .write_all(buffer.get(..length).unwrap_or_default())
                    .map_err(failed)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        spool.file.seek(SeekFrom::Start(0))?;
        Ok(Some(spool))
    }

    fn create(folder: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("coursecat-import-{}-{count}.tmp", std::process::id());
            let path = folder.join(name);
            match options.open(&path) {
                // Left by a process that had this number before and was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    // Where the system allows it, it is nameless at once: even a crash leaves
                    // nothing.
                    let path = fs::remove_file(&path).is_err().then_some(path);
                    return Ok(Self { file, path });
                }
            }
        }
    }
}

impl Read for Spool {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // The system clears this folder some day if that fails.
            let _ = fs::remove_file(path);
        }
    }
}
