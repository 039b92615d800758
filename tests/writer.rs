//! Promise: nothing that callers do stops the writer, loses a request, or makes a reader wait.
//!
//! The clock of a catalog is asked on the writer's thread while a request is planned. A clock that
//! waits for the test holds the writer there, so that these tests need no sleeping and no luck:
//! what is submitted meanwhile forms one group, and what is read meanwhile is read while a write is
//! under way.

mod support;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use coursecat::{
    AddReference, Catalog, CourseQuery, CreateCatalogCourse, CreateModulestoreRun,
    CreateOrganization, DeleteCatalogCourse, DeleteCourseRun, EnsureOrganization, Error, Options,
    OrganizationQuery, Outcome, Pending, RunQuery, Snapshot, SyncCourseRun, Timestamp,
    UpdateOrganization, WriteDurability,
};
use support::Kept;

/// How long to wait for what happens at once, or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that can be stopped, and with it the writer that asks for the time.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    closed: bool,
    waiting: bool,
}

impl Gate {
    fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let gate = self.clone();
        move || {
            gate.pass();
            Timestamp::now()
        }
    }

    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.waiting = true;
        changed.notify_all();
        while state.closed {
            state = changed.wait(state).unwrap();
        }
        state.waiting = false;
    }

    /// Holds the writer of this catalog in the middle of a request, whose answer is given back,
    /// until the guard is dropped. A test that fails lets go of it, too, and so ends.
    fn hold(&self, catalog: &Catalog) -> (Pending<Arc<coursecat::Organization>>, Held<'_>) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().closed = true;
        let held = Held(self);
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("Held{}", COUNT.fetch_add(1, SeqCst));
        let pending = catalog.submit(CreateOrganization::new(name));
        let mut state = state.lock().unwrap();
        while !state.waiting {
            state = changed.wait(state).unwrap();
        }
        drop(state);
        (pending, held)
    }
}

struct Held<'a>(&'a Gate);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let (state, changed) = &*self.0.0;
        state.lock().unwrap().closed = false;
        changed.notify_all();
    }
}

fn run(key: impl Into<String>) -> CreateModulestoreRun {
    CreateModulestoreRun::new(key)
}

/// How many commits there have been.
fn commits(catalog: &Catalog) -> u64 {
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
    report.sequence
}

#[test]
fn handles_go_to_any_thread() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Catalog>();
    check::<Snapshot>();
    check::<Options>();
    check::<Error>();
    fn check_pending<T: Send + Unpin + 'static>() {}
    check_pending::<Pending<()>>();
    check_pending::<Pending<Outcome<Arc<coursecat::CourseRun>>>>();
}

#[test]
fn readers_never_wait_for_the_writer() {
    for kept in [Kept::in_memory(), Kept::in_a_folder()] {
        let gate = Gate::default();
        let catalog = kept.open(Options::new().clock(gate.clock())).unwrap();
        catalog.call(run("course-v1:Org+C+1")).unwrap();
        catalog.add_reference("course-v1:Org+C+1", "lms").unwrap();
        let before = catalog.snapshot();
        let (pending, held) = gate.hold(&catalog);
        let later = catalog.submit(run("course-v1:Org+C+2"));

        // Every kind of read, on this thread and on others, while a write is under way.
        let read = || {
            let snapshot = catalog.snapshot();
            assert_eq!(snapshot.stats(), before.stats());
            let run = catalog.get_course_run("course-v1:Org+C+1").unwrap();
            let course = catalog.get_catalog_course_of(&run).unwrap();
            assert_eq!(catalog.get_catalog_course(("org", "C")).unwrap(), course);
            assert_eq!(*catalog.list_runs(course.id).unwrap(), [run]);
            let both = ["course-v1:Org+C+1", "course-v1:Org+C+2"];
            let found = catalog.get_course_runs(both).unwrap();
            assert!(found[0].is_some() && found[1].is_none());
            assert_eq!(catalog.count_organizations(&OrganizationQuery::new()), 1);
            assert_eq!(catalog.count_catalog_courses(&CourseQuery::new()), 1);
            assert_eq!(catalog.count_course_runs(&RunQuery::new()), 1);
            let found = catalog.search("org", 10).unwrap();
            assert_eq!(found.course_runs.items.len(), 1);
            assert_eq!(
                catalog.list_references("course-v1:Org+C+1").unwrap().len(),
                1
            );
            assert_eq!(snapshot.course_runs().count(), 1);
        };
        thread::scope(|scope| {
            scope.spawn(read);
            scope.spawn(read);
        });
        read();

        drop(held);
        pending.wait().unwrap();
        later.wait().unwrap();
        assert_eq!(catalog.stats().organizations, 2);
        assert_eq!(catalog.stats().course_runs, 2);
        // A snapshot that was taken before shows what was then.
        assert_eq!(before.stats().course_runs, 1);
        assert!(before.get_course_run("course-v1:Org+C+2").is_err());
    }
}

#[test]
fn requests_of_a_group_see_those_before_them_and_share_one_commit() {
    for kept in [Kept::in_memory(), Kept::in_a_folder()] {
        let gate = Gate::default();
        let catalog = kept.open(Options::new().clock(gate.clock())).unwrap();
        let before = commits(&catalog);
        let (first, held) = gate.hold(&catalog);
        let key = "course-v1:Org+C+1";
        let course = ("Org", "C");
        let too_long = "t".repeat(256);

        let made = catalog.submit(run(key).title("Calculus"));
        let again = catalog.submit(run(key).title("Other"));
        let synced = catalog.submit(SyncCourseRun::new(key).title("Algebra"));
        let referred = catalog.submit(AddReference::new(key, "lms"));
        let protected = catalog.submit(DeleteCourseRun::new(key));
        let malformed = catalog.submit(run("course-v1:Org+C"));
        // Refused only after its plan has made an organization and a course.
        let halfway = catalog.submit(run(format!("course-v1:New+C+{}", "r".repeat(129))));
        let half_made = catalog.submit(CreateCatalogCourse::new("New", "C"));
        let titled = catalog.submit(run("course-v1:New+C+1").title(&too_long));
        let kept_course = catalog.submit(DeleteCatalogCourse::new(course));
        let there_and_gone = [
            catalog.submit(run("course-v1:Gone+C+1")),
            catalog.submit(run("course-v1:Gone+C+2")),
        ];
        let deleted = [
            catalog.submit(DeleteCourseRun::new("course-v1:Gone+C+1")),
            catalog.submit(DeleteCourseRun::new("course-v1:Gone+C+2")),
            catalog.submit(DeleteCatalogCourse::new(("Gone", "C"))),
        ];
        let anew = catalog.submit(run("course-v1:Gone+C+1"));
        let renamed = catalog.submit(UpdateOrganization::new("org").short_name("ORG"));
        let mismatch = catalog.submit(run("course-v1:Org+C+2"));
        drop(held);

        first.wait().unwrap();
        let made = made.wait().unwrap().value;
        let again = again.wait().unwrap();
        assert!(again.already_existed());
        assert_eq!(again.value, made);
        let synced = synced.wait().unwrap().value;
        assert_eq!((synced.id, synced.title.as_str()), (made.id, "Algebra"));
        assert!(referred.wait().unwrap());
        assert_eq!(protected.wait().unwrap_err().code(), "protected");
        assert_eq!(malformed.wait().unwrap_err().code(), "invalid_key");
        assert_eq!(halfway.wait().unwrap_err().code(), "invalid");
        assert_eq!(half_made.wait().unwrap_err().code(), "not_found");
        assert_eq!(titled.wait().unwrap_err().code(), "invalid");
        assert_eq!(kept_course.wait().unwrap_err().code(), "protected");
        let gone = there_and_gone.map(|pending| pending.wait().unwrap().value);
        for pending in deleted {
            pending.wait().unwrap();
        }
        let anew = anew.wait().unwrap();
        assert!(!anew.already_existed());
        assert!(gone.iter().all(|run| run.id != anew.value.id));
        assert_ne!(gone[0].catalog_course_id, anew.value.catalog_course_id);
        renamed.wait().unwrap();
        let mismatch = mismatch.wait().unwrap();
        assert_eq!(mismatch.warnings[0].code(), "org_case_mismatch");

        assert_eq!(commits(&catalog), before + 1);
        let stats = catalog.stats();
        assert_eq!((stats.organizations, stats.catalog_courses), (3, 2));
        assert_eq!((stats.course_runs, stats.references), (3, 1));
        assert!(catalog.get_organization("New").is_err());
        let key = catalog.get_catalog_course(course).unwrap().key();
        assert_eq!(key.to_string(), "catalog-course:ORG:C");
        check_reopened(&kept, catalog);
    }
}

/// Closes a catalog, and finds the same in it when it is opened again.
fn check_reopened(kept: &Kept, catalog: Catalog) {
    if !kept.can_reopen() {
        return;
    }
    let content = |catalog: &Catalog| {
        let snapshot = catalog.snapshot();
        let runs: Vec<_> = snapshot.course_runs().cloned().collect();
        let courses: Vec<_> = snapshot.catalog_courses().cloned().collect();
        let organizations: Vec<_> = snapshot.organizations().cloned().collect();
        (runs, courses, organizations, snapshot.stats())
    };
    let before = content(&catalog);
    drop(catalog);
    let report = coursecat::verify(kept.path()).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(content(&kept.open(Options::new()).unwrap()), before);
}

#[test]
fn a_panicking_plan_is_the_fault_of_its_request_alone() {
    for kept in [Kept::in_memory(), Kept::in_a_folder()] {
        let gate = Gate::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let clock = {
            let (clock, asked) = (gate.clock(), Arc::clone(&asked));
            move || {
                let now = clock();
                assert_ne!(asked.fetch_add(1, SeqCst), 2, "the clock has stopped");
                now
            }
        };
        let catalog = kept.open(Options::new().clock(clock)).unwrap();
        let (first, held) = gate.hold(&catalog);
        let before = catalog.submit(run("course-v1:Org+C+1"));
        let fatal = catalog.submit(run("course-v1:Org+C+2"));
        let after = catalog.submit(run("course-v1:Org+C+3"));
        let refused = catalog.submit(DeleteCourseRun::new("course-v1:Org+C+2"));
        drop(held);

        first.wait().unwrap();
        let before = before.wait().unwrap().value;
        let error = fatal.wait().unwrap_err();
        let Error::Panicked { message } = &error else {
            panic!("{error}");
        };
        assert!(message.contains("the clock has stopped"), "{message}");
        let after = after.wait().unwrap().value;
        assert_eq!(after.catalog_course_id, before.catalog_course_id);
        assert_eq!(refused.wait().unwrap_err().code(), "not_found");

        // It goes on as if nothing had happened, with that run too.
        let second = catalog.call(run("course-v1:Org+C+2")).unwrap();
        assert!(!second.already_existed());
        catalog.sync().unwrap();
        commits(&catalog);
        assert_eq!(catalog.stats().course_runs, 3);
        check_reopened(&kept, catalog);
    }
}

#[test]
fn the_last_handle_finishes_what_was_queued() {
    for durability in [
        WriteDurability::EveryCommit,
        WriteDurability::Every(Duration::from_secs(3600)),
    ] {
        let kept = Kept::in_a_folder();
        let gate = Gate::default();
        let options = Options::new().clock(gate.clock()).durability(durability);
        let catalog = kept.open(options).unwrap();
        let (first, held) = gate.hold(&catalog);
        // More than one group takes, since a group ends at a thousand rows.
        let keys: BTreeSet<_> = (0..2_000)
            .map(|n| format!("course-v1:Org+C{}+{n}", n % 10))
            .collect();
        let pending: Vec<_> = keys.iter().map(|key| catalog.submit(run(key))).collect();
        let last = catalog.clone();
        drop(catalog);
        let ensured = last.submit(EnsureOrganization::new("Org"));
        drop(held);
        drop(last);
        // The last handle is gone, so all is done: nothing is left to wait for.
        for pending in pending {
            let ready = poll_once(pending, Waker::noop()).expect("an answer");
            assert!(!ready.unwrap().already_existed());
        }
        assert_eq!(ensured.wait().unwrap().short_name, "Org");
        first.wait().unwrap();

        let report = coursecat::verify(kept.path()).unwrap();
        assert!(report.is_clean(), "{report}");
        let catalog = kept.open(Options::new()).unwrap();
        let snapshot = catalog.snapshot();
        let found = snapshot.course_runs().map(|run| run.course_key.to_string());
        assert_eq!(found.collect::<BTreeSet<_>>(), keys);
    }
}

/// Asks a future once, and loses it.
fn poll_once<F: Future + Unpin>(mut future: F, waker: &Waker) -> Option<F::Output> {
    match Pin::new(&mut future).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_request_whose_answer_nobody_awaits_is_carried_out() {
    let gate = Gate::default();
    let catalog = Options::new().clock(gate.clock()).temporary().unwrap();
    let (first, held) = gate.hold(&catalog);
    drop(catalog.submit(run("course-v1:Org+C+1")));
    // One that has been waited for, for a while.
    let asked = poll_once(catalog.submit(run("course-v1:Org+C+2")), Waker::noop());
    assert!(asked.is_none());
    let again = catalog.submit(run("course-v1:Org+C+1"));
    drop(held);
    assert!(again.wait().unwrap().already_existed());
    first.wait().unwrap();
    assert_eq!(catalog.stats().course_runs, 2);
}

/// The smallest executor: it sleeps until its waker wakes its thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn answers_can_be_awaited_on_any_executor() {
    let gate = Gate::default();
    let catalog = Options::new().clock(gate.clock()).temporary().unwrap();
    // An answer that is there already, answers that come later, and an error.
    let done = block_on(async {
        let run = catalog.submit(run("course-v1:Org+C+1")).await?;
        let other = run.value.course_key.to_string();
        let error = catalog
            .submit(DeleteCourseRun::new("bad"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid_key");
        catalog.submit(DeleteCourseRun::new(other)).await
    });
    done.unwrap();
    assert_eq!(catalog.stats().course_runs, 0);

    // A future that moves to another thread, with another waker, is woken there.
    let (first, held) = gate.hold(&catalog);
    let mut pending = catalog.submit(run("course-v1:Org+C+2"));
    let polled = Pin::new(&mut pending).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    thread::scope(|scope| {
        let polled = Arc::new(AtomicBool::new(false));
        let here = Arc::clone(&polled);
        let waiting = scope.spawn(move || {
            block_on(async {
                let mut pending = pin!(pending);
                std::future::poll_fn(|context| {
                    let answer = pending.as_mut().poll(context);
                    here.store(true, SeqCst);
                    answer
                })
                .await
            })
        });
        while !polled.load(SeqCst) {
            thread::yield_now();
        }
        drop(held);
        assert!(!waiting.join().unwrap().unwrap().already_existed());
    });
    block_on(first).unwrap();
}

/// A waker that does something on the thread of whoever wakes it.
struct Calls<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

#[test]
fn a_waker_may_panic() {
    let gate = Gate::default();
    let catalog = Options::new().clock(gate.clock()).temporary().unwrap();
    let (first, held) = gate.hold(&catalog);
    let mut fatal = catalog.submit(run("course-v1:Org+C+1"));
    let waker = Waker::from(Arc::new(Calls(|| panic!("this waker always does"))));
    let polled = Pin::new(&mut fatal).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let other = catalog.submit(run("course-v1:Org+C+2"));
    drop(held);
    first.wait().unwrap();
    other.wait().unwrap();
    fatal.wait().unwrap();
    catalog.call(run("course-v1:Org+C+3")).unwrap();
    assert_eq!(catalog.stats().course_runs, 3);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_waker_on_the_writers_thread() {
    let kept = Kept::in_a_folder();
    let gate = Gate::default();
    let catalog = kept.open(Options::new().clock(gate.clock())).unwrap();
    let (first, held) = gate.hold(&catalog);
    let mut pending = catalog.submit(run("course-v1:Org+C+1"));
    drop(catalog.submit(run("course-v1:Org+C+2")));

    let last = Mutex::new(Some(catalog));
    let (dropped, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Calls(move || {
        let catalog = last.lock().unwrap().take();
        // What this catalog has queued when its last handle goes is carried out, even so.
        if let Some(catalog) = &catalog {
            drop(catalog.submit(run("course-v1:Org+C+3")));
        }
        drop(catalog);
        let thread = thread::current().name().map(str::to_owned);
        dropped.send(thread).unwrap();
    })));
    let polled = Pin::new(&mut pending).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(held);
    // A writer that waits for itself would never tell.
    let thread = woken.recv_timeout(PATIENCE).unwrap();
    assert_eq!(thread.as_deref(), Some("coursecat-writer"));
    first.wait().unwrap();
    pending.wait().unwrap();

    // Nobody could wait for the writer: it closes the folder when it is done.
    let start = Instant::now();
    let catalog = loop {
        match kept.open(Options::new()) {
            Err(Error::Locked { .. }) if start.elapsed() < PATIENCE => thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(catalog.stats().course_runs, 3);
    commits(&catalog);
}

/// A waker that waits for another request, which is planned behind its own: the thread that answers is held
/// up, and must not hold up the writer.
#[test]
fn a_waker_of_many_may_wait_for_another_request() {
    let deferred = WriteDurability::Every(Duration::from_secs(1));
    [WriteDurability::EveryCommit, deferred]
        .into_iter()
        .for_each(wait_in_a_waker);
}

fn wait_in_a_waker(durability: WriteDurability) {
    let gate = Gate::default();
    let options = Options::new().clock(gate.clock()).durability(durability);
    let catalog = options.temporary().unwrap();
    let (first, held) = gate.hold(&catalog);
    let key = |number| format!("course-v1:Org+C+{number}");
    let mut pending: Vec<_> = (2..=40)
        .map(|number| catalog.submit(run(key(number))))
        .collect();
    let (created, other) = mpsc::channel();
    let handle = catalog.clone();
    let waker = Waker::from(Arc::new(Calls(move || {
        created.send(handle.call(run(key(41)))).unwrap();
    })));
    let polled = Pin::new(&mut pending[38]).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(held);
    let run = other.recv_timeout(PATIENCE).unwrap();
    assert!(!run.unwrap().already_existed());
    first.wait().unwrap();
    for pending in pending {
        pending.wait().unwrap();
    }
    assert_eq!(catalog.stats().course_runs, 40);
}

/// Many callers are answered on a thread of their own, which is waited for when the last handle goes: but
/// not by itself.
#[test]
fn a_waker_of_many_may_drop_the_last_handle() {
    let gate = Gate::default();
    let kept = Kept::in_a_folder();
    let catalog = kept.open(Options::new().clock(gate.clock())).unwrap();
    let (first, held) = gate.hold(&catalog);
    let key = |number| format!("course-v1:Org+C+{number}");
    let mut pending: Vec<_> = (2..=40)
        .map(|number| catalog.submit(run(key(number))))
        .collect();
    let last = Mutex::new(Some(catalog));
    let (dropped, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Calls(move || {
        drop(last.lock().unwrap().take());
        let thread = thread::current().name().map(str::to_owned);
        dropped.send(thread).unwrap();
    })));
    // The last one, since that is woken first.
    let polled = Pin::new(&mut pending[38]).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(held);
    let thread = woken.recv_timeout(PATIENCE).unwrap();
    assert_eq!(thread.as_deref(), Some("coursecat-commit"));
    first.wait().unwrap();
    for pending in pending {
        pending.wait().unwrap();
    }
    // That thread has waited for the writer.
    assert_eq!(kept.open(Options::new()).unwrap().stats().course_runs, 39);
}
