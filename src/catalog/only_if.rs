//! Conditions: a request that is carried out only if the catalog is still as its caller saw it.
//!
//! The condition is looked at when the request is planned, between the changes of all others, so
//! nothing can come between it and the change.

use std::fmt;
use std::sync::Arc;

use super::Snapshot;
use super::request::{Draft, Plan, Request};
use crate::error::{Error, Result};

/// A request with a condition: see [`Request::only_if`].
pub struct OnlyIf<R> {
    request: R,
    condition: Condition,
}

type Condition = Box<dyn Fn(&Snapshot) -> bool + Send>;

impl<R> OnlyIf<R> {
    pub(super) fn new(request: R, condition: impl Fn(&Snapshot) -> bool + Send + 'static) -> Self {
        Self {
            request,
            condition: Box::new(condition),
        }
    }
}

impl<R: Request> Request for OnlyIf<R> {}

impl<R: Plan> Plan for OnlyIf<R> {
    type Answer = R::Answer;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        // Copies a few pointers: what an image is made of is shared.
        let now = Snapshot::new(Arc::new(draft.image.clone()));
        if (self.condition)(&now) {
            self.request.plan(draft)
        } else {
            Err(Error::PreconditionFailed)
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for OnlyIf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlyIf")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
