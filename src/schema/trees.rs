//! The trees of a store.
//!
//! Three hold records, three are indexes that find a record by its folded key, one holds
//! references, one what has changed lately, and `meta` holds the ledger. Names are part of the format.

use crate::engine::Tree;

/// One row: the [`Ledger`](super::Ledger).
pub(crate) const META: Tree = Tree::new("meta");
/// Organization id → organization.
pub(crate) const ORGANIZATIONS: Tree = Tree::new("organizations");
/// Folded short name → organization id.
pub(crate) const ORGANIZATIONS_BY_NAME: Tree = Tree::new("organizations_by_name");
/// Catalog course id → catalog course.
pub(crate) const COURSES: Tree = Tree::new("courses");
/// Organization id, folded course code → catalog course id.
pub(crate) const COURSES_BY_CODE: Tree = Tree::new("courses_by_code");
/// Catalog course id, course run id → course run.
pub(crate) const RUNS: Tree = Tree::new("runs");
/// Folded course key → catalog course id, course run id.
pub(crate) const RUNS_BY_KEY: Tree = Tree::new("runs_by_key");
/// Kind and id of what is referred to, referrer → nothing.
pub(crate) const REFERENCES: Tree = Tree::new("references");
/// Number of an event → it and some that follow it.
pub(crate) const CHANGES: Tree = Tree::new("changes");

/// Every tree but `meta`, in the order in which they are loaded and counted. The order is part of
/// the format: the ledger's counts are in it.
pub(crate) const DATA_TREES: [Tree; 8] = [
    ORGANIZATIONS,
    ORGANIZATIONS_BY_NAME,
    COURSES,
    COURSES_BY_CODE,
    RUNS,
    RUNS_BY_KEY,
    REFERENCES,
    CHANGES,
];

/// Every tree.
pub(crate) const TREES: [Tree; 9] = [
    META,
    ORGANIZATIONS,
    ORGANIZATIONS_BY_NAME,
    COURSES,
    COURSES_BY_CODE,
    RUNS,
    RUNS_BY_KEY,
    REFERENCES,
    CHANGES,
];
