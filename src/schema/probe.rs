//! Any bytes as a row of any tree, for fuzzing: they are read or refused, and what is read is
//! written so that it reads the same. Not in ordinary builds.

use super::changes::StoredPage;
use super::ledger::Ledger;
use super::records::{self, Row, StoredCourse, StoredOrganization, StoredReference, StoredRun};
use super::retrace::{ImageRecords, retrace};
use super::row;
use super::trees::{
    CHANGES, COURSES, META, ORGANIZATIONS, ORGANIZATIONS_BY_NAME, REFERENCES, RUNS,
};
use crate::engine::Tree;
use crate::image::Image;
use crate::model::ShortName;

/// A value with this version and content, and the checksum that belongs to it.
pub(crate) fn frame(version: u8, tree: Tree, key: &[u8], content: &[u8]) -> Vec<u8> {
    row::frame(version, tree, key, content)
}

/// Reads a row as what its tree holds.
pub(crate) fn try_row(tree: Tree, key: &[u8], value: &[u8]) {
    let unnamed = |_| Some(ShortName::landmark("x"));
    if tree == META {
        if let Ok(ledger) = Ledger::read(key, value) {
            let row = ledger.as_row();
            assert_eq!(Ledger::read(&row.key, &row.value), Ok(ledger));
        }
    } else if tree == ORGANIZATIONS {
        if let Ok(record) = StoredOrganization::read(key, value) {
            let [row, _] = same_key(records::organization_rows(&record), key);
            assert_eq!(StoredOrganization::read(&row.key, &row.value), Ok(record));
        }
    } else if tree == ORGANIZATIONS_BY_NAME {
        let _ = records::read_name_row(key, value);
    } else if tree == COURSES {
        if let Ok(record) = StoredCourse::read(key, value, unnamed) {
            let [row, _] = same_key(records::course_rows(&record), key);
            assert_eq!(
                StoredCourse::read(&row.key, &row.value, unnamed),
                Ok(record)
            );
        }
    } else if tree == RUNS {
        if let Ok(record) = StoredRun::read(key, value) {
            let [row, _] = same_key(records::run_rows(&record), key);
            assert_eq!(StoredRun::read(&row.key, &row.value), Ok(record));
        }
    } else if tree == REFERENCES
        && let Ok((subject, referrer)) = StoredReference::read(key, value)
    {
        let row = records::reference_row(subject, &referrer);
        assert_eq!(row.key, key);
    } else if tree == CHANGES
        && let Ok(page) = StoredPage::read(key, value)
    {
        assert_eq!(page.key(), key);
        // Alone it fits no records; what is told of them is tried all the same.
        let end = page.end();
        let nothing = Image::new();
        let _ = retrace(vec![page], end, &mut ImageRecords::new(&nothing));
    }
}

fn same_key(rows: [Row; 2], key: &[u8]) -> [Row; 2] {
    assert_eq!(rows[0].key, key, "a record is written where it was read");
    rows
}
