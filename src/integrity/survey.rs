//! A survey: every row of a store, read one by one, and what can be made of it.
//!
//! Unlike loading, a survey goes on when a row is bad, or, if asked to, when a page cannot be read. It
//! takes nothing on trust, not even the ledger, and decides nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use super::Finding;
use crate::engine::{Engine, SledEngine, Tree};
use crate::error::Result;
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, ShortName, Subject};
use crate::schema::folder::engine_error;
use crate::schema::{
    BadRow, CHANGES, COURSES, Ledger, META, ORGANIZATIONS, REFERENCES, RUNS, StoredCourse,
    StoredOrganization, StoredPage, StoredReference, StoredRun, TREES, hex,
};

/// Rows by tree and key.
pub(super) type Rows = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Every row there is, good or bad.
    pub(super) rows: Rows,
    pub(super) ledger: Option<Ledger>,
    pub(super) organizations: Vec<Organization>,
    /// The courses; the names of their organizations are empty here.
    pub(super) courses: Vec<CatalogCourse>,
    pub(super) runs: Vec<CourseRun>,
    pub(super) references: Vec<(Subject, Referrer)>,
    /// The rows of the change feed.
    pub(super) pages: Vec<StoredPage>,
    /// The rows that could not be read.
    pub(super) bad: Vec<Finding>,
    /// The trees of which the engine could not read all.
    pub(super) unread: Vec<Tree>,
}

impl Survey {
    pub(super) fn of(engine: &dyn Engine, path: &Path) -> Result<Self> {
        let mut survey = Self::default();
        for tree in TREES {
            let read = engine.load(tree, &mut |key, value| {
                survey.row(tree, key, value);
                ControlFlow::Continue(())
            });
            read.map_err(|error| engine_error(path, "reading the store", error))?;
        }
        Ok(survey)
    }

    /// Takes what the engine can read, and goes on where it cannot.
    pub(super) fn around_damage(engine: &SledEngine, path: &Path) -> Result<Self> {
        let mut survey = Self::default();
        for tree in TREES {
            let read = engine.load_around(tree, &mut |key, value| survey.row(tree, key, value));
            if !read.map_err(|error| engine_error(path, "reading the store", error))? {
                survey.unread.push(tree);
            }
        }
        Ok(survey)
    }

    /// How many records can be read.
    pub(super) fn records(&self) -> usize {
        self.organizations.len() + self.courses.len() + self.runs.len() + self.references.len()
    }

    fn row(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.rows.insert((tree, key.to_vec()), value.to_vec());
        if let Err(why) = self.record(tree, key, value) {
            self.bad.push(finding(tree, key, why));
        }
    }

    fn record(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        if tree == META {
            self.ledger = Some(Ledger::read(key, value)?);
        } else if tree == ORGANIZATIONS {
            self.organizations
                .push(StoredOrganization::read(key, value)?);
        } else if tree == COURSES {
            let unnamed = |_| Some(ShortName::landmark(""));
            self.courses.push(StoredCourse::read(key, value, unnamed)?);
        } else if tree == RUNS {
            self.runs.push(StoredRun::read(key, value)?);
        } else if tree == REFERENCES {
            self.references.push(StoredReference::read(key, value)?);
        } else if tree == CHANGES {
            self.pages.push(StoredPage::read(key, value)?);
        }
        // Rows of an index are compared with those that the records ask for.
        Ok(())
    }
}

pub(super) fn finding(tree: Tree, key: &[u8], problem: impl ToString) -> Finding {
    Finding {
        tree: tree.name(),
        row: hex(key),
        problem: problem.to_string(),
    }
}
