//! Pages of lists: `{results, next}`, and `order`, `limit` and `cursor` in the query.
//!
//! A list is never cut in silence: where there is more, `next` has the cursor to go on with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, ok};
use crate::{Cursor, Order, Page};

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct Results<T> {
    pub(super) results: Vec<T>,
    /// The cursor of the next page; null on the last one.
    #[schemars(with = "Option<String>")]
    pub(super) next: Option<Cursor>,
}

impl<T: Serialize> Results<T> {
    /// A page of records as JSON shows them.
    pub(super) fn of<'a, R>(page: &'a Page<R>, view: impl Fn(&'a R) -> T) -> Self {
        Self {
            results: page.items.iter().map(view).collect(),
            next: page.next.clone(),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        ok(self)
    }
}

/// The orders of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(super) enum OrderName {
    /// By key, ignoring case.
    #[serde(rename = "key")]
    Key,
    /// Newest first.
    #[default]
    #[serde(rename = "-created")]
    Newest,
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Key => Self::Key,
            OrderName::Newest => Self::Newest,
        }
    }
}

/// The length of a page when none is asked for.
pub(super) const fn default_limit() -> usize {
    100
}
