//! sled's snapshots: files `snap.<position>` that say where every page is, so that opening need not
//! read the whole log. sled can do without them. Never changes one, other than its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::EngineError;
use super::crc32::crc32;

/// What sled takes for a snapshot, whatever follows.
const PREFIX: &str = "snap.";

/// What a name is given in front so that sled looks past it.
const ASIDE: &str = "damaged-";

/// Removes snapshots that were being written when a process ended: sled would take one for
/// complete, and fail.
///
/// Only for a folder that no sled has open.
pub(super) fn remove_unfinished(dir: &Path) -> Result<(), EngineError> {
    for path in list(dir)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(&path).map_err(|source| EngineError::Io {
                doing: "removing",
                path,
                source,
            })?;
        }
    }
    Ok(())
}

/// Renames the snapshots whose checksums do not fit, and returns whether there were any.
///
/// Sound snapshots stay even if sled cannot open the store: without one it reads the log from its
/// beginning, takes the first damage it meets for the end, and *overwrites what follows*.
pub(super) fn set_damaged_aside(dir: &Path) -> Result<bool, EngineError> {
    let mut found = false;
    for path in list(dir)? {
        let contents = fs::read(&path).map_err(|source| EngineError::Io {
            doing: "reading",
            path: path.clone(),
            source,
        })?;
        if is_sound(&contents) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = path.with_file_name(format!("{ASIDE}{name}"));
        tracing::warn!(path = %aside.display(), "a damaged snapshot is set aside");
        fs::rename(&path, aside).map_err(|source| EngineError::Io {
            doing: "renaming",
            path,
            source,
        })?;
        found = true;
    }
    Ok(found)
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|source| EngineError::Io {
        doing: "listing",
        path: dir.to_owned(),
        source,
    })?;
    let is_snapshot = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
    };
    Ok(entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(is_snapshot)
        .collect())
}

/// A snapshot ends with its length, in eight bytes, and the CRC-32 of what comes before both, in
/// four, little endian.
fn is_sound(snapshot: &[u8]) -> bool {
    let Some((rest, stored)) = snapshot.split_last_chunk::<4>() else {
        return false;
    };
    let Some((pages, _length)) = rest.split_last_chunk::<8>() else {
        return false;
    };
    !pages.is_empty() && crc32(pages) == u32::from_le_bytes(*stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_or_empty_snapshot_is_not_sound() {
        assert!(!is_sound(b""));
        assert!(!is_sound(&[0; 11]));
        assert!(!is_sound(&[0; 12]));
    }
}
