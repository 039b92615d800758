//! What came of an import, in numbers.
//!
//! Rejects are counted here; each by itself is told to the [`Watch`](super::Watch) only, since
//! there may be millions.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::Entity;

/// What came of an import.
///
/// Prints as a few lines for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// The rows that were read, refused ones too; models that were skipped do not count.
    pub rows: u64,
    /// The bytes that were read.
    pub bytes: u64,
    /// How long it took, with the rehearsal of a strict import.
    pub elapsed: Duration,
    /// Whether it was stopped before the end of the input. Running it again completes it.
    pub stopped: bool,
    /// Whether the catalog was written to: not by a dry run, and not by a strict import with
    /// rejects.
    pub written: bool,
    /// The organizations. In formats that only have runs, those that came with them.
    pub organizations: Tally,
    /// The catalog courses. In formats that only have runs, those that came with them.
    pub catalog_courses: Tally,
    /// The course runs.
    pub course_runs: Tally,
    /// The references.
    pub references: Tally,
    /// Rows of which not even the kind could be read, by [`code`](super::RowError::code).
    pub unreadable: BTreeMap<&'static str, u64>,
    /// The warnings, by [`code`](crate::Warning::code).
    pub warnings: BTreeMap<&'static str, u64>,
    /// How many rows there were of each model that a catalog does not have.
    pub skipped_models: BTreeMap<String, u64>,
    /// How many rows had a value, other than none, in each field that a catalog does not keep.
    pub dropped_values: BTreeMap<&'static str, u64>,
}

/// What came of the rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// They are new.
    pub created: u64,
    /// They were there, and were changed.
    pub updated: u64,
    /// They were there, and said the same.
    pub unchanged: u64,
    /// They were there, said something else, and were left as they are.
    pub skipped: u64,
    /// They did not go in, by [`code`](super::RowError::code).
    pub rejected: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// How many rows were refused.
    #[must_use]
    pub fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ImportReport {
    /// How many rows were refused, of all kinds.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected_by_code().values().sum()
    }

    /// How many rows were refused for which reason, by [`code`](super::RowError::code).
    #[must_use]
    pub fn rejected_by_code(&self) -> BTreeMap<&'static str, u64> {
        let mut all = self.unreadable.clone();
        for (_, tally) in self.tallies() {
            for (code, count) in &tally.rejected {
                *all.entry(code).or_default() += count;
            }
        }
        all
    }

    /// The numbers of each kind of record.
    #[must_use]
    pub fn tallies(&self) -> [(Entity, &Tally); 4] {
        [
            (Entity::Organization, &self.organizations),
            (Entity::CatalogCourse, &self.catalog_courses),
            (Entity::CourseRun, &self.course_runs),
            (Entity::Reference, &self.references),
        ]
    }

    pub(super) fn tally(&mut self, entity: Entity) -> &mut Tally {
        match entity {
            Entity::Organization => &mut self.organizations,
            Entity::CatalogCourse => &mut self.catalog_courses,
            Entity::CourseRun => &mut self.course_runs,
            Entity::Reference => &mut self.references,
        }
    }

    pub(super) fn count_reject(&mut self, entity: Option<Entity>, code: &'static str) {
        let counts = match entity {
            Some(entity) => &mut self.tally(entity).rejected,
            None => &mut self.unreadable,
        };
        *counts.entry(code).or_default() += 1;
    }

    /// Counts a row of a model that a catalog does not have. What a hostile file can make this
    /// hold is bounded.
    pub(super) fn skip_model(&mut self, model: &str) {
        const MOST_MODELS: usize = 500;
        let full = self.skipped_models.len() >= MOST_MODELS;
        let name: String = match self.skipped_models.contains_key(model) || !full {
            true => model.chars().take(100).collect(),
            false => "(others)".to_owned(),
        };
        *self.skipped_models.entry(name).or_default() += 1;
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match (self.written, self.stopped) {
            (true, false) => "",
            (true, true) => " before it was stopped",
            (false, false) => "; nothing was written",
            (false, true) => " before it was stopped; nothing was written",
        };
        let plural = if self.rows == 1 { "" } else { "s" };
        write!(
            f,
            "{} row{plural} read in {:.1?}{how}.",
            self.rows, self.elapsed
        )?;
        for (entity, tally) in self.tallies() {
            if !tally.is_empty() {
                let Tally {
                    created,
                    updated,
                    unchanged,
                    skipped,
                    ..
                } = tally;
                write!(
                    f,
                    "\n{entity}s: {created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {} rejected",
                    tally.rejects()
                )?;
            }
        }
        for (title, counts) in [
            ("rejected", self.rejected_by_code()),
            ("warnings", self.warnings.clone()),
        ] {
            for (code, count) in counts {
                write!(f, "\n{title}: {code} {count}")?;
            }
        }
        for (model, count) in &self.skipped_models {
            write!(f, "\nskipped: {model} {count}")?;
        }
        for (field, count) in &self.dropped_values {
            write!(f, "\nnot kept: {field} {count}")?;
        }
        Ok(())
    }
}
