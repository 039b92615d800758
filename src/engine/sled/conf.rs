//! sled's file `conf`, which says how a store was made: a few lines of text and their CRC-32. sled
//! makes a lost one again. Never writes one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::EngineError;

const NAME: &str = "conf";

/// What it is renamed to, out of sled's way.
const ASIDE: &str = "damaged-conf";

/// Renames the file if its checksum does not fit, and returns whether it did. All stores are made
/// alike, so the one that sled makes again says the same; one that is whole and says something else
/// is the file of another program, and stays.
pub(super) fn set_damaged_aside(dir: &Path) -> Result<bool, EngineError> {
    let path = dir.join(NAME);
    let failed = |doing, source| EngineError::Io {
        doing,
        path: path.clone(),
        source,
    };
    match fs::read(&path) {
        Ok(contents) if is_sound(&contents) => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("reading", error)),
    }
    let aside = dir.join(ASIDE);
    tracing::warn!(path = %aside.display(), "a damaged conf is set aside");
    fs::rename(&path, aside).map_err(|error| failed("renaming", error))?;
    Ok(true)
}

fn is_sound(contents: &[u8]) -> bool {
    contents
        .split_last_chunk::<4>()
        .is_some_and(|(text, stored)| {
            !text.is_empty() && crc32fast::hash(text) == u32::from_le_bytes(*stored)
        })
}
