//! Reading the change feed: what has changed since a position.
//!
//! It is read from the image as everything else is; nothing here waits, or touches a store.

use crate::error::{Entity, Error, Result};
use crate::image::{ChangeEvent, ChangedRecord, Image, OffFeed};
use crate::model::Field;

const MOST: usize = 1_000;

/// Some of the changes of a catalog, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The changes.
    pub events: Vec<ChangeEvent>,
    /// The position after them: what to ask for next.
    pub next: u64,
    /// The number of the catalog's newest change. There is more to read if `next` is less.
    pub latest: u64,
}

impl ChangeEvent {
    /// What kind of record was changed.
    #[must_use]
    pub const fn entity(&self) -> Entity {
        match &self.record {
            ChangedRecord::Organization(_) => Entity::Organization,
            ChangedRecord::CatalogCourse(_) => Entity::CatalogCourse,
            ChangedRecord::CourseRun { .. } => Entity::CourseRun,
            ChangedRecord::Reference { .. } => Entity::Reference,
        }
    }
}

pub(super) fn read_changes(image: &Image, since: u64, limit: usize) -> Result<Changes> {
    if !(1..=MOST).contains(&limit) {
        return Err(Error::invalid(
            Field::Limit,
            format!("The limit {limit} is not between 1 and {MOST}."),
        ));
    }
    let events = image
        .feed
        .since(since, limit)
        .map_err(|off| off_feed(since, off))?;
    Ok(Changes {
        next: events.last().map_or(since, |event| event.sequence),
        latest: image.feed.newest(),
        events,
    })
}

fn off_feed(since: u64, off: OffFeed) -> Error {
    match off {
        OffFeed::Before { oldest } => Error::Compacted { since, oldest },
        OffFeed::Beyond { newest } => Error::invalid(
            Field::Since,
            format!(
                "There has been no change {since} yet; the latest is {newest}. Is the position that of another catalog?"
            ),
        ),
    }
}
