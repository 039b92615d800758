//! The ledger: one row that accounts for all others, and the folding of changes into a batch
//! that keeps it true.
//!
//! Every commit rewrites the ledger: the number of the commit, the next free ids, how many rows
//! each tree has, and the digest of all rows. Opening a store reads every row anyway, so it adds
//! them up and compares.

use bincode::{Decode, Encode};

use super::changes::{Recorder, changes_row};
use super::digest::Digest;
use super::keys;
use super::records::{self, Row};
use super::row::{self, BadRow};
use super::trees::{COURSES_BY_CODE, DATA_TREES, META, REFERENCES, RUNS};
use crate::engine::{Batch, Tree};
use crate::image::{Change, ChangedRecord, Feed, Retention, Versions};
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId};
use crate::model::{CatalogCourse, CourseRun, Organization, Subject, Timestamp};

/// See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// How many commits have been made.
    pub(crate) sequence: u64,
    /// The ids that the next new records get.
    pub(crate) next_ids: NextIds,
    /// The number that the next event gets.
    pub(crate) next_event: u64,
    /// The version of Unicode whose lower case the folded keys were made with.
    pub(super) folding: [u8; 3],
    counts: [u64; DATA_TREES.len()],
    digest: Digest,
}

/// The version of Unicode whose lower case this program folds with: its compiler's.
const FOLDING: [u8; 3] = [
    char::UNICODE_VERSION.0,
    char::UNICODE_VERSION.1,
    char::UNICODE_VERSION.2,
];

/// The next free id of each kind of record. An id is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextIds {
    organization: u64,
    course: u64,
    run: u64,
}

impl NextIds {
    pub(crate) fn organization(&mut self) -> OrganizationId {
        OrganizationId::new(take(&mut self.organization))
    }

    pub(crate) fn course(&mut self) -> CatalogCourseId {
        CatalogCourseId::new(take(&mut self.course))
    }

    pub(crate) fn run(&mut self) -> CourseRunId {
        CourseRunId::new(take(&mut self.run))
    }

    /// Moves past ids that are in use.
    pub(crate) fn pass(
        &mut self,
        organization: Option<OrganizationId>,
        course: Option<CatalogCourseId>,
        run: Option<CourseRunId>,
    ) {
        let past = |next: &mut u64, id: Option<u64>| {
            *next = id.map_or(*next, |id| (*next).max(id.saturating_add(1)));
        };
        past(
            &mut self.organization,
            organization.map(OrganizationId::get),
        );
        past(&mut self.course, course.map(CatalogCourseId::get));
        past(&mut self.run, run.map(CourseRunId::get));
    }
}

impl NextIds {
    /// These, moved past all that others have given.
    pub(crate) fn passing(&self, others: &Self) -> Self {
        Self {
            organization: self.organization.max(others.organization),
            course: self.course.max(others.course),
            run: self.run.max(others.run),
        }
    }
}

fn take(next: &mut u64) -> u64 {
    let id = *next;
    *next += 1;
    id
}

/// The version of the ledger's row.
const LEDGER_VERSION: u8 = 2;

/// The ledger's row in `meta`.
#[derive(Debug, Encode, Decode)]
struct StoredLedger {
    sequence: u64,
    next_organization: u64,
    next_course: u64,
    next_run: u64,
    next_event: u64,
    folding: [u8; 3],
    counts: [u64; DATA_TREES.len()],
    digest: u128,
}

/// The same in version 1, before there were events.
#[derive(Debug, Encode, Decode)]
struct StoredLedger1 {
    sequence: u64,
    next_organization: u64,
    next_course: u64,
    next_run: u64,
    folding: [u8; 3],
    counts: [u64; 7],
    digest: u128,
}

impl From<StoredLedger1> for StoredLedger {
    fn from(old: StoredLedger1) -> Self {
        let mut counts = [0; DATA_TREES.len()];
        counts[..old.counts.len()].copy_from_slice(&old.counts);
        Self {
            sequence: old.sequence,
            next_organization: old.next_organization,
            next_course: old.next_course,
            next_run: old.next_run,
            // No event tells of what there is already. As if the first one had, and were gone: who
            // asks from the beginning hears that something is missing.
            next_event: if old.sequence == 0 { 1 } else { 2 },
            folding: old.folding,
            counts,
            digest: old.digest,
        }
    }
}

impl Ledger {
    /// The ledger of a store without rows.
    pub(crate) fn new() -> Self {
        Self {
            sequence: 0,
            next_ids: NextIds {
                organization: 1,
                course: 1,
                run: 1,
            },
            next_event: 1,
            folding: FOLDING,
            counts: [0; DATA_TREES.len()],
            digest: Digest::default(),
        }
    }

    /// The ledger of a rehearsal, whose ids must only be other than those of the real catalog.
    pub(crate) fn of_a_rehearsal(next_event: u64) -> Self {
        const FAR: u64 = 1 << 63;
        let mut ledger = Self::new();
        ledger.next_event = next_event;
        ledger.next_ids = NextIds {
            organization: FAR,
            course: FAR,
            run: FAR,
        };
        ledger
    }

    /// Takes a row into account.
    pub(crate) fn add(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        if let Some(i) = index(tree) {
            self.counts[i] += 1;
            self.digest.add(tree, key, value);
        }
    }

    /// Takes the rows into account that another ledger does.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (count, others) in self.counts.iter_mut().zip(other.counts) {
            *count += others;
        }
        self.digest.add_all(other.digest);
    }

    fn remove(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        if let Some(i) = index(tree) {
            self.counts[i] = self.counts[i].saturating_sub(1);
            self.digest.remove(tree, key, value);
        }
    }

    /// How many rows a tree has.
    pub(crate) fn count(&self, tree: Tree) -> u64 {
        index(tree).map_or(0, |i| self.counts[i])
    }

    /// Whether the folded keys were made with the lower case that this program knows.
    ///
    /// If not, an index may hold keys that this program would not make, and the indexes have to
    /// be made again before anything is written.
    pub(crate) fn is_folded_as_here(&self) -> bool {
        self.folding == FOLDING
    }

    /// The same ledger in a store whose folded keys another version of Unicode made.
    #[cfg(test)]
    pub(crate) fn folded_elsewhere(mut self) -> Self {
        self.folding = [1, 0, 0];
        self
    }

    /// What is different in the rows that another ledger accounts for, in words; `None` if
    /// nothing is.
    pub(crate) fn difference(&self, found: &Self) -> Option<String> {
        for (i, tree) in DATA_TREES.iter().enumerate() {
            let (expected, found) = (self.counts[i], found.counts[i]);
            if expected != found {
                return Some(format!(
                    "the tree {:?} should have {expected} rows and has {found}",
                    tree.name()
                ));
            }
        }
        (self.digest != found.digest).then(|| {
            "the number of rows is right, but the digest of their contents is not".to_owned()
        })
    }

    /// How many commits are missing from a store that is known to have had so many, in words;
    /// `None` if none is.
    pub(crate) fn commits_lost(&self, known: u64) -> Option<String> {
        (self.sequence < known).then(|| {
            format!(
                "it had {known} commits and now has {}: the end of its log is damaged or missing",
                self.sequence
            )
        })
    }

    /// Moves the next ids past those of records.
    pub(crate) fn pass_ids(
        &mut self,
        organizations: &[Organization],
        courses: &[CatalogCourse],
        runs: &[CourseRun],
    ) {
        self.next_ids.pass(
            organizations.iter().map(|o| o.id).max(),
            courses.iter().map(|c| c.id).max(),
            runs.iter().map(|r| r.id).max(),
        );
    }

    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Self, BadRow> {
        if key != keys::LEDGER {
            return Err(BadRow::Key);
        }
        let stored: StoredLedger = match row::version(value) {
            Some(1) => row::decode_as::<StoredLedger1>(1, META, key, value)?.into(),
            _ => row::decode_as(LEDGER_VERSION, META, key, value)?,
        };
        if stored.next_event == 0 {
            return Err(BadRow::Content("no event has the number 0".to_owned()));
        }
        Ok(Self {
            sequence: stored.sequence,
            next_ids: NextIds {
                organization: stored.next_organization,
                course: stored.next_course,
                run: stored.next_run,
            },
            next_event: stored.next_event,
            folding: stored.folding,
            counts: stored.counts,
            digest: Digest(stored.digest),
        })
    }

    /// The ledger's row in `meta`.
    pub(crate) fn as_row(&self) -> Row {
        let stored = StoredLedger {
            sequence: self.sequence,
            next_organization: self.next_ids.organization,
            next_course: self.next_ids.course,
            next_run: self.next_ids.run,
            next_event: self.next_event,
            folding: self.folding,
            counts: self.counts,
            digest: self.digest.0,
        };
        let key = keys::LEDGER.to_vec();
        Row {
            tree: META,
            value: row::encode_as(LEDGER_VERSION, META, &key, &stored),
            key,
        }
    }

    /// One that says so of every tree.
    #[cfg(test)]
    pub(super) fn of_rows_in_each_tree(rows: u64) -> Self {
        Self {
            counts: [rows; DATA_TREES.len()],
            ..Self::new()
        }
    }

    /// The batch that begins a new store: this ledger, and nothing else.
    pub(crate) fn first_batch(&self) -> Batch {
        let mut batch = Batch::new();
        let row = self.as_row();
        batch.put(row.tree, row.key, None, Some(row.value));
        batch
    }
}

fn index(tree: Tree) -> Option<usize> {
    DATA_TREES.iter().position(|other| *other == tree)
}

/// How many rows of the feed a batch lets go, at most. Rarely more are added by one; where less is to
/// be kept than was before, the others go with the next batches.
const MOST_ROWS_LET_GO: usize = 64;

/// Changes on their way into a store: a batch of rows with their guards, and the ledger after it.
#[derive(Debug)]
pub(crate) struct Fold {
    batch: Batch,
    events: Recorder,
    before: Ledger,
    after: Ledger,
}

impl Fold {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        Self {
            batch: Batch::new(),
            events: Recorder::new(ledger.next_event),
            before: ledger.clone(),
            after: ledger.clone(),
        }
    }

    /// Adds a change that follows all that were added before.
    pub(crate) fn add(&mut self, change: &Change) {
        match change {
            Change::Organization(versions) => {
                self.replace(versions, records::organization_rows);
                if let (Some(before), None) = (&versions.before, &versions.after) {
                    self.batch
                        .require_empty(COURSES_BY_CODE, keys::courses_of(before.id));
                }
            }
            Change::CatalogCourse(versions) => {
                self.replace(versions, records::course_rows);
                if let (Some(before), None) = (&versions.before, &versions.after) {
                    self.batch.require_empty(RUNS, keys::runs_of(before.id));
                    let subject = Subject::CatalogCourse(before.id);
                    self.batch
                        .require_empty(REFERENCES, keys::references_to(subject));
                }
            }
            Change::CourseRun(versions) => {
                self.replace(versions, records::run_rows);
                if let (Some(before), None) = (&versions.before, &versions.after) {
                    let subject = Subject::CourseRun(before.id);
                    self.batch
                        .require_empty(REFERENCES, keys::references_to(subject));
                }
            }
            Change::ReferenceAdded(to, referrer) => {
                self.put(records::reference_row(to.subject(), referrer));
            }
            Change::ReferenceRemoved(to, referrer) => {
                self.take(records::reference_row(to.subject(), referrer));
            }
        }
    }

    /// Adds what the feed is to tell of the change that was added last.
    pub(crate) fn tell(&mut self, time: Timestamp, record: ChangedRecord) {
        self.events.add(time, record);
    }

    /// How many rows the batch has.
    pub(crate) fn rows(&self) -> usize {
        self.batch.len() + self.events.rows()
    }

    /// How many bytes of keys and values the batch has.
    pub(crate) fn bytes(&self) -> usize {
        self.batch.bytes() + self.events.bytes()
    }

    /// The batch, with the ledger that accounts for it; `None` if nothing has changed.
    ///
    /// The events are added to the feed, which lets go of old ones that need not be kept.
    pub(crate) fn finish(
        mut self,
        next_ids: NextIds,
        feed: &mut Feed,
        retention: Retention,
    ) -> Option<(Batch, Ledger)> {
        if self.batch.is_empty() {
            return None;
        }
        self.show_events(feed, retention);
        self.after.sequence += 1;
        self.after.next_ids = next_ids;
        let before = self.before.as_row();
        let after = self.after.as_row();
        self.batch
            .put(after.tree, after.key, Some(before.value), Some(after.value));
        Some((self.batch, self.after))
    }

    /// Adds what has been told to the feed, which lets go of old events that need not be kept. More
    /// may be told after it.
    pub(crate) fn show_events(&mut self, feed: &mut Feed, retention: Retention) {
        let next = self.after.next_event;
        let events = std::mem::replace(&mut self.events, Recorder::new(next));
        let (pages, next) = events.finish();
        self.after.next_event = next;
        self.events = Recorder::new(next);
        let newest = pages.last().and_then(|page| page.events().last());
        let now = newest.map(|event| event.time);
        for page in pages {
            self.put(changes_row(&page));
            feed.push(page);
        }
        // What this batch adds, it does not take away.
        let first = self.before.next_event;
        for _ in 0..MOST_ROWS_LET_GO {
            let Some(gone) = now.and_then(|now| feed.pop(retention, now, first)) else {
                break;
            };
            self.take(changes_row(&gone));
        }
    }

    fn replace<T, const N: usize>(
        &mut self,
        versions: &Versions<T>,
        rows: impl Fn(&T) -> [Row; N],
    ) {
        match (&versions.before, &versions.after) {
            (None, None) => {}
            (None, Some(after)) => rows(after).into_iter().for_each(|row| self.put(row)),
            (Some(before), None) => rows(before).into_iter().for_each(|row| self.take(row)),
            (Some(before), Some(after)) => {
                let (gone, come) = (rows(before), rows(after));
                // A row that stays as it is has nothing to do with the change.
                let alone = |row: &&Row, others: &[Row; N]| !others.contains(row);
                let taken = gone.iter().filter(|row| alone(row, &come));
                taken.for_each(|row| self.take(row.clone()));
                let put = come.iter().filter(|row| alone(row, &gone));
                put.for_each(|row| self.put(row.clone()));
            }
        }
    }

    fn put(&mut self, row: Row) {
        self.after.add(row.tree, &row.key, &row.value);
        self.batch.put(row.tree, row.key, None, Some(row.value));
    }

    fn take(&mut self, row: Row) {
        self.after.remove(row.tree, &row.key, &row.value);
        self.batch.put(row.tree, row.key, Some(row.value), None);
    }
}
