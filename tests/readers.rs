//! Promise: a reader sees what was answered before it was asked, and never less than its thread has seen
//! by another way; a snapshot that it gives stands still.

use std::thread;

use coursecat::{Catalog, EnsureOrganization};

#[test]
fn what_is_answered_is_seen_by_every_reader() {
    let catalog = Catalog::temporary().unwrap();
    let mut kept = catalog.reader();
    let mut rarely_asked = catalog.reader();
    for n in 1..=200 {
        let key = format!("course-v1:MITx+Math100+{n}");
        assert!(kept.get_course_run(&key).is_err());
        catalog
            .create_course_run_for_modulestore_course_with(&key, "", "")
            .unwrap();
        assert_eq!(kept.get_course_run(&key).unwrap().course_key.as_str(), key);
        assert!(kept.clone().get_course_run(&key).is_ok());
        if n % 50 == 0 {
            assert!(rarely_asked.get_course_run(&key).is_ok());
        }
    }
}

#[test]
fn a_snapshot_of_a_reader_stands_still() {
    let catalog = Catalog::temporary().unwrap();
    let mut reader = catalog.reader();
    catalog.ensure_organization("MITx").unwrap();
    let snapshot = reader.snapshot();
    catalog.ensure_organization("DelftX").unwrap();
    assert!(reader.get_organization("DelftX").is_ok());
    assert!(snapshot.get_organization("DelftX").is_err());
}

/// A reader looked for a newer image by a number that went up a moment after the image was replaced: who
/// had seen a change through the catalog in that moment did not find it through the reader. Then the number
/// went up before as well, and the same happened to whoever had asked the reader between that and the
/// replacement.
#[test]
fn a_reader_never_goes_back_behind_what_its_thread_has_seen() {
    let catalog = Catalog::temporary().unwrap();
    let mut reader = catalog.reader();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..10_000 {
                drop(catalog.submit(EnsureOrganization::new(format!("Org{n}"))));
            }
            catalog.ensure_organization("Last").unwrap();
        });
        while !writer.is_finished() {
            let seen = catalog.latest_change();
            assert!(reader.latest_change() >= seen);
        }
    });
    assert_eq!(reader.latest_change(), catalog.latest_change());
    assert_eq!(reader.latest_change(), 10_001);
}
