//! A whole store shows it by sums; indexes are made again when Unicode has changed since they were
//! made.

use std::mem::swap;
use std::path::Path;

use super::repair::Wanted;
use super::sums::whole;
use super::survey::{Rows, Survey};
use super::verify_engine;
use crate::engine::{Batch, Durability, Engine, MemoryStore};
use crate::image::{ChangedRecord, FeedPage};
use crate::schema::{CHANGES, Ledger, RUNS_BY_KEY, Row, StoredPage, TREES, changes_row, run_rows};
use crate::{Catalog, Error, Options};

/// A store with one run, and its survey.
fn store_with_a_run() -> (MemoryStore, impl Engine, Survey) {
    let store = MemoryStore::new();
    let catalog = Catalog::open_memory(&store, Options::new()).unwrap();
    let created = catalog.create_course_run_for_modulestore_course_with("École/A/R", "", "");
    created.unwrap();
    drop(catalog);
    let engine = store.open(&TREES);
    let survey = Survey::of(&engine, Path::new("")).unwrap();
    (store, engine, survey)
}

/// Brings a store into the state that another program, with other letters, would have left.
fn commit(engine: &mut impl Engine, survey: &Survey, gone: Option<&Row>, come: &[Row]) {
    let mut rows = survey.rows.clone();
    let mut batch = Batch::new();
    if let Some(gone) = gone {
        rows.remove(&(gone.tree, gone.key.clone()));
        batch.put(gone.tree, gone.key.clone(), Some(gone.value.clone()), None);
    }
    for row in come {
        rows.insert((row.tree, row.key.clone()), row.value.clone());
        batch.put(row.tree, row.key.clone(), None, Some(row.value.clone()));
    }
    let before = survey.ledger.clone().unwrap();
    let after = accounting_for(&rows, survey).folded_elsewhere();
    let (before, after) = (before.as_row(), after.as_row());
    batch.put(after.tree, after.key, Some(before.value), Some(after.value));
    engine.commit(batch, Durability::Durable).unwrap();
}

/// A ledger that accounts for these rows.
fn accounting_for(rows: &Rows, survey: &Survey) -> Ledger {
    let before = survey.ledger.clone().unwrap();
    let mut after = Ledger::new();
    for ((tree, key), value) in rows {
        after.add(*tree, key, value);
    }
    after.sequence = before.sequence;
    after.next_ids = before.next_ids;
    let pages = rows.iter().filter(|((tree, _), _)| *tree == CHANGES);
    let ends = pages.filter_map(|((_, key), value)| Some(StoredPage::read(key, value).ok()?.end()));
    after.next_event = ends.fold(before.next_event, u64::max);
    after.pass_ids(&survey.organizations, &survey.courses, &survey.runs);
    after
}

/// Takes rows away and adds others, with a ledger that accounts for what is there then.
fn commit_whole(engine: &mut impl Engine, survey: &Survey, gone: &[Row], come: &[Row]) {
    let mut rows = survey.rows.clone();
    let mut batch = Batch::new();
    for row in gone {
        rows.remove(&(row.tree, row.key.clone()));
        batch.put(row.tree, row.key.clone(), Some(row.value.clone()), None);
    }
    for row in come {
        rows.insert((row.tree, row.key.clone()), row.value.clone());
        batch.put(row.tree, row.key.clone(), None, Some(row.value.clone()));
    }
    let mut after = accounting_for(&rows, survey);
    after
        .next_ids
        .pass(None, None, Some(crate::CourseRunId::new(9)));
    let (before, after) = (survey.ledger.clone().unwrap().as_row(), after.as_row());
    batch.put(after.tree, after.key, Some(before.value), Some(after.value));
    engine.commit(batch, Durability::Durable).unwrap();
}

#[test]
fn an_index_that_was_folded_otherwise_is_made_again() {
    let (store, mut engine, survey) = store_with_a_run();
    let [_, found] = run_rows(&survey.runs[0]);
    // As if "É" had had no lower case then.
    let key = "École/a/r".as_bytes().to_vec();
    let place = (
        survey.runs[0].catalog_course_id.get(),
        survey.runs[0].id.get(),
    );
    let otherwise = Row::of(RUNS_BY_KEY, key, &place);
    commit(&mut engine, &survey, Some(&found), &[otherwise]);
    assert!(!verify_engine(&engine, Path::new(""), 0).unwrap().is_clean());

    let catalog = Catalog::open_memory(&store, Options::new()).unwrap();
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
    let error = catalog.create_course_run_for_modulestore_course_with("école/A/R", "", "");
    assert!(
        matches!(error, Err(Error::AlreadyExists { .. })),
        "{error:?}"
    );
    catalog.delete_course_run("École/A/R").unwrap();
}

/// The process ended after some index rows were made again and before the ledger was: the digest is
/// wrong, and the catalog was refused as corrupt for good.
#[test]
fn an_interrupted_making_of_indexes_is_taken_up_again() {
    let (store, mut engine, survey) = store_with_a_run();
    commit(&mut engine, &survey, None, &[]);
    let [_, row] = run_rows(&survey.runs[0]);
    let mut batch = Batch::new();
    batch.put(row.tree, row.key, Some(row.value), None);
    engine.commit(batch, Durability::Durable).unwrap();
    drop(engine);

    let catalog = Catalog::open_memory(&store, Options::new()).unwrap();
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(catalog.get_course_run("École/A/R").is_ok());
}

#[test]
fn records_that_have_become_equal_are_left_alone_and_reported() {
    let (store, mut engine, survey) = store_with_a_run();
    let mut twin = survey.runs[0].clone();
    twin.id = crate::CourseRunId::new(2);
    twin.course_key = "école/A/R".parse().unwrap();
    let [record, _] = run_rows(&twin);
    let place = (twin.catalog_course_id.get(), twin.id.get());
    let otherwise = Row::of(RUNS_BY_KEY, "École/a/r".as_bytes().to_vec(), &place);
    commit(&mut engine, &survey, None, &[record, otherwise]);
    let before = Survey::of(&engine, Path::new("")).unwrap().rows;

    let error = Catalog::open_memory(&store, Options::new()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(Survey::of(&engine, Path::new("")).unwrap().rows, before);
}

/// Without this, every store would be kept in memory row by row to be verified.
#[test]
fn a_whole_store_is_found_whole_by_its_sums_and_others_are_not() {
    let store = MemoryStore::new();
    let catalog = Catalog::open_memory(&store, Options::new()).unwrap();
    for key in [
        "École/A/R",
        "École/A/S",
        "MITx/A/R",
        "ccx-v1:MITx+A+R+ccx@1",
        "ccx-v1:MITx+A+R+ccx@2",
    ] {
        let created = catalog.create_course_run_for_modulestore_course_with(key, "", "");
        created.unwrap();
        catalog.add_reference(key, "lms").unwrap();
    }
    catalog
        .add_reference("catalog-course:MITx:A", "store")
        .unwrap();
    let stats = catalog.stats();
    drop(catalog);
    let mut engine = store.open(&TREES);
    let sums = |engine: &dyn Engine, commits| whole(engine, Path::new(""), commits).unwrap();
    let found = sums(&engine, 0).unwrap();
    let survey = Survey::of(&engine, Path::new("")).unwrap();
    assert_eq!(found.stats, stats);
    assert_eq!(found.rows, survey.rows.len() as u64);
    assert!(
        sums(&engine, found.sequence + 1).is_none(),
        "commits are lost"
    );

    // Each row that is gone, and each that has another value, is missed.
    for ((tree, key), value) in &survey.rows {
        let other = [value.as_slice(), b"x"].concat();
        for broken in [None, Some(other)] {
            let mut batch = Batch::new();
            batch.put(*tree, key.clone(), Some(value.clone()), broken.clone());
            engine.commit(batch, Durability::Durable).unwrap();
            assert!(sums(&engine, 0).is_none(), "{} {key:?}", tree.name());
            let mut batch = Batch::new();
            batch.put(*tree, key.clone(), broken, Some(value.clone()));
            engine.commit(batch, Durability::Durable).unwrap();
        }
    }
    assert!(sums(&engine, 0).is_some());
}

/// Records that contradict each other are found, even where the ledger accounts for them.
#[test]
fn records_that_contradict_each_other_are_no_whole_store() {
    let (_, mut engine, survey) = store_with_a_run();
    let run = &survey.runs[0];
    let contradictions: [fn(&mut crate::CourseRun); 3] = [
        |run| run.course_key = "École/B/R".parse().unwrap(),
        |run| run.course_key = "Other/A/R".parse().unwrap(),
        // The same course and run code, and the same id, in another key.
        |run| run.course_key = "course-v1:École+A+R".parse().unwrap(),
    ];
    for contradict in contradictions {
        let mut other = run.clone();
        contradict(&mut other);
        other.id = crate::CourseRunId::new(2);
        let before = Survey::of(&engine, Path::new("")).unwrap();
        let rows = run_rows(&other);
        commit_whole(&mut engine, &before, &[], &rows);
        assert!(whole(&engine, Path::new(""), 0).unwrap().is_none());
        assert!(!verify_engine(&engine, Path::new(""), 0).unwrap().is_clean());
        let broken = Survey::of(&engine, Path::new("")).unwrap();
        commit_whole(&mut engine, &broken, &rows, &[]);
        assert!(whole(&engine, Path::new(""), 0).unwrap().is_some());
    }
}

/// Rows of the feed that are intact and accounted for can still tell what has not happened.
#[test]
fn a_feed_that_does_not_lead_to_the_records_is_found() {
    let told_and_store = || {
        let store = MemoryStore::new();
        let options = Options::new().clock(|| crate::Timestamp::MIN);
        let catalog = Catalog::open_memory(&store, options).unwrap();
        let created = catalog.create_course_run_for_modulestore_course_with("MITx/A/R", "", "");
        created.unwrap();
        catalog.add_reference("MITx/A/R", "lms").unwrap();
        catalog.sync_course_run_details("MITx/A/R", "New").unwrap();
        (catalog.changes_since(0, 10).unwrap().events, store)
    };
    // Each is told once more as the newest change: as it was, and the other way round.
    for event in told_and_store().0 {
        for turned in [false, true] {
            let (told, store) = told_and_store();
            let mut event = event.clone();
            event.sequence = told.len() as u64 + 1;
            match &mut event.record {
                ChangedRecord::Organization(of) if turned => swap(&mut of.before, &mut of.after),
                ChangedRecord::CatalogCourse(of) if turned => swap(&mut of.before, &mut of.after),
                ChangedRecord::CourseRun { versions: of, .. } if turned => {
                    swap(&mut of.before, &mut of.after);
                }
                ChangedRecord::Reference { added, .. } if turned => *added = false,
                _ => {}
            }
            let row = changes_row(&FeedPage::new(vec![event.clone()]).unwrap());
            let mut engine = store.open(&TREES);
            let survey = Survey::of(&engine, Path::new("")).unwrap();
            commit_whole(&mut engine, &survey, &[], &[row]);
            let found = whole(&engine, Path::new(""), 0).unwrap();
            assert!(found.is_none(), "{event:?}");
            let report = verify_engine(&engine, Path::new(""), 0).unwrap();
            assert_eq!(report.findings.len(), 1, "{report}");
            assert_eq!(report.findings[0].tree, "changes");
            let error = Catalog::open_memory(&store, Options::new()).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        }
    }
}

/// What could be read of damaged files adds up. Changes that came later may have been told all the
/// same, and their numbers would have been given again.
#[test]
fn no_number_is_given_again_where_the_end_of_a_store_may_be_lost() {
    let (_, _, mut survey) = store_with_a_run();
    let Wanted { ledger, report, .. } = Wanted::of(&mut survey, 0, false);
    assert!(report.lost.is_empty() && report.feed.is_some(), "{report}");
    assert!(ledger.next_event > 1_000_000_000);

    let (_, _, mut survey) = store_with_a_run();
    let Wanted { ledger, report, .. } = Wanted::of(&mut survey, 0, true);
    assert!(report.feed.is_none(), "{report}");
    assert_eq!(Some(ledger), survey.ledger);
}
