//! The folder of a store: made durably, claimed before anything is changed, measured. Knows the
//! names of sled's files and nothing of what is in them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::EngineError;
use super::log_file::LogFile;

/// Makes the folder, and those above it which are missing, so that a power cut does not take them
/// back.
pub(super) fn create(dir: &Path) -> Result<(), EngineError> {
    if dir.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
        .collect();
    fs::create_dir_all(dir).map_err(|source| failed("creating", dir, source))?;
    missing.into_iter().rev().try_for_each(sync_parent)
}

/// Makes sure that no sled has the store open, so that its files may be changed.
///
/// # Errors
///
/// [`EngineError::Locked`] if one has.
pub(super) fn claim(dir: &Path) -> Result<(), EngineError> {
    if !dir.join("db").exists() {
        return Ok(());
    }
    if LogFile::open(dir)?.is_released() {
        Ok(())
    } else {
        Err(EngineError::Locked {
            path: dir.to_owned(),
        })
    }
}

/// Makes durable what sled leaves to the kernel when it makes or opens a store: its files and their
/// names. The log is not among them.
pub(super) fn sync_names(dir: &Path) -> Result<(), EngineError> {
    sync(&dir.join("conf"))?;
    sync_folder(&dir.join("blobs"))?;
    sync_folder(dir)?;
    sync_parent(dir)
}

/// The size of all files of the store, in bytes.
pub(super) fn size(dir: &Path) -> Result<u64, EngineError> {
    let mut bytes = 0;
    for dir in [dir, &dir.join("blobs")] {
        bytes += size_of_files(dir).map_err(|source| failed("measuring", dir, source))?;
    }
    Ok(bytes)
}

fn size_of_files(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        match entry?.metadata() {
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            Ok(_) => {}
            // sled puts new snapshots in the place of old ones as it goes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

fn sync_parent(dir: &Path) -> Result<(), EngineError> {
    match dir.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Makes the names in a folder durable, where folders can be synced.
pub(super) fn sync_folder(dir: &Path) -> Result<(), EngineError> {
    if cfg!(unix) { sync(dir) } else { Ok(()) }
}

fn sync(path: &Path) -> Result<(), EngineError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| failed("syncing", path, source))
}

fn failed(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> EngineError {
    EngineError::Io {
        doing,
        path: path.into(),
        source,
    }
}
