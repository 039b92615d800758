//! The herald: answers callers, many of them on a thread of its own while the writer goes on with the
//! next group. Decides nothing: what it tells has happened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle, ThreadId};

use super::writer::{Job, panic_message};
use crate::error::Error;

/// How many callers are worth a thread: to wake it costs as much as to wake one of them.
const MANY: usize = 8;

/// How many groups the thread may be behind: a caller's waker may block it.
const BEHIND: usize = 4;

/// Callers whose requests have been carried out and are published.
type Told = Vec<Box<dyn Job>>;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Herald {
    /// Started when it is needed first: where few write at once, it never is.
    thread: Option<(SyncSender<Told>, JoinHandle<()>)>,
}

impl Herald {
    /// Answers with what was planned: here and now if there are few callers.
    pub(super) fn tell(&mut self, jobs: Told) {
        if jobs.len() < MANY {
            return answer(jobs, None);
        }
        // It is done here if the thread is too far behind, or the system has none left.
        let untold = match self.sender() {
            Some(sender) => match sender.try_send(jobs) {
                Ok(()) => None,
                Err(TrySendError::Full(jobs) | TrySendError::Disconnected(jobs)) => Some(jobs),
            },
            None => Some(jobs),
        };
        if let Some(jobs) = untold {
            answer(jobs, None);
        }
    }

    /// Ends the thread. When this returns, everybody has been answered; unless it was a caller's waker that
    /// let go of the last handle on that thread, which then waits for this.
    pub(super) fn end(&mut self, closed_by: Option<ThreadId>) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            if closed_by != Some(thread.thread().id()) {
                // Whatever may panic there is caught there.
                let _ = thread.join();
            }
        }
    }

    fn sender(&mut self) -> Option<&SyncSender<Told>> {
        if self.thread.is_none() {
            let (sender, all_told) = mpsc::sync_channel::<Told>(BEHIND);
            let thread = thread::Builder::new().name("coursecat-herald".to_owned());
            let tell = move || all_told.into_iter().for_each(|jobs| answer(jobs, None));
            self.thread = thread.spawn(tell).ok().map(|thread| (sender, thread));
        }
        self.thread.as_ref().map(|(sender, _)| sender)
    }
}

/// Answers requests: with what was planned, or with why it failed.
pub(super) fn answer(jobs: Vec<Box<dyn Job>>, failure: Option<&Error>) {
    // The last ones first: who handed over many waits for the first of them, and need not be woken
    // for each.
    for job in jobs.into_iter().rev() {
        // A waker runs the caller's code: its panics are none of the writer's business.
        let answered = catch_unwind(AssertUnwindSafe(|| job.answer(failure)));
        if let Err(panic) = answered {
            tracing::error!("a caller's waker panicked: {}", panic_message(&*panic));
        }
    }
}
