//! The writer: one thread through which every change of a catalog goes.
//!
//! It takes the requests that wait, plans them one after another (each as if those before it had been
//! answered), folds them into batches, and has these committed, the new image published and only then
//! the requests answered: by itself, or where many wait, or more than one batch takes, by the
//! [committer](super::committer)'s thread. Callers that come meanwhile form the next group, so the
//! busier a catalog is, the more requests share one trip to the disk.
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
use std::thread;
use std::time::{Duration, Instant};

use super::audience::{Audience, Jobs, News};
use super::awake;
use super::committer::{ANSWERING, Committer, Landed, Outcome};
use super::group::Group;
use super::options::{Clock, Durability, Rules};
use super::queue::{Job, Message};
use crate::engine::EngineError;
use crate::error::{Error, Result};
use crate::image::{Image, Retention};
use crate::integrity::{self, Report};
use crate::schema::Ledger;
use crate::schema::folder::engine_error;

/// How many callers are worth a thread: to wake it costs as much as to wake one of them.
const MANY: usize = 8;

/// How long what need not be durable is kept for a larger batch.
const DEFERRED: Duration = Duration::from_millis(1);

/// See the [module](self).
pub(super) struct Writer {
    pub(super) committer: Committer,
    pub(super) audience: Audience,
    /// The ledger after the last commit.
    pub(super) ledger: Ledger,
    pub(super) rules: Rules,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
    pub(super) retention: Retention,
    /// The catalog's folder, for messages; empty for a catalog in memory.
    pub(super) path: PathBuf,
    /// Why nothing is written any more.
    pub(super) failure: Option<Error>,
    /// Since when there are changes that have been answered and are not durable.
    pub(super) deferred_since: Option<Instant>,
    pub(super) work: Work,
}

/// What the writer is at.
#[derive(Default)]
pub(super) struct Work {
    /// Requests that are being planned.
    planned: Option<Group>,
    /// What is on its way to the store.
    in_flight: Option<InFlight>,
    /// A message that came after the requests that were planned.
    next: Option<Message>,
    /// Whether the last group was of one request that has been answered: its caller may come again at once.
    served_one: bool,
    /// The image before the published one. To let it go takes a while, for which nobody who waits for an
    /// answer should wait. It is done on the writer's thread, where the memory is used again.
    replaced: Option<Arc<Image>>,
}

/// A batch that is on its way to the store.
struct InFlight {
    /// The ledger after it.
    ledger: Ledger,
    /// The image that is published then, if it is another.
    image: Option<Arc<Image>>,
}

impl Writer {
    /// Serves the queue until the catalog is closed, then closes the store. Tells how many commits
    /// it has, if all of them are durable.
    pub(super) fn run(mut self, queue: &Receiver<Message>) -> Option<u64> {
        let mut closed_by = None;
        while let Some(message) = self.next(queue) {
            match message {
                Message::Request(job) => self.plan(job, queue),
                Message::Done => self.launch(),
                Message::Sync(caller) => drop(caller.send(self.sync())),
                Message::Verify(caller) => drop(caller.send(self.verify())),
                Message::Close(thread) => {
                    closed_by = Some(thread);
                    break;
                }
            }
        }
        self.finish();
        let closed = self.committer.close(closed_by);
        if let Err(error) = &closed {
            tracing::error!(path = %self.path.display(), "closing the catalog failed: {error}");
        }
        (closed.is_ok() && self.failure.is_none()).then_some(self.ledger.sequence)
    }

    /// The next message; meanwhile, what has been planned is committed as soon as it can be, and what has
    /// been deferred for long enough is made durable.
    fn next(&mut self, queue: &Receiver<Message>) -> Option<Message> {
        if let Some(message) = self.work.next.take() {
            return Some(message);
        }
        // The batch before may have been committed meanwhile: the group would end here, and those who wait would be
        // another, with one more image.
        if self.work.planned.as_ref().is_some_and(Group::goes_on)
            && let Ok(message) = queue.try_recv()
        {
            return Some(message);
        }
        loop {
            let due = self.deferred_for();
            if due.is_some_and(|left| left.is_zero()) {
                // Also while the queue is never empty. A failure is kept and told to whoever writes next.
                let _ = self.sync();
                continue;
            }
            if std::mem::take(&mut self.work.served_one) {
                self.committer.tidy();
                let message = awake::look(awake::WRITER, || queue.try_recv().ok());
                if message.is_some() {
                    return message;
                }
            }
            if let Some(message) = self.look_for_more(queue) {
                return Some(message);
            }
            let times = [due, self.patience(), self.rest()].into_iter().flatten();
            let message = match times.min() {
                Some(time) => queue.recv_timeout(time),
                None => queue.recv().map_err(RecvTimeoutError::from),
            };
            match message {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// While some wait and others are about to come, looks for these without going to sleep: whoever comes
    /// need not wake the writer. Then commits what has been planned, if the store is free.
    fn look_for_more(&mut self, queue: &Receiver<Message>) -> Option<Message> {
        loop {
            self.land();
            if !self.is_expecting() {
                self.launch();
                return None;
            }
            if let Ok(message) = queue.try_recv() {
                return Some(message);
            }
            self.committer.tidy();
            thread::yield_now();
        }
    }

    /// For how long the writer may sleep with what has been planned.
    fn patience(&self) -> Option<Duration> {
        let group = self.work.planned.as_ref()?;
        Some(if self.is_deferring() {
            DEFERRED.saturating_sub(group.age())
        } else {
            // The committer tells when it has answered everybody. It may have met a waker that waits for what
            // is planned here.
            ANSWERING
        })
    }

    /// Has the store do what is better done while nobody writes. Tells for how long the writer may sleep then.
    fn rest(&mut self) -> Option<Duration> {
        if self.failure.is_some() {
            return None;
        }
        let rested = self.committer.rest();
        self.keep_failure("carrying changes", rested).ok()?
    }

    /// For how long what has been answered may still be deferred.
    fn deferred_for(&self) -> Option<Duration> {
        match (self.durability, self.deferred_since) {
            (Durability::Every(period), Some(since)) => {
                Some(period.saturating_sub(since.elapsed()))
            }
            _ => None,
        }
    }

    /// Plans a request, and those that wait behind it, on top of what has been planned. They are
    /// committed as soon as the store is free.
    fn plan(&mut self, first: Box<dyn Job>, queue: &Receiver<Message>) {
        if let Some(failure) = &self.failure {
            return self.audience.answer(vec![first], Some(&failure.clone()));
        }
        let mut group = self.work.planned.take().unwrap_or_else(|| self.group());
        group.add(first, &self.rules, &self.clock);
        self.work.next = group.fill(queue, &self.rules, &self.clock);
        let is_alone = group.jobs.len() == 1;
        if let Durability::Every(_) = self.durability {
            self.answer_early(&mut group);
        }
        self.work.planned = Some(group);
        self.launch();
        if self.work.planned.as_ref().is_some_and(Group::is_full) {
            // There is no room for more before the store is free.
            self.land_next();
            self.committer.wait_for_answers();
            self.launch();
        }
        self.work.served_one = is_alone && (self.work.planned.is_none() || self.is_deferring());
    }

    /// A group on top of all that was planned before.
    fn group(&self) -> Group {
        let published = self.audience.published.load();
        match &self.work.in_flight {
            Some(InFlight { ledger, image }) => {
                let image = image.as_ref().unwrap_or(&published);
                Group::new(image, ledger, self.retention)
            }
            None => Group::new(&published, &self.ledger, self.retention),
        }
    }

    /// Publishes and answers what has been planned before it is committed.
    fn answer_early(&mut self, group: &mut Group) {
        let replaced = group.has_changed.then(|| {
            group.show_events();
            self.audience.publish(group.whole_image(), group.jobs.len())
        });
        if replaced.is_some() {
            group.has_changed = false;
            self.deferred_since.get_or_insert_with(Instant::now);
        }
        self.answer(std::mem::take(&mut group.jobs));
        drop(replaced);
    }

    /// Answers requests with what was planned: many of them on the committer's thread, if that is free.
    fn answer(&mut self, jobs: Jobs) {
        let jobs = match jobs.len() {
            MANY.. => self.committer.answer(jobs),
            _ => Err(jobs),
        };
        if let Err(jobs) = jobs {
            self.audience.answer(jobs, None);
        }
    }

    /// Whether others are likely to come at once who should be committed together with those who wait.
    fn is_expecting(&self) -> bool {
        let planned = self.work.planned.as_ref();
        planned
            .is_some_and(|group| !group.is_full() && self.committer.is_expecting(group.jobs.len()))
    }

    /// Whether what is planned has been answered, and may become more before it is committed.
    fn is_deferring(&self) -> bool {
        let planned = self.work.planned.as_ref();
        matches!(self.durability, Durability::Every(_))
            && planned.is_some_and(|group| !group.is_full() && group.age() < DEFERRED)
    }

    /// Has what is planned committed, if the store is free and nothing speaks for waiting.
    fn launch(&mut self) {
        self.land();
        if !self.is_expecting() && !self.is_deferring() {
            self.launch_now();
        }
    }

    /// Has what is planned committed, if the store is free.
    fn launch_now(&mut self) {
        if self.committer.is_busy() {
            return;
        }
        match self.work.planned.take() {
            Some(group) if group.has_something() => self.commit(group),
            // All that was planned has been committed and answered.
            Some(_) | None => self.work.replaced = None,
        }
    }

    /// Commits a group, or the first batch of one that goes on. The store must be free.
    fn commit(&mut self, mut group: Group) {
        let goes_on = group.has_full_batch();
        let Some(batch) = group.take_batch() else {
            return self.settle(group);
        };
        let ledger = group.ledger.clone();
        let waiting = group.jobs.len();
        let outcome = if goes_on || waiting == 0 || waiting >= MANY {
            // Nobody waits, or somebody hands over more than one batch takes: what is to come is planned
            // meanwhile. Or many wait, and when they are told, those who come again are.
            let (made, image) = oneshot::channel();
            let news = if goes_on {
                News::default()
            } else {
                News {
                    image: group.has_changed.then_some(image),
                    jobs: std::mem::take(&mut group.jobs),
                }
            };
            match self.committer.begin(batch, news) {
                Ok(()) => {
                    let image = if goes_on || !group.has_changed {
                        group.apply_rest();
                        None
                    } else {
                        let image = group.whole_image();
                        // Should the thread be gone, waiting for the batch will tell.
                        let _ = made.send(Arc::clone(&image));
                        Some(image)
                    };
                    self.work.in_flight = Some(InFlight { ledger, image });
                    self.work.planned = goes_on.then_some(group);
                    self.work.replaced = None;
                    return;
                }
                Err((batch, news)) => {
                    group.jobs.extend(news.jobs);
                    self.committer.commit(batch)
                }
            }
        } else {
            // A few wait for it: that costs less than waking a thread.
            self.committer.commit(batch)
        };
        match self.committed(ledger, outcome) {
            Ok(()) => self.settle(group),
            Err(failure) => self.audience.answer(group.jobs, Some(&failure)),
        }
    }

    /// Takes note of a batch that has been committed, if one has.
    fn land(&mut self) {
        if let Some(landed) = self.committer.poll() {
            self.landed(landed);
        }
    }

    /// Waits until the store is free.
    fn land_next(&mut self) {
        if let Some(landed) = self.committer.wait() {
            self.landed(landed);
        }
    }

    fn landed(&mut self, landed: Landed) {
        let Some(InFlight { ledger, .. }) = self.work.in_flight.take() else {
            return;
        };
        if landed.replaced.is_some() {
            self.work.replaced = landed.replaced;
        }
        if let Err(failure) = self.committed(ledger, landed.outcome) {
            // What was planned on top of it cannot be stored either. It is answered first: a waker of the
            // others may wait for it.
            if let Some(group) = self.work.planned.take() {
                self.audience.answer(group.jobs, Some(&failure));
            }
            self.audience.answer(landed.unanswered, Some(&failure));
        }
    }

    /// Commits all that has been planned, and answers it.
    fn finish(&mut self) {
        loop {
            self.land_next();
            self.launch_now();
            if !self.committer.is_busy() {
                break;
            }
        }
    }

    /// Publishes a group whose changes have all been committed, and answers it.
    fn settle(&mut self, mut group: Group) {
        let replaced = group
            .has_changed
            .then(|| self.audience.publish(group.whole_image(), group.jobs.len()));
        self.answer(group.jobs);
        drop(replaced);
        self.work.replaced = None;
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
            .inspect_err(|_| self.audience.counts.store_error())
    }

    /// Ends writing if the engine has failed.
    fn keep_failure<T>(&mut self, doing: &str, result: Result<T, EngineError>) -> Result<T> {
        result.map_err(|error| {
            tracing::error!(path = %self.path.display(), "writing has ended: {error}");
            let failure = engine_error(&self.path, doing, error);
            self.failure = Some(failure.clone());
            self.audience.counts.store_error();
            self.audience.progress.end_writing();
            self.audience.bell.fail(&failure);
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
