//! Loading a store: every row into the image, and every row into account.
//!
//! Whatever does not add up is an error; nothing of a store that is damaged is served.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::changes::StoredPage;
use super::folder::engine_error;
use super::ledger::Ledger;
use super::records::{StoredCourse, StoredOrganization, StoredReference, StoredRun};
use super::retrace::{ImageRecords, Misfit, retrace};
use super::row::BadRow;
use super::trees::{
    CHANGES, COURSES, COURSES_BY_CODE, META, ORGANIZATIONS, ORGANIZATIONS_BY_NAME, REFERENCES,
    RUNS, RUNS_BY_KEY,
};
use crate::engine::{Engine, EngineError, Tree};
use crate::error::{Error, Result};
use crate::image::{Change, Feed, Image, Versions};

/// Why a store cannot be loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the row {key} of the tree {:?} is damaged: {why}", tree.name())]
    Row {
        tree: Tree,
        key: String,
        why: BadRow,
    },
    #[error("{0}")]
    Account(String),
}

/// Loads the whole of a store, with errors for a user of the catalog in this folder.
pub(crate) fn load_checked(engine: &dyn Engine, path: &Path) -> Result<(Image, Ledger)> {
    load(engine).map_err(|error| match error {
        LoadError::Engine(error) => engine_error(path, "loading the store", error),
        LoadError::Row { .. } | LoadError::Account(_) => Error::Corrupt {
            path: path.to_owned(),
            detail: error.to_string(),
        },
    })
}

/// Loads records and indexes at the same time: most of it is sled's reading of pages.
fn load(engine: &dyn Engine) -> std::result::Result<(Image, Ledger), LoadError> {
    let (records, indexes) = thread::scope(|scope| {
        let beside = thread::Builder::new()
            .name("coursecat-load".to_owned())
            .spawn_scoped(scope, || load_indexes(engine));
        let records = load_records(engine);
        // Without another thread, one after the other.
        let indexes = beside.map_or_else(
            |_| load_indexes(engine),
            |thread| {
                let broke_off = || LoadError::Account("reading the indexes broke off".to_owned());
                thread.join().unwrap_or_else(|_| Err(broke_off()))
            },
        );
        (records, indexes)
    });
    let mut loader = records?;
    loader.found.add_all(&indexes?);
    loader.finish()
}

/// Room is made for at most one record in so many bytes of the store, and for so many records. Where it is
/// less than there are, it grows.
const BYTES_A_RECORD: u64 = 64;
const MOST_ROOM: u64 = 1 << 20;

fn load_records(engine: &dyn Engine) -> std::result::Result<Loader, LoadError> {
    let mut loader = Loader {
        image: Image::new(),
        found: Ledger::new(),
        expected: None,
        pages: Vec::new(),
    };
    each(engine, META, |key, value| loader.meta(key, value))?;
    if let Some(ledger) = &loader.expected {
        // As many as the ledger says, but not without bounds: it has yet to be checked.
        let most = (engine.size_on_disk().unwrap_or(0) / BYTES_A_RECORD).min(MOST_ROOM);
        let room = |tree| ledger.count(tree).min(most) as usize;
        loader.image = Image::with_room(room(COURSES), room(RUNS));
    }
    // Records come before what refers to them: a course knows its organization's name.
    each(engine, ORGANIZATIONS, |k, v| loader.organization(k, v))?;
    each(engine, COURSES, |k, v| loader.course(k, v))?;
    each(engine, RUNS, |k, v| loader.run(k, v))?;
    each(engine, REFERENCES, |k, v| loader.reference(k, v))?;
    each(engine, CHANGES, |k, v| loader.changes(k, v))?;
    Ok(loader)
}

/// Takes the indexes into account. They say nothing that the records do not.
fn load_indexes(engine: &dyn Engine) -> std::result::Result<Ledger, LoadError> {
    let mut found = Ledger::new();
    for index in [ORGANIZATIONS_BY_NAME, COURSES_BY_CODE, RUNS_BY_KEY] {
        each(engine, index, |key, value| {
            found.add(index, key, value);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Whether a store has a ledger that says that another version of Unicode folded its keys.
pub(crate) fn is_folded_elsewhere(engine: &dyn Engine) -> bool {
    let mut elsewhere = false;
    let read = each(engine, META, |key, value| {
        elsewhere = !Ledger::read(key, value)?.is_folded_as_here();
        Ok(())
    });
    read.is_ok() && elsewhere
}

struct Loader {
    image: Image,
    found: Ledger,
    expected: Option<Ledger>,
    /// The feed as it is stored.
    pages: Vec<StoredPage>,
}

impl Loader {
    fn meta(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.expected = Some(Ledger::read(key, value)?);
        Ok(())
    }

    fn organization(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.found.add(ORGANIZATIONS, key, value);
        let record = StoredOrganization::read(key, value)?;
        self.found.next_ids.pass(Some(record.id), None, None);
        let change = Change::Organization(Versions::created(Arc::new(record)));
        self.image.apply(&change);
        Ok(())
    }

    fn course(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.found.add(COURSES, key, value);
        let record = StoredCourse::read(key, value, |id| {
            let node = self.image.organization(id)?;
            Some(node.organization.short_name.clone())
        })?;
        self.found.next_ids.pass(None, Some(record.id), None);
        let change = Change::CatalogCourse(Versions::created(Arc::new(record)));
        self.image.apply(&change);
        Ok(())
    }

    fn run(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.found.add(RUNS, key, value);
        let mut record = StoredRun::read(key, value)?;
        let Some(course) = self.image.course(record.catalog_course_id) else {
            return Err(BadRow::Content(format!(
                "its catalog course {} does not exist",
                record.catalog_course_id
            )));
        };
        // Most runs are titled as their course: one text serves both.
        if record.title == course.course.title {
            record.title = course.course.title.clone();
        }
        self.found.next_ids.pass(None, None, Some(record.id));
        let change = Change::CourseRun(Versions::created(Arc::new(record)));
        self.image.apply(&change);
        Ok(())
    }

    fn reference(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.found.add(REFERENCES, key, value);
        let (subject, referrer) = StoredReference::read(key, value)?;
        self.image.add_reference(subject, referrer);
        Ok(())
    }

    fn changes(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadRow> {
        self.found.add(CHANGES, key, value);
        self.pages.push(StoredPage::read(key, value)?);
        Ok(())
    }

    fn finish(mut self) -> std::result::Result<(Image, Ledger), LoadError> {
        let Some(expected) = self.expected.take() else {
            return Err(LoadError::Account("the ledger is missing".to_owned()));
        };
        if let Some(difference) = expected.difference(&self.found) {
            return Err(LoadError::Account(difference));
        }
        if expected.next_ids != expected.next_ids.passing(&self.found.next_ids) {
            return Err(LoadError::Account(
                "the ledger would give an id again that is in use".to_owned(),
            ));
        }
        self.image.feed = self.feed(expected.next_event)?;
        Ok((self.image, expected))
    }
}

impl Loader {
    /// The feed, put together with the records.
    fn feed(&mut self, next_event: u64) -> std::result::Result<Feed, LoadError> {
        let pages = std::mem::take(&mut self.pages);
        let mut feed = Feed::beginning_at(pages.first().map_or(next_event, StoredPage::first));
        let (pages, misfit) = retrace(pages, next_event, &mut ImageRecords::new(&self.image));
        if let Some(Misfit { key, why }) = misfit {
            return Err(LoadError::Row {
                tree: CHANGES,
                key: hex(&key),
                why,
            });
        }
        pages.into_iter().for_each(|page| feed.push(page));
        Ok(feed)
    }
}

/// Visits every row of a tree until one is bad.
fn each(
    engine: &dyn Engine,
    tree: Tree,
    mut row: impl FnMut(&[u8], &[u8]) -> Result<(), BadRow>,
) -> std::result::Result<(), LoadError> {
    let mut bad = None;
    engine.load(tree, &mut |key, value| match row(key, value) {
        Ok(()) => ControlFlow::Continue(()),
        Err(why) => {
            bad = Some(LoadError::Row {
                tree,
                key: hex(key),
                why,
            });
            ControlFlow::Break(())
        }
    })?;
    bad.map_or(Ok(()), Err)
}

/// A row key for people.
pub(crate) fn hex(key: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(key)
}

#[cfg(test)]
mod tests {
    use super::super::trees::TREES;
    use super::*;
    use crate::engine::{Durability, MemoryStore};

    /// Room is made for as many records as the ledger says, before it is checked: one that says more
    /// than any memory holds must be an error, not the end of the process.
    #[test]
    fn a_ledger_that_claims_more_records_than_there_can_be_is_only_wrong() {
        let mut engine = MemoryStore::new().open(&TREES);
        let ledger = Ledger::of_rows_in_each_tree(u64::MAX / 2);
        let batch = ledger.first_batch();
        engine.commit(batch, Durability::Durable).unwrap();
        let error = load(&engine).unwrap_err();
        assert!(matches!(error, LoadError::Account(_)), "{error}");
    }
}
