//! The file of keys, beside a catalog's store.
//!
//! It is written anew as a whole, durably and under a lock of its own, so that keys can be managed
//! while a service has the catalog open. Nobody but its owner can read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Key, Scope, Secret};
use crate::model::Timestamp;

const FILE: &str = "keys.json";
const NEW_FILE: &str = "keys.json.new";
const LOCK: &str = "keys.lock";
const VERSION: u32 = 1;

/// The file of keys of a catalog.
#[derive(Clone, Debug)]
pub struct KeyFile {
    folder: PathBuf,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    keys: Vec<Key>,
}

impl KeyFile {
    /// The file of the catalog in this folder. There may be none yet.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Something that is another once the file has changed.
    pub(in super::super) fn changed(&self) -> Option<(SystemTime, u64)> {
        let metadata = fs::metadata(self.path()).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// Every key, in the order in which they were made.
    ///
    /// # Errors
    /// [`KeyError::File`] if the file cannot be read; [`KeyError::Damaged`] if it is no file of keys.
    pub fn list(&self) -> Result<Vec<Key>, KeyError> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read", error)),
        };
        let damaged = |why: String| KeyError::Damaged {
            path: path.clone(),
            why,
        };
        let content: Content =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if content.version == VERSION {
            Ok(content.keys)
        } else {
            let why = format!(
                "it has version {}, and this program reads {VERSION}",
                content.version
            );
            Err(damaged(why))
        }
    }

    /// Makes a key. It can be shown now, and never again.
    ///
    /// # Errors
    /// [`KeyError::Name`] if the name is none; [`KeyError::Exists`] if there is a key of that name;
    /// [`KeyError::File`] if the file cannot be written.
    pub fn create(
        &self,
        name: &str,
        scope: Scope,
        expires: Option<Timestamp>,
    ) -> Result<(Key, Secret), KeyError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_name) {
            return Err(KeyError::Name(name.chars().take(100).collect()));
        }
        let _lock = self.lock()?;
        let mut keys = self.list()?;
        if keys.iter().any(|key| key.name == name) {
            return Err(KeyError::Exists(name.to_owned()));
        }
        let secret = Secret::new()?;
        let key = Key {
            name: name.to_owned(),
            scope,
            created: Timestamp::now(),
            expires,
            id: secret.id().to_owned(),
            digest: secret.digest(),
        };
        keys.push(key.clone());
        self.write(keys)?;
        Ok((key, secret))
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] if there is no key of that name; [`KeyError::File`] if the file cannot
    /// be written.
    pub fn revoke(&self, name: &str) -> Result<(), KeyError> {
        let _lock = self.lock()?;
        let mut keys = self.list()?;
        let before = keys.len();
        keys.retain(|key| key.name != name);
        if keys.len() == before {
            return Err(KeyError::NotFound(name.to_owned()));
        }
        self.write(keys)
    }

    /// Waits until nobody else manages keys.
    fn lock(&self) -> Result<File, KeyError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join(LOCK));
        let locked = file.and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| self.failed("locked", error))
    }

    /// Puts a new file in the place of the old one.
    fn write(&self, keys: Vec<Key>) -> Result<(), KeyError> {
        let content = Content {
            version: VERSION,
            keys,
        };
        let new = self.folder.join(NEW_FILE);
        let written = serde_json::to_vec_pretty(&content)
            .map_err(io::Error::from)
            .and_then(|json| write_private(&new, &json))
            .and_then(|()| fs::rename(&new, self.path()))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        written.map_err(|error| self.failed("written", error))
    }

    fn failed(&self, done: &'static str, source: io::Error) -> KeyError {
        KeyError::File {
            path: self.path(),
            done,
            source,
        }
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is no name for a key.
    #[error("{0:?} is no name for a key; use 1 to 100 letters, digits, '.', '_' and '-'.")]
    Name(String),
    /// There is such a key.
    #[error("There is a key {0:?} already; revoke it first, or choose another name.")]
    Exists(String),
    /// There is no such key.
    #[error("There is no key {0:?}.")]
    NotFound(String),
    /// The system has no random numbers.
    #[error("The system gives no random numbers to make a key of.")]
    NoRandomNumbers,
    /// The file cannot be used.
    #[error("{} cannot be {done}: {source}.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was to be done with it: read, locked, written.
        done: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is none of keys.
    #[error("{} is no file of keys: {why}. Remove it to begin without keys.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
