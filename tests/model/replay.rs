//! The replay of a sequence: every step on a catalog and on the model, compared at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coursecat::{
    AddReference, Catalog, CatalogCourse, CatalogCourseId, CourseRun, CourseSelector,
    CreateCatalogCourse, CreateCourseRun, CreateModulestoreRun, CreateOrganization, Cursor,
    DeleteCatalogCourse, DeleteCourseRun, DeleteOrganization, EnsureOrganization, Error, Field,
    Options, Order, Organization, Outcome, Pending, Referrer, RemoveReference, Report, Snapshot,
    SyncCourseRun, Timestamp, UpdateCatalogCourse, UpdateOrganization, WriteDurability,
};

use super::model::{CourseName, Model, Serial};
use super::names::fold;
use super::reads::{Place, Reads, count, page};
use super::steps::{
    Filter, GivenLanguage, Key, Kind, Listing, Read, Selector, Settings, Step, Subject, Submitted,
    Write,
};
use super::support::{Clock, Kept};
use super::views::{Answer, Expected, Record, Refusal, check};

const HANDLES: usize = 3;

/// Replays a sequence on a catalog that is kept there.
pub fn replay(kept: Kept, settings: Settings, steps: &[Step]) {
    let mut replay = Replay::new(kept, settings);
    for (i, step) in steps.iter().enumerate() {
        let trace = Trace(i, step);
        replay.step(step);
        replay.check();
        drop(trace);
    }
    for (snapshot, then) in &replay.held {
        replay.known.check_state(snapshot, then);
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
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write { handle, ticks, write } => {
                self.pass_time(*ticks);
                self.write(*handle, write);
            }
            Step::Group { ticks, writes } => {
                self.pass_time(*ticks);
                self.group(writes);
            }
            Step::Read { handle, read } => {
                self.known.check_read(self.handle(*handle), &self.model, read);
            }
            Step::PageThrough { handle, listing, limit } => {
                self.page_through(*handle, listing, *limit);
            }
            Step::StartWalk { handle, listing, limit } => {
                self.walk(*handle, listing, *limit, None);
            }
            Step::GoOn { handle, walk, filter, limit } => {
                self.go_on(*handle, *walk, filter.as_ref(), *limit);
            }
            Step::MixUp { handle, walk, listing } => self.mix_up(*handle, *walk, listing),
            Step::Hold { handle } => {
                let snapshot = self.handle(*handle).snapshot();
                self.held.push((snapshot, self.model.clone()));
            }
            Step::LookBack { held, read, drops } => self.look_back(*held, read, *drops),
            Step::Sync { handle } => self.handle(*handle).sync().unwrap(),
            Step::Reopen { settings, checks_closed } => {
                if self.kept.can_reopen() {
                    self.reopen(settings, *checks_closed);
                }
            }
        }
    }

    /// Compares everything there is, and has the store check itself.
    fn check(&mut self) {
        // It waits in the queue behind every write, also those that nobody waits for.
        let report = self.verify();
        assert_eq!(report.stats, self.handles[0].stats());
        self.known.check_state(&self.handles[1], &self.model);
        self.known.check_state(&self.handles[2].snapshot(), &self.model);
        check_walks_through(&self.handles[0].snapshot(), &self.model);
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
        let now = self.now();
        let known = &self.known;
        self.model.carry_out(write, now, &|n| known.nth_course(n).0)
    }

    fn write(&mut self, handle: usize, write: &Write) {
        let before = (self.verify().sequence, self.model.clone());
        let sent = self.submit(handle, write);
        let expected = self.expect(write);
        check(sent.wait(), expected);
        // A write is one commit if it changes something, and none if it does not.
        let commits = u64::from(!self.model.holds_the_same(&before.1));
        assert_eq!(self.verify().sequence, before.0 + commits);
    }

    /// Hands over all writes before it waits for any, and compares the answers in order.
    fn group(&mut self, writes: &[Submitted]) {
        let mut waiting = Vec::new();
        for Submitted { handle, forgotten, write } in writes {
            let sent = self.submit(*handle, write);
            let expected = self.expect(write);
            if !forgotten {
                waiting.push((sent, expected));
            }
        }
        for (sent, expected) in waiting {
            check(sent.wait(), expected);
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
        assert_eq!(shown.next.is_some(), next.is_some(), "whether there is more");
        if let (Some(cursor), Some(place)) = (shown.next, next) {
            let (listing, cursor) = (listing.clone(), cursor.to_string());
            self.walks.push(Walk { listing, cursor, place });
        }
    }

    fn mix_up(&self, handle: usize, walk: usize, listing: &Listing) {
        let Some(walk) = self.walks.get(walk) else {
            return;
        };
        let belongs =
            (listing.kind, listing.order) == (walk.listing.kind, walk.listing.order);
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
        if drops {
            self.held.remove(at);
        }
    }

    fn reopen(&mut self, settings: &Settings, checks_closed: bool) {
        let sequence = self.verify().sequence;
        self.handles.clear();
        if checks_closed {
            let report = coursecat::verify(self.kept.path()).unwrap();
            assert!(report.is_clean(), "{report}");
            assert_eq!(report.sequence, sequence);
        }
        self.handles = open(&self.kept, &self.clock, settings);
        self.model.settings = settings.clone();
        assert_eq!(self.verify().sequence, sequence, "opening writes no record");
    }

    /// Hands over a write.
    fn submit(&self, handle: usize, write: &Write) -> Sent {
        let catalog = self.handle(handle);
        let time = |micros: &i64| Timestamp::from_micros(*micros).unwrap();
        match write {
            Write::EnsureOrganization(short_name) => {
                Sent::new(catalog.submit(EnsureOrganization::new(short_name)))
            }
            Write::CreateOrganization { short_name, name, active, imported } => {
                let mut request = CreateOrganization::new(short_name).name(name).active(*active);
                if let Some(created) = imported {
                    request = request.imported(time(created));
                }
                Sent::new(catalog.submit(request))
            }
            Write::UpdateOrganization { org, short_name, name, active } => {
                let mut request = UpdateOrganization::new(org).short_name(short_name).name(name);
                if let Some(active) = active {
                    request = request.active(*active);
                }
                Sent::new(catalog.submit(request))
            }
            Write::DeleteOrganization(short_name) => {
                Sent::new(catalog.submit(DeleteOrganization::new(short_name)))
            }
            Write::CreateCourse { org, code, title, language, imported } => {
                let mut request = CreateCatalogCourse::new(org, code).title(title);
                request = match language {
                    GivenLanguage::None => request,
                    GivenLanguage::Full(code) => request.language(code),
                    GivenLanguage::Short(code) => request.language_short(code),
                };
                if let Some(created) = imported {
                    request = request.imported(time(created));
                }
                Sent::new(catalog.submit(request))
            }
            Write::UpdateCourse { course, title, language_short } => {
                let request = UpdateCatalogCourse::new(self.known.selector(course));
                Sent::new(catalog.submit(request.title(title).language_short(language_short)))
            }
            Write::DeleteCourse(course) => {
                let course = self.known.selector(course);
                Sent::new(catalog.submit(DeleteCatalogCourse::new(course)))
            }
            Write::CreateRun { course, run_code, key, title, imported } => {
                let course = self.known.selector(course);
                let mut request = CreateCourseRun::new(course, run_code).title(title);
                if let Some(key) = key {
                    request = request.course_key(self.model.given(key).text);
                }
                if let Some(created) = imported {
                    request = request.imported(time(created));
                }
                Sent::new(catalog.submit(request))
            }
            Write::CreateModulestoreRun { key, title, language_short, imported } => {
                let key = self.model.given(key).text;
                let mut request = CreateModulestoreRun::new(key);
                request = request.title(title).language_short(language_short);
                if let Some(created) = imported {
                    request = request.imported(time(created));
                }
                Sent::new(catalog.submit(request))
            }
            Write::SyncRun { key, title } => {
                let key = self.model.given(key).text;
                Sent::new(catalog.submit(SyncCourseRun::new(key).title(title)))
            }
            Write::DeleteRun(key) => {
                let key = self.model.given(key).text;
                Sent::new(catalog.submit(DeleteCourseRun::new(key)))
            }
            Write::AddReference { subject, referrer } => {
                let key = subject_text(&self.model, subject);
                Sent::new(catalog.submit(AddReference::new(key, referrer)))
            }
            Write::RemoveReference { subject, referrer } => {
                let key = subject_text(&self.model, subject);
                Sent::new(catalog.submit(RemoveReference::new(key, referrer)))
            }
        }
    }
}

fn open(kept: &Kept, clock: &Clock, settings: &Settings) -> Vec<Catalog> {
    let clock = clock.clone();
    let mut options = Options::new()
        .auto_create_organizations(settings.auto_create)
        .default_language(settings.default_language)
        .unwrap()
        .clock(move || clock.now());
    if let Some(allowed) = &settings.allowed {
        options = options.allowed_languages(allowed.iter().copied());
    }
    if settings.deferred {
        // So long that only a sync or closing makes anything durable.
        options = options.durability(WriteDurability::Every(Duration::from_secs(3600)));
    }
    vec![kept.open(options).unwrap(); HANDLES]
}

fn subject_text(model: &Model, subject: &Subject) -> String {
    match subject {
        Subject::Course(key_str) => key_str.clone(),
        Subject::Run(key) => model.given(key).text,
    }
}

/// An answer on its way, of any kind.
struct Sent(Box<dyn FnOnce() -> Result<Answer, Error>>);

impl Sent {
    fn new<T>(pending: Pending<T>) -> Self
    where
        T: 'static,
        Answer: From<T>,
    {
        Self(Box::new(|| pending.wait().map(Answer::from)))
    }

    fn wait(self) -> Result<Answer, Error> {
        (self.0)()
    }
}

/// The ids that the catalog has given to the model's records.
///
/// A record keeps its id for as long as it exists, through changes and reopenings, and no id is
/// given twice.
#[derive(Default)]
struct Known {
    organizations: BTreeMap<Serial, u64>,
    courses: BTreeMap<Serial, u64>,
    runs: BTreeMap<Serial, u64>,
}

impl Known {
    fn meet(&mut self, kind: Kind, serial: Serial, id: u64) {
        let ids = match kind {
            Kind::Organizations => &mut self.organizations,
            Kind::Courses => &mut self.courses,
            Kind::Runs => &mut self.runs,
        };
        match ids.get(&serial) {
            Some(known) => assert_eq!(id, *known, "a record has changed its id"),
            None => {
                assert!(ids.values().all(|known| *known != id), "an id is given twice");
                ids.insert(serial, id);
            }
        }
    }

    /// A course that there is or was; one that there never was if there was none at all.
    fn nth_course(&self, n: usize) -> (Serial, CatalogCourseId) {
        let known = self.courses.iter().nth(n % self.courses.len().max(1));
        let (serial, id) = known.map_or((Serial::MAX, u64::MAX), |(serial, id)| (*serial, *id));
        (serial, CatalogCourseId::new(id))
    }

    fn selector<'a>(&self, course: &'a Selector) -> CourseSelector<'a> {
        match course {
            Selector::Nth(n) => CourseSelector::from(self.nth_course(*n).1),
            Selector::KeyStr(text) => CourseSelector::from(text),
            Selector::Codes(org, code) => CourseSelector::from((org.as_str(), code.as_str())),
        }
    }

    /// Compares all that a catalog or a snapshot holds, by listing and by each way to look up.
    fn check_state(&mut self, reads: &dyn Reads, model: &Model) {
        for kind in [Kind::Organizations, Kind::Courses, Kind::Runs] {
            for order in [Order::Key, Order::Newest] {
                let listing = Listing { kind, order, filter: Filter::default() };
                let shown = page(reads, &listing, 1_000, None).unwrap();
                let expected = model.list(&listing);
                let records: Vec<_> =
                    expected.iter().map(|listed| listed.record.clone()).collect();
                assert_eq!(shown.records(), records, "{kind:?} by {order:?}");
                for (listed, (id, _)) in expected.iter().zip(&shown.items) {
                    self.meet(kind, listed.serial, *id);
                }
                assert_eq!(count(reads, &listing), expected.len() as u64);
            }
        }
        for name in model.orgs.keys() {
            self.check_organization(reads, model, name);
        }
        for name in model.courses.keys() {
            self.check_course(reads, model, name);
        }
        for name in model.runs.keys() {
            self.check_run(reads, model, name);
        }
        let stats = reads.stats();
        assert_eq!(
            [stats.organizations, stats.catalog_courses, stats.course_runs, stats.references],
            [model.orgs.len(), model.courses.len(), model.runs.len(), model.reference_count()]
                .map(|count| count as u64)
        );
    }

    fn check_organization(&self, reads: &dyn Reads, model: &Model, name: &str) {
        let organization = reads.get_organization(name).unwrap();
        assert_eq!(organization.id.get(), self.organizations[&model.orgs[name].serial]);
        let courses = model.courses.keys().filter(|course| course.0 == name);
        assert_eq!(reads.count_courses_of(&organization), courses.count() as u64);
        let of_it = Filter { org: Some(name.to_owned()), ..Filter::default() };
        let runs = Listing { kind: Kind::Runs, order: Order::Key, filter: of_it };
        assert_eq!(count(reads, &runs), model.list(&runs).len() as u64);
    }

    fn check_course(&self, reads: &dyn Reads, model: &Model, name: &CourseName) {
        let expected = &model.courses[name];
        let id = CatalogCourseId::new(self.courses[&expected.serial]);
        let course = reads.get_catalog_course(id.into()).unwrap();
        assert_eq!(course.id, id);
        let organization = self.organizations[&model.orgs[&name.0].serial];
        assert_eq!(course.organization_id.get(), organization);
        let by_codes = (name.0.as_str(), expected.code.as_str());
        assert_eq!(reads.get_catalog_course(by_codes.into()).unwrap(), course);
        assert_eq!(reads.get_catalog_course((&course.key()).into()).unwrap(), course);
        let of_it = Filter {
            course: Some((name.0.clone(), expected.code.clone())),
            ..Filter::default()
        };
        let runs = Listing { kind: Kind::Runs, order: Order::Newest, filter: of_it };
        let runs = records(model, &runs);
        assert_eq!(reads.count_runs_of(&course), runs.len() as u64);
        let listed = reads.list_runs(id.into()).unwrap();
        assert_eq!(views(&listed), runs);
        let subject = Subject::Course(course.key().to_string());
        check_references(reads, model, &subject);
    }

    fn check_run(&self, reads: &dyn Reads, model: &Model, name: &str) {
        let expected = &model.runs[name];
        let key = &expected.name.stored;
        let run = reads.get_course_run(key).unwrap();
        assert_eq!(run.id.get(), self.runs[&expected.serial]);
        assert_eq!(run.course_key.as_str(), key);
        let course = self.courses[&model.courses[&expected.course].serial];
        assert_eq!(run.catalog_course_id.get(), course);
        assert_eq!(reads.get_catalog_course_of(&run).unwrap().id.get(), course);
        // Folded, it is another key, unless it is folded already.
        assert_eq!(reads.get_course_run(&fold(key)).is_ok(), fold(key) == *key);
        let listed = reads.list_references(key).unwrap();
        let listed: Vec<_> = listed.iter().map(Referrer::as_str).collect();
        assert!(listed.iter().eq(&expected.referrers), "{listed:?}");
    }

    fn check_read(&self, reads: &dyn Reads, model: &Model, read: &Read) {
        let nth = |n: usize| self.nth_course(n).0;
        match read {
            Read::Organization(short_name) => {
                let name = fold(short_name);
                let expected = model.orgs.contains_key(&name).then(|| model.organization_record(&name));
                let expected = expected.ok_or_else(|| {
                    vec![Refusal::NotFound(coursecat::Entity::Organization)]
                });
                let found = reads.get_organization(short_name);
                check(found.map(|found: Arc<Organization>| Record::from(&*found)), expected);
            }
            Read::Course(course) => {
                let expected = model.select(course, &nth).map(|name| model.course_record(&name));
                let found = reads.get_catalog_course(self.selector(course));
                check(found.map(|found: Arc<CatalogCourse>| Record::from(&*found)), expected);
            }
            Read::Run(key) => {
                let expected = model.find_run(key).map(|name| model.run_record(&name));
                let found = reads.get_course_run(&model.given(key).text);
                check(found.map(|found: Arc<CourseRun>| Record::from(&*found)), expected);
            }
            Read::Runs(keys) => check_many(reads, model, keys),
            Read::RunsOf(course) => {
                let expected = model.select(course, &nth).map(|(org, _)| {
                    let code = model.select(course, &nth).map(|name| model.courses[&name].code.clone());
                    let of_it = Filter { course: Some((org, code.unwrap())), ..Filter::default() };
                    records(model, &Listing { kind: Kind::Runs, order: Order::Newest, filter: of_it })
                });
                let found = reads.list_runs(self.selector(course));
                check(found.map(|runs| views(&runs)), expected);
            }
            Read::References(subject) => check_references(reads, model, subject),
            Read::Count(listing) => {
                assert_eq!(count(reads, listing), model.list(listing).len() as u64);
            }
            Read::Search { text, limit } => check_search(reads, model, text, *limit),
        }
    }
}
