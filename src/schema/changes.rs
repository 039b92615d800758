//! The rows of the change feed, and the cutting of events into rows.
//!
//! They are an undo log: of an event there is what it was about, and the record *before* it where
//! there was one. The record after it is not stored a second time; it is what the next event about
//! the same record has as before, or the record itself. [`retrace`](mod@super::retrace) puts both
//! together. A row holds events that follow each other; its key is the number of the first.

use std::sync::Arc;

use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

use super::keys;
use super::records::{Row, StoredCourse, StoredOrganization, StoredRun};
use super::row::{self, BadRow};
use super::trees::CHANGES;
use crate::image::{ChangeEvent, ChangedRecord, FeedPage, Versions};
use crate::model::Timestamp;

/// A row takes no more events when it has so many bytes; one event alone may have a little more.
/// sled keeps rows of this size well.
const ROW_BYTES: usize = 2_048;

/// What is stored of an event.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct StoredEvent {
    /// Microseconds since the event before it in its row; since 1970 for the first.
    later: i64,
    what: StoredChange,
}

/// The content of a row: how many events there are, and each of them.
#[derive(Debug)]
struct StoredEvents(Vec<StoredEvent>);

impl Encode for StoredEvents {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.encode(encoder)
    }
}

// A `Vec` would be refused for the memory that it takes, which is more than its bytes.
impl<C> Decode<C> for StoredEvents {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let count = u64::decode(decoder)?;
        let events = (0..count).map(|_| StoredEvent::decode(decoder));
        events.collect::<Result<_, _>>().map(Self)
    }
}

/// What a change was about, by ids, and what was there before. The order is part of the format.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum StoredChange {
    OrganizationCreated(u64),
    OrganizationUpdated(u64, StoredOrganization),
    OrganizationDeleted(u64, StoredOrganization),
    CourseCreated(u64),
    CourseUpdated(u64, StoredCourse),
    CourseDeleted(u64, StoredCourse),
    RunCreated(u64, u64),
    RunUpdated(u64, u64, StoredRun),
    RunDeleted(u64, u64, StoredRun),
    /// Whether it came, the course, the run if it is about one, the referrer.
    Reference(bool, u64, Option<u64>, String),
}

impl From<&ChangedRecord> for StoredChange {
    fn from(record: &ChangedRecord) -> Self {
        match record {
            ChangedRecord::Organization(versions) => with_before(
                versions,
                |record| record.id.get(),
                Self::OrganizationCreated,
                Self::OrganizationUpdated,
                Self::OrganizationDeleted,
            ),
            ChangedRecord::CatalogCourse(versions) => with_before(
                versions,
                |record| record.id.get(),
                Self::CourseCreated,
                Self::CourseUpdated,
                Self::CourseDeleted,
            ),
            ChangedRecord::CourseRun { versions, .. } => with_before(
                versions,
                |record| (record.catalog_course_id.get(), record.id.get()),
                |(course, run)| Self::RunCreated(course, run),
                |(course, run), before| Self::RunUpdated(course, run, before),
                |(course, run), before| Self::RunDeleted(course, run, before),
            ),
            ChangedRecord::Reference {
                to,
                referrer,
                added,
            } => {
                let (course, run) = to.ids();
                let run = run.map(|run| run.get());
                Self::Reference(*added, course.get(), run, referrer.to_string())
            }
        }
    }
}

/// What is stored of a change from these versions, by its kind.
fn with_before<'a, T, S: From<&'a T>, I: Default>(
    versions: &'a Versions<T>,
    ids: impl Fn(&T) -> I,
    created: impl FnOnce(I) -> StoredChange,
    updated: impl FnOnce(I, S) -> StoredChange,
    deleted: impl FnOnce(I, S) -> StoredChange,
) -> StoredChange {
    match (versions.before.as_deref(), versions.after.as_deref()) {
        (None, after) => created(after.map(ids).unwrap_or_default()),
        (Some(before), Some(_)) => updated(ids(before), S::from(before)),
        (Some(before), None) => deleted(ids(before), S::from(before)),
    }
}

/// The row of a page of events.
pub(crate) fn changes_row(page: &FeedPage) -> Row {
    let mut time = 0;
    let stored = page
        .events()
        .iter()
        .map(|event| {
            let before = std::mem::replace(&mut time, event.time.as_micros());
            StoredEvent {
                later: time - before,
                what: StoredChange::from(&event.record),
            }
        })
        .collect();
    Row::of(CHANGES, keys::change(page.first()), &StoredEvents(stored))
}

/// A row of `changes` that has been read, and not yet put together with the records.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredPage {
    pub(super) first: u64,
    pub(super) events: Vec<(Timestamp, StoredChange)>,
    /// The row's value.
    pub(super) value: Vec<u8>,
}

impl StoredPage {
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Self, BadRow> {
        let first = keys::read_change(key)?;
        let StoredEvents(stored) = row::decode(CHANGES, key, value)?;
        let bad = |why: &str| BadRow::Content(why.to_owned());
        if stored.is_empty() {
            return Err(bad("it has no event"));
        }
        if first == 0 || first.checked_add(stored.len() as u64).is_none() {
            return Err(BadRow::Key);
        }
        let mut time = 0_i64;
        let mut events = Vec::with_capacity(stored.len());
        for StoredEvent { later, what } in stored {
            time = time
                .checked_add(later)
                .ok_or_else(|| bad("there is no such time"))?;
            let at = Timestamp::from_micros(time).map_err(|error| BadRow::Content(error.why))?;
            events.push((at, what));
        }
        Ok(Self {
            first,
            events,
            value: value.to_vec(),
        })
    }

    /// The row's key.
    pub(crate) fn key(&self) -> Vec<u8> {
        keys::change(self.first)
    }

    /// The number of its first event.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The number after that of its last event.
    pub(crate) fn end(&self) -> u64 {
        // Reading it has checked that there is one.
        self.first.saturating_add(self.events.len() as u64)
    }
}

/// Events on their way into rows.
#[derive(Debug)]
pub(super) struct Recorder {
    next: u64,
    full: Vec<Arc<FeedPage>>,
    open: Vec<ChangeEvent>,
    open_bytes: usize,
    full_bytes: usize,
}

impl Recorder {
    /// Takes events whose first will have this number.
    pub(super) fn new(next: u64) -> Self {
        Self {
            next,
            full: Vec::new(),
            open: Vec::new(),
            open_bytes: 0,
            full_bytes: 0,
        }
    }

    pub(super) fn add(&mut self, time: Timestamp, record: ChangedRecord) {
        let stored = StoredEvent {
            later: time.as_micros() - self.open.last().map_or(0, |last| last.time.as_micros()),
            what: StoredChange::from(&record),
        };
        let bytes = row::content_bytes(&stored);
        if self.open_bytes + bytes > ROW_BYTES {
            self.close_page();
        }
        self.open_bytes += bytes;
        self.open.push(ChangeEvent {
            sequence: self.next,
            time,
            record,
        });
        self.next += 1;
    }

    /// How many rows the events take.
    pub(super) fn rows(&self) -> usize {
        self.full.len() + usize::from(!self.open.is_empty())
    }

    /// How many bytes the events take.
    pub(super) fn bytes(&self) -> usize {
        self.full_bytes + self.open_bytes
    }

    /// The events in pages, one for each row, and the number of the next event.
    pub(super) fn finish(mut self) -> (Vec<Arc<FeedPage>>, u64) {
        self.close_page();
        (self.full, self.next)
    }

    fn close_page(&mut self) {
        let page = FeedPage::new(std::mem::take(&mut self.open));
        self.full.extend(page.map(Arc::new));
        self.full_bytes += std::mem::take(&mut self.open_bytes);
    }
}
