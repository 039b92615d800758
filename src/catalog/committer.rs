//! The committer: the store, and a thread that commits to it while the writer does something else.
//!
//! It has one batch at a time, and the writer gets to the store only when that has been committed:
//! the store itself goes to the thread with the batch and comes back with the outcome. Where that was the last
//! of a group, the thread shows and tells it: to wake a caller takes some microseconds, in which
//! the writer plans for those who come again. It also answers many who need no commit. Nothing here plans
//! or tries again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SendError, Sender, TryRecvError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::audience::{Audience, Jobs, News};
use super::queue::Message;
use super::writer::panic_message;
use crate::engine::{Batch, Durability, Engine, EngineError};
use crate::image::Image;

/// How long callers are waited for while the thread answers: it may have thousands to tell, or meet a waker
/// that blocks.
pub(super) const ANSWERING: Duration = Duration::from_millis(1);

/// How long they are waited for when all have been answered: they have little more to do than to wake.
const RETURNING: Duration = Duration::from_micros(60);

/// How a commit ended.
pub(super) type Outcome = Result<(), EngineError>;

/// See the [module](self).
pub(super) struct Committer {
    /// `None` while the thread has it.
    engine: Option<Box<dyn Engine>>,
    durability: Durability,
    audience: Audience,
    /// Where the writer is told that the thread is done.
    queue: Sender<Message>,
    /// Started when it is needed first: where few callers wait, and each of them does, it never is.
    helper: Option<Helper>,
    at: At,
    answered: Option<Answered>,
}

/// A batch that was on its way and is no more.
pub(super) struct Landed {
    pub(super) outcome: Outcome,
    /// The image before, if there is a new one now.
    pub(super) replaced: Option<Arc<Image>>,
    /// Who has not been answered, since the commit failed.
    pub(super) unanswered: Jobs,
}

/// What the thread is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Nothing,
    /// A commit: it has the store.
    Batch,
    /// Answers, since then: it needs the store no more.
    Answers(Instant),
}

/// So many callers had been answered then.
#[derive(Clone, Copy, Debug)]
struct Answered {
    callers: usize,
    then: Instant,
}

struct Helper {
    tasks: Sender<Task>,
    reports: Receiver<Report>,
    thread: JoinHandle<()>,
}

enum Task {
    /// Commits a batch; then shows and tells the news.
    Commit(Box<dyn Engine>, Batch, News),
    /// Answers requests that need no commit.
    Answer(Jobs),
}

/// What the thread says of a task.
enum Report {
    /// The batch has landed. Callers are being answered since then, if there are any.
    Landed(Box<dyn Engine>, Landed, Option<Instant>),
    /// So many callers have been answered.
    Answered(usize),
}

impl Committer {
    /// A committer to this store, which tells `queue` when its thread is done.
    pub(super) fn new(
        engine: Box<dyn Engine>,
        durability: Durability,
        audience: Audience,
        queue: Sender<Message>,
    ) -> Self {
        Self {
            engine: Some(engine),
            durability,
            audience,
            queue,
            helper: None,
            at: At::Nothing,
            answered: None,
        }
    }

    /// Commits a batch here and now.
    pub(super) fn commit(&mut self, batch: Batch) -> Outcome {
        let engine = self.engine.as_deref_mut().ok_or_else(is_gone)?;
        commit(engine, batch, self.durability, &self.audience)
    }

    /// Has the thread commit a batch, and then show and tell the news. Gives both back if it cannot: it is
    /// at something, or the system has no thread left.
    pub(super) fn begin(&mut self, batch: Batch, news: News) -> Result<(), (Batch, News)> {
        if self.at != At::Nothing || self.helper().is_none() {
            return Err((batch, news));
        }
        let (Some(engine), Some(helper)) = (self.engine.take(), &self.helper) else {
            return Err((batch, news));
        };
        // Should the thread be gone, so is the store, and waiting for the batch will tell.
        let _ = helper.tasks.send(Task::Commit(engine, batch, news));
        self.at = At::Batch;
        Ok(())
    }

    /// Has the thread answer requests. Gives them back if it cannot: it is at something, or the system has no
    /// thread left.
    pub(super) fn answer(&mut self, jobs: Jobs) -> Result<(), Jobs> {
        if self.at != At::Nothing {
            return Err(jobs);
        }
        let Some(helper) = self.helper() else {
            return Err(jobs);
        };
        // Should the thread be gone, those who wait are told that nobody answers.
        let _ = helper.tasks.send(Task::Answer(jobs));
        self.at = At::Answers(Instant::now());
        Ok(())
    }

    /// Whether a batch is on its way.
    pub(super) fn is_busy(&self) -> bool {
        self.at == At::Batch
    }

    /// Whether some who have just been answered are likely to come again at once: for some time while they are
    /// being answered, and then for a moment, if fewer wait than were answered. Whoever is committed
    /// without them makes two trips to the disk of one.
    pub(super) fn is_expecting(&self, waiting: usize) -> bool {
        match self.at {
            At::Batch => false,
            At::Answers(since) => since.elapsed() < ANSWERING,
            At::Nothing => self.answered.is_some_and(|Answered { callers, then }| {
                waiting < callers && then.elapsed() < RETURNING
            }),
        }
    }

    /// How the batch on its way has ended; `None` if there is none, or it has not ended yet.
    pub(super) fn poll(&mut self) -> Option<Landed> {
        let mut landed = None;
        while self.at != At::Nothing {
            let report = self.helper.as_ref().map(|h| h.reports.try_recv());
            match report {
                Some(Ok(report)) => landed = self.heard(report).or(landed),
                Some(Err(TryRecvError::Empty)) => break,
                Some(Err(TryRecvError::Disconnected)) | None => return self.lost().or(landed),
            }
        }
        landed
    }

    /// How the batch on its way ends; `None` if there is none.
    pub(super) fn wait(&mut self) -> Option<Landed> {
        while self.is_busy() {
            let report = self.helper.as_ref().and_then(|h| h.reports.recv().ok());
            let Some(report) = report else {
                return self.lost();
            };
            if let Some(landed) = self.heard(report) {
                return Some(landed);
            }
        }
        None
    }

    /// Waits until the thread has answered, but not for longer than that may take.
    pub(super) fn wait_for_answers(&mut self) {
        if let At::Answers(since) = self.at
            && let Some(helper) = &self.helper
            && let left = ANSWERING.saturating_sub(since.elapsed())
            && let Ok(report) = helper.reports.recv_timeout(left)
        {
            self.heard(report);
        }
    }

    /// Has the store do what it has left for a moment in which nobody waits for it.
    pub(super) fn tidy(&mut self) {
        self.engine.iter_mut().for_each(|engine| engine.tidy());
    }

    /// Has the store do what is better done while nobody commits, and tells in how long there will be more to
    /// do.
    ///
    /// # Errors
    /// Those of [`Engine::rest`].
    pub(super) fn rest(&mut self) -> Result<Option<Duration>, EngineError> {
        let Some(engine) = &mut self.engine else {
            return Ok(None);
        };
        without_panic("resting", || engine.rest())
    }

    /// The store.
    ///
    /// # Errors
    /// [`EngineError::Failed`] while a batch is on its way, and if it was lost with one.
    pub(super) fn engine(&mut self) -> Result<&mut dyn Engine, EngineError> {
        match &mut self.engine {
            Some(engine) => Ok(&mut **engine),
            None => Err(is_gone()),
        }
    }

    /// Closes the store. When this returns, everybody has been answered; unless it was a caller's waker that
    /// let go of the last handle on the thread, which then waits for this.
    ///
    /// # Errors
    /// Those of [`Engine::close`].
    pub(super) fn close(mut self, closed_by: Option<ThreadId>) -> Outcome {
        if let Some(Helper { tasks, thread, .. }) = self.helper.take() {
            drop(tasks);
            if closed_by != Some(thread.thread().id()) {
                // Its panics have become errors.
                let _ = thread.join();
            }
        }
        self.engine.take().ok_or_else(is_gone)?.close()
    }

    fn heard(&mut self, report: Report) -> Option<Landed> {
        match report {
            Report::Landed(engine, landed, answering) => {
                self.engine = Some(engine);
                self.at = answering.map_or(At::Nothing, At::Answers);
                Some(landed)
            }
            Report::Answered(callers) => {
                let then = Instant::now();
                self.at = At::Nothing;
                self.answered = Some(Answered { callers, then });
                None
            }
        }
    }

    /// The thread is gone, which it does by no way known.
    fn lost(&mut self) -> Option<Landed> {
        let had_batch = self.is_busy();
        self.at = At::Nothing;
        self.helper = None;
        had_batch.then(|| Landed {
            outcome: Err(is_gone()),
            replaced: None,
            unanswered: Jobs::new(),
        })
    }

    /// The thread; `None` if the system has none left.
    fn helper(&mut self) -> Option<&Helper> {
        if self.helper.is_none() {
            let (tasks, next) = mpsc::channel();
            let (reporter, reports) = mpsc::channel();
            let (durability, audience) = (self.durability, self.audience.clone());
            let queue = self.queue.clone();
            let serve = move || {
                for task in next {
                    if carry_out(task, durability, &audience, &reporter).is_err() {
                        return;
                    }
                    let _ = queue.send(Message::Done);
                }
            };
            let thread = thread::Builder::new().name("coursecat-commit".to_owned());
            self.helper = thread.spawn(serve).ok().map(|thread| Helper {
                tasks,
                reports,
                thread,
            });
        }
        self.helper.as_ref()
    }
}

impl Drop for Committer {
    /// Once it is gone, so is the store: whoever opens the folder next meets no commit on its way, also if the
    /// writer has panicked.
    fn drop(&mut self) {
        drop(self.wait());
    }
}

/// What the thread does. Fails if there is nobody to report to any more.
fn carry_out(
    task: Task,
    durability: Durability,
    audience: &Audience,
    reporter: &Sender<Report>,
) -> Result<(), SendError<Report>> {
    let jobs = match task {
        Task::Answer(jobs) => jobs,
        Task::Commit(mut engine, batch, News { image, jobs }) => {
            let outcome = commit(&mut *engine, batch, durability, audience);
            let (replaced, jobs, unanswered) = match &outcome {
                Ok(()) => match image.map(|image| image.recv()).transpose() {
                    Ok(image) => {
                        let replaced = image.map(|image| audience.publish(image, jobs.len()));
                        (replaced, jobs, Jobs::new())
                    }
                    // The writer has panicked. Nobody is answered, and by that everybody hears of it.
                    Err(_) => (None, Jobs::new(), jobs),
                },
                Err(_) => (None, Jobs::new(), jobs),
            };
            let landed = Landed {
                outcome,
                replaced,
                unanswered,
            };
            // Before anybody is answered: a waker may let go of the last handle, and wait until the store is
            // closed.
            let answering = (!jobs.is_empty()).then(Instant::now);
            reporter.send(Report::Landed(engine, landed, answering))?;
            jobs
        }
    };
    if jobs.is_empty() {
        return Ok(());
    }
    let callers = jobs.len();
    audience.answer(jobs, None);
    reporter.send(Report::Answered(callers))
}

fn commit(
    engine: &mut dyn Engine,
    batch: Batch,
    durability: Durability,
    audience: &Audience,
) -> Outcome {
    without_panic("a commit", || {
        audience.counts.commit(|| engine.commit(batch, durability))
    })
}

fn without_panic<T>(
    what: &str,
    act: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        Err(EngineError::Failed {
            earlier: format!("{what} panicked: {}", panic_message(&*panic)),
        })
    })
}

fn is_gone() -> EngineError {
    EngineError::Failed {
        earlier: "the thread that commits has ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::MemoryStore;
    use crate::schema::TREES;

    /// The thread waited for the next task, and a writer that had panicked while it made the image for the
    /// thread to the end of the batch: for ever, and so did whoever closed the catalog.
    #[test]
    fn an_image_that_never_comes_ends_its_batch() {
        let (queue, _messages) = mpsc::channel();
        let audience = Audience::of(Image::new());
        let engine = Box::new(MemoryStore::new().open(&TREES));
        let mut committer = Committer::new(engine, Durability::Durable, audience, queue);
        let (made, image) = oneshot::channel();
        let news = News {
            image: Some(image),
            jobs: Jobs::new(),
        };
        assert!(committer.begin(Batch::new(), news).is_ok());
        drop(made);
        let until = Instant::now() + Duration::from_secs(30);
        let landed = loop {
            if let Some(landed) = committer.poll() {
                break landed;
            }
            assert!(Instant::now() < until, "the batch is still on its way");
            thread::yield_now();
        };
        assert!(landed.outcome.is_ok() && landed.replaced.is_none());
    }
}
