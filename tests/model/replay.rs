//! The replay of a sequence: every step on a catalog and on the model, compared at once.

use std::time::Duration;

use coursecat::{Catalog, Cursor, Field, Options, Report, Snapshot, WriteDurability};

use crate::compare::{Known, check_iterators};
use crate::model::{Model, Place};
use crate::reads::page;
use crate::steps::{Closed, Filter, Listing, Read, Settings, Step, Submitted, Write};
use crate::submit::submit;
use crate::support::{Clock, Kept};
use crate::told;
use crate::views::{Answer, Expected, Refusal, check};

const HANDLES: usize = 3;

/// Replays a sequence on a catalog that is kept there.
pub fn replay(kept: Kept, settings: Settings, steps: &[Step]) {
    let mut replay = Replay::new(kept, settings);
    replay.check();
    for (i, step) in steps.iter().enumerate() {
        let trace = Trace(i, step);
        replay.step(step);
        replay.check();
        drop(trace);
    }
    for (snapshot, then) in &replay.held {
        replay.known.check_state(snapshot, then);
        told::check(snapshot, then, true);
    }
}

/// Tells which step failed.
struct Trace<'a>(usize, &'a Step);

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in step {}: {:?}", self.0, self.1);
        }
    }
}

/// One sequence on its way.
struct Replay {
    kept: Kept,
    clock: Clock,
    /// Handles of the same catalog; a new set after every reopening.
    handles: Vec<Catalog>,
    model: Model,
    known: Known,
    held: Vec<(Snapshot, Model)>,
    walks: Vec<Walk>,
    /// The number of the newest commit after the last step.
    sequence: u64,
    /// The oldest change that was kept after the last step.
    oldest: u64,
}

/// A listing that has been read in part.
struct Walk {
    listing: Listing,
    /// As text, as it would be kept outside.
    cursor: String,
    place: Place,
}

impl Replay {
    fn new(kept: Kept, settings: Settings) -> Self {
        let clock = Clock::new();
        Self {
            handles: open(&kept, &clock, &settings),
            kept,
            clock,
            model: Model::new(settings),
            known: Known::default(),
            held: Vec::new(),
            walks: Vec::new(),
            sequence: 0,
            oldest: 1,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write {
                handle,
                ticks,
                write,
            } => {
                self.pass_time(*ticks);
                self.write(*handle, write);
            }
            Step::Group { ticks, writes } => {
                self.pass_time(*ticks);
                self.group(writes);
            }
            Step::Read { handle, read } => {
                self.known
                    .check_read(self.handle(*handle), &self.model, read);
            }
            Step::PageThrough {
                handle,
                listing,
                limit,
            } => {
                self.page_through(*handle, listing, *limit);
            }
            Step::StartWalk {
                handle,
                listing,
                limit,
            } => {
                self.walk(*handle, listing, *limit, None);
            }
            Step::GoOn {
                handle,
                walk,
                filter,
                limit,
            } => {
                self.go_on(*handle, *walk, filter.as_ref(), *limit);
            }
            Step::MixUp {
                handle,
                walk,
                listing,
            } => self.mix_up(*handle, *walk, listing),
            Step::Hold { handle } => {
                let snapshot = self.handle(*handle).snapshot();
                self.held.push((snapshot, self.model.clone()));
            }
            Step::LookBack { held, read, drops } => self.look_back(*held, read, *drops),
            Step::Sync { handle } => self.handle(*handle).sync().unwrap(),
            Step::Rehearse { handle, writes } => self.rehearse(*handle, writes),
            Step::Reopen { closed, settings } => {
                if self.kept.can_reopen() {
                    self.reopen(*closed, settings);
                }
            }
        }
    }

    /// Compares everything there is, and has the store check itself.
    fn check(&mut self) {
        // It waits in the queue behind every write, also those that nobody waits for.
        let report = self.verify();
        assert_eq!(report.stats, self.handles[0].stats());
        self.sequence = report.sequence;
        self.known.check_state(&self.handles[1], &self.model);
        check_iterators(&self.handles[0].snapshot(), &self.model);
        self.check_retention();
    }

    /// No more of the feed is gone than may be.
    fn check_retention(&mut self) {
        let (oldest, told) = (
            self.handles[0].oldest_change(),
            self.model.told.len() as u64,
        );
        let may_be = (told + 1).saturating_sub(self.model.settings.kept);
        assert!(oldest >= self.oldest, "what is gone does not come back");
        assert!(oldest <= self.oldest.max(may_be), "{oldest} of {told}");
        if told > 0 && self.model.settings.kept == 0 && oldest != self.oldest {
            assert!(oldest <= told, "the newest commit stays");
        }
        self.oldest = oldest;
    }

    fn verify(&self) -> Report {
        let report = self.handles[0].verify().unwrap();
        assert!(report.is_clean(), "{report}");
        report
    }

    fn handle(&self, n: usize) -> &Catalog {
        &self.handles[n % HANDLES]
    }

    fn now(&self) -> i64 {
        self.clock.now().as_micros()
    }

    /// Half of the time it does not pass, so that records of one age are common.
    fn pass_time(&self, passes: bool) {
        if passes {
            self.clock.tick();
        }
    }

    fn expect(&mut self, write: &Write) -> Expected<Answer> {
        let (now, known) = (self.now(), &self.known);
        self.model.carry_out(write, now, &|n| known.nth_course(n).0)
    }

    fn write(&mut self, handle: usize, write: &Write) {
        let before = self.model.clone();
        let sent = submit(self.handle(handle), &self.model, &self.known, write);
        let expected = self.expect(write);
        self.known.check_answer(sent.wait(), expected);
        // A write is one commit if it changes something, and none if it does not.
        let commits = u64::from(!self.model.holds_the_same(&before));
        assert_eq!(self.verify().sequence, self.sequence + commits);
    }

    /// Hands over all writes before it waits for any, and compares the answers in order.
    fn group(&mut self, writes: &[Submitted]) {
        let mut waiting = Vec::new();
        for Submitted {
            handle,
            forgotten,
            write,
        } in writes
        {
            let sent = submit(self.handle(*handle), &self.model, &self.known, write);
            let expected = self.expect(write);
            if !forgotten {
                waiting.push((sent, expected));
            }
        }
        for (sent, expected) in waiting {
            self.known.check_answer(sent.wait(), expected);
        }
    }

    fn page_through(&mut self, handle: usize, listing: &Listing, limit: usize) {
        let begun = self.walks.len();
        self.walk(handle, listing, limit, None);
        while self.walks.len() > begun {
            self.go_on(handle, begun, None, limit);
        }
    }

    fn go_on(&mut self, handle: usize, walk: usize, filter: Option<&Filter>, limit: usize) {
        if self.walks.is_empty() {
            return;
        }
        let walk = self.walks.remove(walk % self.walks.len());
        let mut listing = walk.listing.clone();
        if let Some(filter) = filter {
            listing.filter = filter.clone();
        }
        self.walk(handle, &listing, limit, Some(walk));
    }

    /// Reads one page, and keeps the cursor if there is more.
    fn walk(&mut self, handle: usize, listing: &Listing, limit: usize, begun: Option<Walk>) {
        let (cursor, place) = begun.map(|walk| (walk.cursor, walk.place)).unzip();
        let cursor = cursor.map(|cursor| cursor.parse::<Cursor>().unwrap());
        let shown = page(self.handle(handle), listing, limit, cursor);
        if !(1..=1_000).contains(&limit) {
            return check(
                shown.map(|shown| shown.records()),
                Err(vec![Refusal::Invalid(Field::Limit)]),
            );
        }
        let shown = shown.unwrap();
        let (records, next) = self.model.page(listing, limit, place.as_ref());
        assert_eq!(shown.records(), records);
        assert_eq!(
            shown.next.is_some(),
            next.is_some(),
            "whether there is more"
        );
        if let (Some(cursor), Some(place)) = (shown.next, next) {
            let (listing, cursor) = (listing.clone(), cursor.to_string());
            self.walks.push(Walk {
                listing,
                cursor,
                place,
            });
        }
    }

    fn mix_up(&self, handle: usize, walk: usize, listing: &Listing) {
        let Some(walk) = self.walks.get(walk) else {
            return;
        };
        let belongs = (listing.kind, listing.order) == (walk.listing.kind, walk.listing.order);
        let cursor: Cursor = walk.cursor.parse().unwrap();
        let shown = page(self.handle(handle), listing, 1_000, Some(cursor));
        let expected = if belongs {
            Ok(self.model.page(listing, 1_000, Some(&walk.place)).0)
        } else {
            Err(vec![Refusal::Invalid(Field::Cursor)])
        };
        check(shown.map(|shown| shown.records()), expected);
    }

    fn look_back(&mut self, held: usize, read: &Read, drops: bool) {
        if self.held.is_empty() {
            return;
        }
        let at = held % self.held.len();
        let (snapshot, then) = &self.held[at];
        self.known.check_state(snapshot, then);
        self.known.check_read(snapshot, then, read);
        self.known
            .check_stale(snapshot, &self.handles[0], &self.model);
        if drops {
            self.held.remove(at);
        }
    }

    fn rehearse(&self, handle: usize, writes: &[Write]) {
        let rehearsal = self.handle(handle).rehearse().unwrap();
        let (mut model, mut known) = (self.model.clone(), self.known.clone());
        known.check_state(&rehearsal, &model);
        for write in writes {
            let sent = submit(&rehearsal, &model, &known, write);
            let expected = model.carry_out(write, self.now(), &|n| known.nth_course(n).0);
            known.check_answer(sent.wait(), expected);
            known.check_state(&rehearsal, &model);
        }
    }

    fn reopen(&mut self, closed: Closed, settings: &Settings) {
        self.handles.clear();
        let path = self.kept.path();
        match closed {
            Closed::Nothing => {}
            Closed::Verify => {
                let report = coursecat::verify(path).unwrap();
                assert!(report.is_clean(), "{report}");
                assert_eq!(report.sequence, self.sequence);
            }
            Closed::Compact => drop(coursecat::compact(path).unwrap()),
            Closed::Repair => {
                let report = coursecat::repair(path).unwrap();
                assert_eq!(report.rows_changed, 0, "{report}");
                assert!(
                    report.rebuilt.is_empty() && report.lost.is_empty(),
                    "{report}"
                );
            }
        }
        self.handles = open(&self.kept, &self.clock, settings);
        self.model.settings = settings.clone();
        told::check(self.handle(0), &self.model, true);
        let sequence = self.verify().sequence;
        assert_eq!(
            sequence, self.sequence,
            "nothing is lost, nothing is written"
        );
    }
}

fn open(kept: &Kept, clock: &Clock, settings: &Settings) -> Vec<Catalog> {
    let clock = clock.clone();
    let mut options = Options::new()
        .auto_create_organizations(settings.auto_create)
        .default_language(settings.default_language)
        .unwrap()
        .keep_changes(settings.kept)
        .clock(move || clock.now());
    if let Some(allowed) = &settings.allowed {
        options = options.allowed_languages(allowed.iter().copied()).unwrap();
    }
    if settings.deferred {
        // So long that only a sync or closing makes anything durable.
        options = options.durability(WriteDurability::Every(Duration::from_secs(3600)));
    }
    vec![kept.open(options).unwrap(); HANDLES]
}
