//! Promise: a store that is damaged is never served. Opening it says so, a check names the damage,
//! and a repair saves what can be saved, lists what cannot, and leaves a sound store behind.
//!
//! The damage is done through sled, row by row, to a catalog that is closed: rows lost, altered,
//! swapped, too many. Whole files that sled cannot read are another matter.

#[path = "damage/sample.rs"]
mod sample;
#[path = "support/stored.rs"]
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use coursecat::{Catalog, fold, repair, verify};
use sample::{
    Expected, Sample, check, code, content, id, ids, open_check_repair, places, reference,
};
use stored::{Store, rows};

#[test]
fn the_sample_is_sound_and_a_repair_leaves_it_alone() {
    let sample = Sample::new();
    let folder = sample.copy();
    let before = rows(folder.path());
    for (tree, key) in places() {
        let place = (tree.to_owned(), key);
        assert!(before.contains_key(&place), "no {place:?}");
    }
    assert!(verify(folder.path()).unwrap().is_clean());
    let report = repair(folder.path()).unwrap();
    assert_eq!(report.rows_changed, 0);
    assert!(
        report.lost.is_empty() && report.rebuilt.is_empty(),
        "{report}"
    );
    assert!(rows(folder.path()) == before);
}

/// The indexes and the ledger follow from the records: whatever happens to a row of theirs, nothing
/// is lost.
fn check_nothing_is_lost(tree: &'static str, key: &[u8]) {
    let sample = Sample::new();
    let expected = Expected {
        tree,
        ..Expected::default()
    };
    let value = rows(sample.folder.path())[&(tree.to_owned(), key.to_vec())].clone();
    check(&sample, |store| store.remove(tree, key), &expected);
    for at in [0, value.len() - 1] {
        let mut altered = value.clone();
        altered[at] ^= 0x10;
        check(&sample, |store| store.put(tree, key, &altered), &expected);
    }
    for altered in [&value[..value.len() - 1], &[]] {
        check(&sample, |store| store.put(tree, key, altered), &expected);
    }
    for surplus in [&[0xff, 0xfe][..], &id(77)] {
        check(&sample, |store| store.put(tree, surplus, &value), &expected);
    }
}

#[test]
fn an_index_is_made_anew_from_the_records() {
    for (tree, key) in places() {
        if tree.contains("_by_") {
            check_nothing_is_lost(tree, &key);
        }
    }
}

#[test]
fn the_ledger_is_made_anew_from_the_records() {
    check_nothing_is_lost("meta", b"ledger");
}

#[test]
fn swapped_rows_of_an_index_are_made_anew() {
    let sample = Sample::new();
    for (tree, a, b) in [
        ("organizations_by_name", b"mitx".to_vec(), b"delft".to_vec()),
        ("courses_by_code", code(1, "math100"), code(2, "water")),
        (
            "runs_by_key",
            b"course-v1:mitx+math100+2025".to_vec(),
            b"course-v1:mitx+math100+2026".to_vec(),
        ),
    ] {
        let expected = Expected {
            tree,
            ..Expected::default()
        };
        check(&sample, |store| swap(store, tree, &a, &b), &expected);
    }
}

fn swap(store: &Store, tree: &str, a: &[u8], b: &[u8]) {
    let rows = store.rows();
    let value = |key: &[u8]| rows[&(tree.to_owned(), key.to_vec())].clone();
    store.put(tree, a, &value(b));
    store.put(tree, b, &value(a));
}

#[test]
fn a_row_too_many_is_removed() {
    let sample = Sample::new();
    for (tree, key) in [
        ("organizations", id(77)),
        ("organizations", b"garbage".to_vec()),
        ("courses", id(77)),
        ("runs", ids(1, 77)),
        ("runs", id(1)),
        ("references", reference(2, 77, "lms")),
        ("references", reference(9, 1, "lms")),
    ] {
        let expected = Expected {
            tree,
            lost: vec![tree],
            ..Expected::default()
        };
        check(
            &sample,
            |store| store.put(tree, &key, b"garbage"),
            &expected,
        );
        let value = rows(sample.folder.path());
        let value = value.iter().find(|((name, _), _)| name == tree).unwrap().1;
        check(&sample, |store| store.put(tree, &key, value), &expected);
    }
}

const RUN_2026: &str =
    "run course-v1:MITx+Math100+2026 Calculus, new of catalog-course:MITx:Math100";
const RUN_2025: &str = "run course-v1:MITx+Math100+2025 Calculus of catalog-course:MITx:Math100";

#[test]
fn a_record_on_which_nothing_depends_goes_alone() {
    let sample = Sample::new();
    for (tree, key, gone) in [
        ("organizations", id(3), "organization Name (Empty) true"),
        (
            "courses",
            id(3),
            "course catalog-course:Delft:Bare Plain en-us",
        ),
        ("runs", ids(1, 1), RUN_2025),
        (
            "references",
            reference(2, 4, "lms"),
            "reference Delft/Water/1 lms",
        ),
    ] {
        let value = rows(sample.folder.path())[&(tree.to_owned(), key.clone())].clone();
        let mut altered = value.clone();
        *altered.last_mut().unwrap() ^= 1;
        for altered in [altered.as_slice(), &value[..3], b""] {
            let expected = Expected {
                tree,
                gone: vec![gone],
                lost: vec![tree],
                ..Expected::default()
            };
            check(&sample, |store| store.put(tree, &key, altered), &expected);
        }
    }
}

#[test]
fn what_refers_to_a_lost_run_is_reported_as_lost() {
    let sample = Sample::new();
    let mut expected = Expected {
        tree: "runs_by_key",
        gone: vec![RUN_2026, "reference course-v1:MITx+Math100+2026 lms"],
        lost: vec!["references"],
        ..Expected::default()
    };
    check(&sample, |store| store.remove("runs", &ids(1, 2)), &expected);
    expected.tree = "runs";
    expected.lost = vec!["runs", "references"];
    check(
        &sample,
        |store| store.put("runs", &ids(1, 2), b"garbage"),
        &expected,
    );
    // Each of two swapped rows is in a wrong place.
    expected.gone.push(RUN_2025);
    expected.lost = vec!["runs", "runs", "references"];
    let inflict = |store: &Store| swap(store, "runs", &ids(1, 1), &ids(1, 2));
    check(&sample, inflict, &expected);
}

#[test]
fn a_record_that_is_gone_leaves_the_others() {
    let sample = Sample::new();
    for (tree, key, gone, found_in) in [
        (
            "organizations",
            id(3),
            "organization Name (Empty) true",
            "organizations_by_name",
        ),
        (
            "courses",
            id(3),
            "course catalog-course:Delft:Bare Plain en-us",
            "courses_by_code",
        ),
        ("runs", ids(1, 1), RUN_2025, "runs_by_key"),
        // Nothing else tells of a reference but the count of them.
        (
            "references",
            reference(2, 4, "lms"),
            "reference Delft/Water/1 lms",
            "meta",
        ),
    ] {
        let expected = Expected {
            tree: found_in,
            gone: vec![gone],
            ..Expected::default()
        };
        check(&sample, |store| store.remove(tree, &key), &expected);
    }
}

#[test]
fn a_lost_course_is_made_anew_from_its_runs() {
    let sample = Sample::new();
    let mut expected = Expected {
        tree: "runs",
        gone: vec!["course catalog-course:MITx:Math100 Calculus fr"],
        made: vec!["course catalog-course:MITx:Math100 Math100 en-us"],
        lost: vec![],
        rebuilt: vec!["Math100"],
    };
    check(&sample, |store| store.remove("courses", &id(1)), &expected);
    expected.lost = vec!["courses"];
    check(
        &sample,
        |store| store.put("courses", &id(1), b""),
        &expected,
    );
    // Two courses in each other's place: both are lost, and made anew.
    expected
        .gone
        .push("course catalog-course:Delft:Water Water fr");
    expected
        .made
        .push("course catalog-course:Delft:Water Water en-us");
    expected.lost.push("courses");
    expected.rebuilt.push("Water");
    let inflict = |store: &Store| swap(store, "courses", &id(1), &id(2));
    check(&sample, inflict, &expected);
}

#[test]
fn a_lost_organization_is_made_anew_from_what_others_say_of_it() {
    let sample = Sample::new();
    let mut expected = Expected {
        tree: "courses",
        rebuilt: vec!["MITx"],
        ..Expected::default()
    };
    // The index still has its name; without that, the keys of its runs have it.
    check(
        &sample,
        |store| store.remove("organizations", &id(1)),
        &expected,
    );
    let without_index = |store: &Store| {
        store.remove("organizations", &id(1));
        store.remove("organizations_by_name", b"mitx");
    };
    check(&sample, without_index, &expected);
    expected.gone = vec!["organization MITx (MITx) true"];
    expected.made = expected.gone.clone();
    expected.lost = vec!["organizations"];
    check(
        &sample,
        |store| store.put("organizations", &id(1), b"garbage"),
        &expected,
    );
    expected.lost.push("organizations");
    expected.rebuilt.push("Delft");
    let inflict = |store: &Store| swap(store, "organizations", &id(1), &id(2));
    check(&sample, inflict, &expected);

    // This one has no runs, and only its index to speak for it.
    let mut solo = Expected {
        tree: "courses",
        gone: vec!["organization Name (Solo) true"],
        made: vec!["organization Solo (Solo) true"],
        rebuilt: vec!["Solo"],
        ..Expected::default()
    };
    check(
        &sample,
        |store| store.remove("organizations", &id(4)),
        &solo,
    );
    let nothing_left = |store: &Store| {
        store.remove("organizations", &id(4));
        store.remove("organizations_by_name", b"solo");
    };
    solo.gone
        .push("course catalog-course:Solo:Alone Plain en-us");
    solo.made.clear();
    solo.rebuilt.clear();
    solo.lost = vec!["courses"];
    check(&sample, nothing_left, &solo);
}

#[test]
fn runs_alone_bring_back_their_courses_and_organizations() {
    let sample = Sample::new();
    let only_runs = |store: &Store| {
        for (tree, key) in store.rows().into_keys() {
            if tree != "runs" && tree != "meta" {
                store.remove(&tree, &key);
            }
        }
    };
    let folder = sample.copy();
    only_runs(&Store::open(folder.path()));
    let report = open_check_repair(folder.path(), "runs");
    assert_eq!(report.rebuilt.len(), 4, "{report}");
    let catalog = Catalog::open(folder.path()).unwrap();
    let found = content(&catalog);
    let of = |lines: BTreeSet<String>, kind: &str| -> Vec<String> {
        lines
            .into_iter()
            .filter(|line| line.starts_with(kind))
            .collect()
    };
    assert_eq!(of(found.clone(), "run"), of(sample.content.clone(), "run"));
    let organizations = [
        "organization Delft (Delft) true",
        "organization MITx (MITx) true",
    ];
    assert_eq!(of(found, "organization"), organizations);
}

/// Small random numbers that a seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Does something to some random rows that are not the ledger. Tells which trees are damaged.
fn damage_at_random(store: &Store, random: &mut Random) {
    let before = store.rows();
    let places: Vec<_> = before.keys().filter(|(tree, _)| tree != "meta").collect();
    loop {
        for _ in 0..=random.below(4) {
            let (tree, key) = places[random.below(places.len())];
            let rows = store.rows();
            let Some(value) = rows.get(&(tree.clone(), key.clone())) else {
                continue;
            };
            match random.below(5) {
                0 | 1 => store.remove(tree, key),
                2 => {
                    let mut altered = value.clone();
                    let at = random.below(altered.len());
                    altered[at] ^= 1 << random.below(8);
                    store.put(tree, key, &altered);
                }
                3 => store.put(tree, key, &value[..random.below(value.len())]),
                _ => {
                    // The row in another place, be that free or not.
                    let (tree, key) = places[random.below(places.len())];
                    store.put(tree, key, value);
                }
            }
        }
        if store.rows() != before {
            return;
        }
    }
}

/// Whatever is done to rows, the end is a sound store that has every run whose row is intact, and
/// every organization.
#[test]
fn any_damage_to_rows_can_be_repaired() {
    let sample = Sample::new();
    let before = rows(sample.folder.path());
    let catalog = Catalog::open(sample.folder.path()).unwrap();
    // What each row of a record says, by itself.
    let mut lines = BTreeMap::new();
    for organization in catalog.snapshot().organizations() {
        let place = ("organizations".to_owned(), id(organization.id.get()));
        lines.insert(place, format!("organization {organization} true"));
    }
    for run in catalog.snapshot().course_runs() {
        let place = (
            "runs".to_owned(),
            ids(run.catalog_course_id.get(), run.id.get()),
        );
        let course = catalog.get_catalog_course_of(run).unwrap().key();
        lines.insert(
            place,
            format!("run {} {} of {course}", run.course_key, run.title),
        );
    }
    drop(catalog);
    for seed in 0..40 {
        let folder = sample.copy();
        let store = Store::open(folder.path());
        damage_at_random(&store, &mut Random(seed));
        let damaged = store.rows();
        drop(store);
        let report = verify(folder.path()).unwrap();
        let first = report.findings.first();
        let tree = first
            .unwrap_or_else(|| panic!("seed {seed}: {report}"))
            .tree;
        let repaired = open_check_repair(folder.path(), tree);

        let found = content(&Catalog::open(folder.path()).unwrap());
        let found: BTreeSet<_> = found.iter().map(|line| fold(line).into_owned()).collect();
        for (place, line) in &lines {
            if damaged.get(place) == before.get(place) {
                let line = fold(line);
                assert!(
                    found.contains(&*line),
                    "seed {seed}: {line} in {repaired} {found:#?}"
                );
            }
        }
    }
}

#[test]
fn a_row_of_an_impossible_size_is_removed() {
    let sample = Sample::new();
    for key in [Vec::new(), vec![7; 2_000]] {
        for tree in ["references", "runs", "runs_by_key", "meta"] {
            let folder = sample.copy();
            Store::open(folder.path()).put(tree, &key, b"garbage");
            open_check_repair(folder.path(), tree);
            assert_eq!(
                content(&Catalog::open(folder.path()).unwrap()),
                sample.content
            );
        }
    }
}

#[test]
fn a_record_that_only_its_index_remembers_is_reported_as_lost() {
    let sample = Sample::new();
    for (tree, key, name) in [
        ("organizations", id(3), "empty"),
        ("courses", id(3), "bare"),
        ("runs", ids(1, 1), "course-v1:mitx+math100+2025"),
    ] {
        let folder = sample.copy();
        Store::open(folder.path()).remove(tree, &key);
        let report = open_check_repair(folder.path(), "meta");
        let text = fold(&report.to_string()).into_owned();
        assert!(
            !report.lost.is_empty() && text.contains(name),
            "{name}: {report}"
        );
    }
}

#[test]
fn a_lost_organization_gets_back_its_capitals() {
    let sample = Sample::new();
    let folder = sample.copy();
    Store::open(folder.path()).remove("organizations", &id(1));
    open_check_repair(folder.path(), "courses");
    assert_eq!(
        content(&Catalog::open(folder.path()).unwrap()),
        sample.content
    );
}

/// Without a ledger, only records tell which ids have been given.
#[test]
fn without_a_ledger_no_id_of_a_record_made_anew_is_given_again() {
    let sample = Sample::new();
    for lost in [
        vec![("organizations", id(4))],
        vec![("courses", id(2)), ("courses", id(3)), ("courses", id(4))],
    ] {
        let folder = sample.copy();
        let store = Store::open(folder.path());
        store.remove("meta", b"ledger");
        for (tree, key) in lost {
            store.remove(tree, &key);
        }
        drop(store);
        open_check_repair(folder.path(), "meta");
    }
}

#[test]
fn organizations_made_anew_do_not_take_each_others_place() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    for org in ["A", "B", "C"] {
        let key = format!("course-v1:{org}+{org}+1");
        catalog
            .create_course_run_for_modulestore_course_with(key, "", "")
            .unwrap();
    }
    drop(catalog);
    let store = Store::open(folder.path());
    store.remove("meta", b"ledger");
    for organization in 1..=3 {
        store.remove("organizations", &id(organization));
    }
    store.remove("courses", &id(1));
    store.remove("courses", &id(3));
    drop(store);
    let report = open_check_repair(folder.path(), "meta");
    assert_eq!(report.stats.organizations, 3, "{report}");
}

/// A row of another catalog is a good row, in a place where it may make no sense.
#[test]
fn a_row_of_another_catalog_is_put_right() {
    let sample = Sample::new();
    // Run 4 exists here in course 2, run 5 does not; course 1 is MITx:Math100.
    for (run, key) in [
        (5, "course-v1:Other+Course+9"),
        (5, "MITx/Math100/2025"),
        (4, "course-v1:MITx+Math100+9"),
    ] {
        let other = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(other.path()).unwrap();
        let (course, _) = key.split_at(key.len() - 1);
        for n in 1..run {
            let key = format!("{course}x{n}");
            catalog
                .create_course_run_for_modulestore_course_with(key, "", "")
                .unwrap();
        }
        catalog
            .create_course_run_for_modulestore_course_with(key, "", "")
            .unwrap();
        drop(catalog);
        let value = &rows(other.path())[&("runs".to_owned(), ids(1, run))];
        let folder = sample.copy();
        Store::open(folder.path()).put("runs", &ids(1, run), value);
        open_check_repair(folder.path(), "runs");
    }
}

#[test]
fn findings_show_texts_and_no_names_of_types() {
    let sample = Sample::new();
    let folder = sample.copy();
    let store = Store::open(folder.path());
    store.remove("runs", &ids(1, 2));
    store.remove("organizations", &id(4));
    store.remove("organizations_by_name", b"solo");
    drop(store);
    let report = verify(folder.path()).unwrap().to_string();
    assert!(!report.contains("(\""), "{report}");
    let report = repair(folder.path()).unwrap().to_string();
    assert!(!report.contains("(\""), "{report}");
}

#[test]
fn of_a_damaged_feed_the_newer_part_is_kept() {
    let sample = Sample::new();
    let newest = Catalog::open(sample.folder.path()).unwrap().latest_change();
    let feed: Vec<_> = rows(sample.folder.path())
        .into_keys()
        .filter(|(tree, _)| tree == "changes")
        .map(|(_, key)| key)
        .collect();
    assert!(feed.len() > 5);
    for (at, key) in feed.iter().enumerate() {
        let folder = sample.copy();
        let store = Store::open(folder.path());
        store.put("changes", key, b"garbage");
        drop(store);
        let report = open_check_repair(folder.path(), "changes");
        assert!(report.lost.is_empty() && report.rebuilt.is_empty());
        let sentence = report.feed.unwrap();
        let left = match feed.get(at + 1) {
            Some(next) => u64::from_be_bytes(next.as_slice().try_into().unwrap()),
            None => newest + 1,
        };
        assert!(sentence.contains(&format!("number {left}.")), "{sentence}");
        let catalog = Catalog::open(folder.path()).unwrap();
        assert_eq!(catalog.oldest_change(), left);
        assert_eq!(catalog.latest_change(), newest);
        let error = catalog.changes_since(left - 2, 10).unwrap_err();
        assert_eq!(error.code(), "compacted");
        let kept = catalog.changes_since(left - 1, 1_000).unwrap().events;
        assert_eq!(kept.len() as u64, newest + 1 - left);
    }
}

/// A repair is no write, and the feed does not tell what it did: whoever has read everything must
/// not believe that nothing has happened.
#[test]
fn where_records_are_repaired_every_reader_of_the_feed_is_told() {
    let sample = Sample::new();
    let newest = Catalog::open(sample.folder.path()).unwrap().latest_change();
    let damages: [fn(&Store); 4] = [
        |store| store.remove("runs", &ids(1, 2)),
        |store| store.remove("organizations", &id(1)),
        |store| store.put("courses", &id(3), b"garbage"),
        |store| store.remove("references", &reference(2, 4, "lms")),
    ];
    for inflict in damages {
        let folder = sample.copy();
        inflict(&Store::open(folder.path()));
        let report = repair(folder.path()).unwrap();
        let next = newest + 2;
        let sentence = report.feed.unwrap();
        assert!(sentence.contains(&format!("number {next},")), "{sentence}");
        let catalog = Catalog::open(folder.path()).unwrap();
        for since in [0, newest] {
            let error = catalog.changes_since(since, 10).unwrap_err();
            assert_eq!(error.code(), "compacted", "after {since}");
        }
        catalog.ensure_organization("New").unwrap();
        let told = catalog.changes_since(next - 1, 10).unwrap().events;
        assert_eq!((told[0].sequence, told[0].key()), (next, "New".to_owned()));
        drop(catalog);
        assert!(repair(folder.path()).unwrap().feed.is_none());
    }
}

#[test]
fn without_a_ledger_no_number_of_a_change_is_given_again() {
    let sample = Sample::new();
    let folder = sample.copy();
    Store::open(folder.path()).remove("meta", b"ledger");
    let report = repair(folder.path()).unwrap();
    assert!(report.feed.is_some(), "{report}");
    let catalog = Catalog::open(folder.path()).unwrap();
    assert!(catalog.latest_change() > 1_000_000_000);
    assert_eq!(catalog.changes_since(0, 1).unwrap_err().code(), "compacted");
}
