//! The audience: readers, who look at the published image, and callers, who wait for their answers. Decides
//! nothing: what is shown and told here has happened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::at_once::Progress;
use super::published::Published;
use super::queue::Job;
use super::watch::Bell;
use super::writer::panic_message;
use super::writer_stats::Counts;
use crate::error::Error;
use crate::image::Image;

/// Requests that have been planned, and their answers.
pub(super) type Jobs = Vec<Box<dyn Job>>;

/// What there is to show and to tell.
#[derive(Default)]
pub(super) struct News {
    /// Where the image comes from, if it is another than the published one: it is made while the changes are
    /// committed.
    pub(super) image: Option<oneshot::Receiver<Arc<Image>>>,
    pub(super) jobs: Jobs,
}

/// See the [module](self).
#[derive(Clone)]
pub(super) struct Audience {
    pub(super) published: Arc<Published>,
    /// Rung when a new image is published, and when there will be no more.
    pub(super) bell: Arc<Bell>,
    pub(super) progress: Arc<Progress>,
    pub(super) counts: Arc<Counts>,
}

impl Audience {
    /// The audience of a catalog that begins with this image.
    pub(super) fn of(image: Image) -> Self {
        Self {
            published: Arc::new(Published::new(image)),
            bell: Arc::new(Bell::new()),
            progress: Arc::new(Progress::default()),
            counts: Arc::new(Counts::new()),
        }
    }

    /// Shows readers an image with what so many requests have changed. Gives back the one before.
    pub(super) fn publish(&self, image: Arc<Image>, requests: usize) -> Arc<Image> {
        let replaced = self.published.swap(image);
        self.counts.group(requests);
        self.bell.ring();
        replaced
    }

    /// Answers requests: with what was planned, once that is published, or with why it failed.
    pub(super) fn answer(&self, jobs: Jobs, failure: Option<&Error>) {
        self.progress.done(jobs.len());
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
}
