//! Repairing: the rows that intact records ask for, put in the place of those that are there.

use std::fmt;
use std::path::Path;

use super::Finding;
use super::feed::KeptFeed;
use super::salvage::Salvage;
use super::survey::{Rows, Survey};
use crate::engine::{Batch, Durability, Engine, Tree};
use crate::error::{Error, Result};
use crate::model::Stats;
use crate::schema::folder::engine_error;
use crate::schema::{COURSES, Ledger, META, ORGANIZATIONS, REFERENCES, RUNS};

/// The trees from which all others follow.
const RECORDS: [Tree; 4] = [ORGANIZATIONS, COURSES, RUNS, REFERENCES];

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
    /// What had to be done to the change feed, as a sentence; `None` if it is as it was.
    pub feed: Option<String>,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.rebuilt {
            writeln!(f, "{sentence}")?;
        }
        for finding in &self.lost {
            writeln!(f, "lost: {finding}")?;
        }
        if let Some(sentence) = &self.feed {
            writeln!(f, "{sentence}")?;
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

/// What a store is to hold once it is repaired.
pub(super) struct Wanted {
    pub(super) rows: Rows,
    pub(super) ledger: Ledger,
    /// What there is to say of it; no row has been changed yet.
    pub(super) report: RepairReport,
}

impl Wanted {
    /// What a survey asks for, of a store that is known to have had so many commits. `is_whole` tells
    /// whether its ledger may be taken for that of the last one.
    pub(super) fn of(survey: &mut Survey, commits: u64, is_whole: bool) -> Self {
        let salvage = Salvage::of(survey);
        let known = survey.ledger.as_ref();
        let is_known =
            is_whole && known.is_some_and(|ledger| ledger.commits_lost(commits).is_none());
        let (rows, feed, mut ledger) = wanted(&salvage, survey, is_known);
        let stats = salvage.stats();
        let mut lost = salvage.lost;
        let mut lose = |tree: Tree, problem: String| {
            let (tree, row) = (tree.name(), String::new());
            lost.push(Finding { tree, row, problem });
        };
        for tree in &survey.unread {
            if RECORDS.contains(tree) {
                let problem = "a part of it cannot be read, and is lost";
                lose(*tree, problem.to_owned());
            }
        }
        // Without a ledger, there is no telling whether the end of the log is lost, too.
        if let Some(known) = &survey.ledger
            && let Some(problem) = known.commits_lost(commits)
        {
            lose(META, problem);
        }
        // No number is given to two commits.
        ledger.sequence = ledger.sequence.max(commits);
        Self {
            rows,
            ledger,
            report: RepairReport {
                stats,
                rows_changed: 0,
                rebuilt: salvage.rebuilt,
                lost,
                feed,
            },
        }
    }
}

/// Repairs a store all of whose rows can be read, in its place.
pub(super) fn repair(
    engine: &mut dyn Engine,
    path: &Path,
    mut survey: Survey,
    commits: u64,
) -> Result<RepairReport> {
    let Wanted {
        rows,
        ledger,
        mut report,
    } = Wanted::of(&mut survey, commits, true);
    report.rows_changed = replace(engine, path, survey, rows, &ledger)?;
    Ok(report)
}

/// The rows that there are to be, what was done to the feed, and the ledger.
fn wanted(
    salvage: &Salvage,
    survey: &mut Survey,
    is_known: bool,
) -> (Rows, Option<String>, Ledger) {
    let mut rows = salvage.rows();
    let feed = KeptFeed::of(survey, &rows, is_known);
    rows.extend(
        feed.rows
            .into_iter()
            .map(|row| ((row.tree, row.key), row.value)),
    );
    let ledger = salvage.ledger(&rows, feed.next_event, survey.ledger.as_ref());
    (rows, feed.done, ledger)
}

/// Makes the indexes of a sound store again, since a new version of Unicode puts other characters
/// into lower case than the one that they were made with.
///
/// Refuses, and changes nothing, if two records have become equal ignoring case.
pub(crate) fn refold(engine: &mut dyn Engine, path: &Path) -> Result<()> {
    let mut survey = Survey::of(engine, path)?;
    let salvage = Salvage::of(&survey);
    let (wanted, feed, ledger) = wanted(&salvage, &mut survey, true);
    let lost = salvage.lost.first().map(ToString::to_string);
    let lost = lost.or_else(|| salvage.rebuilt.first().cloned()).or(feed);
    if let Some(lost) = lost {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            detail: format!("with the letters of a new version of Unicode, {lost}"),
        });
    }
    let changed = replace(engine, path, survey, wanted, &ledger)?;
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
    survey: Survey,
    wanted: Rows,
    ledger: &Ledger,
) -> Result<u64> {
    let failed = |error| engine_error(path, "repairing the store", error);
    let early = survey.ledger.as_ref().map(|known| {
        let mut early = known.clone();
        early.next_event = ledger.next_event;
        early.as_row().value
    });
    let ledger = ledger.as_row();
    let mut found = survey.rows;
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
    let changed = changes.len() as u64 + u64::from(ledger_before.as_ref() != Some(&ledger.value));
    let mut batch = Batch::new();
    // The number of the next event comes first: were this interrupted, the feed would not be known to
    // be about other records.
    let early = early.or_else(|| ledger_before.clone());
    batch.put(
        ledger.tree,
        ledger.key.clone(),
        ledger_before,
        early.clone(),
    );
    let last = ((ledger.tree, ledger.key), early, Some(ledger.value));
    for ((tree, key), before, after) in changes {
        batch.put(tree, key, before, after);
        if super::is_full(&batch) {
            let full = std::mem::take(&mut batch);
            engine.commit(full, Durability::Durable).map_err(failed)?;
        }
    }
    // With what is left of the others: most repairs are one batch, there as a whole or not at all.
    let ((tree, key), before, after) = last;
    batch.put(tree, key, before, after);
    engine.commit(batch, Durability::Durable).map_err(failed)?;
    Ok(changed)
}
