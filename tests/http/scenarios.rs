//! The recorded scenarios of upstream, replayed over HTTP.
//!
//! What has no place in HTTP is done otherwise or left out:
//! - a course is named by its key; ids are internal,
//! - `ensure_organization` is get, then create or activate,
//! - the service's clock cannot be set, so `created` is not compared, and lists of a scenario
//!   that sets times are compared without their order,
//! - the way a record prints (`str`) is not in its JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Answer, encoded};
use crate::server::Server;

#[test]
fn every_scenario_goes_over_http_as_it_went_upstream() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/scenarios.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let scenarios = file["scenarios"].as_array().unwrap();
    assert!(scenarios.len() > 50);
    for scenario in scenarios {
        Replay::new(scenario).run();
    }
}

/// One scenario on its way.
struct Replay<'a> {
    scenario: &'a Value,
    server: Server,
    /// The addresses of records that later steps name.
    named: BTreeMap<&'a str, String>,
}

impl<'a> Replay<'a> {
    fn new(scenario: &'a Value) -> Self {
        let settings = &scenario["settings"];
        let mut arguments = vec![
            "--default-language".to_owned(),
            text(settings, "language_code").to_owned(),
        ];
        if let Some(codes) = settings["all_languages"].as_array() {
            let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
            arguments.extend(["--allowed-languages".to_owned(), codes.join(",")]);
        }
        if settings["organizations_autocreate"] == json!(false) {
            arguments.push("--no-auto-create".to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Self {
            scenario,
            server: Server::start(&arguments),
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
            let place = format!("{} step {i} {}", self.scenario["id"], step["op"]);
            let answer = self.call(text(step, "op"), &step["args"]);
            self.check(&place, step, answer);
        }
        let all = |path: &str, fields: &[&str]| {
            let results = self.server.get(&format!("{path}?limit=1000")).expect(200);
            let results = results["results"].as_array().unwrap().iter();
            let mut list: Vec<Value> = results.map(|record| chosen(record, fields)).collect();
            list.sort_by_key(|record| text(record, fields[0]).to_owned());
            list
        };
        let expected = |kind: &str, fields: &[&str]| -> Vec<Value> {
            let records = self.scenario["final"][kind].as_array().unwrap().iter();
            records
                .map(|record| chosen(&renamed(record), fields))
                .collect()
        };
        for (kind, path, fields) in [
            (
                "organizations",
                "/v1/organizations",
                &["short_name", "name", "active"][..],
            ),
            (
                "catalog_courses",
                "/v1/courses",
                &[
                    "key",
                    "org",
                    "course_code",
                    "title",
                    "language",
                    "language_short",
                ],
            ),
            (
                "course_runs",
                "/v1/runs",
                &["course_key", "run_code", "title", "catalog_course"],
            ),
        ] {
            assert_eq!(
                all(path, fields),
                expected(kind, fields),
                "{} at the end",
                self.scenario["id"]
            );
        }
    }

    fn check(&mut self, place: &str, step: &'a Value, answer: Answer) {
        let expect = &step["expect"];
        if let Some(code) = expect["error"].as_str() {
            let problem = answer.json();
            assert_eq!(problem["code"], code, "{place}: {problem}");
            assert_eq!(problem["status"], answer.status, "{place}");
            if let Some(count) = expect.get("protected_count") {
                assert_eq!(&problem["blocking_count"], count, "{place}");
            }
            return;
        }
        assert!(answer.status < 300, "{place}: {}", answer.text());
        let found = if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        };
        match &expect["ok"] {
            Value::Null => {}
            Value::Array(keys) => {
                let results = found["results"].as_array().unwrap().iter();
                let mut found: Vec<Value> = results
                    .map(|record| record.get("course_key").unwrap_or(&record["key"]).clone())
                    .collect();
                let mut keys = keys.clone();
                if self.scenario["steps"].to_string().contains("\"at\"") {
                    found.sort_by_key(Value::to_string);
                    keys.sort_by_key(Value::to_string);
                }
                assert_eq!(found, keys, "{place}");
            }
            expected => {
                let expected = renamed(expected);
                let fields: Vec<&str> = expected
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(String::as_str)
                    .collect();
                assert_eq!(chosen(&found, &fields), expected, "{place}");
            }
        }
        if let Some(warnings) = expect.get("warnings")
            && expect.get("ok").is_some()
        {
            assert_eq!(&found["warnings"], warnings, "{place}");
        }
        let address = address_of(&found);
        for name in expect["same_as"].as_array().into_iter().flatten() {
            assert_eq!(
                address.as_ref(),
                self.named.get(name.as_str().unwrap()),
                "{place}"
            );
        }
        if let Some(name) = step["as"].as_str() {
            self.named.insert(name, address.expect("a record"));
        }
    }

    fn call(&mut self, op: &str, args: &Value) -> Answer {
        let server = &self.server;
        let without = |names: &[&str]| {
            let mut body = args.clone();
            let fields = body.as_object_mut().unwrap();
            fields.retain(|name, _| !names.contains(&name.as_str()));
            if let Some(org) = fields.remove("org_code") {
                fields.insert("org".into(), org);
            }
            body
        };
        let org = || format!("/v1/organizations/{}", encoded(text(args, "short_name")));
        let run = || format!("/v1/runs/{}", encoded(text(args, "course_key")));
        match op {
            "ensure_organization" => {
                let found = server.get(&org());
                match found.status {
                    404 => server.json("POST", "/v1/organizations", args),
                    _ if found.json()["active"] == json!(false) => {
                        server.json("PATCH", &org(), &json!({"active": true}))
                    }
                    _ => found,
                }
            }
            "create_organization" => server.json("POST", "/v1/organizations", args),
            "rename_organization" => {
                let new = text(args, "new_short_name");
                let answer = server.json("PATCH", &org(), &json!({"short_name": new}));
                if answer.status == 200 {
                    // Keys of courses follow their organization.
                    let before = format!(
                        "/v1/courses/{}",
                        encoded(&format!("catalog-course:{}:", text(args, "short_name")))
                    );
                    let after =
                        format!("/v1/courses/{}", encoded(&format!("catalog-course:{new}:")));
                    for address in self.named.values_mut() {
                        *address = address.replacen(&before, &after, 1);
                    }
                }
                answer
            }
            "create_catalog_course" => server.json("POST", "/v1/courses", &without(&[])),
            "get_catalog_course" => server.get(&self.course(args)),
            "update_catalog_course" => server.json(
                "PATCH",
                &self.course(args),
                &without(&["catalog_course", "by"]),
            ),
            "delete_catalog_course" => server.delete(&self.course(args)),
            "create_course_run" => {
                let path = format!("{}/runs", self.course(args));
                server.json("POST", &path, &without(&["catalog_course"]))
            }
            "create_course_run_for_modulestore_course_with" => {
                server.json("POST", "/v1/runs", args)
            }
            "get_course_run" => server.get(&run()),
            "describe_course_run" => {
                let name = text(args, "course_run").trim_start_matches('$');
                server.get(&self.named[name])
            }
            "sync_course_run_details" => server.json("PATCH", &run(), &without(&["course_key"])),
            "delete_course_run" => server.delete(&run()),
            "list_catalog_courses" => server.get("/v1/courses?limit=1000"),
            "list_course_runs" => server.get("/v1/runs?limit=1000"),
            "list_runs" => server.get(&format!("{}/runs", self.course(args))),
            _ => panic!("this test does not know the operation {op:?}"),
        }
    }

    /// The address of the course that a step is about.
    fn course(&self, args: &Value) -> String {
        if let Some(name) = args["catalog_course"].as_str().or(args["pk"].as_str()) {
            return self.named[name.trim_start_matches('$')].clone();
        }
        let key = match args["key_str"].as_str() {
            Some(key) => key.to_owned(),
            None => format!(
                "catalog-course:{}:{}",
                text(args, "org_code"),
                text(args, "course_code")
            ),
        };
        format!("/v1/courses/{}", encoded(&key))
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    let text = value[key].as_str();
    text.unwrap_or_else(|| panic!("no text {key:?} in {value}"))
}

/// Where a record is.
fn address_of(record: &Value) -> Option<String> {
    let (collection, key) = ["course_key", "key", "short_name"]
        .iter()
        .zip(["/v1/runs", "/v1/courses", "/v1/organizations"])
        .find_map(|(field, collection)| Some((collection, record.get(field)?.as_str()?)))?;
    Some(format!("{collection}/{}", encoded(key)))
}

/// A recorded record with the names that fields have over HTTP.
fn renamed(record: &Value) -> Value {
    let mut fields = record.as_object().unwrap().clone();
    for (from, to) in [("key_str", "key"), ("org_code", "org")] {
        if let Some(value) = fields.remove(from) {
            fields.insert(to.into(), value);
        }
    }
    for unknown in ["str", "created"] {
        fields.remove(unknown);
    }
    if let Some(course) = fields
        .get("catalog_course")
        .and_then(|course| course.get("key_str"))
    {
        let key = course.clone();
        fields.insert("catalog_course".into(), key);
    }
    if let Some(key) = fields.get("course_key").and_then(Value::as_str) {
        // Upstream answered with the key as it was given; here it is the stored one.
        let key: coursecat::CourseKey = key.parse().unwrap();
        fields.insert("course_key".into(), json!(key.run_key().unwrap()));
    }
    Value::Object(fields)
}

fn chosen(record: &Value, fields: &[&str]) -> Value {
    fields
        .iter()
        .map(|field| (*field, record[*field].clone()))
        .collect()
}
