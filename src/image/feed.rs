//! The change feed in memory: the newest events, in pages that come and go as a whole.
//!
//! It is a part of the image, so a snapshot and its feed always agree. A page is what one row of
//! the store holds; this knows no row, and decides nothing about how large a page is or how much
//! is kept.

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::Vector;

use super::event::ChangeEvent;
use crate::model::Timestamp;

/// Events that follow each other, at least one.
#[derive(Debug)]
pub(crate) struct Page {
    events: Box<[ChangeEvent]>,
    first: u64,
    newest: Timestamp,
}

impl Page {
    /// A page of these events; `None` if there are none.
    pub(crate) fn new(events: Vec<ChangeEvent>) -> Option<Self> {
        let (first, last) = (events.first()?.sequence, events.last()?.time);
        Some(Self {
            events: events.into_boxed_slice(),
            first,
            newest: last,
        })
    }

    pub(crate) fn events(&self) -> &[ChangeEvent] {
        &self.events
    }

    /// The number of its first event.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The number after that of its last event.
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// How much of the feed is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// At least so many of the newest events, if they are young enough.
    pub(crate) events: u64,
    /// Microseconds after which an event is too old.
    pub(crate) micros: Option<i64>,
}

/// Why there are no events after a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OffFeed {
    /// Some of them are no longer kept.
    Before { oldest: u64 },
    /// The position itself has never been given.
    Beyond { newest: u64 },
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pages: Vector<Arc<Page>>,
    events: u64,
    next: u64,
}

impl Feed {
    /// A feed without events, whose first will have this number.
    pub(crate) fn beginning_at(next: u64) -> Self {
        Self {
            pages: Vector::new(),
            events: 0,
            next,
        }
    }

    /// The number of the newest event, whether it is kept or not.
    pub(crate) fn newest(&self) -> u64 {
        self.next - 1
    }

    /// The number of the oldest event that is kept; of the next one if none is.
    pub(crate) fn oldest(&self) -> u64 {
        self.pages.front().map_or(self.next, |page| page.first())
    }

    /// Adds a page whose events follow those that there are.
    pub(crate) fn push(&mut self, page: Arc<Page>) {
        debug_assert_eq!(page.first(), self.next, "events have followed each other");
        self.events += page.events.len() as u64;
        self.next = page.end();
        self.pages.push_back(page);
    }

    /// Lets the oldest page go if it need not be kept, and is older than this event.
    pub(crate) fn pop(
        &mut self,
        retention: Retention,
        now: Timestamp,
        before: u64,
    ) -> Option<Arc<Page>> {
        let page = self.pages.front()?;
        let left = self.events - page.events.len() as u64;
        let age = now.as_micros() - page.newest.as_micros();
        let too_old = retention.micros.is_some_and(|most| age > most);
        if page.end() > before || (left < retention.events && !too_old) {
            return None;
        }
        self.events = left;
        self.pages.pop_front()
    }

    /// The events after a position, at most so many.
    pub(crate) fn since(&self, since: u64, limit: usize) -> Result<Vec<ChangeEvent>, OffFeed> {
        let (oldest, newest) = (self.oldest(), self.newest());
        if since > newest {
            return Err(OffFeed::Beyond { newest });
        }
        let wanted = since + 1;
        if wanted < oldest {
            return Err(OffFeed::Before { oldest });
        }
        let page = self.pages.binary_search_by(|page| {
            if page.end() <= wanted {
                Ordering::Less
            } else if page.first() > wanted {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        });
        let pages = page.unwrap_or(self.pages.len())..self.pages.len();
        Ok(pages
            .filter_map(|at| self.pages.get(at))
            .flat_map(|page| page.events())
            .skip_while(|event| event.sequence < wanted)
            .take(limit)
            .cloned()
            .collect())
    }
}
