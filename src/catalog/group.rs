//! A group: requests that are planned one after another and answered together. Commits nothing, and
//! never answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use super::options::{Clock, Rules};
use super::queue::{Job, Message};
use super::request::{Draft, Planned, log};
use super::unapplied::Unapplied;
use super::writer::panic_message;
use crate::engine::Batch;
use crate::error::Error;
use crate::image::{Image, Retention};
use crate::model::Timestamp;
use crate::schema::{Fold, Ledger, NextIds};

/// A batch ends when it has this many rows, or this many bytes. sled writes about five times as
/// much log, so the log between two syncs stays below the 256 KiB for which survival of a power cut
/// has been measured. Larger batches would cost memory and save little time.
const BATCH_ROWS: usize = 400;
const BATCH_BYTES: usize = 45 * 1024;
/// A group takes no more batches when this many requests wait for their answer, or its first
/// batch was full this long ago. A new image for each batch would cost as much as the plans do: what is planned
/// on an image that was published copies whatever it touches first.
const GROUP_REQUESTS: usize = 8_192;
const GROUP_TIME: Duration = Duration::from_millis(40);

/// Requests that are answered together, with one new image. Mostly they are one batch.
pub(super) struct Group {
    /// When it was begun.
    since: Instant,
    /// When the first batch was taken.
    began: Option<Instant>,
    /// The image with all that has been planned, but for what is unapplied.
    image: Image,
    unapplied: Unapplied,
    /// Whether it is another than the one that was published last.
    pub(super) has_changed: bool,
    /// The ledger after the last batch that was taken.
    pub(super) ledger: Ledger,
    /// What has been planned since.
    fold: Fold,
    next_ids: NextIds,
    retention: Retention,
    pub(super) jobs: Vec<Box<dyn Job>>,
}

impl Group {
    pub(super) fn new(image: &Image, ledger: &Ledger, retention: Retention) -> Self {
        Self {
            since: Instant::now(),
            began: None,
            image: image.clone(),
            unapplied: Unapplied::default(),
            has_changed: false,
            ledger: ledger.clone(),
            fold: Fold::new(ledger),
            next_ids: ledger.next_ids,
            retention,
            jobs: Vec::new(),
        }
    }

    /// Takes requests that wait, until there are none or the group has room for none.
    ///
    /// Gives back a message that comes next and is no request.
    pub(super) fn fill(
        &mut self,
        queue: &Receiver<Message>,
        rules: &Rules,
        clock: &Clock,
    ) -> Option<Message> {
        while !self.is_full() {
            match queue.try_recv() {
                Ok(Message::Request(job)) => self.add(job, rules, clock),
                Ok(other) => return Some(other),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    /// Plans a request on top of those before it.
    pub(super) fn add(&mut self, mut job: Box<dyn Job>, rules: &Rules, clock: &Clock) {
        let looks_at_one_course = job.looks_at_one_course();
        if !looks_at_one_course {
            self.apply_rest();
        }
        let mut now = None;
        let mut decided = self.decide(&mut *job, rules, clock, &mut now);
        let planned = decided.as_ref().ok().and_then(Option::as_ref);
        if self.unapplied.concern(planned, &self.image) {
            self.unapplied.note_planned_again();
            self.apply_rest();
            decided = self.decide(&mut *job, rules, clock, &mut now);
        }
        // Whoever writes the log is not the catalog's own, and may panic, too.
        let heard = |planned: &Planned| catch_unwind(AssertUnwindSafe(|| log(&planned.warnings)));
        let decided = decided.and_then(|planned| {
            planned.as_ref().map_or(Ok(()), heard)?;
            Ok(planned)
        });
        match decided {
            Ok(Some(planned)) => self.take(planned, looks_at_one_course),
            Ok(None) => {}
            Err(panic) => job.refuse(Error::Panicked {
                message: panic_message(&*panic),
            }),
        }
        self.jobs.push(job);
    }

    /// What a request's plan decides on; `None` if it is refused. The clock is asked once, in however many plans.
    fn decide(
        &self,
        job: &mut dyn Job,
        rules: &Rules,
        clock: &Clock,
        now: &mut Option<Timestamp>,
    ) -> thread::Result<Option<Planned>> {
        catch_unwind(AssertUnwindSafe(|| {
            let mut draft = Draft::new(&self.image, rules, clock, self.next_ids);
            draft.now = *now;
            let planned = job.plan(&mut draft).then(|| draft.finish());
            *now = draft.now;
            planned
        }))
    }

    /// Takes what has been decided on, in a plan about one course or not.
    fn take(&mut self, planned: Planned, looks_at_one_course: bool) {
        if planned.changes.is_empty() {
            return;
        }
        self.has_changed = true;
        self.next_ids = planned.next_ids;
        let course = looks_at_one_course
            .then(|| self.unapplied.may_wait(&planned.changes, &self.image))
            .flatten();
        match &course {
            Some(course) => self.unapplied.add(&planned.changes, course, &self.image),
            None => self.apply_rest(),
        }
        for change in planned.changes {
            self.fold.add(&change);
            let told = if let Some(course) = &course {
                change.told(|_| Some(Arc::clone(course)))
            } else {
                self.image.apply(&change);
                self.image.tell(change)
            };
            if let Some(record) = told {
                self.fold.tell(planned.time, record);
            }
        }
    }

    /// Applies what has been planned and has not been applied.
    pub(super) fn apply_rest(&mut self) {
        self.unapplied.apply_to(&mut self.image);
    }

    /// The image with all that has been planned.
    pub(super) fn whole_image(&mut self) -> Arc<Image> {
        self.apply_rest();
        Arc::new(self.image.clone())
    }

    /// The batch of what has been planned since the last one; `None` if nothing has changed.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        let fold = std::mem::replace(&mut self.fold, Fold::new(&self.ledger));
        let feed = &mut self.image.feed;
        let (batch, ledger) = fold.finish(self.next_ids, feed, self.retention)?;
        self.fold = Fold::new(&ledger);
        self.ledger = ledger;
        self.began.get_or_insert_with(Instant::now);
        Some(batch)
    }

    /// Adds to the image's feed what a batch would add when it is taken.
    pub(super) fn show_events(&mut self) {
        let feed = &mut self.image.feed;
        self.fold.show_events(feed, self.retention);
    }

    /// Whether there is something to commit, or somebody to answer.
    pub(super) fn has_something(&self) -> bool {
        !self.jobs.is_empty() || self.fold.rows() > 0
    }

    /// How old it is.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether no more requests should be planned before a batch has been taken.
    pub(super) fn is_full(&self) -> bool {
        self.batch_is_full() || self.jobs.len() >= GROUP_REQUESTS
    }

    fn batch_is_full(&self) -> bool {
        self.fold.rows() >= BATCH_ROWS || self.fold.bytes() >= BATCH_BYTES
    }

    /// Whether the group has a full batch and may have another.
    pub(super) fn has_full_batch(&self) -> bool {
        self.batch_is_full() && self.may_go_on()
    }

    /// Whether a batch of the group has been taken, and it may have another.
    pub(super) fn goes_on(&self) -> bool {
        self.began.is_some() && self.may_go_on()
    }

    fn may_go_on(&self) -> bool {
        self.jobs.len() < GROUP_REQUESTS
            && self.began.is_none_or(|began| began.elapsed() < GROUP_TIME)
    }
}
