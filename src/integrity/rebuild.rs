//! Rebuilding: a fresh store of what can be read of one whose files are damaged.
//!
//! The damaged store is only ever copied. Whenever a rebuild is interrupted, the folder has it still,
//! or the new one.

use super::fill::{check, fill_with};
use super::repair::Wanted;
use super::survey::Survey;
use super::{RepairReport, close};
use crate::engine::SledOptions;
use crate::error::{Error, Result};
use crate::schema::folder::Folder;

/// Puts what can be read of a store in its place, or says again what is wrong with it if that is
/// nothing.
pub(super) fn rebuild(folder: &Folder, damage: Error) -> Result<RepairReport> {
    let options = SledOptions::default();
    let Some(mut survey) = read(folder, &options)? else {
        // Nothing that is worth the place of a store which somebody else may know to read.
        folder.discard_copy()?;
        return Err(damage);
    };
    let Wanted {
        rows,
        ledger,
        mut report,
    } = Wanted::of(&mut survey, folder.mark(), false);
    let mut engine = folder.new_store(&options)?;
    report.rows_changed = fill_with(&mut engine, folder.path(), &rows, &ledger)?;
    check(&engine, folder.path(), &ledger)?;
    close(folder, Box::new(engine))?;
    folder.replace_store(ledger.sequence)?;
    Ok(report)
}

/// Reads a copy of the store; `None` if there is nothing to be read.
///
/// With its snapshots, the engine knows of each page where it is, and damage costs the pages that it
/// hits. Without, it reads the log as far as that is whole, which is the second choice: for when the
/// pages are hit that lead to all others.
fn read(folder: &Folder, options: &SledOptions) -> Result<Option<Survey>> {
    let mut best: Option<Survey> = None;
    for with_snapshots in [true, false] {
        let survey = match folder.open_copy(options, with_snapshots) {
            Ok(engine) => Survey::around_damage(&engine, folder.path())?,
            Err(Error::Corrupt { .. }) => continue,
            Err(error) => return Err(error),
        };
        let has_runs = !survey.runs.is_empty();
        if best.as_ref().map_or(0, Survey::records) < survey.records() {
            best = Some(survey);
        }
        if has_runs {
            break;
        }
    }
    Ok(best)
}
