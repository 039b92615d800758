//! The committer: the store, and a thread that commits to it while the writer does something else.
//!
//! It has one batch at a time, and the writer gets to the store only when that has been committed:
//! the store itself goes to the thread with the batch and comes back with the outcome. Nothing here
//! plans, answers or tries again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use super::writer::{Message, panic_message};
use super::writer_stats::Counts;
use crate::engine::{Batch, Durability, Engine, EngineError};

/// How a commit ended.
pub(super) type Outcome = Result<(), EngineError>;

/// See the [module](self).
pub(super) struct Committer {
    /// `None` while the thread has it.
    engine: Option<Box<dyn Engine>>,
    durability: Durability,
    counts: Arc<Counts>,
    /// Where the writer is told that a batch has been committed.
    queue: Sender<Message>,
    /// Started when it is needed first: where few callers wait, and each of them does, it never is.
    helper: Option<Helper>,
    in_flight: InFlight,
}

enum InFlight {
    Nothing,
    /// A batch, on the thread.
    Batch,
    /// One that was committed at once, for want of a thread.
    Done(Outcome),
}

struct Helper {
    batches: Sender<(Box<dyn Engine>, Batch)>,
    outcomes: Receiver<(Box<dyn Engine>, Outcome)>,
    thread: JoinHandle<()>,
}

impl Committer {
    /// A committer to this store, which tells `queue` when a batch has been committed.
    pub(super) fn new(
        engine: Box<dyn Engine>,
        durability: Durability,
        counts: Arc<Counts>,
        queue: Sender<Message>,
    ) -> Self {
        Self {
            engine: Some(engine),
            durability,
            counts,
            queue,
            helper: None,
            in_flight: InFlight::Nothing,
        }
    }

    /// Commits a batch here and now.
    pub(super) fn commit(&mut self, batch: Batch) -> Outcome {
        let engine = self.engine.as_deref_mut().ok_or_else(is_gone)?;
        commit(engine, batch, self.durability, &self.counts)
    }

    /// Has the thread commit a batch. There must be none on its way.
    pub(super) fn begin(&mut self, batch: Batch) {
        let Some(helper) = self.helper() else {
            self.in_flight = InFlight::Done(self.commit(batch));
            let _ = self.queue.send(Message::Committed);
            return;
        };
        let batches = helper.batches.clone();
        if let Some(engine) = self.engine.take() {
            // Should the thread be gone, so is the store, and waiting for the batch will tell.
            let _ = batches.send((engine, batch));
        }
        self.in_flight = InFlight::Batch;
    }

    /// Whether a batch is on its way.
    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.in_flight, InFlight::Nothing)
    }

    /// How the batch on its way has ended; `None` if there is none, or it has not ended yet.
    pub(super) fn poll(&mut self) -> Option<Outcome> {
        self.landed(|outcomes| match outcomes.try_recv() {
            Err(mpsc::TryRecvError::Empty) => None,
            ended => Some(ended.map_err(|_| is_gone())),
        })
    }

    /// How the batch on its way ends; `None` if there is none.
    pub(super) fn wait(&mut self) -> Option<Outcome> {
        self.landed(|outcomes| Some(outcomes.recv().map_err(|_| is_gone())))
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

    /// Closes the store.
    ///
    /// # Errors
    /// Those of [`Engine::close`].
    pub(super) fn close(mut self) -> Outcome {
        self.engine.take().ok_or_else(is_gone)?.close()
    }

    fn landed(
        &mut self,
        ended: impl FnOnce(
            &Receiver<(Box<dyn Engine>, Outcome)>,
        ) -> Option<Result<(Box<dyn Engine>, Outcome), EngineError>>,
    ) -> Option<Outcome> {
        let outcome = match std::mem::replace(&mut self.in_flight, InFlight::Nothing) {
            InFlight::Nothing => return None,
            InFlight::Done(outcome) => outcome,
            InFlight::Batch => {
                let ended = match &self.helper {
                    Some(helper) => ended(&helper.outcomes),
                    None => Some(Err(is_gone())),
                };
                match ended {
                    Some(Ok((engine, outcome))) => {
                        self.engine = Some(engine);
                        outcome
                    }
                    Some(Err(error)) => Err(error),
                    None => {
                        self.in_flight = InFlight::Batch;
                        return None;
                    }
                }
            }
        };
        Some(outcome)
    }

    /// The thread; `None` if the system has none left.
    fn helper(&mut self) -> Option<&Helper> {
        if self.helper.is_none() {
            let (batches, next) = mpsc::channel::<(Box<dyn Engine>, Batch)>();
            let (ended, outcomes) = mpsc::channel();
            let (durability, counts) = (self.durability, Arc::clone(&self.counts));
            let queue = self.queue.clone();
            let serve = move || {
                for (mut engine, batch) in next {
                    let outcome = commit(&mut *engine, batch, durability, &counts);
                    // Nobody is told once the writer is gone.
                    if ended.send((engine, outcome)).is_err() {
                        return;
                    }
                    let _ = queue.send(Message::Committed);
                }
            };
            let thread = thread::Builder::new().name("coursecat-commit".to_owned());
            self.helper = thread.spawn(serve).ok().map(|thread| Helper {
                batches,
                outcomes,
                thread,
            });
        }
        self.helper.as_ref()
    }
}

impl Drop for Committer {
    /// Once it is gone, so is the thread, and the store if that has it: whoever opens the folder next meets
    /// no commit on its way, also if the writer has panicked.
    fn drop(&mut self) {
        if let Some(Helper {
            batches, thread, ..
        }) = self.helper.take()
        {
            drop(batches);
            // Its panics have become errors.
            let _ = thread.join();
        }
    }
}

fn commit(
    engine: &mut dyn Engine,
    batch: Batch,
    durability: Durability,
    counts: &Counts,
) -> Outcome {
    let commit = AssertUnwindSafe(|| counts.commit(|| engine.commit(batch, durability)));
    catch_unwind(commit).unwrap_or_else(|panic| {
        Err(EngineError::Failed {
            earlier: format!("a commit panicked: {}", panic_message(&*panic)),
        })
    })
}

fn is_gone() -> EngineError {
    EngineError::Failed {
        earlier: "the thread that commits has ended".to_owned(),
    }
}
