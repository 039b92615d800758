//! Requests that change nothing, answered by the caller's own thread from the published image.
//!
//! A refusal, a run that existed already, an update to what is there: none of them needs the
//! writer, if the image shows all that was handed over before. Whether it does is a matter of two
//! counters. If anything is on its way, or the request would change something, it goes to the
//! writer like every other and is planned there again. Nothing here changes or stores anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::options::Rules;
use super::request::{Draft, Plan};
use crate::error::Result;
use crate::image::Image;

/// How far the writer has come with what was handed over to it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    handed_over: AtomicU64,
    done: AtomicU64,
    writing_ended: AtomicBool,
}

impl Progress {
    /// A request is about to be handed over.
    pub(super) fn hand_over(&self) {
        self.handed_over.fetch_add(1, Ordering::SeqCst);
    }

    /// So many requests are done: what they changed is published.
    pub(super) fn done(&self, requests: usize) {
        self.done.fetch_add(requests as u64, Ordering::SeqCst);
    }

    /// A commit failed: from now on the writer refuses everything.
    pub(super) fn end_writing(&self) {
        self.writing_ended.store(true, Ordering::SeqCst);
    }

    /// Whether a commit has failed.
    pub(super) fn has_ended(&self) -> bool {
        self.writing_ended.load(Ordering::SeqCst)
    }

    /// How many requests have been handed over and are not done.
    pub(super) fn waiting(&self) -> u64 {
        // In this order, so that none is done that is not handed over.
        let done = self.done.load(Ordering::SeqCst);
        self.handed_over.load(Ordering::SeqCst).saturating_sub(done)
    }

    /// Whether an image that is loaded after this shows all that was handed over before it.
    pub(super) fn is_idle(&self) -> bool {
        // In this order. The queue is served in turn: whatever was in it before this, and all that
        // stood before that, is counted in the first number. So as many done cannot leave it out.
        let handed_over = self.handed_over.load(Ordering::SeqCst);
        self.done.load(Ordering::SeqCst) >= handed_over && !self.has_ended()
    }
}

/// The answer to a request if it changes nothing.
pub(super) fn answer<R: Plan>(
    request: &R,
    image: &Image,
    rules: &Rules,
) -> Option<Result<R::Answer>> {
    // The writer tells of a plan that panics.
    catch_unwind(AssertUnwindSafe(|| {
        let mut draft = Draft::trial(image, rules);
        let answer = request.plan(&mut draft);
        // A refusal of a plan that was about to change something counts for nothing: the ids of what
        // it would have created are those of others.
        draft.changes_nothing().then_some(answer)
    }))
    .ok()
    .flatten()
}
