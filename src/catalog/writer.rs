//! The writer: one thread through which every change of a catalog goes.
//!
//! It takes the requests that wait, plans them one after another (each sees the effects of those
//! before it), folds them into batches, has the engine commit these, publishes the new image, and
//! only then answers. Callers that come while a commit is on its way form the next group, so the
//! busier a catalog is, the more requests share one trip to the disk.
//!
//! Nothing that a request can do stops it: a plan that fails leaves no change behind, one that
//! panics is dropped and reported to its caller. A commit that fails ends writing for good: what
//! the store holds then is known only after it has been opened again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use arc_swap::ArcSwap;

use super::at_once::Progress;
use super::group::{Group, commit_while};
use super::options::{Clock, Durability, Rules};
use super::request::{Draft, Plan};
use super::watch::Bell;
use super::writer_stats::Counts;
use crate::engine::{Engine, EngineError};
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
    pub(super) engine: Box<dyn Engine>,
    pub(super) published: Arc<ArcSwap<Image>>,
    /// Rung when a new image is published.
    pub(super) bell: Arc<Bell>,
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
    /// Since when there are commits that have been answered and are not durable.
    pub(super) deferred_since: Option<Instant>,
}

impl Writer {
    /// Serves the queue until every handle is gone and it is empty, then closes the store. Tells how
    /// many commits it has, if all of them are durable.
    pub(super) fn run(mut self, queue: &Receiver<Message>) -> Option<u64> {
        while let Some(message) = self.next(queue) {
            let mut next = Some(message);
            while let Some(message) = next.take() {
                next = self.serve(message, queue);
            }
        }
        let closed = self.engine.close();
        if let Err(error) = &closed {
            tracing::error!(path = %self.path.display(), "closing the catalog failed: {error}");
        }
        (closed.is_ok() && self.failure.is_none()).then_some(self.ledger.sequence)
    }

    /// The next message; meanwhile, what has been deferred for long enough is made durable.
    fn next(&mut self, queue: &Receiver<Message>) -> Option<Message> {
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

    /// Serves one message, or a whole group of requests that begins with it.
    ///
    /// Gives back a message that came after the group and is no part of it.
    fn serve(&mut self, message: Message, queue: &Receiver<Message>) -> Option<Message> {
        match message {
            Message::Request(first) => return self.serve_group(first, queue),
            Message::Sync(caller) => drop(caller.send(self.sync())),
            Message::Verify(caller) => drop(caller.send(self.verify())),
        }
        None
    }

    fn serve_group(&mut self, first: Box<dyn Job>, queue: &Receiver<Message>) -> Option<Message> {
        let mut group = Group::new(&self.published.load(), &self.ledger, self.retention);
        group.add(first, &self.rules, &self.clock);
        let mut after = group.fill(queue, &self.rules, &self.clock);
        let mut outcome = self.failure.clone().map_or(Ok(()), Err);
        // Somebody hands over more than one batch takes, and waits for none of it: each batch is
        // committed while the next one is planned, and all are published together.
        while outcome.is_ok() && after.is_none() && group.has_full_batch() {
            let Some(batch) = group.take_batch() else {
                break;
            };
            let durability = self.durability.of_commits();
            let commit = || {
                self.counts
                    .commit(|| self.engine.commit(&batch, durability))
            };
            let committed = commit_while(commit, || {
                after = group.fill(queue, &self.rules, &self.clock);
            });
            outcome = self.committed(committed);
        }
        let failure = outcome.and_then(|()| self.commit(&mut group)).err();
        self.progress.done(group.jobs.len());
        // The last ones first: who handed over many waits for the first of them, and need not be
        // woken for each.
        for job in group.jobs.into_iter().rev() {
            // A waker runs the caller's code: its panics are none of the writer's business.
            let answered = catch_unwind(AssertUnwindSafe(|| job.answer(failure.as_ref())));
            if let Err(panic) = answered {
                tracing::error!("a caller's waker panicked: {}", panic_message(&*panic));
            }
        }
        after
    }

    /// Commits what a group changes, but for the batches that have been taken from it, and publishes
    /// the image with all of it.
    fn commit(&mut self, group: &mut Group) -> Result<()> {
        if let Some(batch) = group.take_batch() {
            let durability = self.durability.of_commits();
            let committed = self
                .counts
                .commit(|| self.engine.commit(&batch, durability));
            self.committed(committed)?;
        }
        if group.ledger.sequence != self.ledger.sequence {
            self.ledger = group.ledger.clone();
            self.published.store(Arc::new(group.image.clone()));
            self.counts.group(group.jobs.len());
            self.bell.ring();
        }
        Ok(())
    }

    /// Takes note of how a commit ended.
    fn committed(&mut self, outcome: Result<(), EngineError>) -> Result<()> {
        self.keep_failure("committing a change", outcome)?;
        if let Durability::Every(_) = self.durability {
            self.deferred_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        // First, and whatever comes of it: nothing is synced after a failure, so nothing is due.
        self.deferred_since = None;
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let synced = self.engine.sync();
        self.keep_failure("making changes durable", synced)
    }

    fn verify(&mut self) -> Result<Report> {
        integrity::verify_engine(&*self.engine, &self.path, self.ledger.sequence)
            .inspect_err(|_| self.counts.store_error())
    }

    /// Ends writing if the engine has failed.
    fn keep_failure(&mut self, doing: &str, result: Result<(), EngineError>) -> Result<()> {
        result.map_err(|error| {
            tracing::error!(path = %self.path.display(), "writing has ended: {error}");
            let failure = engine_error(&self.path, doing, error);
            self.failure = Some(failure.clone());
            self.counts.store_error();
            self.progress.end_writing();
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
