//! Filling a new store with all that it is to hold, in full pages, the ledger last; and checking that it
//! holds that, before it takes the place of another. Puts nothing in place.

use std::ops::ControlFlow;
use std::path::Path;

use super::survey::Rows;
use crate::engine::{EngineError, RowSink, SledEngine, Tree};
use crate::error::{Error, Result};
use crate::schema::folder::engine_error;
use crate::schema::{DATA_TREES, Ledger, load_checked};

/// Fills a store that has no rows with those that `load` gives for each tree, in ascending order of
/// keys, and a ledger. Tells how many rows there are.
pub(super) fn fill(
    new: &mut SledEngine,
    ledger: &Ledger,
    load: impl Fn(Tree, &mut RowSink<'_>) -> std::result::Result<(), EngineError>,
) -> std::result::Result<u64, EngineError> {
    let mut filler = new.filler();
    for tree in DATA_TREES {
        filler.fill(tree, |row| load(tree, row))?;
    }
    let ledger = ledger.as_row();
    filler.fill(ledger.tree, |row| {
        let _ = row(&ledger.key, &ledger.value);
        Ok(())
    })?;
    filler.finish()
}

/// Fills it with these rows.
pub(super) fn fill_with(
    new: &mut SledEngine,
    path: &Path,
    rows: &Rows,
    ledger: &Ledger,
) -> Result<u64> {
    let load = |tree: Tree, row: &mut RowSink<'_>| {
        let of_tree = rows.range((tree, Vec::new())..);
        let of_tree = of_tree.take_while(|((found, _), _)| *found == tree);
        for ((_, key), value) in of_tree {
            if let ControlFlow::Break(()) = row(key, value) {
                break;
            }
        }
        Ok(())
    };
    fill(new, ledger, load).map_err(|error| engine_error(path, "filling the new store", error))
}

/// Reads a store that was filled, and compares it with the ledger that it was given.
pub(super) fn check(new: &SledEngine, path: &Path, ledger: &Ledger) -> Result<()> {
    let (_, written) = load_checked(new, path)?;
    if written == *ledger {
        return Ok(());
    }
    Err(Error::Corrupt {
        path: path.to_owned(),
        detail: "a new store does not read as what it was filled with".to_owned(),
    })
}
