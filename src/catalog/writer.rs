//! The writer: one thread through which every change of a catalog goes.
//!
//! It takes the requests that wait, plans them one after another (each sees the effects of those
//! before it), folds them into batches, has the [committer](super::committer) commit these, publishes
//! the new image, and only then answers. Callers that come while a commit is on its way form the next
//! group, so the busier a catalog is, the more requests share one trip to the disk.
//!
//! Where answers need not be durable, a group is published and answered when it is planned, and
//! committed behind that.
//!
//! Nothing that a request can do stops it: a plan that fails leaves no change behind, one that
//! panics is dropped and reported to its caller. A commit that fails ends writing for good: what
//! the store holds then is known only after it has been opened again.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::ThreadId;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::at_once::Progress;
use super::awake;
use super::committer::{Committer, Outcome};
use super::group::Group;
use super::herald::{self, Herald};
use super::options::{Clock, Durability, Rules};
use super::request::{Draft, Plan};
use super::watch::Bell;
use super::writer_stats::Counts;
use crate::error::{Error, Result};
use crate::image::{Image, Retention};
use crate::integrity::{self, Report};
use crate::schema::Ledger;
use crate::schema::folder::engine_error;

/// What comes through the queue.
pub(super) enum Message {
    /// A request for a change.
    Request(Box<dyn Job>),
    /// Make everything durable that has been answered.
    Sync(oneshot::Sender<Result<()>>),
    /// Check the whole store. Writing waits meanwhile, reading does not.
    Verify(oneshot::Sender<Result<Report>>),
    /// The batch that was on its way has been committed, or has failed.
    Committed,
    /// The last handle is gone, on this thread: finish, and close the store.
    Close(ThreadId),
}

/// A request with a place for its answer.
pub(super) trait Job: Send {
    /// Plans the request and keeps the answer for later. Tells whether there is something to do.
    fn plan(&mut self, draft: &mut Draft<'_>) -> bool;
    /// Gives up the request, with what its caller is to hear.
    fn refuse(&mut self, error: Error);
    /// Answers the caller: with what was kept, or with the failure of the commit.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

/// The [`Job`] of a request.
pub(super) struct Queued<R: Plan> {
    request: R,
    answer: Option<Result<R::Answer>>,
    caller: oneshot::Sender<Result<R::Answer>>,
}

impl<R: Plan> Queued<R> {
    pub(super) fn new(request: R, caller: oneshot::Sender<Result<R::Answer>>) -> Self {
        Self {
            request,
            answer: None,
            caller,
        }
    }
}

impl<R: Plan + Send> Job for Queued<R>
where
    R::Answer: Send,
{
    fn plan(&mut self, draft: &mut Draft<'_>) -> bool {
        let answer = self.request.plan(draft);
        let planned = answer.is_ok();
        self.answer = Some(answer);
        planned
    }

    fn refuse(&mut self, error: Error) {
        self.answer = Some(Err(error));
    }

    fn answer(self: Box<Self>, failure: Option<&Error>) {
        let answer = match (failure, self.answer) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(answer)) => answer,
            (None, None) => return, // Dropping the sender tells the caller that nobody answers.
        };
        // A caller that no longer waits has no use for it.
        let _ = self.caller.send(answer);
    }
}

/// See the [module](self).
pub(super) struct Writer {
    pub(super) committer: Committer,
    pub(super) published: Arc<ArcSwap<Image>>,
    /// Rung when a new image is published, and when there will be no more.
    pub(super) bell: Arc<Bell>,
    /// The ledger after the last commit.
    pub(super) ledger: Ledger,
    pub(super) rules: Rules,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
    pub(super) retention: Retention,
    pub(super) progress: Arc<Progress>,
    pub(super) counts: Arc<Counts>,
    /// The catalog's folder, for messages; empty for a catalog in memory.
    pub(super) path: PathBuf,
    /// Why nothing is written any more.
    pub(super) failure: Option<Error>,
    /// Since when there are changes that have been answered and are not durable.
    pub(super) deferred_since: Option<Instant>,
    pub(super) work: Work,
    pub(super) herald: Herald,
}

/// What the writer is at.
#[derive(Default)]
pub(super) struct Work {
    /// Requests that are being planned.
    planned: Option<Group>,
    /// The ledger after the batch that is on its way to the store.
    in_flight: Option<Ledger>,
    /// A message that came after the requests that were planned.
    next: Option<Message>,
    /// Whether the last group was of one request, whose caller may come again at once.
    served_one: bool,
}

impl Writer {
    /// Serves the queue until the catalog is closed, then closes the store. Tells how many commits
    /// it has, if all of them are durable.
    pub(super) fn run(mut self, queue: &Receiver<Message>) -> Option<u64> {
        let mut closed_by = None;
        while let Some(message) = self.next(queue) {
            match message {
                Message::Request(job) => self.plan(job, queue),
                Message::Committed => self.land(),
                Message::Sync(caller) => drop(caller.send(self.sync())),
                Message::Verify(caller) => drop(caller.send(self.verify())),
                Message::Close(thread) => {
                    closed_by = Some(thread);
                    break;
                }
            }
        }
        self.finish();
        self.herald.end(closed_by);
        let closed = self.committer.close();
        if let Err(error) = &closed {
            tracing::error!(path = %self.path.display(), "closing the catalog failed: {error}");
        }
        (closed.is_ok() && self.failure.is_none()).then_some(self.ledger.sequence)
    }

    /// The next message; meanwhile, what has been deferred for long enough is made durable.
    fn next(&mut self, queue: &Receiver<Message>) -> Option<Message> {
        if let Some(message) = self.work.next.take() {
            return Some(message);
        }
        if std::mem::take(&mut self.work.served_one)
            && let Some(message) = awake::look(awake::WRITER, || queue.try_recv().ok())
        {
            return Some(message);
        }
        loop {
            let (Durability::Every(period), Some(since)) = (self.durability, self.deferred_since)
            else {
                return queue.recv().ok();
            };
            let left = period.saturating_sub(since.elapsed());
            if left.is_zero() {
                // Also while the queue is never empty. A failure is kept, see below.
                let _ = self.sync();
                continue;
            }
            match queue.recv_timeout(left) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    // A failure is kept and told to whoever writes next.
                    let _ = self.sync();
                }
            }
        }
    }

    /// Plans a request, and those that wait behind it, on top of what has been planned. They are
    /// committed as soon as the store is free.
    fn plan(&mut self, first: Box<dyn Job>, queue: &Receiver<Message>) {
        if let Some(failure) = &self.failure {
            return self.refuse(vec![first], &failure.clone());
        }
        let mut group =
            self.work.planned.take().unwrap_or_else(|| {
                Group::new(&self.published.load(), &self.ledger, self.retention)
            });
        group.add(first, &self.rules, &self.clock);
        self.work.next = group.fill(queue, &self.rules, &self.clock);
        self.work.served_one = group.jobs.len() == 1;
        if let Durability::Every(_) = self.durability {
            self.answer_early(&mut group);
        }
        self.work.planned = Some(group);
        self.land();
        self.launch();
        if self.work.planned.as_ref().is_some_and(Group::is_full) {
            // There is no room for more before the store is free.
            self.wait();
        }
    }

    /// Publishes and answers what has been planned before it is committed.
    fn answer_early(&mut self, group: &mut Group) {
        let mut replaced = None;
        if group.has_changed {
            group.show_events();
            replaced = self.publish(group);
            group.has_changed = false;
            self.deferred_since.get_or_insert_with(Instant::now);
        }
        self.tell(std::mem::take(&mut group.jobs), replaced);
    }

    /// Has the next batch committed, if there is one and the store is free.
    fn launch(&mut self) {
        if self.committer.is_busy() {
            return;
        }
        let Some(mut group) = self.work.planned.take_if(|group| group.has_something()) else {
            return;
        };
        let goes_on = group.has_full_batch();
        let Some(batch) = group.take_batch() else {
            return self.settle(group);
        };
        let ledger = group.ledger.clone();
        if goes_on || group.jobs.is_empty() {
            // Somebody hands over more than one batch takes, and waits for none of it, or is
            // answered already: what is to come is planned meanwhile.
            self.work.planned = Some(group);
            self.work.in_flight = Some(ledger);
            self.committer.begin(batch);
        } else {
            // Everybody waits: there is nothing to plan meanwhile, or so little that waking a thread
            // for it and taking twice the trips to the disk costs more.
            let outcome = self.committer.commit(batch);
            match self.committed(ledger, outcome) {
                Ok(()) => self.settle(group),
                Err(failure) => self.refuse(group.jobs, &failure),
            }
        }
    }

    /// Takes note of a batch that has been committed, if one has.
    fn land(&mut self) {
        if let Some(outcome) = self.committer.poll() {
            self.landed(outcome);
        }
    }

    /// Waits until the store is free.
    fn wait(&mut self) {
        if let Some(outcome) = self.committer.wait() {
            self.landed(outcome);
        }
    }

    fn landed(&mut self, outcome: Outcome) {
        let Some(ledger) = self.work.in_flight.take() else {
            return;
        };
        match self.committed(ledger, outcome) {
            Ok(()) => self.launch(),
            Err(failure) => {
                // What was planned on top of it cannot be stored either.
                let jobs = self
                    .work
                    .planned
                    .take()
                    .map_or_else(Vec::new, |group| group.jobs);
                self.refuse(jobs, &failure);
            }
        }
    }

    /// Commits all that has been planned, and answers it.
    fn finish(&mut self) {
        loop {
            self.wait();
            self.launch();
            if !self.committer.is_busy() {
                break;
            }
        }
    }

    /// Publishes a group whose changes have all been committed, and answers it.
    fn settle(&mut self, group: Group) {
        let replaced = self.publish(&group);
        self.tell(group.jobs, replaced);
    }

    /// Answers requests whose changes are published.
    fn tell(&mut self, jobs: Vec<Box<dyn Job>>, replaced: Option<Arc<Image>>) {
        self.progress.done(jobs.len());
        self.herald.tell(jobs);
        // To let it go takes a while, for which nobody who waits for an answer should wait. It is done here,
        // where the memory is used again.
        drop(replaced);
    }

    /// Answers requests that cannot be stored.
    fn refuse(&self, jobs: Vec<Box<dyn Job>>, failure: &Error) {
        self.progress.done(jobs.len());
        herald::answer(jobs, Some(failure));
    }

    /// Shows readers what has been planned. Gives back the image before, if there is another now.
    fn publish(&self, group: &Group) -> Option<Arc<Image>> {
        group.has_changed.then(|| {
            let replaced = self.published.swap(Arc::new(group.image.clone()));
            self.counts.group(group.jobs.len());
            self.bell.ring();
            replaced
        })
    }

    /// Takes note of how a commit ended.
    fn committed(&mut self, ledger: Ledger, outcome: Outcome) -> Result<()> {
        self.keep_failure("committing a change", outcome)?;
        self.ledger = ledger;
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.finish();
        // First, and whatever comes of it: nothing is synced after a failure, so nothing is due.
        self.deferred_since = None;
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let synced = self.committer.engine().and_then(|engine| engine.sync());
        self.keep_failure("making changes durable", synced)
    }

    fn verify(&mut self) -> Result<Report> {
        self.finish();
        let engine = self.committer.engine();
        let engine = engine.map_err(|error| engine_error(&self.path, "reading the store", error));
        engine
            .and_then(|engine| integrity::verify_engine(engine, &self.path, self.ledger.sequence))
            .inspect_err(|_| self.counts.store_error())
    }

    /// Ends writing if the engine has failed.
    fn keep_failure(&mut self, doing: &str, result: Outcome) -> Result<()> {
        result.map_err(|error| {
            tracing::error!(path = %self.path.display(), "writing has ended: {error}");
            let failure = engine_error(&self.path, doing, error);
            self.failure = Some(failure.clone());
            self.counts.store_error();
            self.progress.end_writing();
            self.bell.fail(&failure);
            failure
        })
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// The folder for messages about a catalog in memory.
pub(super) fn in_memory() -> &'static Path {
    Path::new("memory")
}
