//! Files and folders that are whole or not there: made under another name, and renamed when done.
//!
//! Knows nothing of what is in them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that is being written beside the place where it shall be. Dropped, it is removed.
pub(super) struct NewFile {
    file: Option<File>,
    path: PathBuf,
    target: PathBuf,
}

impl NewFile {
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let suffix = format!(".{}-{count}.part", std::process::id());
            let path = beside(target, &suffix)?;
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                // Left by a process that had this number before and was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    return Ok(Self {
                        file: Some(file),
                        path,
                        target: target.to_owned(),
                    });
                }
            }
        }
    }

    /// The file, to be written, and read again.
    pub(super) fn file(&self) -> io::Result<&File> {
        self.file
            .as_ref()
            .ok_or_else(|| io::Error::other("the file is closed"))
    }

    /// Makes it durable and gives it its name.
    ///
    /// If it must not take the place of another file, the error is of the kind `AlreadyExists`.
    pub(super) fn finish(mut self, overwrite: bool) -> io::Result<()> {
        self.file()?.sync_all()?;
        drop(self.file.take());
        if overwrite {
            fs::rename(&self.path, &self.target)?;
        } else {
            match fs::hard_link(&self.path, &self.target) {
                Ok(()) => fs::remove_file(&self.path)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                // The file system knows no links: it cannot rule out that another process makes
                // the file in this moment.
                Err(_) if self.target.symlink_metadata().is_err() => {
                    fs::rename(&self.path, &self.target)?;
                }
                Err(_) => return Err(ErrorKind::AlreadyExists.into()),
            }
        }
        sync_parent(&self.target)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After `finish` there is no file of this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// How many folders may be filled beside one place, or be left there.
const MOST_LEFT: u32 = 9;

/// A folder that is being filled beside the place where it shall be. Dropped, it is removed.
pub(super) struct NewFolder {
    path: PathBuf,
    target: PathBuf,
    is_done: bool,
}

impl NewFolder {
    /// Makes it, under the first of [`MOST_LEFT`] names that is free: others may be filled now, or
    /// have been left by a process that was killed, and only a person can tell which.
    ///
    /// The error is of the kind `AlreadyExists` if there is one under each.
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        let mut taken = ErrorKind::AlreadyExists.into();
        for n in 1..=MOST_LEFT {
            let suffix = match n {
                1 => ".restoring".to_owned(),
                n => format!(".restoring-{n}"),
            };
            let path = beside(target, &suffix)?;
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        target: target.to_owned(),
                        is_done: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    tracing::warn!(path = %path.display(), "another restore is under way here, or was interrupted and can be deleted");
                    taken = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, in the place of an empty folder if there is one.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match fs::remove_dir(&self.target) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&self.path, &self.target)?;
        self.is_done = true;
        sync_parent(&self.target)
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.is_done
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), "removing an unfinished folder failed: {error}");
        }
    }
}

/// A name beside a path.
fn beside(target: &Path, suffix: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, "the path does not end with a name")
    })?;
    let mut name: OsString = name.to_owned();
    name.push(suffix);
    Ok(target.with_file_name(name))
}

/// Makes a rename in a folder durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    // Elsewhere a folder cannot be opened as a file, and renames are durable by themselves.
    if cfg!(unix) {
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
