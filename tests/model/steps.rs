//! Steps: what a generated sequence is made of. Plain data, so that a failing one can shrink.

use coursecat::{Options, Order};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::names::{
    self, GivenKey, Shape, course_code, course_key, new_short_name, no_key_str, referrer, run_code,
    search, shape, short_name, title,
};

/// A step of a sequence.
#[derive(Clone, Debug)]
pub enum Step {
    /// One write, answered before the next step.
    Write {
        handle: usize,
        ticks: bool,
        write: Write,
    },
    /// Writes that are handed over at once, so that they share commits.
    Group {
        ticks: bool,
        writes: Vec<Submitted>,
    },
    Read {
        handle: usize,
        read: Read,
    },
    /// Reads a listing from its first page to its last.
    PageThrough {
        handle: usize,
        listing: Listing,
        limit: usize,
    },
    /// Reads the first page of a listing, to go on later.
    StartWalk {
        handle: usize,
        listing: Listing,
        limit: usize,
    },
    /// Reads the next page of a listing begun before, perhaps with another filter.
    GoOn {
        handle: usize,
        walk: usize,
        filter: Option<Filter>,
        limit: usize,
    },
    /// Gives a cursor to a listing that may be of another kind or order.
    MixUp {
        handle: usize,
        walk: usize,
        listing: Listing,
    },
    /// Takes a snapshot to look at later.
    Hold {
        handle: usize,
    },
    /// Looks at a snapshot taken before.
    LookBack {
        held: usize,
        read: Read,
        drops: bool,
    },
    /// Makes durable what a catalog with deferred durability has answered.
    Sync {
        handle: usize,
    },
    /// Tries writes out on a copy that keeps nothing.
    Rehearse {
        handle: usize,
        writes: Vec<Write>,
    },
    /// Closes the catalog and opens it with other options, where it is kept in a folder.
    Reopen {
        closed: Closed,
        settings: Settings,
    },
}

/// What is done to a catalog while it is closed. Nothing of it changes anything.
#[derive(Clone, Copy, Debug)]
pub enum Closed {
    Nothing,
    Verify,
    Compact,
    Repair,
}

/// A write of a group.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub handle: usize,
    /// Nobody waits for the answer. The write happens all the same.
    pub forgotten: bool,
    pub write: Write,
}

/// Every request of the crate.
#[derive(Clone, Debug)]
pub enum Write {
    EnsureOrganization(String),
    CreateOrganization {
        short_name: String,
        name: String,
        active: bool,
        imported: Option<i64>,
    },
    UpdateOrganization {
        org: OrgName,
        short_name: String,
        name: String,
        active: Option<bool>,
    },
    DeleteOrganization(OrgName),
    CreateCourse {
        org: OrgName,
        code: String,
        title: String,
        language: GivenLanguage,
        imported: Option<i64>,
    },
    UpdateCourse {
        course: Selector,
        title: String,
        language_short: String,
    },
    DeleteCourse(Selector),
    CreateRun {
        course: Selector,
        run_code: String,
        key: OwnKey,
        title: String,
        imported: Option<i64>,
    },
    CreateModulestoreRun {
        key: Key,
        title: String,
        language_short: String,
        imported: Option<i64>,
    },
    SyncRun {
        key: Key,
        title: String,
    },
    DeleteRun(Key),
    AddReference {
        subject: Subject,
        referrer: String,
    },
    RemoveReference {
        subject: Subject,
        referrer: String,
    },
    /// Removes a reference that there is.
    EndReference(usize),
}

#[derive(Clone, Debug)]
pub enum Read {
    Organization(OrgName),
    Course(Selector),
    Run(Key),
    Runs(Vec<Key>),
    RunsOf(Selector),
    References(Subject),
    Count(Listing),
    Search { text: String, limit: usize },
}

#[derive(Clone, Debug)]
pub enum GivenLanguage {
    None,
    Full(String),
    Short(String),
}

/// Names an organization.
#[derive(Clone, Debug)]
pub enum OrgName {
    Made(String),
    /// One that there is, perhaps in another case.
    OfOrg {
        nth: usize,
        respells: bool,
    },
}

/// The organization and the code of a catalog course.
#[derive(Clone, Debug)]
pub enum Codes {
    Made(String, String),
    /// Those of a course that there is, the organization perhaps in another case.
    OfCourse {
        nth: usize,
        respells: bool,
    },
}

/// Names a catalog course.
#[derive(Clone, Debug)]
pub enum Selector {
    /// By the id of one that there is or was.
    Nth(usize),
    Codes(Codes),
    KeyStr(Codes),
    /// By a text that is no key.
    NoKey(String),
}

/// Names a run.
#[derive(Clone, Debug)]
pub enum Key {
    Made(GivenKey),
    /// The key of a run that there is.
    OfRun(usize),
    /// The key of a run that there is, written in another way.
    LikeRun(usize, Shape),
}

/// The key that a plain run is given.
#[derive(Clone, Debug)]
pub enum OwnKey {
    None,
    /// It says what the course and the run code say, though perhaps in another case.
    Agreeing(Shape),
    Any(Key),
}

/// Names what is referred to.
#[derive(Clone, Debug)]
pub enum Subject {
    Course(Codes),
    Run(Key),
}

/// What a listing shows and in which order.
#[derive(Clone, Debug)]
pub struct Listing {
    pub kind: Kind,
    pub order: Order,
    pub filter: Filter,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Organizations,
    Courses,
    Runs,
}

/// Not every kind of listing looks at every field.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub org: Option<String>,
    pub code: Option<String>,
    pub language: Option<String>,
    pub course: Option<(String, String)>,
    pub text: String,
}

/// The options that a catalog is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub auto_create: bool,
    pub default_language: &'static str,
    pub allowed: Option<Vec<&'static str>>,
    /// Whether writes are answered before they are durable.
    pub deferred: bool,
    /// How many changes the feed keeps.
    pub kept: u64,
}

pub fn settings() -> impl Strategy<Value = Settings> {
    let allowed = vec!["en", "fr-ca", "zh_HANS"];
    (
        prop::bool::weighted(0.8),
        select(vec!["en-us", "fr", "zh-hant"]),
        prop_oneof![4 => Just(None), 1 => Just(Some(allowed))],
        prop::bool::weighted(0.3),
        select(vec![Options::CHANGES_KEPT, 20, 3, 0]),
    )
        .prop_map(
            |(auto_create, default_language, allowed, deferred, kept)| Settings {
                auto_create,
                default_language,
                allowed,
                deferred,
                kept,
            },
        )
}

/// A sequence that begins with some records, so that there is something to meet.
pub fn sequence(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![
        4 => create_modulestore_run(Just(String::new()).boxed()),
        1 => short_name().prop_map(Write::EnsureOrganization),
        1 => create_course(),
    ];
    let first = first.prop_map(|write| Step::Write {
        handle: 0,
        ticks: true,
        write,
    });
    let founding = prop::collection::vec(first, 0..14);
    (founding, prop::collection::vec(step(), 1..longest))
        .prop_map(|(founding, steps)| [founding, steps].concat())
}

fn step() -> impl Strategy<Value = Step> {
    let handle = || 0..3_usize;
    let submitted =
        (handle(), prop::bool::weighted(0.2), write()).prop_map(|(handle, forgotten, write)| {
            Submitted {
                handle,
                forgotten,
                write,
            }
        });
    let other_filter = prop_oneof![2 => Just(None), 1 => filter().prop_map(Some)];
    let closed = vec![
        Closed::Nothing,
        Closed::Verify,
        Closed::Compact,
        Closed::Repair,
    ];
    // rustfmt leaves the weights alone, and so these lines are broken by hand.
    prop_oneof![
        16 => (handle(), any::<bool>(), write())
            .prop_map(|(handle, ticks, write)| Step::Write { handle, ticks, write }),
        3 => (any::<bool>(), prop::collection::vec(submitted, 2..8))
            .prop_map(|(ticks, writes)| Step::Group { ticks, writes }),
        8 => (handle(), read()).prop_map(|(handle, read)| Step::Read { handle, read }),
        2 => (handle(), listing(), limit())
            .prop_map(|(handle, listing, limit)| Step::PageThrough { handle, listing, limit }),
        4 => (handle(), listing(), limit())
            .prop_map(|(handle, listing, limit)| Step::StartWalk { handle, listing, limit }),
        4 => (handle(), 0..4_usize, other_filter, limit())
            .prop_map(|(handle, walk, filter, limit)| Step::GoOn { handle, walk, filter, limit }),
        1 => (handle(), 0..4_usize, listing())
            .prop_map(|(handle, walk, listing)| Step::MixUp { handle, walk, listing }),
        1 => handle().prop_map(|handle| Step::Hold { handle }),
        2 => (0..4_usize, read(), any::<bool>())
            .prop_map(|(held, read, drops)| Step::LookBack { held, read, drops }),
        1 => handle().prop_map(|handle| Step::Sync { handle }),
        1 => (handle(), prop::collection::vec(write(), 1..6))
            .prop_map(|(handle, writes)| Step::Rehearse { handle, writes }),
        4 => (select(closed), settings())
            .prop_map(|(closed, settings)| Step::Reopen { closed, settings }),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    use Write::*;
    let create_organization = (short_name(), title(), prop::bool::weighted(0.7), imported())
        .prop_map(|(short_name, name, active, imported)| CreateOrganization {
            short_name,
            name,
            active,
            imported,
        });
    let update_organization = (
        org_name(),
        new_short_name(),
        title(),
        option::of(any::<bool>()),
    )
        .prop_map(|(org, short_name, name, active)| UpdateOrganization {
            org,
            short_name,
            name,
            active,
        });
    let update_course =
        (selector(), title(), names::language()).prop_map(|(course, title, language_short)| {
            UpdateCourse {
                course,
                title,
                language_short,
            }
        });
    let create_run = (selector(), run_code(), own_key(), title(), imported()).prop_map(
        |(course, run_code, key, title, imported)| CreateRun {
            course,
            run_code,
            key,
            title,
            imported,
        },
    );
    prop_oneof![
        2 => short_name().prop_map(EnsureOrganization),
        2 => create_organization,
        4 => update_organization,
        2 => org_name().prop_map(DeleteOrganization),
        5 => create_course(),
        3 => update_course,
        2 => selector().prop_map(DeleteCourse),
        7 => create_run,
        14 => create_modulestore_run(names::language().boxed()),
        2 => (key(), title()).prop_map(|(key, title)| SyncRun { key, title }),
        3 => key().prop_map(DeleteRun),
        3 => (subject(), referrer())
            .prop_map(|(subject, referrer)| AddReference { subject, referrer }),
        2 => (0..16_usize).prop_map(EndReference),
        1 => (subject(), referrer())
            .prop_map(|(subject, referrer)| RemoveReference { subject, referrer }),
    ]
}

fn create_course() -> impl Strategy<Value = Write> {
    let language = prop_oneof![
        Just(GivenLanguage::None),
        names::language().prop_map(GivenLanguage::Full),
        names::language().prop_map(GivenLanguage::Short),
    ];
    (org_name(), course_code(), title(), language, imported()).prop_map(
        |(org, code, title, language, imported)| Write::CreateCourse {
            org,
            code,
            title,
            language,
            imported,
        },
    )
}

fn create_modulestore_run(language_short: BoxedStrategy<String>) -> impl Strategy<Value = Write> {
    (new_key(), title(), language_short, imported()).prop_map(
        |(key, title, language_short, imported)| Write::CreateModulestoreRun {
            key,
            title,
            language_short,
            imported,
        },
    )
}

fn read() -> impl Strategy<Value = Read> {
    prop_oneof![
        org_name().prop_map(Read::Organization),
        selector().prop_map(Read::Course),
        key().prop_map(Read::Run),
        prop::collection::vec(key(), 0..4).prop_map(Read::Runs),
        selector().prop_map(Read::RunsOf),
        subject().prop_map(Read::References),
        listing().prop_map(Read::Count),
        (search(), limit()).prop_map(|(text, limit)| Read::Search { text, limit }),
    ]
}

/// Times of creation in another catalog, on both sides of the test's clock and on it.
fn imported() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => select(vec![-1, 0, 3_000_000, 3_000_001]).prop_map(Some)]
}

fn org_name() -> impl Strategy<Value = OrgName> {
    prop_oneof![
        2 => (0..16_usize, any::<bool>())
            .prop_map(|(nth, respells)| OrgName::OfOrg { nth, respells }),
        1 => short_name().prop_map(OrgName::Made),
    ]
}

fn codes() -> impl Strategy<Value = Codes> {
    prop_oneof![
        3 => (0..16_usize, any::<bool>())
            .prop_map(|(nth, respells)| Codes::OfCourse { nth, respells }),
        1 => (short_name(), course_code()).prop_map(|(org, code)| Codes::Made(org, code)),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    prop_oneof![
        8 => (0..16_usize).prop_map(Selector::Nth),
        4 => codes().prop_map(Selector::KeyStr),
        4 => codes().prop_map(Selector::Codes),
        1 => no_key_str().prop_map(Selector::NoKey),
    ]
}

/// The key of a run that is to be created.
fn new_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        5 => course_key().prop_map(Key::Made),
        1 => (0..16_usize, shape()).prop_map(|(nth, shape)| Key::LikeRun(nth, shape)),
    ]
}

/// The key of a run that there should be.
fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        6 => (0..16_usize).prop_map(Key::OfRun),
        2 => (0..16_usize, shape()).prop_map(|(nth, shape)| Key::LikeRun(nth, shape)),
        1 => course_key().prop_map(Key::Made),
    ]
}

fn own_key() -> impl Strategy<Value = OwnKey> {
    prop_oneof![
        6 => Just(OwnKey::None),
        4 => shape().prop_map(OwnKey::Agreeing),
        1 => key().prop_map(OwnKey::Any),
        1 => new_key().prop_map(OwnKey::Any),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        codes().prop_map(Subject::Course),
        key().prop_map(Subject::Run)
    ]
}

fn listing() -> impl Strategy<Value = Listing> {
    let kinds = vec![Kind::Organizations, Kind::Courses, Kind::Runs, Kind::Runs];
    let orders = vec![Order::Key, Order::Newest];
    (select(kinds), select(orders), filter()).prop_map(|(kind, order, filter)| Listing {
        kind,
        order,
        filter,
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let languages = vec!["en", "en-us", "fr", "zh_HANS", "zh-cn", "zh", "EN"];
    let some = (
        option::weighted(0.3, short_name()),
        option::weighted(0.2, course_code()),
        option::weighted(0.2, select(languages)),
        option::weighted(0.2, (short_name(), course_code())),
        search(),
    );
    let some = some.prop_map(|(org, code, language, course, text)| Filter {
        org,
        code,
        language: language.map(str::to_owned),
        course,
        text,
    });
    let of_one = short_name().prop_map(|org| Filter {
        org: Some(org),
        ..Filter::default()
    });
    let course = (select(vec!["MITx", "École"]), Just("Math"));
    let of_course = (option::of(short_name()), course).prop_map(|(org, (of, code))| Filter {
        org,
        course: Some((of.to_owned(), code.to_owned())),
        ..Filter::default()
    });
    prop_oneof![
        3 => Just(Filter::default()),
        2 => of_one,
        1 => of_course,
        3 => some,
    ]
}

/// Mostly short pages; sometimes one that holds everything, or none that there can be.
fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 1..4_usize, 2 => Just(1_000), 1 => select(vec![0, 1_001])]
}
