//! Requests: what can be asked of the writer, and how it is planned and answered.
//!
//! A request is plain data. Its *plan* is a pure function of the image, the rules and the time:
//! it gives changes and an answer, or an error and no changes. Nothing here touches a store.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Snapshot;
use super::awake;
use super::only_if::OnlyIf;
use super::options::{Clock, Rules};
use crate::error::{Error, Result};
use crate::image::{Change, Image};
use crate::model::Timestamp;
use crate::schema::{Ledger, NextIds};

/// Something that can be asked of a catalog's writer: see [`Catalog::call`](super::Catalog::call)
/// and [`Catalog::submit`](super::Catalog::submit).
///
/// The requests of this crate are the only ones.
pub trait Request: Plan + Send + 'static {
    /// Makes the request depend on the catalog as it is when its turn has come: nothing is changed
    /// between the look at it and the change. The condition runs on the writer's thread, so it should
    /// be quick; it must not write to the catalog.
    ///
    /// ```
    /// use coursecat::{Catalog, Request, SyncCourseRun};
    ///
    /// let catalog = Catalog::temporary()?;
    /// let key = "course-v1:MITx+Math100+2026";
    /// let seen = catalog.create_course_run_for_modulestore_course_with(key, "Math", "")?.value;
    /// let rename = move |title: &str| {
    ///     let seen = seen.clone();
    ///     let is_as_seen = move |now: &coursecat::Snapshot| now.get_course_run(key).is_ok_and(|run| run == seen);
    ///     SyncCourseRun::new(key).title(title).only_if(is_as_seen)
    /// };
    /// assert!(catalog.call(rename("Calculus")).is_ok());
    /// assert_eq!(catalog.call(rename("Algebra")).unwrap_err().code(), "precondition_failed");
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    fn only_if(self, condition: impl Fn(&Snapshot) -> bool + Send + 'static) -> OnlyIf<Self>
    where
        Self: Sized,
    {
        OnlyIf::new(self, condition)
    }
}

/// What the writer does with a request. Sealed: it names types that are not public.
pub trait Plan {
    /// What is answered when the changes are durable.
    type Answer: Send + 'static;

    /// Whether the plan, of all courses and runs, looks at none but the course with the codes of the key that it was
    /// given and the runs with such keys, and creates these only; and whether it goes on to answer the same, where
    /// it has changed nothing, whatever is created besides.
    const LOOKS_AT_ONE_COURSE: bool = false;

    /// Decides what is to change.
    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer>;
}

/// The catalog as a plan sees it, and the changes that it decides on.
#[derive(Debug)]
pub struct Draft<'a> {
    pub(super) image: &'a Image,
    pub(super) rules: &'a Rules,
    pub(super) next_ids: NextIds,
    /// `None` for a trial.
    clock: Option<&'a Clock>,
    /// What the clock said, if it has been asked.
    pub(super) now: Option<Timestamp>,
    changes: Vec<Change>,
    /// Yet to be logged.
    warnings: Vec<Warning>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        image: &'a Image,
        rules: &'a Rules,
        clock: &'a Clock,
        next_ids: NextIds,
    ) -> Self {
        Self {
            image,
            rules,
            next_ids,
            clock: Some(clock),
            now: None,
            changes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// For a trial: to see what a plan answers if it changes nothing. What it would change has no
    /// ids and times of its own, and is of no use.
    pub(super) fn trial(image: &'a Image, rules: &'a Rules) -> Self {
        Self {
            image,
            rules,
            next_ids: Ledger::new().next_ids,
            clock: None,
            now: None,
            changes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The time of the change, and of the creation of all that the plan creates.
    pub(super) fn now(&mut self) -> Timestamp {
        let clock = self.clock;
        *self
            .now
            .get_or_insert_with(|| clock.map_or(Timestamp::MIN, Clock::now))
    }

    /// Decides on a change. It is not seen in the image while the plan goes on.
    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// What was decided on.
    pub(super) fn finish(&mut self) -> Planned {
        Planned {
            time: if self.changes_nothing() {
                Timestamp::MIN
            } else {
                self.now()
            },
            changes: std::mem::take(&mut self.changes),
            next_ids: self.next_ids,
            warnings: std::mem::take(&mut self.warnings),
        }
    }

    pub(super) fn changes_nothing(&self) -> bool {
        self.changes.is_empty()
    }

    /// An answer with its warnings, which are logged as well, unless it is one that nobody hears.
    pub(super) fn outcome<T>(&mut self, value: T, warnings: Vec<Warning>) -> Outcome<T> {
        if self.clock.is_some() {
            self.warnings.extend_from_slice(&warnings);
        } else if self.changes_nothing() {
            log(&warnings);
        }
        Outcome { value, warnings }
    }
}

/// Logs what answers warn of.
pub(super) fn log(warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!(code = warning.code(), "{warning}");
    }
}

/// What a plan has decided on.
pub(super) struct Planned {
    /// When, if anything is to change.
    pub(super) time: Timestamp,
    pub(super) changes: Vec<Change>,
    /// Yet to be logged.
    pub(super) warnings: Vec<Warning>,
    pub(super) next_ids: NextIds,
}

/// Something worth knowing about an operation that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The course run existed already, and is as it was.
    AlreadyExisted {
        /// Its key.
        course_key: String,
    },
    /// The run's key spells its organization in another case than the catalog does.
    OrgCaseMismatch {
        /// The run's key.
        course_key: String,
        /// The organization's short name.
        short_name: String,
    },
}

impl Warning {
    /// The warning's name in one word, as JSON has it: `already_existed`, `org_case_mismatch`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyExisted { .. } => "already_existed",
            Self::OrgCaseMismatch { .. } => "org_case_mismatch",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyExisted { course_key } => write!(
                f,
                "The course run {course_key:?} existed already and was left as it is."
            ),
            Self::OrgCaseMismatch {
                course_key,
                short_name,
            } => write!(
                f,
                "The course run {course_key:?} spells its organization otherwise than {short_name:?}."
            ),
        }
    }
}

/// The answer of an operation that may have something to warn of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// The answer itself.
    pub value: T,
    /// What is worth knowing about it; mostly empty. Each is logged, too.
    pub warnings: Vec<Warning>,
}

impl<T> Outcome<T> {
    /// Whether the record existed before and was left as it was.
    #[must_use]
    pub fn already_existed(&self) -> bool {
        self.warnings
            .iter()
            .any(|warning| matches!(warning, Warning::AlreadyExisted { .. }))
    }
}

/// An answer on its way.
///
/// [`wait`](Pending::wait) for it on this thread, or `.await` it on any executor. Dropping it
/// takes nothing back: the request is carried out all the same.
///
/// A waker runs on one of the catalog's threads. While it blocks, others may have to wait for their answers;
/// one that itself waits for the catalog may wait for ever.
#[derive(Debug)]
#[must_use = "the request is carried out, but only the answer tells whether it was refused"]
pub struct Pending<T>(Answer<T>);

#[derive(Debug)]
enum Answer<T> {
    Here(Result<T>),
    OnItsWay {
        receiver: oneshot::Receiver<Result<T>>,
        /// Whether nobody else was waiting when the request was handed over.
        alone: bool,
    },
    /// On its way to an executor that has asked for it.
    Awaited(oneshot::AsyncReceiver<Result<T>>),
    Given,
}

impl<T> Pending<T> {
    /// A request that has been handed over, by a caller who is alone or not, and where its answer goes.
    pub(super) fn new(alone: bool) -> (oneshot::Sender<Result<T>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(Answer::OnItsWay { receiver, alone }))
    }

    pub(super) fn here(answer: Result<T>) -> Self {
        Self(Answer::Here(answer))
    }

    /// Waits until the answer is here.
    ///
    /// # Errors
    /// Those of the request; [`Error::Storage`] if it cannot be stored.
    pub fn wait(self) -> Result<T> {
        match self.0 {
            // The thread sleeps and is woken without a lock, which the writer might still hold when
            // the thread wants it.
            Answer::OnItsWay { receiver, alone } => {
                let came = alone.then(|| awake::look(awake::CALLER, || answer_in(&receiver)));
                came.flatten()
                    .unwrap_or_else(|| receiver.recv().unwrap_or_else(|_| Err(writer_is_gone())))
            }
            _ => pollster::block_on(self),
        }
    }
}

// Nothing in it is ever pinned.
impl<T> Unpin for Pending<T> {}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut receiver = match std::mem::replace(&mut self.0, Answer::Given) {
            Answer::Here(answer) => return Poll::Ready(answer),
            Answer::OnItsWay { receiver, .. } => receiver.into_future(),
            Answer::Awaited(receiver) => receiver,
            Answer::Given => return Poll::Ready(Err(writer_is_gone())),
        };
        match Pin::new(&mut receiver).poll(context) {
            Poll::Ready(answer) => Poll::Ready(answer.unwrap_or_else(|_| Err(writer_is_gone()))),
            Poll::Pending => {
                self.0 = Answer::Awaited(receiver);
                Poll::Pending
            }
        }
    }
}

/// The answer, if it has come already.
fn answer_in<T>(receiver: &oneshot::Receiver<Result<T>>) -> Option<Result<T>> {
    match receiver.try_recv() {
        Ok(answer) => Some(answer),
        Err(oneshot::TryRecvError::Empty) => None,
        Err(oneshot::TryRecvError::Disconnected) => Some(Err(writer_is_gone())),
    }
}

/// What a caller hears whose request can no longer be answered.
pub(super) fn writer_is_gone() -> Error {
    Error::Storage {
        doing: "handing over the request".to_owned(),
        source: Arc::new(std::io::Error::other("the catalog's writer has stopped")),
    }
}
