//! Repairing: the rows that intact records ask for, put in the place of those that are there.

use std::fmt;
use std::path::Path;

use super::Finding;
use super::salvage::Salvage;
use super::survey::{Rows, Survey};
use crate::engine::{Batch, Durability, Engine};
use crate::error::{Error, Result};
use crate::model::Stats;
use crate::schema::folder::engine_error;
use crate::schema::{Ledger, META};

/// What a repair did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RepairReport {
    /// How much the catalog holds now.
    pub stats: Stats,
    /// How many rows were written or removed; 0 if the store was whole.
    pub rows_changed: u64,
    /// Records that had to be made anew from what others say of them, as sentences.
    pub rebuilt: Vec<String>,
    /// What could not be saved.
    pub lost: Vec<Finding>,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.rebuilt {
            writeln!(f, "{sentence}")?;
        }
        for finding in &self.lost {
            writeln!(f, "lost: {finding}")?;
        }
        write!(
            f,
            "{} rows changed, {} records rebuilt, {} lost. The catalog holds {}.",
            self.rows_changed,
            self.rebuilt.len(),
            self.lost.len(),
            self.stats
        )
    }
}

/// Repairs a store that is known to have had so many commits.
pub(super) fn repair(engine: &mut dyn Engine, path: &Path, commits: u64) -> Result<RepairReport> {
    let survey = Survey::of(engine, path)?;
    let salvage = Salvage::of(&survey);
    let (wanted, mut ledger) = salvage.rows(survey.ledger.as_ref());
    let stats = salvage.stats();
    let mut lost = salvage.lost;
    // Without a ledger, there is no telling whether the end of the log is lost, too.
    if let Some(known) = &survey.ledger
        && let Some(problem) = known.commits_lost(commits)
    {
        let (tree, row) = (META.name(), String::new());
        lost.push(Finding { tree, row, problem });
    }
    // No number is given to two commits.
    ledger.sequence = ledger.sequence.max(commits);
    let rows_changed = replace(engine, path, survey.rows, wanted, &ledger)?;
    Ok(RepairReport {
        stats,
        rows_changed,
        rebuilt: salvage.rebuilt,
        lost,
    })
}

/// Makes the indexes of a sound store again, since a new version of Unicode puts other characters
/// into lower case than the one that they were made with.
///
/// Refuses, and changes nothing, if two records have become equal ignoring case.
pub(crate) fn refold(engine: &mut dyn Engine, path: &Path) -> Result<()> {
    let survey = Survey::of(engine, path)?;
    let salvage = Salvage::of(&survey);
    let lost = salvage.lost.first().map(ToString::to_string);
    if let Some(lost) = lost.or_else(|| salvage.rebuilt.first().cloned()) {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            detail: format!("with the letters of a new version of Unicode, {lost}"),
        });
    }
    let (wanted, ledger) = salvage.rows(survey.ledger.as_ref());
    let changed = replace(engine, path, survey.rows, wanted, &ledger)?;
    tracing::info!(path = %path.display(), changed, "indexes were made again for a new version of Unicode");
    Ok(())
}

/// Replaces the rows of a store by others, in batches, and tells how many have changed.
///
/// The ledger comes last: until it is written, the store counts as damaged, and the repair can be
/// started again.
fn replace(
    engine: &mut dyn Engine,
    path: &Path,
    mut found: Rows,
    wanted: Rows,
    ledger: &Ledger,
) -> Result<u64> {
    let failed = |error| engine_error(path, "repairing the store", error);
    let ledger = ledger.as_row();
    let ledger_before = found.remove(&(ledger.tree, ledger.key.clone()));
    let mut changes = Vec::new();
    for (place, value) in wanted {
        let before = found.remove(&place);
        if before.as_ref() != Some(&value) {
            changes.push((place, before, Some(value)));
        }
    }
    changes.extend(
        found
            .into_iter()
            .map(|(place, value)| (place, Some(value), None)),
    );
    if changes.is_empty() && ledger_before.as_ref() == Some(&ledger.value) {
        return Ok(0);
    }
    let last = ((ledger.tree, ledger.key), ledger_before, Some(ledger.value));
    let changed = changes.len() as u64 + u64::from(last.1 != last.2);
    let mut batch = Batch::new();
    for ((tree, key), before, after) in changes {
        batch.put(tree, key, before, after);
        if super::is_full(&batch) {
            let full = std::mem::take(&mut batch);
            engine.commit(&full, Durability::Durable).map_err(failed)?;
        }
    }
    // With what is left of the others: most repairs are one batch, there as a whole or not at all.
    let ((tree, key), before, after) = last;
    batch.put(tree, key, before, after);
    engine.commit(&batch, Durability::Durable).map_err(failed)?;
    Ok(changed)
}
