//! Promise: coursecat answers as upstream does.
//!
//! Replays the answers recorded from `openedx_catalog`, `edx-opaque-keys` and `edx-ccx-keys`:
//! course keys, word characters, language codes, lookups by `key_str`, and whole scenarios. The
//! recordings are in `tests/vectors/`, or in the folder that `COURSECAT_VECTORS` names.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use coursecat::{
    Catalog, CatalogCourse, CatalogCourseId, CatalogCourseKey, CourseKey, CourseKeyKind,
    CourseQuery, CourseRun, CreateCatalogCourse, CreateCourseRun, CreateOrganization, Error,
    Language, Options, Order, Organization, Outcome, RunKey, RunQuery, Timestamp,
    UpdateOrganization, Warning, eq_ignoring_case,
};
use serde_json::{Value, json};
use support::{Clock, Kept};

fn vectors(name: &str) -> Value {
    let folder = std::env::var_os("COURSECAT_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"),
        PathBuf::from,
    );
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cases of a file. A file without any is a mistake, not a success.
fn cases(file: &Value) -> &Vec<Value> {
    let cases = file["cases"].as_array().expect("an array of cases");
    assert!(!cases.is_empty(), "a file of vectors has no cases");
    cases
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key:?} in {value}"))
}

#[test]
fn course_keys_parse_and_print_alike() {
    for case in cases(&vectors("course_keys.json")) {
        let input = text(case, "input");
        let parsed: Result<CourseKey, _> = input.parse();
        if case["valid"] == json!(false) {
            assert!(parsed.is_err(), "{input:?} parses as {parsed:?}");
            continue;
        }
        let key = parsed.unwrap_or_else(|error| panic!("{error}"));
        let kind = match key.kind() {
            CourseKeyKind::CourseV1 => "course-v1",
            CourseKeyKind::CcxV1 => "ccx-v1",
            CourseKeyKind::Legacy => "legacy",
            other => panic!("{other:?}"),
        };
        let stored = key.run_key().ok().map(|key| key.to_string());
        let found = json!({
            "kind": kind, "canonical": key.to_string(), "stored": stored,
            "org": key.org(), "course": key.course(), "run": key.run(),
            "branch": key.branch(), "version": key.version(), "ccx": key.ccx(),
        });
        for (field, value) in found.as_object().unwrap() {
            assert_eq!(&case[field], value, "{field} of {input:?}");
        }
    }
}

#[test]
fn word_characters_are_the_same() {
    let file = vectors("word_chars.json");
    let characters = |name: &str| -> BTreeSet<char> {
        let ranges: Vec<(u32, u32)> = serde_json::from_value(file[name].clone()).expect("ranges");
        let codes = ranges.into_iter().flat_map(|(first, last)| first..=last);
        codes.filter_map(char::from_u32).collect()
    };
    let (words, digits) = (characters("word_ranges"), characters("digit_ranges"));
    for c in '\0'..=char::MAX {
        let is_word = format!("course-v1:{c}x+c+r").parse::<CourseKey>();
        let expected = words.contains(&c) || "-~.:".contains(c);
        assert_eq!(
            is_word.is_ok(),
            expected,
            "U+{:04X} as a word",
            u32::from(c)
        );
        let is_digit = format!("ccx-v1:o+c+r+ccx@{c}").parse::<CourseKey>();
        assert_eq!(
            is_digit.is_ok(),
            digits.contains(&c),
            "U+{:04X} as a digit",
            u32::from(c)
        );
    }
}

#[test]
fn languages_are_read_and_stored_alike() {
    let file = vectors("languages.json");
    let allowed: Vec<String> =
        serde_json::from_value(file["allowed_language_codes"].clone()).unwrap();
    let open = || Options::new().temporary().unwrap();
    let catalog = open();
    let restricted = Options::new()
        .allowed_languages(allowed)
        .unwrap()
        .temporary()
        .unwrap();
    for catalog in [&catalog, &restricted] {
        catalog.ensure_organization("Org1").unwrap();
    }
    let answer = |created: Result<Arc<CatalogCourse>, Error>| match created {
        Ok(course) => json!({
            "stored": course.language.as_str(), "language_short": course.language.short(),
        }),
        Err(error) => json!({ "error": error.code() }),
    };
    for (i, case) in cases(&file).iter().enumerate() {
        let input = text(case, "input");
        let course = || CreateCatalogCourse::new("Org1", format!("C{i}"));
        for (name, found) in [
            ("as_language", open_with_language(course(), input)),
            (
                "as_language_short",
                catalog.create_catalog_course(course().language_short(input)),
            ),
            (
                "as_language_short_with_allowed",
                restricted.create_catalog_course(course().language_short(input)),
            ),
        ] {
            assert_eq!(answer(found), case[name], "{input:?} {name}");
        }
        if let Some(stored) = case["as_language"]["stored"].as_str() {
            assert_eq!(Language::new(input).unwrap().as_str(), stored);
        }
    }
}

/// Creates a course in a catalog of its own, so that one code can be used three times.
fn open_with_language(
    course: CreateCatalogCourse,
    code: &str,
) -> Result<Arc<CatalogCourse>, Error> {
    let catalog = Catalog::temporary()?;
    catalog.ensure_organization("Org1")?;
    catalog.create_catalog_course(course.language(code))
}

#[test]
fn key_strs_are_parsed_and_found_alike() {
    let file = vectors("catalog_keys.json");
    let catalog = Catalog::temporary().unwrap();
    let created = Timestamp::now();
    for course in file["catalog_courses"].as_array().unwrap() {
        let org = text(course, "org_code");
        if catalog.get_organization(org).is_err() {
            // Some have names that nobody could type: they can only have been imported.
            let organization = CreateOrganization::new(org).imported(created);
            catalog.create_organization(organization).unwrap();
        }
        let request = CreateCatalogCourse::new(org, text(course, "course_code"));
        let stored = catalog.create_catalog_course(request).unwrap();
        assert_eq!(stored.key().to_string(), text(course, "key_str"));
    }
    for case in cases(&file) {
        let input = text(case, "input");
        let parsed = input.parse::<CatalogCourseKey>().ok();
        let parts = parsed
            .as_ref()
            .map(|key| json!({ "org_code": key.org(), "course_code": key.course_code() }));
        assert_eq!(json!(parts), case["parse"], "{input:?}");
        let found = match catalog.get_catalog_course(input) {
            Ok(course) => json!({
                "org_code": course.org, "course_code": course.course_code,
                "key_str": course.key().to_string(),
            }),
            Err(error) => {
                let expected = if parsed.is_some() {
                    "not_found"
                } else {
                    "invalid_key"
                };
                assert_eq!(error.code(), expected, "{input:?}");
                Value::Null
            }
        };
        let expected = if by_collation_only(case) {
            &Value::Null
        } else {
            &case["found"]
        };
        assert_eq!(&found, expected, "{input:?}");
    }
}

/// Whether upstream found a course only since its database's collation takes more for equal than
/// the rules do: trailing spaces, full-width letters, characters without weight.
///
/// The rule is that the organization is matched ignoring case and the course code exactly; the
/// scenario `trailing_space_org`, recorded with the intended outcome, says so of the same lookup
/// by codes. Such an answer is therefore *not found* here.
fn by_collation_only(case: &Value) -> bool {
    let (found, parse) = (&case["found"], &case["parse"]);
    !found.is_null()
        && (text(found, "course_code") != text(parse, "course_code")
            || !eq_ignoring_case(text(found, "org_code"), text(parse, "org_code")))
}

#[test]
fn scenarios_in_memory() {
    replay_all(|_| Kept::in_memory());
}

#[test]
fn scenarios_on_sled_with_a_reopen_after_every_step() {
    replay_all(|_| Kept::in_a_folder());
}

fn replay_all(store: impl Fn(&str) -> Kept) {
    let file = vectors("scenarios.json");
    let scenarios = file["scenarios"].as_array().expect("an array of scenarios");
    assert!(!scenarios.is_empty(), "the file has no scenarios");
    for scenario in scenarios {
        Replay::new(scenario, store(text(scenario, "id"))).run();
    }
}

/// What a step kept under a name for later ones.
#[derive(Clone)]
enum Named {
    Course(CatalogCourseId),
    /// A run goes by the key that it is stored under.
    Run(RunKey),
    Organization(String),
}

/// One scenario on its way.
struct Replay<'a> {
    scenario: &'a Value,
    id: &'a str,
    clock: Clock,
    kept: Kept,
    catalog: Option<Catalog>,
    named: BTreeMap<String, Named>,
}

impl<'a> Replay<'a> {
    fn new(scenario: &'a Value, kept: Kept) -> Self {
        Self {
            scenario,
            id: text(scenario, "id"),
            clock: Clock::new(),
            kept,
            catalog: None,
            named: BTreeMap::new(),
        }
    }

    fn run(mut self) {
        for (i, step) in self.scenario["steps"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let minutes = i64::try_from(i).unwrap() * 60_000_000;
            let start: Timestamp = "2026-06-08T00:00:00Z".parse().unwrap();
            let at = step["at"].as_str().map_or_else(
                || Timestamp::from_micros(start.as_micros() + minutes).unwrap(),
                |at| at.parse().unwrap(),
            );
            self.clock.set(at);
            self.step(i, step);
            self.reopen();
            let report = self.catalog().verify().unwrap();
            assert!(report.is_clean(), "{} step {i}: {report}", self.id);
        }
        assert_eq!(
            self.state(),
            self.scenario["final"],
            "{} at the end",
            self.id
        );
    }

    fn catalog(&mut self) -> Catalog {
        if self.catalog.is_none() {
            let settings = &self.scenario["settings"];
            let clock = self.clock.clone();
            let mut options = Options::new()
                .auto_create_organizations(settings["organizations_autocreate"] == json!(true))
                .default_language(text(settings, "language_code"))
                .unwrap()
                .clock(move || clock.now());
            if let Some(codes) = settings["all_languages"].as_array() {
                let codes = codes.iter().map(|code| code.as_str().unwrap());
                options = options.allowed_languages(codes).unwrap();
            }
            self.catalog = Some(self.kept.open(options).unwrap());
        }
        self.catalog.clone().unwrap()
    }

    fn reopen(&mut self) {
        if self.kept.can_reopen() {
            self.catalog = None;
        }
    }

    fn step(&mut self, i: usize, step: &Value) {
        let place = format!("{} step {i} {}", self.id, step["op"]);
        let expect = &step["expect"];
        match self.call(text(step, "op"), &step["args"]) {
            Ok(answer) => {
                let Some(expected) = expect.get("ok") else {
                    panic!("{place}: expected {expect}, answered {}", answer.ok);
                };
                let mut found = answer.ok;
                if let (Some(Named::Organization(_)), Some(fields)) =
                    (&answer.named, found.as_object_mut())
                {
                    // Some operations were recorded without the flag.
                    fields.retain(|field, _| expected.get(field).is_some());
                }
                assert_eq!(&found, &stored_form(expected), "{place}");
                let warnings = expect.get("warnings").cloned().unwrap_or(json!([]));
                assert_eq!(json!(answer.warnings), warnings, "{place}");
                for name in expect["same_as"].as_array().into_iter().flatten() {
                    let other = self.named[name.as_str().unwrap()].clone();
                    let found = answer.named.clone().expect("a record");
                    assert!(
                        self.is_same(&found, &other),
                        "{place}: not the same as {name}"
                    );
                }
                if let Some(name) = step["as"].as_str() {
                    self.named
                        .insert(name.to_owned(), answer.named.expect("a record"));
                }
            }
            Err(error) => {
                assert_eq!(expect["error"], error.code(), "{place}: {error}");
                if let Some(count) = expect.get("protected_count") {
                    let Error::Protected { blocking, .. } = &error else {
                        panic!("{place}: {error}");
                    };
                    assert_eq!(&json!(blocking.count), count, "{place}");
                }
            }
        }
    }

    fn is_same(&mut self, a: &Named, b: &Named) -> bool {
        let catalog = self.catalog();
        match (a, b) {
            (Named::Course(a), Named::Course(b)) => a == b,
            (Named::Run(a), Named::Run(b)) => {
                catalog.get_course_run(a).unwrap().id == catalog.get_course_run(b).unwrap().id
            }
            (Named::Organization(a), Named::Organization(b)) => eq_ignoring_case(a, b),
            _ => false,
        }
    }

    fn call(&mut self, op: &str, args: &Value) -> Result<Answer, Error> {
        let catalog = self.catalog();
        let given = |name: &str| args[name].as_str().unwrap_or_default();
        match op {
            "ensure_organization" => {
                let organization = catalog.ensure_organization(given("short_name"))?;
                Ok(Answer::organization(&organization))
            }
            "create_organization" => {
                let request = CreateOrganization::new(given("short_name"))
                    .name(given("name"))
                    .active(args["active"] != json!(false));
                let organization = catalog.create_organization(request)?;
                Ok(Answer::organization(&organization))
            }
            "rename_organization" => {
                let renamed =
                    catalog.rename_organization(given("short_name"), given("new_short_name"))?;
                Ok(Answer::organization(&renamed))
            }
            "update_organization" => {
                let mut request = UpdateOrganization::new(given("short_name")).name(given("name"));
                if let Some(active) = args["active"].as_bool() {
                    request = request.active(active);
                }
                let organization = catalog.update_organization(request)?;
                Ok(Answer::organization(&organization))
            }
            "delete_organization" => {
                catalog.delete_organization(given("short_name"))?;
                Ok(Answer::nothing())
            }
            "create_catalog_course" => {
                let mut request = CreateCatalogCourse::new(given("org_code"), given("course_code"))
                    .title(given("title"))
                    .language_short(given("language_short"));
                if let Some(language) = args["language"].as_str() {
                    request = request.language(language);
                }
                let course = catalog.create_catalog_course(request)?;
                Ok(Answer::course(&course))
            }
            "get_catalog_course" | "describe_catalog_course" => {
                let course = self.course(&catalog, args)?;
                Ok(Answer::course(&course))
            }
            "update_catalog_course" => {
                let course = self.course(&catalog, args)?;
                let (title, language) = (given("title"), given("language_short"));
                match args["by"].as_str() {
                    Some("key_str") => {
                        let key = course.key().to_string();
                        catalog.update_catalog_course(key, title, language)?;
                    }
                    _ => drop(catalog.update_catalog_course(course.id, title, language)?),
                }
                Ok(Answer::nothing())
            }
            "delete_catalog_course" => {
                let course = self.course(&catalog, args)?;
                match args["by"].as_str() {
                    Some("key_str") => catalog.delete_catalog_course(&course.key())?,
                    _ => catalog.delete_catalog_course(course.id)?,
                }
                Ok(Answer::nothing())
            }
            "create_course_run" => {
                let course = self.course(&catalog, args)?;
                let request = CreateCourseRun::new(course.id, given("run_code"))
                    .course_key(given("course_key"))
                    .title(given("title"));
                Answer::created(&catalog, catalog.create_course_run(request)?)
            }
            "create_course_run_for_modulestore_course_with" => {
                let created = catalog.create_course_run_for_modulestore_course_with(
                    given("course_key"),
                    given("title"),
                    given("language_short"),
                )?;
                Answer::created(&catalog, created)
            }
            "get_course_run" => {
                let run = catalog.get_course_run(given("course_key"))?;
                Answer::run(&catalog, &run)
            }
            "describe_course_run" => {
                let Named::Run(key) = self.name(given("course_run")) else {
                    panic!("{args} is not about a run");
                };
                let run = catalog.get_course_run(key)?;
                Answer::run(&catalog, &run)
            }
            "sync_course_run_details" => {
                let synced =
                    catalog.sync_course_run_details(given("course_key"), given("title"))?;
                Ok(Answer {
                    warnings: codes(&synced.warnings),
                    ..Answer::nothing()
                })
            }
            "delete_course_run" => {
                catalog.delete_course_run(given("course_key"))?;
                Ok(Answer::nothing())
            }
            "add_reference" => {
                catalog.add_reference(given("key"), given("referrer"))?;
                Ok(Answer::nothing())
            }
            "remove_reference" => {
                catalog.remove_reference(given("key"), given("referrer"))?;
                Ok(Answer::nothing())
            }
            "list_catalog_courses" => {
                let page = catalog.list_catalog_courses(&CourseQuery::new().limit(1000))?;
                let keys = page.items.iter().map(|course| course.key().to_string());
                Ok(Answer::keys(keys))
            }
            "list_course_runs" => {
                let page = catalog.list_course_runs(&RunQuery::new().limit(1000))?;
                Ok(Answer::keys(
                    page.items.iter().map(|run| run.course_key.to_string()),
                ))
            }
            "list_runs" => {
                let runs = catalog.list_runs(self.course(&catalog, args)?.id)?;
                Ok(Answer::keys(
                    runs.iter().map(|run| run.course_key.to_string()),
                ))
            }
            _ => panic!("{}: this test does not know the operation {op:?}", self.id),
        }
    }

    /// What `$name` stands for.
    fn name(&self, name: &str) -> Named {
        let name = name
            .strip_prefix('$')
            .unwrap_or_else(|| panic!("{name:?} is no name"));
        self.named[name].clone()
    }

    /// The course that a step is about.
    fn course(&self, catalog: &Catalog, args: &Value) -> Result<Arc<CatalogCourse>, Error> {
        let by_name = args["catalog_course"].as_str().or(args["pk"].as_str());
        if let Some(name) = by_name {
            let Named::Course(id) = self.name(name) else {
                panic!("{args} is not about a course");
            };
            return catalog.get_catalog_course(id);
        }
        if let Some(pk) = args["pk"].as_u64() {
            return catalog.get_catalog_course(CatalogCourseId::new(pk));
        }
        if let Some(key_str) = args["key_str"].as_str() {
            return catalog.get_catalog_course(key_str);
        }
        catalog.get_catalog_course((text(args, "org_code"), text(args, "course_code")))
    }

    /// Everything the catalog holds.
    fn state(&mut self) -> Value {
        let catalog = self.catalog();
        let snapshot = catalog.snapshot();
        // Upstream's lists are ordered by code point.
        let by = |field: &'static str, mut list: Vec<Value>| {
            list.sort_by_key(|record| text(record, field).to_owned());
            list
        };
        let organizations = snapshot
            .organizations()
            .map(|o| json!({ "short_name": o.short_name, "name": o.name, "active": o.active }));
        let courses = snapshot.catalog_courses().map(|course| {
            let mut described = describe_course(course);
            let fields = described.as_object_mut().unwrap();
            fields.remove("str");
            let query = RunQuery::new()
                .course(course.key())
                .order(Order::Key)
                .limit(1000);
            let runs = snapshot.list_course_runs(&query).unwrap().items;
            let mut runs: Vec<_> = runs.iter().map(|run| run.course_key.to_string()).collect();
            runs.sort();
            fields.insert("runs".into(), json!(runs));
            described
        });
        let runs = snapshot.course_runs().map(|run| {
            let course = snapshot.get_catalog_course_of(run).unwrap();
            json!({
                "course_key": run.course_key, "run_code": run.run_code(), "title": run.title,
                "created": run.created, "catalog_course": course.key().to_string(),
            })
        });
        json!({
            "organizations": by("short_name", organizations.collect()),
            "catalog_courses": by("key_str", courses.collect()),
            "course_runs": by("course_key", runs.collect()),
        })
    }
}

/// What a step answered.
struct Answer {
    ok: Value,
    warnings: Vec<&'static str>,
    named: Option<Named>,
}

impl Answer {
    fn nothing() -> Self {
        Self {
            ok: Value::Null,
            warnings: Vec::new(),
            named: None,
        }
    }

    fn keys(keys: impl Iterator<Item = String>) -> Self {
        Self {
            ok: json!(keys.collect::<Vec<_>>()),
            ..Self::nothing()
        }
    }

    fn organization(organization: &Organization) -> Self {
        Self {
            ok: json!({
                "short_name": organization.short_name, "name": organization.name,
                "active": organization.active,
            }),
            named: Some(Named::Organization(organization.short_name.to_string())),
            ..Self::nothing()
        }
    }

    fn course(course: &CatalogCourse) -> Self {
        Self {
            ok: describe_course(course),
            named: Some(Named::Course(course.id)),
            ..Self::nothing()
        }
    }

    fn run(catalog: &Catalog, run: &CourseRun) -> Result<Self, Error> {
        Ok(Self {
            ok: describe_run(catalog, run)?,
            named: Some(Named::Run(run.course_key.clone())),
            ..Self::nothing()
        })
    }

    fn created(catalog: &Catalog, created: Outcome<Arc<CourseRun>>) -> Result<Self, Error> {
        Ok(Self {
            warnings: codes(&created.warnings),
            ..Self::run(catalog, &created.value)?
        })
    }
}

fn codes(warnings: &[Warning]) -> Vec<&'static str> {
    warnings.iter().map(Warning::code).collect()
}

fn describe_course(course: &CatalogCourse) -> Value {
    json!({
        "key_str": course.key().to_string(), "org_code": course.org,
        "course_code": course.course_code, "title": course.title,
        "language": course.language, "language_short": course.language.short(),
        "created": course.created, "str": course.to_string(),
    })
}

fn describe_run(catalog: &Catalog, run: &CourseRun) -> Result<Value, Error> {
    let course = catalog.get_catalog_course_of(run)?;
    Ok(json!({
        "course_key": run.course_key, "org_code": run.course_key.org(),
        "course_code": run.course_key.course(), "run_code": run.run_code(),
        "title": run.title, "created": run.created, "str": run.to_string(),
        "catalog_course": describe_course(&course),
    }))
}

/// An expected answer, with the run's key as it is stored.
///
/// Upstream's create answers with the object that it was about to save, whose key still has
/// branch and version; read back, the run has neither. Here the answer is what is stored.
fn stored_form(expected: &Value) -> Value {
    let mut expected = expected.clone();
    if let Some(key) = expected["course_key"].as_str() {
        let key: CourseKey = key.parse().unwrap();
        expected["course_key"] = json!(key.run_key().unwrap());
    }
    expected
}
