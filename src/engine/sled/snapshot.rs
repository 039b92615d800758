//! sled's snapshots: files `snap.<position>` that say where every page is, so that opening need not
//! read the whole log. sled can do without them. Never changes one, other than its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{EngineError, varint};

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

/// Where the log ended when a snapshot was written.
pub(super) struct End {
    /// The position in the log, from its beginning of old.
    pub(super) position: u64,
    /// Where the segment with this position is, in the file.
    pub(super) segment: u64,
}

/// Where the newest snapshot ends, if it is sound and ends within a segment.
pub(super) fn newest_end(dir: &Path) -> io::Result<Option<End>> {
    let Some(path) = paths(dir)?.into_iter().max() else {
        return Ok(None);
    };
    let contents = fs::read(&path)?;
    Ok(is_sound(&contents).then(|| read_end(&contents)).flatten())
}

/// A snapshot begins with both, each plus one: 0 is none.
fn read_end(snapshot: &[u8]) -> Option<End> {
    let (position, rest) = snapshot.split_first_chunk::<8>()?;
    let (segment, _) = varint::read(rest)?;
    Some(End {
        position: u64::from_le_bytes(*position).checked_sub(1)?,
        segment: segment.checked_sub(1)?,
    })
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
    paths(dir).map_err(|source| EngineError::Io {
        doing: "listing",
        path: dir.to_owned(),
        source,
    })
}

fn paths(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX) {
            found.push(path);
        }
    }
    Ok(found)
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
    !pages.is_empty() && crc32fast::hash(pages) == u32::from_le_bytes(*stored)
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
