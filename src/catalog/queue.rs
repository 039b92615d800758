//! What comes through the writer's queue: requests, with a place for their answers, and what else there is
//! to do. Nothing here decides when.

use std::thread::ThreadId;

use super::request::{Draft, Plan};
use crate::error::{Error, Result};
use crate::integrity::Report;

/// What comes through the queue.
pub(super) enum Message {
    /// A request for a change.
    Request(Box<dyn Job>),
    /// Make everything durable that has been answered.
    Sync(oneshot::Sender<Result<()>>),
    /// Check the whole store. Writing waits meanwhile, reading does not.
    Verify(oneshot::Sender<Result<Report>>),
    /// The committer's thread is done: what it had has been committed and answered, or has failed.
    Done,
    /// The last handle is gone, on this thread: finish, and close the store.
    Close(ThreadId),
}

/// A request with a place for its answer.
pub(super) trait Job: Send {
    /// See [`Plan::LOOKS_AT_ONE_COURSE`].
    fn looks_at_one_course(&self) -> bool;
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
    fn looks_at_one_course(&self) -> bool {
        R::LOOKS_AT_ONE_COURSE
    }

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
