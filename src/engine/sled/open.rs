//! Opening a store, and opening it again once a damaged snapshot or `conf` is out of the way. Repairs
//! nothing else.

use std::path::Path;
use std::sync::Arc;

use ::sled::{Config, Mode};

use super::log_file::LogFile;
use super::outcome::{engine_error, guarded};
use super::store::{Store, Trees};
use super::watchdog::Watchdog;
use super::{EngineError, SledOptions, Tree, conf, folder, last_segment, snapshot};

/// The size of a segment, in bytes: the unit in which sled makes its log longer and uses it again.
/// Fixed when a store is made.
///
/// sled's own choice is 512 KiB. With four times that, a commit of 1,000 rows, which writes up to
/// 860 KiB of log, stays within half a segment, and no row that an engine takes makes a page so
/// large that sled would move it into a file of its own. Speed and space are the same (50,000 runs:
/// 713 bytes a run, 788 with sled's choice).
pub(super) const SEGMENT_BYTES: usize = 2 << 20;

/// The smallest cache, in bytes. sled panics on a cache of next to nothing.
const MIN_CACHE_BYTES: u64 = 1 << 20;

/// Opens or makes the store in `dir`. See [`SledEngine::open`](super::SledEngine::open).
pub(super) fn open(dir: &Path, trees: &[Tree], options: SledOptions) -> Result<Store, EngineError> {
    folder::create(dir)?;
    folder::claim(dir)?;
    snapshot::remove_unfinished(dir)?;
    last_segment::check(dir)?;
    let store = match open_once(dir, trees, options) {
        Err(error) if set_aside(&error, dir)? => open_once(dir, trees, options)?,
        other => other?,
    };
    // A process may have ended between writing and syncing, and the next one found in memory what
    // is not on the disk.
    let synced = store.trees.log.sync(&store.trees.db);
    match synced.and_then(|()| folder::sync_names(dir)) {
        Ok(()) => Ok(store),
        Err(error) => {
            store.release(dir);
            Err(error)
        }
    }
}

/// Opens the store once more, after it was closed, for the snapshot that sled writes only then.
///
/// The next opening need not read the log again. And it notices damage: where no snapshot says what
/// there must be, sled takes the first message it cannot read for the end of its log.
///
/// Failing to is no failure of the store, which is closed and durable.
pub(super) fn renew_snapshot(dir: &Path, options: SledOptions) {
    let renewed = open_once(dir, &[], options).and_then(|store| {
        store.release(dir);
        folder::sync_names(dir)
    });
    if let Err(error) = renewed {
        tracing::warn!(%error, dir = %dir.display(), "the store has no new snapshot");
    }
}

/// After a failure, sets aside what is damaged and can be made again. Returns whether another attempt
/// makes sense.
fn set_aside(error: &EngineError, dir: &Path) -> Result<bool, EngineError> {
    let may_be_damage = matches!(
        error,
        EngineError::Damaged { .. } | EngineError::Foreign { .. }
    );
    // sled's threads may outlive the failure by a moment, and they would fail the next attempt for
    // its lock.
    if !may_be_damage || !LogFile::open(dir)?.wait_until_released() {
        return Ok(false);
    }
    let (conf, snapshots) = (
        conf::set_damaged_aside(dir)?,
        snapshot::set_damaged_aside(dir)?,
    );
    Ok(conf || snapshots)
}

fn open_once(dir: &Path, trees: &[Tree], options: SledOptions) -> Result<Store, EngineError> {
    let config = Config::new()
        .path(dir)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(options.cache_bytes.max(MIN_CACHE_BYTES))
        .mode(Mode::LowSpace)
        .use_compression(false)
        .print_profile_on_drop(false)
        .flush_every_ms(None);
    let opened = guarded("opening", || {
        let db = config.open()?;
        let open_tree = |tree: &Tree| Ok((*tree, db.open_tree(tree.name())?));
        let trees = trees
            .iter()
            .map(open_tree)
            .collect::<::sled::Result<Vec<_>>>()?;
        Ok((trees, db))
    })?;
    let (trees, db) = opened.map_err(|error| engine_error(error, "opening", dir))?;
    let watchdog = Watchdog::over(&db).map_err(|source| EngineError::Io {
        doing: "watching",
        path: dir.to_owned(),
        source,
    });
    match watchdog.and_then(|watchdog| Ok((watchdog, LogFile::open(dir)?))) {
        Ok((watchdog, log)) => Ok(Store {
            watchdog,
            trees: Arc::new(Trees { trees, db, log }),
        }),
        Err(error) => {
            // What dropping it may say is of no more use than the first error.
            let _ = guarded("closing", || drop((trees, db)));
            Err(error)
        }
    }
}
