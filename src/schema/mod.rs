//! How the catalog lies in a store: trees, row keys, row values, and the format's version.
//!
//! FORMAT.md tells the same in prose, with byte maps. This module turns records into rows and
//! rows into records; it never reads or writes a store itself, and knows no rule of the catalog.

mod changes;
mod digest;
pub(crate) mod folder;
mod format;
#[cfg(test)]
mod golden;
mod keys;
mod ledger;
mod load;
mod mark;
#[cfg(any(test, fuzzing))]
mod probe;
mod records;
mod retrace;
mod row;
mod trees;
mod upgrade;

pub(crate) use changes::{StoredPage, changes_row};
#[cfg(test)]
use digest::Digest;
pub(crate) use ledger::{Fold, Ledger, NextIds};
pub(crate) use load::{hex, is_folded_elsewhere, load_checked};
#[cfg(any(test, fuzzing))]
pub(crate) use probe::{frame, try_row};
pub(crate) use records::{
    Row, StoredCourse, StoredOrganization, StoredReference, StoredRun, course_rows, index_text,
    indexed_record, organization_rows, read_name_row, reference_row, run_rows,
};
pub(crate) use retrace::{Mentioned, Misfit, Present, retrace};
pub(crate) use row::BadRow;
pub(crate) use trees::{
    CHANGES, COURSES, COURSES_BY_CODE, DATA_TREES, META, ORGANIZATIONS, ORGANIZATIONS_BY_NAME,
    REFERENCES, RUNS, RUNS_BY_KEY, TREES,
};
pub(crate) use upgrade::renew_ledger;
