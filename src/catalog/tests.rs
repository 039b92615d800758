//! What becomes of a catalog whose store fails, or takes its time.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::engine::{Batch, Durability, Engine, EngineError, MemoryStore, RowSink, Tree};
use crate::schema::{Ledger, TREES};
use crate::{
    Catalog, Changes, CourseRun, CreateModulestoreRun, EnsureOrganization, Error, Options, Outcome,
    Pending, Watch,
};

fn open(store: &MemoryStore) -> Catalog {
    Catalog::open_memory(store, Options::new()).unwrap()
}

#[test]
fn a_failed_commit_ends_writing_until_the_catalog_is_opened_again() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let create = |catalog: &Catalog, run: &str| {
        let key = format!("course-v1:MITx+Math100+{run}");
        catalog.create_course_run_for_modulestore_course_with(key, "", "")
    };
    create(&catalog, "1").unwrap();

    store.fail_commits(true);
    let error = create(&catalog, "2").unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error}");

    // The disk is well again, but what it holds is not known: nothing more is written.
    store.fail_commits(false);
    let error = create(&catalog, "3").unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error}");
    let error = catalog.sync().unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error}");

    // Reads go on, and show what was acknowledged and nothing else.
    assert_eq!(catalog.stats().course_runs, 1);
    assert!(catalog.get_course_run("course-v1:MITx+Math100+1").is_ok());
    assert!(catalog.get_course_run("course-v1:MITx+Math100+2").is_err());

    drop(catalog);
    let catalog = open(&store);
    assert!(catalog.get_course_run("course-v1:MITx+Math100+1").is_ok());
    create(&catalog, "3").unwrap();
    assert!(catalog.verify().unwrap().is_clean());
}

#[test]
fn a_failed_commit_fails_every_answer_of_its_group() {
    // Even a refusal may rest on a request before it in the group, which is not stored now.
    let store = MemoryStore::new();
    let catalog = open(&store);
    catalog.ensure_organization("MITx").unwrap();
    store.fail_commits(true);
    let key = "course-v1:MITx+Math100+1";
    let pending: Vec<_> = ["", "again", "and again"]
        .map(|title| catalog.submit(CreateModulestoreRun::new(key).title(title)))
        .into();
    for answer in pending {
        let error = answer.wait().unwrap_err();
        assert!(matches!(error, Error::Storage { .. }), "{error}");
    }
    assert_eq!(catalog.stats().course_runs, 0);
}

/// A commit failed while earlier ones were still to be made durable. When their period was over, the
/// writer tried to sync, was refused for the failure, kept the period as over, and tried again for
/// ever: no caller was answered any more, and the last handle could not be dropped.
#[test]
fn a_failure_with_deferred_writes_pending_is_told_to_everyone_who_comes_later() {
    const PERIOD: Duration = Duration::from_millis(20);
    let store = MemoryStore::new();
    let options = Options::new().durability(crate::catalog::WriteDurability::Every(PERIOD));
    let catalog = Catalog::open_memory(&store, options).unwrap();
    catalog.ensure_organization("MITx").unwrap();
    store.fail_commits(true);
    let (answered, heard) = mpsc::channel();
    let caller = catalog.clone();
    std::thread::spawn(move || {
        let started = Instant::now();
        while started.elapsed() < 5 * PERIOD {
            let answer = caller.ensure_organization("HarvardX");
            answered.send(answer.is_err()).unwrap();
        }
    });
    // Each answer comes long before this, unless none comes at all.
    let patience = Duration::from_secs(30);
    let mut told = false;
    loop {
        match heard.recv_timeout(patience) {
            // Answers do not wait for the store, so the first may be given before it fails.
            Ok(refused) => {
                assert!(refused || !told);
                told = refused;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the writer answers nobody"),
        }
    }
    assert!(told);
    assert!(catalog.sync().is_err());
}

/// Nobody waits for the store where answers need not be durable, and what has been answered is told
/// to those who watch; it is stored all the same.
#[test]
fn a_deferred_write_is_answered_and_shown_before_it_is_committed() {
    let store = MemoryStore::new();
    let every = crate::catalog::WriteDurability::Every(Duration::from_secs(3_600));
    let (catalog, has_reached, go) = gated_with(&store, Options::new().durability(every));
    let create = |n: u32| catalog.call(CreateModulestoreRun::new(format!("MITx/Math100/{n}")));
    create(1).unwrap();
    has_reached.recv().unwrap();
    for n in 2..=100 {
        create(n).unwrap();
        assert_eq!(catalog.stats().course_runs, u64::from(n));
        assert_eq!(catalog.latest_change(), u64::from(n) + 2);
    }
    let waiting = catalog.clone();
    let synced = std::thread::spawn(move || waiting.sync());
    drop(go);
    synced.join().unwrap().unwrap();
    assert!(catalog.verify().unwrap().is_clean());
    let shown = catalog.changes_since(0, 1_000).unwrap().events;
    drop(catalog);
    let catalog = open(&store);
    assert_eq!(catalog.stats().course_runs, 100);
    assert_eq!(catalog.changes_since(0, 1_000).unwrap().events, shown);
}

/// An engine that tells when a commit has come to it, and waits to be told to go on, for as long as
/// there is somebody to tell it.
struct Gate {
    engine: Box<dyn Engine>,
    reached: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Engine for Gate {
    fn commit(&mut self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        let _ = self.reached.send(());
        let _ = self.go.lock().recv();
        self.engine.commit(batch, durability)
    }

    fn load(&self, tree: Tree, row: &mut RowSink<'_>) -> Result<(), EngineError> {
        self.engine.load(tree, row)
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        self.engine.sync()
    }

    fn size_on_disk(&self) -> Result<u64, EngineError> {
        self.engine.size_on_disk()
    }

    fn close(self: Box<Self>) -> Result<(), EngineError> {
        self.engine.close()
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// A catalog over a store, and the two ends of its gate.
fn gated(store: &MemoryStore) -> (Catalog, Receiver<()>, Sender<()>) {
    gated_with(store, Options::new())
}

fn gated_with(store: &MemoryStore, options: Options) -> (Catalog, Receiver<()>, Sender<()>) {
    let mut engine: Box<dyn Engine> = Box::new(store.open(&TREES));
    let empty = Ledger::new().first_batch();
    engine.commit(empty, Durability::Durable).unwrap();
    let (reached, has_reached) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    let engine = Gate {
        engine,
        reached,
        go: Mutex::new(gate),
    };
    let path = PathBuf::from("gate");
    let catalog = Catalog::start(None, Box::new(engine), path, options).unwrap();
    (catalog, has_reached, go)
}

/// Hands over more than two batches take while the writer is held up with a first request, and
/// waits until the first of those batches is at the gate.
fn hand_over_batches(
    catalog: &Catalog,
    has_reached: &Receiver<()>,
    go: &Sender<()>,
) -> Vec<Pending<Outcome<Arc<CourseRun>>>> {
    let first = catalog.submit(EnsureOrganization::new("MITx"));
    has_reached.recv().unwrap();
    let pending = (0..600)
        .map(|n| catalog.submit(CreateModulestoreRun::new(format!("MITx/Math100/{n}"))))
        .collect();
    go.send(()).unwrap();
    first.wait().unwrap();
    has_reached.recv().unwrap();
    pending
}

#[test]
fn batches_of_one_group_are_published_and_answered_together() {
    let (catalog, has_reached, go) = gated(&MemoryStore::new());
    let mut pending = hand_over_batches(&catalog, &has_reached, &go);
    go.send(()).unwrap();
    has_reached.recv().unwrap();
    // The first batch is committed, the second is on its way.
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    for answer in &mut pending {
        assert!(std::pin::Pin::new(answer).poll(&mut context).is_pending());
    }
    assert_eq!(catalog.stats().course_runs, 0);
    drop(go); // From now on the gate stands open, see below.
    for answer in pending {
        answer.wait().unwrap();
    }
    assert_eq!(catalog.stats().course_runs, 600);
}

/// Who comes while a group is on its way asked for something that rests on it.
#[test]
fn what_waits_behind_a_group_fails_with_it() {
    for fails in [false, true] {
        let store = MemoryStore::new();
        let (catalog, has_reached, go) = gated(&store);
        let create = |n: u32| catalog.submit(CreateModulestoreRun::new(format!("MITx/M/{n}")));
        let held_up = create(0);
        has_reached.recv().unwrap();
        let first = [create(1), create(2)];
        go.send(()).unwrap();
        held_up.wait().unwrap();
        has_reached.recv().unwrap();
        // The first group is on its way, and this one comes behind it.
        let again = create(1);
        let then = [create(3), create(4)];
        store.fail_commits(fails);
        drop(go);
        let mut outcomes = first.into_iter().chain(then).map(Pending::wait);
        assert!(outcomes.all(|outcome| outcome.is_err() == fails));
        assert_eq!(again.wait().is_ok_and(|run| run.already_existed()), !fails);
        let runs = if fails { 1 } else { 5 };
        assert_eq!(catalog.stats().course_runs, runs);
        drop(catalog);
        has_after_all(&store, runs);
    }
}

/// Those who wait while a commit is on its way are the next group, of which nothing is seen before all of
/// it is durable.
#[test]
fn many_are_published_together() {
    many_at_once(false);
}

#[test]
fn many_fail_together() {
    many_at_once(true);
}

fn many_at_once(fails: bool) {
    let store = MemoryStore::new();
    let (catalog, has_reached, go) = gated(&store);
    let create = |n: u32| catalog.submit(CreateModulestoreRun::new(format!("MITx/M/{n}")));
    let held_up = create(0);
    has_reached.recv().unwrap();
    let mut pending: Vec<_> = (1..=100).map(create).collect();
    // The same once more: whoever is told that a run existed must not hear it before it is durable.
    let mut again = create(1);
    go.send(()).unwrap();
    held_up.wait().unwrap();
    has_reached.recv().unwrap();
    // They are on their way, and nothing of it is seen.
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    for answer in pending.iter_mut().chain([&mut again]) {
        assert!(std::pin::Pin::new(answer).poll(&mut context).is_pending());
    }
    assert_eq!(catalog.stats().course_runs, 1);
    store.fail_commits(fails);
    drop(go);
    let outcomes = pending.into_iter().chain([again]).map(Pending::wait);
    let wrong = outcomes.filter(|outcome| outcome.is_err() != fails);
    assert_eq!(wrong.count(), 0);
    let runs = if fails { 1 } else { 101 };
    assert_eq!(catalog.stats().course_runs, runs);
    drop(catalog);
    has_after_all(&store, runs);
}

/// A waker that runs when a request is answered, and waits there for another.
struct WaitsFor {
    other: Mutex<Option<Pending<Outcome<Arc<CourseRun>>>>>,
    answered: Sender<crate::error::Result<()>>,
}

impl Wake for WaitsFor {
    fn wake(self: Arc<Self>) {
        let other = self.other.lock().take().unwrap();
        self.answered.send(other.wait().map(drop)).unwrap();
    }
}

/// Who answers a group is held up by one of its wakers, which waits for what has been planned behind that
/// group: the writer must not wait for it.
#[test]
fn a_waker_may_wait_for_what_is_planned_behind_its_request() {
    [false, true].into_iter().for_each(wait_in_a_waker);
}

fn wait_in_a_waker(fails: bool) {
    let (planned, plans) = mpsc::channel();
    let planned = Mutex::new(planned);
    let clock = move || {
        let _ = planned.lock().send(());
        crate::Timestamp::from_micros(0).unwrap()
    };
    let store = MemoryStore::new();
    let (catalog, has_reached, go) = gated_with(&store, Options::new().clock(clock));
    let create = |n: u32| catalog.submit(CreateModulestoreRun::new(format!("MITx/M/{n}")));
    let held_up = create(0);
    has_reached.recv().unwrap();
    let mut pending: Vec<_> = (1..=20).map(create).collect();
    go.send(()).unwrap();
    held_up.wait().unwrap();
    has_reached.recv().unwrap();
    // The first group is on its way. This one is planned behind it.
    let before = plans.try_iter().count();
    assert!(before > 20);
    let (answered, other) = mpsc::channel();
    let waker = Waker::from(Arc::new(WaitsFor {
        other: Mutex::new(Some(create(21))),
        answered,
    }));
    plans.recv().unwrap();
    let polled = std::pin::Pin::new(&mut pending[10]).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    // Mostly, the writer has gone to sleep by then; if not, this test is an easier one.
    (0..20_000).for_each(|_| std::thread::yield_now());
    store.fail_commits(fails);
    drop(go);
    let patience = std::time::Duration::from_secs(30);
    let outcome = other.recv_timeout(patience).unwrap();
    assert_eq!(outcome.is_err(), fails);
    for answer in pending {
        assert_eq!(answer.wait().is_err(), fails);
    }
    let runs = if fails { 1 } else { 22 };
    assert_eq!(catalog.stats().course_runs, runs);
}

/// Opens a store that may have failed, and finds so many runs there.
fn has_after_all(store: &MemoryStore, runs: u64) {
    store.fail_commits(false);
    let catalog = open(store);
    assert_eq!(catalog.stats().course_runs, runs);
    assert!(catalog.verify().unwrap().is_clean());
}

#[test]
fn a_failed_batch_fails_its_whole_group() {
    let store = MemoryStore::new();
    let (catalog, has_reached, go) = gated(&store);
    let pending = hand_over_batches(&catalog, &has_reached, &go);
    go.send(()).unwrap();
    has_reached.recv().unwrap();
    store.fail_commits(true);
    drop(go);
    for answer in pending {
        let error = answer.wait().unwrap_err();
        assert!(matches!(error, Error::Storage { .. }), "{error}");
    }
    assert_eq!(catalog.stats().course_runs, 0);
    drop(catalog);

    // What was committed before is whole, and is the beginning of what was asked for.
    store.fail_commits(false);
    let catalog = open(&store);
    assert!(catalog.verify().unwrap().is_clean());
    let stored = catalog.stats().course_runs;
    assert!((1..600).contains(&stored), "{stored}");
    for n in 0..stored {
        catalog.get_course_run(format!("MITx/Math100/{n}")).unwrap();
    }
}

#[test]
fn nothing_is_published_or_answered_before_it_is_committed_and_readers_do_not_wait() {
    let (catalog, has_reached, go) = gated(&MemoryStore::new());

    let mut pending = Box::pin(catalog.submit(CreateModulestoreRun::new("MITx/Math100/1")));
    has_reached.recv().unwrap();
    // The commit is on its way: its caller waits, readers do not, and see nothing of it.
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    assert!(pending.as_mut().poll(&mut context).is_pending());
    assert_eq!(catalog.stats().course_runs, 0);
    assert_eq!(catalog.snapshot().course_runs().count(), 0);

    go.send(()).unwrap();
    pollster::block_on(pending).unwrap();
    assert_eq!(catalog.stats().course_runs, 1);
}

/// Requests that change nothing are answered from the image. One that comes after another of the
/// same caller, not yet answered, must be answered as if it came after it all the same.
#[test]
fn a_request_sees_what_was_handed_over_before_it() {
    let catalog = Catalog::temporary().unwrap();
    let key = "course-v1:MITx+Math100+1";
    let create = CreateModulestoreRun::new(key);
    for _ in 0..200 {
        let created = catalog.submit(create.clone());
        let deleted = catalog.submit(crate::DeleteCourseRun::new(key));
        let course = catalog.delete_catalog_course("catalog-course:MITx:Math100");
        assert!(course.is_ok(), "{course:?}");
        assert!(!created.wait().unwrap().already_existed());
        deleted.wait().unwrap();
    }
}

/// Once nothing is certain any more, nothing is answered as if it were.
#[test]
fn a_request_that_changes_nothing_is_refused_after_a_failure() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    let create = || catalog.call(CreateModulestoreRun::new("course-v1:MITx+Math100+1"));
    create().unwrap();
    assert!(create().unwrap().already_existed());
    store.fail_commits(true);
    catalog.ensure_organization("HarvardX").unwrap_err();
    let error = create().unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error}");
}

/// A commit failed while others were waiting for changes. There were to be none any more, but nobody
/// told them: they waited on, for as long as the catalog was open, and took silence for peace.
#[test]
fn those_who_watch_hear_of_a_failure() {
    let store = MemoryStore::new();
    let catalog = open(&store);
    catalog.ensure_organization("MITx").unwrap();
    // Each of the ways to wait, each with all changes behind it. None has an end of its own here.
    type Wait = fn(&mut Watch) -> crate::Result<Option<Changes>>;
    let ways: [Wait; 3] = [
        |watch| watch.next(10),
        |watch| watch.next_timeout(10, Duration::MAX),
        |watch| pollster::block_on(watch.next_async(10)),
    ];
    let (told, heard) = mpsc::channel();
    for wait in ways {
        let (mut watch, told) = (catalog.watch(0).unwrap(), told.clone());
        std::thread::spawn(move || {
            for _ in 0..3 {
                let changes = wait(&mut watch);
                told.send(changes.map(|some| some.map(|changes| changes.next)))
                    .unwrap();
            }
        });
    }
    let patience = Duration::from_secs(30);
    let next = || heard.recv_timeout(patience).expect("nobody tells them");
    for _ in ways {
        assert_eq!(next().unwrap(), Some(1));
    }
    store.fail_commits(true);
    let failure = catalog.ensure_organization("HarvardX").unwrap_err();
    // Twice: once it is so, it stays so.
    for _ in 0..2 * ways.len() {
        assert_eq!(next().unwrap_err().to_string(), failure.to_string());
    }
    // Who comes later reads what there is, and then hears the same.
    let mut late = catalog.watch(0).unwrap();
    assert_eq!(late.next(10).unwrap().unwrap().next, 1);
    assert!(late.next(10).is_err());
    assert!(late.read(10).unwrap().events.is_empty());
    drop(catalog);
    assert!(late.next(10).is_err());
}
