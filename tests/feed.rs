//! Promise: whoever follows the change feed hears every change once and in order, over restarts too;
//! waits without holding anybody up; and is told when something is no longer kept.

// Clippy knows a test by its attribute, and not the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/replica.rs"]
mod replica;
#[path = "support/stored.rs"]
mod stored;
#[path = "support/mod.rs"]
mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use coursecat::{
    Catalog, ChangeKind, ChangedRecord, Changes, CreateModulestoreRun, Entity, Error, Options,
    Result, Watch, verify,
};
use replica::Replica;
use support::Clock;

const KEY: &str = "course-v1:MITx+Math100+2026";

fn create(catalog: &Catalog, key: &str) {
    let created = catalog.create_course_run_for_modulestore_course_with(key, "Title", "");
    created.unwrap();
}

/// Creates so many runs of a few courses, handed over at once.
fn create_many(catalog: &Catalog, name: &str, many: usize) {
    let key = |n| format!("course-v1:{name}+C{}+{n}", n % 7);
    let pending: Vec<_> = (0..many)
        .map(|n| catalog.submit(CreateModulestoreRun::new(key(n))))
        .collect();
    for answer in pending {
        answer.wait().unwrap();
    }
}

#[test]
fn what_changes_nothing_is_not_told() {
    let catalog = Catalog::temporary().unwrap();
    create(&catalog, KEY);
    catalog.add_reference(KEY, "lms").unwrap();
    let told = catalog.latest_change();
    assert_eq!(told, 4, "organization, catalog course, run, reference");

    create(&catalog, KEY);
    catalog.add_reference(KEY, "lms").unwrap();
    catalog.ensure_organization("mitx").unwrap();
    catalog.sync_course_run_details(KEY, "Title").unwrap();
    catalog.sync_course_run_details(KEY, "").unwrap();
    catalog.delete_course_run(KEY).unwrap_err();
    catalog.get_course_run("no key").unwrap_err();
    assert_eq!(catalog.latest_change(), told);
}

#[test]
fn records_are_told_as_they_were_then() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    create(&catalog, KEY);
    catalog
        .add_reference("catalog-course:MITx:Math100", "cms")
        .unwrap();
    catalog.rename_organization("MITx", "mitX").unwrap();
    catalog.sync_course_run_details(KEY, "New").unwrap();
    catalog
        .remove_reference("catalog-course:mitX:Math100", "cms")
        .unwrap();
    catalog.delete_course_run(KEY).unwrap();
    catalog
        .delete_catalog_course("catalog-course:mitX:Math100")
        .unwrap();
    catalog.rename_organization("mitX", "Other").unwrap();

    let told = catalog.changes_since(0, 1_000).unwrap();
    let keys: Vec<_> = told
        .events
        .iter()
        .map(|event| {
            format!(
                "{} {} {}",
                event.kind().as_str(),
                event.entity(),
                event.key()
            )
        })
        .collect();
    assert_eq!(
        keys,
        [
            "created organization MITx",
            "created catalog course catalog-course:MITx:Math100",
            "created course run course-v1:MITx+Math100+2026",
            "created reference catalog-course:MITx:Math100",
            "updated organization mitX",
            "updated course run course-v1:MITx+Math100+2026",
            "deleted reference catalog-course:mitX:Math100",
            "deleted course run course-v1:MITx+Math100+2026",
            "deleted catalog course catalog-course:mitX:Math100",
            "updated organization Other",
        ]
    );
    let ChangedRecord::CourseRun {
        versions,
        catalog_course,
    } = &told.events[5].record
    else {
        panic!("{:?}", told.events[5]);
    };
    assert_eq!(versions.before.as_ref().unwrap().title, "Title");
    assert_eq!(versions.after.as_ref().unwrap().title, "New");
    assert_eq!(catalog_course.org, "mitX");

    // What is worked out from the store is the same.
    drop(catalog);
    for _ in 0..2 {
        let catalog = Catalog::open(folder.path()).unwrap();
        assert_eq!(catalog.changes_since(0, 1_000).unwrap(), told);
    }
    coursecat::compact(folder.path()).unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    assert_eq!(catalog.changes_since(0, 1_000).unwrap(), told);
    create(&catalog, KEY);
    let next = catalog.changes_since(told.next, 1).unwrap().events;
    assert_eq!(
        (next[0].sequence, next[0].entity()),
        (11, Entity::Organization)
    );
}

#[test]
fn a_snapshot_and_its_feed_agree() {
    let catalog = Catalog::temporary().unwrap();
    create(&catalog, KEY);
    let snapshot = catalog.snapshot();
    create_many(&catalog, "Later", 20);
    let mut replica = Replica::default();
    replica.follow(&snapshot);
    replica.check(&snapshot);
    replica.follow(&catalog.snapshot());
    replica.check(&catalog.snapshot());
}

#[test]
fn a_rehearsal_goes_on_with_a_feed_of_its_own() {
    let catalog = Catalog::temporary().unwrap();
    create(&catalog, KEY);
    let rehearsal = catalog.rehearse().unwrap();
    let mut replica = Replica::default();
    replica.follow(&rehearsal.snapshot());
    rehearsal.delete_course_run(KEY).unwrap();
    create_many(&rehearsal, "More", 1_000);
    replica.follow(&rehearsal.snapshot());
    replica.check(&rehearsal.snapshot());
    assert_eq!(catalog.latest_change(), 3);
}

/// How many rows of the feed a store has, and how many bytes they have.
fn stored_feed(folder: &std::path::Path) -> (usize, usize) {
    let rows = stored::rows(folder);
    let rows = rows.iter().filter(|((tree, _), _)| tree == "changes");
    let bytes: Vec<_> = rows.map(|(_, value)| value.len()).collect();
    assert!(bytes.iter().all(|bytes| *bytes < 3_000), "{bytes:?}");
    (bytes.len(), bytes.iter().sum())
}

#[test]
fn an_import_does_not_grow_the_feed_beyond_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options::new().keep_changes(500);
    let catalog = options().open(folder.path()).unwrap();
    create_many(&catalog, "Many", 6_000);
    let (oldest, latest) = (catalog.oldest_change(), catalog.latest_change());
    assert_eq!(latest, 6_000 + 8);
    let kept = latest + 1 - oldest;
    assert!((500..1_000).contains(&kept), "{kept}");
    let read = |since| catalog.changes_since(since, 1_000);
    assert_eq!(read(oldest - 1).unwrap().events.len() as u64, kept);
    let error = read(oldest - 2).unwrap_err();
    assert!(matches!(error, Error::Compacted { oldest: left, .. } if left == oldest));
    assert_eq!(
        read(0).unwrap_err().to_string(),
        format!(
            "The changes after 0 are no longer kept; the oldest that is left has number {oldest}. \
             Read the catalog anew, and go on from its latest change."
        )
    );
    drop(catalog);
    let (_, bytes) = stored_feed(folder.path());
    assert!(bytes < 20_000, "{bytes}");

    // Keeping less lets go of the others little by little.
    let catalog = Options::new().keep_changes(3).open(folder.path()).unwrap();
    assert_eq!(catalog.oldest_change(), oldest);
    create(&catalog, KEY);
    create(&catalog, "course-v1:MITx+Math100+2027");
    let kept = catalog.latest_change() + 1 - catalog.oldest_change();
    assert_eq!(kept, 4, "a row of three, and the newest");
    assert!(catalog.verify().unwrap().is_clean());
}

#[test]
fn single_writes_let_go_of_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Options::new().keep_changes(10).open(folder.path()).unwrap();
    create(&catalog, KEY);
    for n in 0..100 {
        catalog
            .sync_course_run_details(KEY, &n.to_string())
            .unwrap();
    }
    assert_eq!(catalog.latest_change() + 1 - catalog.oldest_change(), 10);
    drop(catalog);
    assert_eq!(stored_feed(folder.path()).0, 10);
    assert!(verify(folder.path()).unwrap().is_clean());
}

#[test]
fn what_is_too_old_goes_with_the_next_write() {
    let clock = Clock::new();
    let shown = clock.clone();
    let catalog = Options::new()
        .clock(move || shown.now())
        .keep_changes_for(Duration::from_secs(2))
        .temporary()
        .unwrap();
    for n in 0..5 {
        catalog.ensure_organization(format!("Org{n}")).unwrap();
        clock.tick();
    }
    assert_eq!(catalog.oldest_change(), 3, "of 2 seconds ago");
    for _ in 0..10 {
        clock.tick();
    }
    assert_eq!(catalog.oldest_change(), 3, "nothing was written");
    catalog.ensure_organization("New").unwrap();
    assert_eq!((catalog.oldest_change(), catalog.latest_change()), (6, 6));
}

#[test]
fn positions_that_were_never_given_are_refused() {
    let catalog = Catalog::temporary().unwrap();
    assert!(catalog.changes_since(0, 1).unwrap().events.is_empty());
    for (since, limit, field) in [(1, 1, "since"), (u64::MAX, 1, "since"), (0, 0, "limit")] {
        let error = catalog.changes_since(since, limit).unwrap_err();
        assert!(
            matches!(&error, Error::Invalid(i) if i.field.as_str() == field),
            "{error}"
        );
    }
    assert!(catalog.watch(1).is_err());
}

/// Follows a feed to its end.
fn follow(mut next: impl FnMut() -> Result<Option<Changes>>) -> Replica {
    let mut replica = Replica::default();
    while let Some(changes) = next().unwrap() {
        assert!(!changes.events.is_empty());
        for event in &changes.events {
            replica.apply(event);
        }
    }
    replica
}

#[test]
fn watchers_of_every_kind_hear_everything_once_until_the_catalog_is_closed() {
    let catalog = Catalog::temporary().unwrap();
    let watch = || catalog.watch(0).unwrap();
    let (mut blocking, mut patient, mut awaiting) = (watch(), watch(), watch());
    let readers = [
        thread::spawn(move || follow(|| blocking.next(3))),
        thread::spawn(move || follow(|| patient.next_timeout(1_000, Duration::MAX))),
        thread::spawn(move || follow(|| pollster::block_on(awaiting.next_async(10)))),
    ];
    thread::scope(|scope| {
        for writer in 0..4 {
            let catalog = &catalog;
            scope.spawn(move || {
                let name = format!("Org{writer}");
                for n in 0..50 {
                    create(catalog, &format!("course-v1:{name}+C+{n}"));
                }
                create_many(catalog, &name, 300);
            });
        }
    });
    let snapshot = catalog.snapshot();
    drop(catalog);
    for reader in readers {
        reader.join().unwrap().check(&snapshot);
    }
}

#[test]
fn a_watch_does_not_keep_the_catalog_open() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    let mut watch = catalog.watch(0).unwrap();
    let unheard = catalog.watch(0).unwrap();
    create(&catalog, KEY);
    drop(catalog);
    let again = Catalog::open(folder.path()).unwrap();
    create(&again, "course-v1:MITx+Math100+2027");
    // What was told before the end is answered, and nothing of another opening.
    assert_eq!(watch.next(100).unwrap().unwrap().next, 3);
    assert!(watch.next(100).unwrap().is_none());
    assert!(watch.next(100).unwrap().is_none());
    assert_eq!(unheard.position(), 0);
}

#[test]
fn patience_ends() {
    let catalog = Catalog::temporary().unwrap();
    let mut watch = catalog.watch(0).unwrap();
    for patience in [Duration::ZERO, Duration::from_millis(5)] {
        let nothing = watch.next_timeout(10, patience).unwrap().unwrap();
        assert!(nothing.events.is_empty());
    }
    create(&catalog, KEY);
    let three = watch.next_timeout(10, Duration::ZERO).unwrap().unwrap();
    assert_eq!((three.events.len(), watch.position()), (3, 3));
}

#[test]
fn a_watcher_that_is_too_slow_is_told_so() {
    let catalog = Options::new().keep_changes(3).temporary().unwrap();
    let mut watch = catalog.watch(0).unwrap();
    create(&catalog, KEY);
    for title in ["1", "2", "3", "4"] {
        catalog.sync_course_run_details(KEY, title).unwrap();
    }
    let error = watch.next(10).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Compacted {
                since: 0,
                oldest: 5
            }
        ),
        "{error}"
    );
    assert_eq!(error.code(), "compacted");
    assert!(catalog.watch(0).is_err());
    let mut watch = catalog.watch(4).unwrap();
    let changes = watch.next(10).unwrap().unwrap();
    let kinds: Vec<_> = changes.events.iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, [ChangeKind::Updated; 3]);
}

/// Counts how often it is woken; may panic when it is.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<usize>,
    change: Condvar,
    is_broken: bool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        assert!(!self.is_broken, "a waker of the caller's");
        *self.woken.lock().unwrap() += 1;
        self.change.notify_all();
    }
}

#[test]
fn thousands_wait_at_once_and_a_broken_waker_harms_nobody() {
    const MANY: usize = 3_000;
    type Waiting = Pin<Box<dyn Future<Output = (Watch, Changes)>>>;
    let catalog = Catalog::temporary().unwrap();
    let sleeper = Arc::new(Sleeper::default());
    let broken = Arc::new(Sleeper {
        is_broken: true,
        ..Sleeper::default()
    });
    let mut waiting: Vec<Waiting> = (0..MANY)
        .map(|_| {
            let mut watch = catalog.watch(0).unwrap();
            let next = async move {
                let changes = watch.next_async(10).await.unwrap().unwrap();
                (watch, changes)
            };
            Box::pin(next) as Waiting
        })
        .collect();
    for (n, watch) in waiting.iter_mut().enumerate() {
        let waker = match n % 1_000 {
            500 => Waker::from(Arc::clone(&broken)),
            _ => Waker::from(Arc::clone(&sleeper)),
        };
        let mut context = Context::from_waker(&waker);
        assert!(watch.as_mut().poll(&mut context).is_pending());
    }
    catalog.ensure_organization("MITx").unwrap();
    let mut woken = sleeper.woken.lock().unwrap();
    while *woken < MANY - 3 {
        woken = sleeper.change.wait(woken).unwrap();
    }
    drop(woken);
    for watch in waiting {
        let (watch, changes) = pollster::block_on(watch);
        assert_eq!((watch.position(), changes.events.len()), (1, 1));
    }
}
