//! The table of refusals: calls, how they are refused, and the records beside which they are.

use std::panic::Location;

use coursecat::{
    AddReference, Catalog, CatalogCourseId, CourseQuery, CreateCatalogCourse, CreateCourseRun,
    CreateModulestoreRun, CreateOrganization, Cursor, Error, Field, Options, Order,
    OrganizationQuery, RunQuery, Timestamp, UpdateOrganization,
};

type Call = Box<dyn Fn(&Catalog) -> Result<(), Error>>;

/// One row of the table: a call, and how it is refused.
pub(super) struct Refusal {
    pub(super) at: &'static Location<'static>,
    pub(super) call: Call,
    code: &'static str,
    pub(super) field: Option<Field>,
    /// What the message must name.
    names: Vec<String>,
    message: Option<String>,
}

#[track_caller]
fn refused<T>(
    code: &'static str,
    call: impl Fn(&Catalog) -> Result<T, Error> + 'static,
) -> Refusal {
    Refusal {
        at: Location::caller(),
        call: Box::new(move |catalog| call(catalog).map(drop)),
        code,
        field: None,
        names: Vec::new(),
        message: None,
    }
}

#[track_caller]
fn invalid<T>(field: Field, call: impl Fn(&Catalog) -> Result<T, Error> + 'static) -> Refusal {
    Refusal {
        field: Some(field),
        ..refused("invalid", call)
    }
}

impl Refusal {
    fn naming(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// The exact message.
    fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    pub(super) fn check(&self, catalog: &Catalog) {
        let at = self.at;
        let error = match (self.call)(catalog) {
            Err(error) => error,
            Ok(()) => panic!("{at}: accepted"),
        };
        assert_eq!(error.code(), self.code, "{at}: {error}");
        let field = match &error {
            Error::Invalid(invalid) => Some(invalid.field),
            _ => None,
        };
        assert_eq!(field, self.field, "{at}: {error}");
        let text = error.to_string();
        check_sentence(&text);
        assert!(
            self.message.is_some() || !self.names.is_empty(),
            "{at}: nothing is asked of the message {text}"
        );
        for name in &self.names {
            assert!(text.contains(name), "{at}: no {name} in {text}");
        }
        if let Some(message) = &self.message {
            assert_eq!(&text, message, "{at}");
        }
    }
}

/// A message is one or more complete sentences on one line.
fn check_sentence(text: &str) {
    let first = text.chars().next().unwrap();
    // A sentence may begin with the value that it is about: in quotes, or a path.
    assert!(first.is_uppercase() || "\"/".contains(first), "{text}");
    assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

pub(super) const RUN: &str = "course-v1:MITx+Math100+2026";
pub(super) const COURSE: &str = "catalog-course:MITx:Math100";
pub(super) const VERSION: &str = "519665f6223ebd6980884f2b";

pub(super) fn modulestore(key: impl Into<String>) -> CreateModulestoreRun {
    CreateModulestoreRun::new(key)
}

/// A few records of each kind.
pub(super) fn furnish(catalog: &Catalog) {
    let call = |key: &str| catalog.call(modulestore(key)).unwrap();
    call(RUN);
    call("ccx-v1:MITx+Math100+2026+ccx@1");
    call("MITx/Math100/old");
    call("course-v1:École+Maths+été");
    call("ccx-v1:CcxOnly+C+1+ccx@1");
    call("course-v1:ccxOrg+C+1");
    call("course-v1:Asleep+Old+1");
    let asleep = UpdateOrganization::new("Asleep").active(false);
    catalog.update_organization(asleep).unwrap();
    for org in ["Bare", "Plain"] {
        let organization = CreateOrganization::new(org);
        catalog.create_organization(organization).unwrap();
    }
    for code in ["Free", "a b", "a+b", "x:y"] {
        let course = CreateCatalogCourse::new("Plain", code);
        catalog.create_catalog_course(course).unwrap();
    }
    catalog
        .add_reference("catalog-course:Plain:Free", "lms")
        .unwrap();
    catalog.add_reference("MITx/Math100/old", "lms").unwrap();
}

/// More records than a refusal to delete lists.
pub(super) fn furnish_many(catalog: &Catalog) {
    catalog.ensure_organization("Many").unwrap();
    let mut pending = Vec::new();
    for n in 0..120 {
        let course = CreateCatalogCourse::new("Many", format!("C{n:03}"));
        drop(catalog.submit(course));
        drop(catalog.submit(modulestore(format!("course-v1:Runs+C+R{n:03}"))));
        pending.push(catalog.submit(AddReference::new(RUN, format!("ref{n:03}"))));
    }
    for pending in pending {
        pending.wait().unwrap();
    }
    assert_eq!(catalog.stats().references, 122);
}

/// A text of this many characters, none of which is one byte long.
pub(super) fn long(n: usize) -> String {
    "é".repeat(n)
}

/// `before`, `after`, and between them as many `x` as make it `n` characters long.
fn padded(before: &str, after: &str, n: usize) -> String {
    let pad = n - before.chars().count() - after.chars().count();
    format!("{before}{}{after}", "x".repeat(pad))
}

/// Where a length is limited: the field, the most characters, and a call with a text of a length.
pub(super) type Limit = (Field, usize, fn(&Catalog, usize) -> Result<(), Error>);

pub(super) fn limits() -> Vec<Limit> {
    vec![
        (Field::ShortName, 255, |c, n| {
            c.call(CreateOrganization::new("x".repeat(n))).map(drop)
        }),
        (Field::ShortName, 255, |c, n| {
            let imported = CreateOrganization::new(long(n)).imported(Timestamp::now());
            c.call(imported).map(drop)
        }),
        (Field::ShortName, 255, |c, n| {
            c.ensure_organization(long(n)).map(drop)
        }),
        (Field::ShortName, 255, |c, n| {
            c.rename_organization("Bare", "x".repeat(n)).map(drop)
        }),
        (Field::Name, 255, |c, n| {
            c.call(CreateOrganization::new("New").name(long(n)))
                .map(drop)
        }),
        (Field::Name, 255, |c, n| {
            c.call(UpdateOrganization::new("Bare").name(long(n)))
                .map(drop)
        }),
        (Field::CourseCode, 255, |c, n| {
            c.call(CreateCatalogCourse::new("Bare", long(n))).map(drop)
        }),
        (Field::Title, 255, |c, n| {
            let course = CreateCatalogCourse::new("Bare", "New");
            c.call(course.title("🎓".repeat(n))).map(drop)
        }),
        (Field::Title, 255, |c, n| {
            c.update_catalog_course(COURSE, &long(n), "").map(drop)
        }),
        (Field::Title, 255, |c, n| {
            c.call(modulestore("course-v1:New+C+1").title(long(n)))
                .map(drop)
        }),
        (Field::Title, 255, |c, n| {
            let key = "course-v1:MITx+Math100+new";
            c.call(modulestore(key).title(long(n))).map(drop)
        }),
        (Field::Title, 255, |c, n| {
            let run = CreateCourseRun::new(COURSE, "new");
            c.call(run.title(long(n))).map(drop)
        }),
        (Field::Title, 255, |c, n| {
            c.sync_course_run_details(RUN, &long(n)).map(drop)
        }),
        (Field::RunCode, 128, |c, n| {
            c.call(CreateCourseRun::new(COURSE, long(n))).map(drop)
        }),
        (Field::RunCode, 128, |c, n| {
            c.call(modulestore(format!("course-v1:Bare+C+{}", long(n))))
                .map(drop)
        }),
        (Field::RunCode, 128, |c, n| {
            c.call(modulestore(format!("ccx-v1:New+C+{}+ccx@1", long(n))))
                .map(drop)
        }),
        (Field::CourseKey, 255, |c, n| {
            c.call(modulestore(padded("course-v1:École+", "+1", n)))
                .map(drop)
        }),
        (Field::CourseKey, 255, |c, n| {
            c.call(modulestore(padded("New/", "/1", n))).map(drop)
        }),
        // Branch and version count, though they are not kept.
        (Field::CourseKey, 255, |c, n| {
            let key = padded("course-v1:École+C+1+branch@", "", n);
            c.call(modulestore(key)).map(drop)
        }),
        (Field::CourseKey, 255, |c, n| {
            let run = CreateCourseRun::new(COURSE, "new");
            let key = padded("course-v1:MITx+Math100+new+branch@", "", n);
            c.call(run.course_key(key)).map(drop)
        }),
        (Field::Language, 64, |c, n| {
            let course = CreateCatalogCourse::new("Bare", "New");
            c.call(course.language(padded("en-", "", n))).map(drop)
        }),
        (Field::LanguageShort, 64, |c, n| {
            let course = CreateCatalogCourse::new("Bare", "New");
            c.call(course.language_short(padded("en-", "", n)))
                .map(drop)
        }),
        (Field::LanguageShort, 64, |c, n| {
            c.update_catalog_course(COURSE, "", &padded("en-", "", n))
                .map(drop)
        }),
        (Field::LanguageShort, 64, |c, n| {
            let run = modulestore("course-v1:New+C+1");
            c.call(run.language_short(padded("en-", "", n))).map(drop)
        }),
        (Field::Referrer, 255, |c, n| {
            c.add_reference(RUN, &long(n)).map(drop)
        }),
        (Field::Referrer, 255, |c, n| {
            c.add_reference(COURSE, &long(n)).map(drop)
        }),
    ]
}

/// A call with a key of a run, whatever else it needs.
type WithKey = fn(&Catalog, &str) -> Result<(), Error>;

fn calls_with_a_run_key() -> Vec<WithKey> {
    vec![
        |c, key| c.get_course_run(key).map(drop),
        |c, key| c.get_course_runs([key]).map(drop),
        |c, key| c.call(modulestore(key)).map(drop),
        |c, key| c.sync_course_run_details(key, "").map(drop),
        |c, key| c.sync_course_run_details(key, "New").map(drop),
        |c, key| c.delete_course_run(key),
        |c, key| c.add_reference(key, "lms").map(drop),
        |c, key| c.remove_reference(key, "lms"),
        |c, key| c.list_references(key).map(drop),
    ]
}

fn calls_with_a_course_key() -> Vec<WithKey> {
    vec![
        |c, key| c.get_catalog_course(key).map(drop),
        |c, key| c.update_catalog_course(key, "", "").map(drop),
        |c, key| c.update_catalog_course(key, "New", "en").map(drop),
        |c, key| c.delete_catalog_course(key),
        |c, key| c.list_runs(key).map(drop),
        |c, key| c.call(CreateCourseRun::new(key, "1")).map(drop),
    ]
}

/// Texts that are no key of a run.
fn bad_run_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "",
        " ",
        "garbage",
        "MITx/Math100",
        "MITx/Math100/2026/x",
        "/Math100/2026",
        "MITx//2026",
        // It names no run.
        "MITx/Math100/",
        "MI:Tx/Math100/2026",
        "course-v1:",
        "course-v1:MITx",
        "course-v1:MITx+Math100",
        "course-v1:MITx+Math100+",
        "course-v1:MITx+Math100+20 26",
        "course-v1:MITx+Math100+2026+",
        "course-v1:MITx+Math100+2026+more",
        "course-v1:MITx+Math100+2026+ccx@1",
        "course-v1:MITx+Math100+2026+version@12",
        "course-v1:MITx+Math100+2026\n",
        " course-v1:MITx+Math100+2026",
        "course-v1:MITx+Math100+2026 ",
        "course-v1%3AMITx%2BMath100%2B2026",
        "course-v1:MITx Math100 2026",
        // Marks are no word characters: this accent is a character of its own.
        "course-v1:E\u{301}cole+C+1",
        "Course-v1:MITx+Math100+2026",
        "CCX-V1:MITx+Math100+2026+ccx@1",
        "ccx-v1:MITx+Math100+2026",
        "ccx-v1:MITx+Math100+2026+ccx@x",
        "library-v1:MITx+Math100",
        "block-v1:MITx+Math100+2026+type@html+block@1",
        "lib:MITx:Math100",
    ]
    .map(str::to_owned)
    .into();
    // A version without a run names none, even with a branch.
    for rest in ["", "branch@draft+"] {
        keys.push(format!("course-v1:{rest}version@{VERSION}"));
        keys.push(format!("ccx-v1:{rest}version@{VERSION}+ccx@1"));
    }
    keys
}

/// What is refused whatever the catalog holds.
pub(super) fn refused_anywhere() -> Vec<Refusal> {
    let mut table = Vec::new();
    for key in bad_run_keys() {
        for call in calls_with_a_run_key() {
            let given = key.clone();
            table.push(refused("invalid_key", move |c| call(c, &given)).naming(format!("{key:?}")));
        }
    }
    for key in [
        "",
        "MITx:Math100",
        "catalog-course",
        "catalog-course:MITx",
        "Catalog-course:MITx:Math100",
        " catalog-course:MITx:Math100",
        "catalog-course%3AMITx%3AMath100",
        RUN,
    ] {
        for call in calls_with_a_course_key() {
            table.push(refused("invalid_key", move |c| call(c, key)).naming(format!("{key:?}")));
        }
    }
    let references: [WithKey; 3] = [
        |c, key| c.add_reference(key, "lms").map(drop),
        |c, key| c.remove_reference(key, "lms"),
        |c, key| c.list_references(key).map(drop),
    ];
    for call in references {
        let key = "catalog-course:MITx";
        table.push(refused("invalid_key", move |c| call(c, key)).naming(format!("{key:?}")));
    }
    // What is not there, also where there is nothing to change.
    for key in [
        "course-v1:No+Such+run",
        "No/Such/run",
        "ccx-v1:No+Such+run+ccx@1",
    ] {
        for (i, call) in calls_with_a_run_key().into_iter().enumerate() {
            if i != 1 && i != 2 {
                table.push(refused("not_found", move |c| call(c, key)).naming(format!("{key:?}")));
            }
        }
    }
    for key in [
        "catalog-course:No:Such",
        "catalog-course::",
        "catalog-course:MITx:math100",
    ] {
        for call in calls_with_a_course_key().into_iter().chain(references) {
            table.push(refused("not_found", move |c| call(c, key)).naming(format!("{key:?}")));
        }
    }
    for code in [
        "EN", "e", "eng", "en_us", "en-", "-en", "en--us", "en-US", "1a", "éé", "en\n", "zh_hans",
        "zh_CN",
    ] {
        let named = format!("{code:?}");
        let refusals = [
            invalid(Field::LanguageShort, move |c| {
                c.call(modulestore("course-v1:New+C+1").language_short(code))
            }),
            invalid(Field::Language, move |_| {
                Options::new().default_language(code).map_err(Error::from)
            }),
        ];
        table.extend(refusals.map(|refusal| refusal.naming(&named)));
    }
    table.extend([
        invalid(Field::Language, |_| Options::new().default_language("").map_err(Error::from))
            .saying("\"\" is not a language code; use two lower-case letters and optional parts, such as en, en-us or zh-hans."),
        invalid(Field::ShortName, |c| c.call(CreateOrganization::new("")))
            .saying("The short_name is empty; it needs 1 to 255 characters."),
        invalid(Field::ShortName, |c| c.ensure_organization("")).naming("short_name is empty"),
        invalid(Field::ShortName, |c| c.call(CreateOrganization::new("MIT x")))
            .saying("The short_name \"MIT x\" contains ' '; use letters A-Z, a-z, digits, '.', '_' and '-' only."),
        invalid(Field::ShortName, |c| c.call(CreateOrganization::new("Zürich"))).naming("\"Zürich\" contains 'ü'"),
        invalid(Field::ShortName, |c| c.call(CreateOrganization::new("a+b"))).naming("\"a+b\" contains '+'"),
        invalid(Field::ShortName, |c| c.call(CreateOrganization::new("a:b"))).naming("\"a:b\" contains ':'"),
        refused("not_found", |c| c.get_organization("No")).saying("There is no organization \"No\"."),
        refused("not_found", |c| c.rename_organization("No", "New")).naming("\"No\""),
        refused("not_found", |c| c.call(UpdateOrganization::new("No"))).naming("\"No\""),
        refused("not_found", |c| c.delete_organization("No")).naming("\"No\""),
        refused("not_found", |c| c.call(CreateCatalogCourse::new("No", "C"))).saying("There is no organization \"No\"."),
        refused("not_found", |c| c.get_catalog_course(("No", "Such")))
            .saying("There is no catalog course \"catalog-course:No:Such\"."),
        refused("not_found", |c| c.get_catalog_course(CatalogCourseId::new(9_999))).naming("9999"),
        invalid(Field::Referrer, |c| c.add_reference(RUN, ""))
            .saying("The referrer is empty; it needs 1 to 255 characters."),
        invalid(Field::Referrer, |c| c.remove_reference(RUN, "")).naming("referrer is empty"),
        invalid(Field::Referrer, |c| c.remove_reference(RUN, &long(256))).naming("256 characters"),
    ]);
    table.extend(bad_pages());
    table
}

/// Limits and cursors that are none.
fn bad_pages() -> Vec<Refusal> {
    let mut table = Vec::new();
    for limit in [0, 1_001, usize::MAX] {
        let message = format!("The limit {limit} is not between 1 and 1000.");
        let refusals = [
            invalid(Field::Limit, move |c| {
                c.list_organizations(&OrganizationQuery::new().limit(limit))
            }),
            invalid(Field::Limit, move |c| {
                c.list_catalog_courses(&CourseQuery::new().limit(limit))
            }),
            invalid(Field::Limit, move |c| {
                c.list_course_runs(&RunQuery::new().limit(limit))
            }),
            invalid(Field::Limit, move |c| c.search("x", limit)),
        ];
        table.extend(refusals.map(|refusal| refusal.saying(&message)));
    }
    for text in ["", "AQ", "zz zz", "2", "garbage", "AQAAAA=="] {
        let cursor = move |_: &Catalog| text.parse::<Cursor>().map_err(Error::from);
        table.push(invalid(Field::Cursor, cursor).naming(format!("{text:?} is not a cursor")));
    }
    // A cursor goes with its kind of listing and its order, and with no other.
    let cursors = cursors();
    for (i, cursor) in cursors.iter().enumerate() {
        for (j, order) in [Order::Key, Order::Newest].into_iter().enumerate() {
            let other = move |kind: usize| i != 2 * kind + j;
            let page = cursor.clone();
            let organizations = OrganizationQuery::new().order(order).after(page.clone());
            let courses = CourseQuery::new().order(order).after(page.clone());
            let runs = RunQuery::new().order(order).after(page);
            let refusals = [
                invalid(Field::Cursor, move |c| c.list_organizations(&organizations)),
                invalid(Field::Cursor, move |c| c.list_catalog_courses(&courses)),
                invalid(Field::Cursor, move |c| c.list_course_runs(&runs)),
            ];
            for (kind, refusal) in refusals.into_iter().enumerate() {
                if other(kind) {
                    table.push(refusal.saying("The cursor belongs to another listing or another order; start again without one."));
                }
            }
        }
    }
    table
}

/// A cursor of each kind of listing: organizations, courses, runs, each by key and by age.
fn cursors() -> Vec<Cursor> {
    let catalog = Catalog::temporary().unwrap();
    furnish(&catalog);
    let mut cursors = Vec::new();
    for order in [Order::Key, Order::Newest] {
        let organizations = OrganizationQuery::new().order(order).limit(1);
        cursors.push((
            0,
            catalog
                .list_organizations(&organizations)
                .unwrap()
                .next
                .unwrap(),
        ));
        let courses = CourseQuery::new().order(order).limit(1);
        cursors.push((
            1,
            catalog
                .list_catalog_courses(&courses)
                .unwrap()
                .next
                .unwrap(),
        ));
        let runs = RunQuery::new().order(order).limit(1);
        cursors.push((2, catalog.list_course_runs(&runs).unwrap().next.unwrap()));
    }
    cursors.sort_by_key(|(kind, _)| *kind);
    cursors.into_iter().map(|(_, cursor)| cursor).collect()
}

/// What is refused beside the records of [`furnish`], whatever the options.
pub(super) fn refused_when_furnished() -> Vec<Refusal> {
    let mut table: Vec<_> = limits()
        .into_iter()
        .map(|(field, most, call)| {
            invalid(field, move |c| call(c, most + 1)).naming(format!("{} characters", most + 1))
        })
        .collect();
    for key in bad_run_keys().into_iter().filter(|key| !key.is_empty()) {
        table.push(
            refused("invalid_key", move |c| {
                c.call(CreateCourseRun::new(COURSE, "new").course_key(&key))
            })
            .naming("The course key"),
        );
    }
    let run = |key: &str| CreateCourseRun::new(COURSE, "new").course_key(key);
    let exists = |kind: &str, key: &str, existing: &str| {
        format!("The {kind} {key:?} cannot be stored because {existing:?} exists already.")
    };
    table.extend([
        // Organizations.
        refused("already_exists", |c| c.call(CreateOrganization::new("MITx")))
            .saying(exists("organization", "MITx", "MITx")),
        refused("already_exists", |c| c.call(CreateOrganization::new("mitX")))
            .saying(exists("organization", "mitX", "MITx")),
        refused("already_exists", |c| {
            c.call(CreateOrganization::new("éCOLE").imported(Timestamp::now()))
        })
        .saying(exists("organization", "éCOLE", "École")),
        refused("already_exists", |c| c.rename_organization("Bare", "mitx"))
            .saying(exists("organization", "mitx", "MITx")),
        refused("already_exists", |c| c.rename_organization("MITx", "bare")).naming("\"Bare\""),
        invalid(Field::ShortName, |c| c.rename_organization("Bare", "B are")).naming("\"B are\""),
        invalid(Field::ShortName, |c| c.rename_organization("mitx", "Other"))
            .saying("The organization MITx cannot be renamed to Other, since the key of its course run ccx-v1:MITx+Math100+2026+ccx@1 would disagree; only the capitalisation can change while there are runs."),
        invalid(Field::ShortName, |c| c.rename_organization("CcxOnly", "Other"))
            .naming("ccx-v1:CcxOnly+C+1+ccx@1"),
        invalid(Field::ShortName, |c| {
            // All or nothing: the new name would be fine.
            c.call(UpdateOrganization::new("Asleep").name("New").active(true).short_name("Awake"))
        })
        .naming("course-v1:Asleep+Old+1"),
        invalid(Field::Name, |c| {
            c.call(UpdateOrganization::new("Bare").short_name("New").name(long(256)))
        })
        .naming("256 characters"),
        // Catalog courses.
        invalid(Field::CourseCode, |c| c.call(CreateCatalogCourse::new("Bare", "")))
            .saying("The course_code is empty; it needs 1 to 255 characters."),
        invalid(Field::Language, |c| c.call(CreateCatalogCourse::new("Bare", "C").language("")))
            .naming("\"\""),
        invalid(Field::Language, |c| c.call(CreateCatalogCourse::new("Bare", "C").language("zh_HANS")))
            .naming("\"zh_HANS\""),
        invalid(Field::LanguageShort, |c| c.call(CreateCatalogCourse::new("Bare", "C").language_short("EN")))
            .naming("\"EN\""),
        invalid(Field::LanguageShort, |c| c.update_catalog_course(COURSE, "New title", "english"))
            .naming("\"english\""),
        invalid(Field::Title, |c| c.update_catalog_course(COURSE, &long(256), "en"))
            .saying(format!("The title {:?}… has 256 characters; at most 255 are allowed.", long(40))),
        refused("already_exists", |c| c.call(CreateCatalogCourse::new("mitx", "Math100")))
            .saying(exists("catalog course", "catalog-course:MITx:Math100", COURSE)),
        refused("already_exists", |c| c.call(CreateCatalogCourse::new("MITx", "MATH100")))
            .saying(exists("catalog course", "catalog-course:MITx:MATH100", COURSE)),
        refused("already_exists", |c| c.call(modulestore("course-v1:MITx+math100+new")))
            .saying(exists("catalog course", "catalog-course:MITx:math100", COURSE)),
        refused("already_exists", |c| c.call(modulestore("mitx/MATH100/new")))
            .saying(exists("catalog course", "catalog-course:mitx:MATH100", COURSE)),
        refused("already_exists", |c| c.call(modulestore("course-v1:ÉCOLE+maths+new")))
            .saying(exists("catalog course", "catalog-course:ÉCOLE:maths", "catalog-course:École:Maths")),
        // Course runs.
        refused("already_exists", |c| c.call(modulestore("course-v1:mitx+Math100+2026")))
            .saying(exists("course run", "course-v1:mitx+Math100+2026", RUN)),
        refused("already_exists", |c| c.call(modulestore("course-v1:École+Maths+ÉTÉ")))
            .saying(exists("course run", "course-v1:École+Maths+ÉTÉ", "course-v1:École+Maths+été")),
        refused("already_exists", |c| c.call(modulestore("ccx-v1:MITX+Math100+2026+ccx@1")))
            .naming("\"ccx-v1:MITx+Math100+2026+ccx@1\""),
        refused("already_exists", |c| c.call(modulestore("MITx/Math100/2026")))
            .saying(exists("course run", "MITx/Math100/2026", RUN)),
        refused("already_exists", |c| c.call(modulestore("course-v1:MITx+Math100+old")))
            .saying(exists("course run", "course-v1:MITx+Math100+old", "MITx/Math100/old")),
        // A plain creation does not give back the run that exists.
        refused("already_exists", |c| c.call(CreateCourseRun::new(COURSE, "2026")))
            .saying(exists("course run", RUN, RUN)),
        refused("already_exists", |c| c.call(CreateCourseRun::new(COURSE, "old").course_key("MITx/Math100/old")))
            .saying(exists("course run", "MITx/Math100/old", "MITx/Math100/old")),
        refused("already_exists", |c| c.call(CreateCourseRun::new(COURSE, "2026").course_key("MITx/Math100/2026")))
            .naming(format!("{RUN:?}")),
        refused("not_found", |c| c.call(CreateCourseRun::new("catalog-course:Bare:C", "1")))
            .saying("There is no catalog course \"catalog-course:Bare:C\"."),
        invalid(Field::RunCode, |c| c.call(CreateCourseRun::new(COURSE, "")))
            .saying("The run_code is empty; it needs 1 to 128 characters."),
        invalid(Field::RunCode, |c| c.call(CreateCourseRun::new(COURSE, "").course_key(RUN)))
            .naming("run_code is empty"),
        invalid(Field::CourseKey, move |c| c.call(run("course-v1:Bare+Math100+new")))
            .saying("The course_key course-v1:Bare+Math100+new has the organization \"Bare\" where \"MITx\" is expected."),
        invalid(Field::CourseKey, move |c| c.call(run("course-v1:mitx+math100+new")))
            .saying("The course_key course-v1:mitx+math100+new has the course code \"math100\" where \"Math100\" is expected."),
        invalid(Field::CourseKey, move |c| c.call(run("MITx/Math100/NEW")))
            .saying("The course_key MITx/Math100/NEW has the run \"NEW\" where \"new\" is expected."),
        invalid(Field::CourseKey, move |c| c.call(run("ccx-v1:MITx+Math100+newer+ccx@1")))
            .naming("ccx-v1:MITx+Math100+newer+ccx@1"),
        refused("not_found", |c| c.get_course_run("course-v1:mitx+Math100+2026"))
            .naming("\"course-v1:mitx+Math100+2026\""),
        refused("not_found", |c| c.delete_course_run("MITx/Math100/2026")).naming("\"MITx/Math100/2026\""),
        refused("not_found", |c| c.delete_course_run("ccx-v1:MITx+Math100+2026+ccx@01")).naming("ccx@01"),
        // References.
        refused("not_found", |c| c.remove_reference(RUN, "cms")).naming("cms").naming(RUN),
        refused("not_found", |c| c.remove_reference("MITx/Math100/old", "LMS"))
            .saying("There is no reference \"LMS to MITx/Math100/old\"."),
        refused("not_found", |c| c.remove_reference("catalog-course:Plain:Free", "cms")).naming("cms"),
        // Deletions.
        refused("protected", |c| c.delete_catalog_course(COURSE))
            .saying("The catalog course \"catalog-course:MITx:Math100\" cannot be deleted because of 3 course runs: ccx-v1:MITx+Math100+2026+ccx@1, course-v1:MITx+Math100+2026, MITx/Math100/old."),
        refused("protected", |c| c.delete_catalog_course(("ccxonly", "C")))
            .saying("The catalog course \"catalog-course:CcxOnly:C\" cannot be deleted because of 1 course run: ccx-v1:CcxOnly+C+1+ccx@1."),
        refused("protected", |c| c.delete_catalog_course("catalog-course:plain:Free"))
            .saying("The catalog course \"catalog-course:Plain:Free\" cannot be deleted because of 1 reference: lms."),
        refused("protected", |c| c.delete_course_run("MITx/Math100/old"))
            .saying("The course run \"MITx/Math100/old\" cannot be deleted because of 1 reference: lms."),
        refused("protected", |c| c.delete_course_run("MITx/Math100/old")).naming("MITx/Math100/old"),
        refused("protected", |c| c.delete_organization("MITX"))
            .saying("The organization \"MITx\" cannot be deleted because of 1 catalog course: catalog-course:MITx:Math100."),
        refused("protected", |c| c.delete_organization("Plain")).naming("4 catalog courses"),
    ]);
    // Codes of which no key can be made, or only one that means something else.
    for (code, run) in [
        ("a b", "1"),
        ("a+b", "1"),
        ("Free", "1 2"),
        ("Free", "1+2"),
        ("Free", "1+branch@x"),
        ("Free", "1+"),
    ] {
        table.push(
            invalid(Field::RunCode, move |c| {
                c.call(CreateCourseRun::new(("Plain", code), run))
            })
            .naming(format!("catalog-course:Plain:{code}"))
            .naming(format!("{run:?}")),
        );
    }
    table
}

/// Deletions beside the records of [`furnish_many`]: the first hundred are named, and all counted.
pub(super) fn refused_when_there_are_many() -> Vec<Refusal> {
    vec![
        refused("protected", |c| c.delete_organization("Many"))
            .saying("The organization \"Many\" cannot be deleted because of 120 catalog courses: catalog-course:Many:C000, catalog-course:Many:C001, catalog-course:Many:C002, catalog-course:Many:C003, catalog-course:Many:C004 and 115 more."),
        refused("protected", |c| c.delete_catalog_course("catalog-course:Runs:C"))
            .naming("120 course runs: course-v1:Runs+C+R000, ")
            .naming("R004 and 115 more."),
        refused("protected", |c| c.delete_course_run(RUN))
            .naming("120 references: ref000, ")
            .naming("ref004 and 115 more."),
        // Every deletion of something protected lists what it names in order, up to a hundred.
        refused("protected", |c| {
            for (prefix, error) in [
                ("catalog-course:Many:C", c.delete_organization("Many")),
                ("course-v1:Runs+C+R", c.delete_catalog_course("catalog-course:Runs:C")),
                ("ref", c.delete_course_run(RUN)),
            ] {
                let Err(Error::Protected { blocking, .. }) = error else {
                    panic!("{error:?}");
                };
                let listed: Vec<_> = (0..100).map(|n| format!("{prefix}{n:03}")).collect();
                assert_eq!((blocking.count, blocking.first()), (120, listed));
            }
            c.delete_course_run(RUN)
        })
        .naming(RUN),
    ]
}

/// What is refused when organizations are not created by themselves.
pub(super) fn refused_without_auto_create() -> Vec<Refusal> {
    let unknown = |org: &str, why: &str| {
        format!(
            "The organization {org:?} {why}, and this catalog does not create organizations by itself: create or activate it first, or open the catalog with auto_create_organizations."
        )
    };
    let missing = |org: &str| unknown(org, "does not exist");
    let inactive = |org: &str| unknown(org, "is not active");
    vec![
        refused("unknown_organization", |c| c.ensure_organization("New")).saying(missing("New")),
        refused("unknown_organization", |c| {
            c.call(modulestore("course-v1:New+C+1"))
        })
        .saying(missing("New")),
        refused("unknown_organization", |c| c.call(modulestore("New/C/1"))).saying(missing("New")),
        refused("unknown_organization", |c| c.ensure_organization("asleep"))
            .saying(inactive("asleep")),
        refused("unknown_organization", |c| {
            c.call(modulestore("course-v1:Asleep+New+1"))
        })
        .saying(inactive("Asleep")),
        // Its course exists under another capitalisation; the organization is not looked at.
        refused("already_exists", |c| {
            c.call(modulestore("course-v1:Asleep+OLD+2"))
        })
        .naming("catalog-course:Asleep:Old"),
    ]
}

/// What is refused when only `en`, `fr` and `zh_HANS` are allowed.
pub(super) fn refused_with_allowed_languages() -> Vec<Refusal> {
    let message = |code: &str| {
        format!("The language code {code:?} is not one that this catalog allows: en, fr, zh_HANS.")
    };
    let course = || CreateCatalogCourse::new("Bare", "C");
    let mut table = vec![
        invalid(Field::Language, move |c| c.call(course().language("de"))).saying(message("de")),
        invalid(Field::Language, move |c| c.call(course().language("zh-hk")))
            .saying(message("zh-hk")),
    ];
    for code in ["de", "en-us", "zh_HANT", "zh-cn", "EN", " en"] {
        let refusals = [
            invalid(Field::LanguageShort, move |c| {
                c.call(course().language_short(code))
            }),
            invalid(Field::LanguageShort, move |c| {
                c.update_catalog_course(COURSE, "New", code)
            }),
            invalid(Field::LanguageShort, move |c| {
                c.call(modulestore("course-v1:Bare+C+1").language_short(code))
            }),
        ];
        table.extend(refusals.map(|refusal| refusal.saying(message(code))));
    }
    table
}
