//! The folder of a catalog: who holds it, which format it has, and how it comes into being.
//!
//! ```text
//! FOLDER/
//!   lock          held for as long as the catalog is open
//!   store/        the engine's files, FORMAT, and COMMITS, the mark
//!   store.new/    a store that is being made; it becomes `store` in one rename
//!   store.old/    the store that a compacted one is taking the place of
//! ```
//!
//! Whatever a crash leaves of these, the next opening ends up with one whole store.
//!
//! A folder that holds anything else is another program's, and is never written to.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{self, FORMAT_FILE, FORMAT_VERSION};
use super::ledger::Ledger;
use super::mark::{self, MARK_FILE, NEW_MARK_FILE};
use super::trees::TREES;
use crate::engine::{Durability, Engine as _, EngineError, SledEngine, SledOptions};
use crate::error::{Error, Result};
use crate::model::Field;

const LOCK: &str = "lock";
const STORE: &str = "store";
const NEW_STORE: &str = "store.new";
const OLD_STORE: &str = "store.old";

/// A catalog's folder, locked against every other opening until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Locks a folder and opens the store in it, after making both if there is nothing yet.
    pub(crate) fn open_or_create(path: &Path, options: &SledOptions) -> Result<(Self, SledEngine)> {
        if matches!(look_again_if_odd(path)?, Found::Store) {
            return Self::open(path, options);
        }
        create_folder(path)?;
        let folder = Self::lock(path)?;
        // Another process may have been quicker between the look and the lock.
        if matches!(look(path)?, Found::Nothing) {
            folder.create_store(options)?;
        }
        folder.clear_up()?;
        let engine = folder.open_store(options)?;
        Ok((folder, engine))
    }

    /// Locks a folder and opens the store in it.
    pub(crate) fn open(path: &Path, options: &SledOptions) -> Result<(Self, SledEngine)> {
        let folder = Self::claim(path)?;
        let engine = folder.open_store(options)?;
        Ok((folder, engine))
    }

    /// Locks a folder in which there is a store.
    pub(crate) fn claim(path: &Path) -> Result<Self> {
        if matches!(look_again_if_odd(path)?, Found::Nothing) {
            return Err(Error::invalid(
                Field::Path,
                format!("There is no catalog in {}.", path.display()),
            ));
        }
        let folder = Self::lock(path)?;
        folder.clear_up()?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn lock(path: &Path) -> Result<Self> {
        let file = path.join(LOCK);
        let failed = |error| storage("locking", &file, error);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Opens the store.
    pub(crate) fn open_store(&self, options: &SledOptions) -> Result<SledEngine> {
        SledEngine::open(&self.store(), &TREES, *options)
            .map_err(|error| engine_error(&self.path, "opening the store", error))
    }

    /// How many commits the store is known to have had: at least so many, 0 if that is not known.
    pub(crate) fn mark(&self) -> u64 {
        let file = self.store().join(MARK_FILE);
        match fs::read_to_string(&file) {
            Ok(text) => mark::read(&text).unwrap_or_else(|| {
                tracing::warn!(file = %file.display(), "the mark is damaged; going on without");
                0
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(file = %file.display(), "the mark cannot be read: {error}");
                }
                0
            }
        }
    }

    /// Refuses a store that has lost commits which it is known to have had.
    pub(crate) fn check_mark(&self, ledger: &Ledger) -> Result<()> {
        match ledger.commits_lost(self.mark()) {
            None => Ok(()),
            Some(detail) => Err(Error::Corrupt {
                path: self.path.clone(),
                detail,
            }),
        }
    }

    /// Marks that the store has so many commits, which must be durable. An older mark does not
    /// replace a newer one.
    pub(crate) fn set_mark(&self, commits: u64) -> Result<()> {
        if commits <= self.mark() {
            return Ok(());
        }
        write_mark(&self.store(), commits)
            .map_err(|error| storage("marking the commits of", &self.path, error))
    }

    /// Begins a store without rows, which is none of the catalog's until it is put in place.
    pub(crate) fn new_store(&self, options: &SledOptions) -> Result<SledEngine> {
        remove(&self.new_one())?;
        SledEngine::open(&self.new_one(), &TREES, *options)
            .map(SledEngine::without_journal)
            .map_err(|error| engine_error(&self.path, "creating a store", error))
    }

    /// Opens a copy of the store, made such that the engine can read what is not damaged; if that is
    /// asked for, without what the engine has noted of where its pages are.
    pub(crate) fn open_copy(
        &self,
        options: &SledOptions,
        with_snapshots: bool,
    ) -> Result<SledEngine> {
        self.discard_copy()?;
        let copied = copy(&self.store(), &self.new_one(), with_snapshots);
        copied.map_err(|error| storage("copying the store of", &self.path, error))?;
        SledEngine::open_damaged_copy(&self.new_one(), &TREES, *options)
            .map_err(|error| engine_error(&self.path, "opening a copy of the store", error))
    }

    /// Removes a copy that is not open.
    pub(crate) fn discard_copy(&self) -> Result<()> {
        remove(&self.new_one())
    }

    /// Puts the new store, which has been closed with so many commits, in the place of the old
    /// one.
    pub(crate) fn replace_store(&self, commits: u64) -> Result<()> {
        let marked = write_mark(&self.new_one(), commits);
        let replaced = marked.and_then(|()| self.seal_new_store()).and_then(|()| {
            fs::rename(self.store(), self.old_one())?;
            sync_folder(&self.path)?;
            fs::rename(self.new_one(), self.store())?;
            sync_folder(&self.path)
        });
        replaced.map_err(|error| storage("replacing the store in", &self.path, error))?;
        remove(&self.old_one())
    }

    /// Makes an empty store. It is complete and durable before it gets its name, so that a crash
    /// leaves either no store or a whole one.
    fn create_store(&self, options: &SledOptions) -> Result<()> {
        let failed = |error| engine_error(&self.path, "creating the store", error);
        let mut engine = self.new_store(options)?;
        engine
            .commit(Ledger::new().first_batch(), Durability::Durable)
            .map_err(failed)?;
        Box::new(engine).close().map_err(failed)?;
        let named = self.seal_new_store().and_then(|()| {
            fs::rename(self.new_one(), self.store())?;
            sync_folder(&self.path)
        });
        // The folder may have been made by somebody who did not see to it that it stays.
        named
            .and_then(|()| sync_folder(parent_of(&self.path)))
            .map_err(|error| storage("creating the store in", &self.path, error))
    }

    /// Writes the format into the new store: from then on it is complete.
    fn seal_new_store(&self) -> io::Result<()> {
        let new = self.new_one();
        let format = new.join(FORMAT_FILE);
        fs::write(&format, format::write(FORMAT_VERSION))?;
        File::open(&format)?.sync_all()?;
        sync_folder(&new)
    }

    /// Ends what a crash interrupted: afterwards there is a store, and no other.
    fn clear_up(&self) -> Result<()> {
        let (store, new, old) = (self.store(), self.new_one(), self.old_one());
        if !store.exists() && old.exists() {
            // The crash came between the two renames of a replacement.
            let (found, name) = if new.join(FORMAT_FILE).exists() {
                (&new, NEW_STORE)
            } else {
                (&old, OLD_STORE)
            };
            tracing::warn!(path = %self.path.display(), "a replacement of the store was interrupted; going on with {name}");
            fs::rename(found, &store)
                .and_then(|()| sync_folder(&self.path))
                .map_err(|error| storage("renaming", found, error))?;
        }
        remove(&new)?;
        remove(&old)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    fn new_one(&self) -> PathBuf {
        self.path.join(NEW_STORE)
    }

    fn old_one(&self) -> PathBuf {
        self.path.join(OLD_STORE)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the descriptor would not do: a process that was forked meanwhile may have a copy
        // of it, and the lock is held as long as there is one. If it fails, closing is all there is.
        let _ = self.lock.unlock();
    }
}

/// The bytes that the files of the store in this folder have, which may be open.
pub(crate) fn size_of_store(path: &Path) -> Result<u64> {
    SledEngine::size_of(&path.join(STORE))
        .map_err(|error| engine_error(path, "measuring the store", error))
}

/// Copies the files of a store.
fn copy(store: &Path, to: &Path, with_snapshots: bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        let name = entry.file_name();
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, with_snapshots)?;
        } else if name != FORMAT_FILE
            && (with_snapshots || !name.to_string_lossy().starts_with("snap."))
        {
            // A store with a format would count as complete.
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Writes the mark of a store, which is the old one or the new one whenever it is interrupted.
fn write_mark(store: &Path, commits: u64) -> io::Result<()> {
    let (file, new) = (store.join(MARK_FILE), store.join(NEW_MARK_FILE));
    fs::write(&new, mark::write(commits))?;
    File::open(&new)?.sync_all()?;
    fs::rename(new, file)?;
    sync_folder(store)
}

/// Removes a store that nobody needs, if there is one.
fn remove(store: &Path) -> Result<()> {
    if !store.exists() {
        return Ok(());
    }
    tracing::info!(path = %store.display(), "removing a store that is no longer needed");
    fs::remove_dir_all(store).map_err(|error| storage("removing", store, error))
}

/// What lies at a path before anything is done to it.
enum Found {
    /// No folder, an empty one, or one in which a catalog was about to be made.
    Nothing,
    /// A store of a format that can be read.
    Store,
}

/// Looks at a path; if what is there is odd, once more under its lock. Another process may be in the
/// midst of making or replacing a store, which must not be taken for damage.
fn look_again_if_odd(path: &Path) -> Result<Found> {
    match look(path) {
        Err(odd) if path.join(LOCK).exists() => match Folder::lock(path) {
            Ok(_folder) => look(path),
            Err(Error::Locked { path }) => Err(Error::Locked { path }),
            Err(_) => Err(odd),
        },
        found => found,
    }
}

/// Looks at a path without touching it.
fn look(path: &Path) -> Result<Found> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let is = if path.is_file() { "is" } else { "lies below" };
            return Err(Error::invalid(
                Field::Path,
                format!(
                    "{} {is} a file; a catalog needs a folder of its own.",
                    path.display()
                ),
            ));
        }
        Err(error) => return Err(storage("reading", path, error)),
    };
    let store = match (path.join(STORE), path.join(OLD_STORE)) {
        // A replacement was interrupted between its two renames.
        (store, old) if !store.exists() && old.exists() => old,
        (store, _) => store,
    };
    match fs::read_to_string(store.join(FORMAT_FILE)) {
        Ok(text) => check_format(path, &text),
        Err(error) if !tells_of_no_file(&error) => {
            Err(storage("reading", &store.join(FORMAT_FILE), error))
        }
        Err(_) if store.exists() && is_ours(path)? => Err(Error::Corrupt {
            path: path.to_owned(),
            detail: format!(
                "{} is lost or no text, so the format of the store is not known (if nothing else is lost, write \"{}\" into it)",
                store.join(FORMAT_FILE).display(),
                format::first_line(FORMAT_VERSION)
            ),
        }),
        Err(_) => {
            let mut names = Vec::new();
            for entry in entries {
                let entry = entry.map_err(|error| storage("reading", path, error))?;
                names.push(entry.file_name());
            }
            // A creation that was interrupted has a lock; a store alone is somebody else's.
            let foreign = names
                .iter()
                .find(|name| *name != LOCK && *name != NEW_STORE);
            let alone = names
                .iter()
                .find(|name| *name == NEW_STORE && names.len() == 1);
            if let Some(name) = foreign.or(alone) {
                return Err(Error::invalid(
                    Field::Path,
                    format!(
                        "{} holds {}, which is not coursecat's; give the catalog a folder of its own.",
                        path.display(),
                        name.display()
                    ),
                ));
            }
            Ok(Found::Nothing)
        }
    }
}

/// Whether reading a file failed since it is not there, or holds no text.
fn tells_of_no_file(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | NotADirectory | InvalidData | IsADirectory
    )
}

/// Whether a folder with something called `store` looks like a catalog's at all.
fn is_ours(path: &Path) -> Result<bool> {
    let lock = path.join(LOCK);
    lock.try_exists()
        .map_err(|error| storage("reading", &lock, error))
}

fn check_format(path: &Path, text: &str) -> Result<Found> {
    match format::read(text) {
        Some(version) if version > FORMAT_VERSION => Err(Error::NewerFormat {
            path: path.to_owned(),
            found: version,
            supported: FORMAT_VERSION,
        }),
        Some(1..) => Ok(Found::Store),
        Some(0) | None => Err(Error::Corrupt {
            path: path.to_owned(),
            detail: format!(
                "{STORE}/{FORMAT_FILE} does not name a format (if nothing else is damaged, write \"{}\" into it)",
                format::first_line(FORMAT_VERSION)
            ),
        }),
    }
}

/// Makes a folder and its parents, and has the parents remember them.
fn create_folder(path: &Path) -> Result<()> {
    let failed = |error| storage("creating", path, error);
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        if ancestor.as_os_str().is_empty() || ancestor.exists() {
            break;
        }
        missing.push(ancestor);
    }
    fs::create_dir_all(path).map_err(failed)?;
    for folder in missing {
        sync_folder(parent_of(folder)).map_err(failed)?;
    }
    Ok(())
}

/// The folder that has the name of this one.
fn parent_of(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => folder,
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn storage(doing: &str, path: &Path, error: io::Error) -> Error {
    Error::Storage {
        doing: format!("{doing} {}", path.display()),
        source: Arc::new(error),
    }
}

/// An engine's error, as a user of the catalog in this folder has to take it.
pub(crate) fn engine_error(path: &Path, doing: &str, error: EngineError) -> Error {
    match error {
        EngineError::Locked { .. } => Error::Locked {
            path: path.to_owned(),
        },
        EngineError::Damaged { .. }
        | EngineError::GuardFailed { .. }
        | EngineError::Foreign { .. } => Error::Corrupt {
            path: path.to_owned(),
            detail: format!("while {doing}, {error}"),
        },
        EngineError::Io { .. } | EngineError::Failed { .. } | EngineError::Refused { .. } => {
            Error::Storage {
                doing: doing.to_owned(),
                source: Arc::new(error),
            }
        }
    }
}
