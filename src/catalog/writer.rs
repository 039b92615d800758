//! The writer: one thread through which every change of a catalog goes.
//!
//! It takes the requests that wait, plans them one after another (each sees the effects of those
//! before it), folds them into one batch, has the engine commit it, publishes the new image, and
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
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Instant;

use arc_swap::ArcSwap;

use super::options::{Clock, Durability, Rules};
use super::request::{Draft, Plan};
use crate::engine::{self, Engine, EngineError};
use crate::error::{Error, Result};
use crate::image::{Change, Image};
use crate::integrity::{self, Report};
use crate::schema::folder::engine_error;
use crate::schema::{Fold, Ledger, NextIds};

/// A group ends when its batch has this many rows, or this many bytes. sled writes about five
/// times as much log, so the log between two syncs stays below the 256 KiB for which survival of
/// a power cut has been measured. Larger batches would cost memory and save little time.
const GROUP_ROWS: usize = 400;
const GROUP_BYTES: usize = 45 * 1024;
/// A group ends when this many requests wait for their answer.
const GROUP_REQUESTS: usize = 4_096;

/// What comes through the queue.
pub(super) enum Message {
    /// A request for a change.
    Request(Box<dyn Job>),
    /// Make everything durable that has been answered.
    Sync(oneshot::Sender<Result<()>>),
    /// Check the whole store. Writing waits meanwhile, reading does not.
    Verify(oneshot::Sender<Result<Report>>),
    /// Measure the store's files.
    SizeOnDisk(oneshot::Sender<Result<u64>>),
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
    pub(super) ledger: Ledger,
    pub(super) rules: Rules,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
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
            Message::SizeOnDisk(caller) => {
                let size = self.engine.size_on_disk();
                let size = size.map_err(|e| engine_error(&self.path, "measuring the store", e));
                drop(caller.send(size));
            }
        }
        None
    }

    fn serve_group(&mut self, first: Box<dyn Job>, queue: &Receiver<Message>) -> Option<Message> {
        let mut group = Group {
            image: Image::clone(&self.published.load()),
            fold: Fold::new(&self.ledger),
            next_ids: self.ledger.next_ids,
            jobs: Vec::new(),
        };
        group.add(first, &self.rules, &self.clock);
        let mut after = None;
        while !group.is_full() {
            match queue.try_recv() {
                Ok(Message::Request(job)) => group.add(job, &self.rules, &self.clock),
                Ok(other) => {
                    after = Some(other);
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let failure = match &self.failure {
            Some(failure) => Some(failure.clone()),
            None => self.commit(group.fold, group.image, group.next_ids).err(),
        };
        for job in group.jobs {
            // A waker runs the caller's code: its panics are none of the writer's business.
            let answered = catch_unwind(AssertUnwindSafe(|| job.answer(failure.as_ref())));
            if let Err(panic) = answered {
                tracing::error!("a caller's waker panicked: {}", panic_message(&*panic));
            }
        }
        after
    }

    /// Commits what a group changes and publishes the image with it.
    fn commit(&mut self, fold: Fold, image: Image, next_ids: NextIds) -> Result<()> {
        let Some((batch, ledger)) = fold.finish(next_ids) else {
            return Ok(());
        };
        let durability = match self.durability {
            Durability::EveryCommit => engine::Durability::Durable,
            Durability::Every(_) => engine::Durability::Deferred,
        };
        let committed = self.engine.commit(&batch, durability);
        self.keep_failure("committing a change", committed)?;
        if durability == engine::Durability::Deferred {
            self.deferred_since.get_or_insert_with(Instant::now);
        }
        self.ledger = ledger;
        self.published.store(Arc::new(image));
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
    }

    /// Ends writing if the engine has failed.
    fn keep_failure(&mut self, doing: &str, result: Result<(), EngineError>) -> Result<()> {
        result.map_err(|error| {
            tracing::error!(path = %self.path.display(), "writing has ended: {error}");
            let failure = engine_error(&self.path, doing, error);
            self.failure = Some(failure.clone());
            failure
        })
    }
}

/// Requests that are committed together.
struct Group {
    image: Image,
    fold: Fold,
    next_ids: NextIds,
    jobs: Vec<Box<dyn Job>>,
}

impl Group {
    /// Plans a request on top of those before it.
    fn add(&mut self, mut job: Box<dyn Job>, rules: &Rules, clock: &Clock) {
        let planned = catch_unwind(AssertUnwindSafe(|| {
            let mut draft = Draft::new(&self.image, rules, clock, self.next_ids);
            job.plan(&mut draft).then(|| draft.into_changes())
        }));
        match planned {
            Ok(Some((changes, next_ids))) => self.apply(&changes, next_ids),
            Ok(None) => {}
            Err(panic) => job.refuse(Error::Panicked {
                message: panic_message(&*panic),
            }),
        }
        self.jobs.push(job);
    }

    fn apply(&mut self, changes: &[Change], next_ids: NextIds) {
        if changes.is_empty() {
            return;
        }
        for change in changes {
            self.image.apply(change);
            self.fold.add(change);
        }
        self.next_ids = next_ids;
    }

    fn is_full(&self) -> bool {
        self.fold.rows() >= GROUP_ROWS
            || self.fold.bytes() >= GROUP_BYTES
            || self.jobs.len() >= GROUP_REQUESTS
    }
}

/// What a panic said.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// The folder for messages about a catalog in memory.
pub(super) fn in_memory() -> &'static Path {
    Path::new("memory")
}
