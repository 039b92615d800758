//! Where rows go: to the catalog, a window of requests at a time, and into the report.
//!
//! Requests are handed over without waiting, so that the writer commits them in groups, and their
//! answers are taken in order. A row that is refused is told and counted; only a catalog that
//! fails ends the import.

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use super::OnConflict;
use super::conflict::{Comparison, Update};
use super::record::{Answer, Created, Record, Row};
use crate::catalog::{AddReference, Catalog, Pending, Warning};
use crate::error::{Entity, Error};
use crate::key::fold;
use crate::model::Stats;
use crate::transfer::{Format, ImportReport, Place, Progress, Reject, RowError, Watch};

/// How many requests are on their way at most: enough that the writer is never out of work while
/// answers are taken.
const WINDOW: usize = 8_192;
/// How much of the input is read before answers are taken, however few rows it holds. Less than
/// three times as much is ever on its way.
const WINDOW_BYTES: u64 = 4 << 20;
/// Progress is told each time that this many rows are done.
const ROWS_PER_PROGRESS: u64 = 256;

/// What a pass over the input is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// To write.
    Import,
    /// To see what would come of it.
    Rehearsal,
    /// To write what has been rehearsed: not to be stopped halfway.
    SecondReading,
}

/// See the [module](self).
pub(super) struct Sink<'a> {
    catalog: &'a Catalog,
    on_conflict: OnConflict,
    watch: &'a mut dyn Watch,
    bytes: &'a Cell<u64>,
    /// The bytes read when answers were last taken.
    bytes_settled: u64,
    mode: Mode,
    start: Instant,
    before: Stats,
    report: ImportReport,
    rows_done: u64,
    rejected: u64,
    waiting: VecDeque<Waiting>,
    follow_ups: VecDeque<FollowUp>,
    /// The records that updates are on their way for.
    changing: HashSet<(Entity, String)>,
}

/// A row that has been handed over, or one that could not be read and keeps its place in the order
/// in which rows are told.
enum Waiting {
    Row(Row, Answer),
    Refused(Reject),
}

/// A row whose answer is known.
enum Answered {
    Row(Row, Result<Created, Error>),
    Refused(Reject),
}

impl Waiting {
    fn wait(self) -> Answered {
        match self {
            Self::Row(row, answer) => Answered::Row(row, answer.wait()),
            Self::Refused(reject) => Answered::Refused(reject),
        }
    }
}

/// What a row still needs once its record is there.
enum FollowUp {
    Update(Place, Entity, String, Update),
    Reference(Place, String, Pending<bool>),
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        on_conflict: OnConflict,
        watch: &'a mut dyn Watch,
        bytes: &'a Cell<u64>,
        mode: Mode,
    ) -> Self {
        Self {
            catalog,
            on_conflict,
            watch,
            bytes,
            bytes_settled: 0,
            mode,
            start: Instant::now(),
            before: catalog.stats(),
            report: ImportReport {
                written: mode != Mode::Rehearsal,
                ..ImportReport::default()
            },
            rows_done: 0,
            rejected: 0,
            waiting: VecDeque::with_capacity(WINDOW),
            follow_ups: VecDeque::new(),
            changing: HashSet::new(),
        }
    }

    /// Whether to read another row.
    pub(super) fn goes_on(&mut self) -> bool {
        if self.mode != Mode::SecondReading && self.watch.should_stop() {
            self.report.stopped = true;
        }
        !self.report.stopped
    }

    /// Takes a row.
    pub(super) fn row(&mut self, row: Row) -> Result<(), Error> {
        let answer = row.record.create(self.catalog);
        self.take(Waiting::Row(row, answer))
    }

    /// Takes a row that could not be read.
    pub(super) fn refuse(
        &mut self,
        place: Place,
        entity: Option<Entity>,
        key: String,
        error: RowError,
    ) -> Result<(), Error> {
        self.take(Waiting::Refused(Reject {
            place,
            entity,
            key,
            error,
        }))
    }

    fn take(&mut self, row: Waiting) -> Result<(), Error> {
        self.report.rows += 1;
        self.waiting.push_back(row);
        let unsettled = self.bytes.get().saturating_sub(self.bytes_settled);
        if self.waiting.len() >= WINDOW || unsettled >= WINDOW_BYTES {
            self.settle_some()?;
        }
        while self.follow_ups.len() >= WINDOW {
            self.follow_up_one()?;
        }
        Ok(())
    }

    /// Takes a row of a model that a catalog does not have.
    pub(super) fn skip_model(&mut self, model: &str) {
        self.report.skip_model(model);
    }

    /// Notes a value of a row that a catalog does not keep.
    pub(super) fn drop_value(&mut self, field: &'static str) {
        *self.report.dropped_values.entry(field).or_default() += 1;
    }

    /// Waits for everything that is on its way.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        while !self.waiting.is_empty() {
            result = result.and(self.settle_some());
        }
        while !self.follow_ups.is_empty() {
            result = result.and(self.follow_up_one());
        }
        self.tell_progress();
        result
    }

    pub(super) fn into_report(mut self, format: Format) -> ImportReport {
        self.report.bytes = self.bytes.get();
        self.report.elapsed = self.start.elapsed();
        if !matches!(
            format,
            Format::Lines | Format::Fixture | Format::NewSiteFixture
        ) {
            // What runs brought along is not told by any answer.
            let after = self.catalog.stats();
            let more = |before: u64, after: u64| after.saturating_sub(before);
            self.report.organizations.created =
                more(self.before.organizations, after.organizations);
            self.report.catalog_courses.created =
                more(self.before.catalog_courses, after.catalog_courses);
        }
        self.report
    }

    /// Waits for the answers to the oldest requests, and does what follows from them.
    fn settle_some(&mut self) -> Result<(), Error> {
        self.bytes_settled = self.bytes.get();
        let count = self.waiting.len().div_ceil(2);
        let oldest: Vec<_> = self.waiting.drain(..count).collect();
        let mut result = Ok(());
        for answered in oldest.into_iter().map(Waiting::wait) {
            match answered {
                Answered::Refused(reject) => self.tell(reject),
                Answered::Row(row, answer) => {
                    result = result.and_then(|()| self.settle(&row, answer));
                }
            }
            self.done();
        }
        result
    }

    /// Does what follows from the answer to a row's request.
    fn settle(&mut self, row: &Row, answer: Result<Created, Error>) -> Result<(), Error> {
        let entity = row.record.entity();
        let stored = match answer {
            Ok(Created::New(warnings)) => {
                self.count_warnings(&warnings);
                self.report.tally(entity).created += 1;
                true
            }
            Ok(Created::Existed(warnings)) => {
                self.count_warnings(&warnings);
                self.meet_existing(row, None)?
            }
            Ok(Created::Clash(clash)) => self.meet_existing(row, Some(clash))?,
            Err(error) => {
                self.reject_or_fail(row.place, entity, row.record.key(), error)?;
                false
            }
        };
        if stored {
            self.add_references(row);
        }
        Ok(())
    }

    /// Compares a row with the record that exists. Tells whether it is the row's own.
    fn meet_existing(&mut self, row: &Row, clash: Option<Error>) -> Result<bool, Error> {
        let record = &row.record;
        let entity = record.entity();
        let identity = (entity, fold(&record.key()).into_owned());
        if self.changing.contains(&identity) {
            // What to compare with is known only once those are done.
            while !self.follow_ups.is_empty() {
                self.follow_up_one()?;
            }
        }
        let (existing, can_change) = match record.compare(self.catalog)? {
            Comparison::Same => {
                self.report.tally(entity).unchanged += 1;
                return Ok(true);
            }
            Comparison::Another => {
                let key = record.key();
                let error = clash.unwrap_or_else(|| Error::already_exists(entity, &key, &key));
                self.reject(row.place, Some(entity), key, error.into());
                return Ok(false);
            }
            Comparison::Differs { existing } => (existing, true),
            Comparison::DiffersForGood { existing } => (existing, false),
        };
        match self.on_conflict {
            OnConflict::Fail => {
                let key = record.key();
                let error = Error::already_exists(entity, &key, existing);
                self.reject(row.place, Some(entity), key, error.into());
                Ok(false)
            }
            OnConflict::Update if can_change => {
                let update = record.update(self.catalog);
                self.changing.insert(identity);
                self.follow_ups.push_back(FollowUp::Update(
                    row.place,
                    entity,
                    record.key(),
                    update,
                ));
                Ok(true)
            }
            OnConflict::Update | OnConflict::Skip => {
                self.report.tally(entity).skipped += 1;
                Ok(true)
            }
        }
    }

    fn add_references(&mut self, row: &Row) {
        if row.references.is_empty() {
            return;
        }
        let key = row.record.key();
        if let Record::CatalogCourse { org, .. } = &row.record
            && org.contains(':')
        {
            // Its key would be read as that of another course.
            let error = RowError::Malformed(format!(
                "references to {key:?} cannot be kept, since its organization has a colon"
            ));
            self.reject(row.place, Some(Entity::Reference), key, error);
            return;
        }
        for referrer in &row.references {
            let request = AddReference::new(key.as_str(), referrer.as_str());
            let pending = self.catalog.submit(request);
            let name = format!("{referrer} to {key}");
            self.follow_ups
                .push_back(FollowUp::Reference(row.place, name, pending));
        }
    }

    fn follow_up_one(&mut self) -> Result<(), Error> {
        match self.follow_ups.pop_front() {
            None => Ok(()),
            Some(FollowUp::Update(place, entity, key, update)) => {
                self.changing.remove(&(entity, fold(&key).into_owned()));
                match update.wait() {
                    Ok(warnings) => {
                        self.count_warnings(&warnings);
                        self.report.tally(entity).updated += 1;
                        Ok(())
                    }
                    Err(error) => self.reject_or_fail(place, entity, key, error),
                }
            }
            Some(FollowUp::Reference(place, name, pending)) => match pending.wait() {
                Ok(is_new) => {
                    let tally = self.report.tally(Entity::Reference);
                    *(if is_new {
                        &mut tally.created
                    } else {
                        &mut tally.unchanged
                    }) += 1;
                    Ok(())
                }
                Err(error) => self.reject_or_fail(place, Entity::Reference, name, error),
            },
        }
    }

    /// An error is about the row, or about the catalog as a whole.
    fn reject_or_fail(
        &mut self,
        place: Place,
        entity: Entity,
        key: String,
        error: Error,
    ) -> Result<(), Error> {
        match error {
            Error::Storage { .. }
            | Error::Corrupt { .. }
            | Error::Locked { .. }
            | Error::NewerFormat { .. } => Err(error),
            error => {
                self.reject(place, Some(entity), key, error.into());
                Ok(())
            }
        }
    }

    fn reject(&mut self, place: Place, entity: Option<Entity>, key: String, error: RowError) {
        self.tell(Reject {
            place,
            entity,
            key,
            error,
        });
    }

    fn tell(&mut self, reject: Reject) {
        self.rejected += 1;
        self.report.count_reject(reject.entity, reject.error.code());
        self.watch.rejected(&reject);
    }

    fn count_warnings(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            *self.report.warnings.entry(warning.code()).or_default() += 1;
        }
    }

    fn done(&mut self) {
        self.rows_done += 1;
        if self.rows_done.is_multiple_of(ROWS_PER_PROGRESS) {
            self.tell_progress();
        }
    }

    fn tell_progress(&mut self) {
        self.watch.progress(&Progress {
            bytes: self.bytes.get(),
            rows: self.rows_done,
            rejected: self.rejected,
            rehearsing: self.mode == Mode::Rehearsal,
        });
    }
}
