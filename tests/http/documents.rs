//! The OpenAPI document is complete and as it was agreed; the page of it needs nothing from elsewhere.

use serde_json::Value;

use crate::server::Server;

/// Written anew with `COURSECAT_WRITE_OPENAPI=1`.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/openapi.json");

#[test]
fn the_document_is_as_it_was_agreed() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").expect(200);
    let text = format!(
        "{}\n",
        serde_json::to_string_pretty(&sorted(&document)).unwrap()
    );
    if std::env::var_os("COURSECAT_WRITE_OPENAPI").is_some() {
        std::fs::write(SNAPSHOT, &text).unwrap();
    }
    let agreed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        agreed == text,
        "the document has changed; if it is meant, run this test with COURSECAT_WRITE_OPENAPI=1"
    );
}

/// In an order of names that does not depend on how JSON keeps its members.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            members
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        value => value.clone(),
    }
}

#[test]
fn every_operation_has_a_summary_examples_and_problems() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").expect(200);
    let mut operations = 0;
    for (path, of_path) in document["paths"].as_object().unwrap() {
        for (method, operation) in of_path.as_object().unwrap() {
            operations += 1;
            let place = format!("{method} {path}");
            assert!(
                operation["summary"].as_str().unwrap().ends_with('.'),
                "{place}"
            );
            assert!(operation["operationId"].is_string(), "{place}");
            let mut successes = 0;
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with('2') {
                    successes += 1;
                }
                for content in response["content"].as_object().into_iter().flatten() {
                    let has_example =
                        !content.1["example"].is_null() || !content.1["examples"].is_null();
                    assert!(has_example, "{place} {status}");
                }
            }
            assert!(successes > 0, "{place}");
            for content in operation["requestBody"]["content"]
                .as_object()
                .into_iter()
                .flatten()
            {
                assert!(!content.1["example"].is_null(), "{place}");
            }
        }
    }
    assert!(operations >= 30, "only {operations} operations");
}

#[test]
fn every_parameter_is_described_and_every_code_is_an_answer_somewhere() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").expect(200);
    let mut codes = std::collections::BTreeSet::new();
    for (path, of_path) in document["paths"].as_object().unwrap() {
        for (method, operation) in of_path.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let place = format!("{method} {path} {}", parameter["name"]);
                assert!(parameter["description"].is_string(), "{place}");
                assert!(parameter["schema"].is_object(), "{place}");
            }
            for response in operation["responses"].as_object().unwrap().values() {
                let problems = &response["content"]["application/problem+json"]["examples"];
                codes.extend(problems.as_object().into_iter().flat_map(|of| of.keys()));
            }
        }
    }
    // Where a method is none of an address, there is no operation to say so.
    let known = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    for code in known.as_array().unwrap() {
        let code = code.as_str().unwrap();
        assert!(
            code == "method_not_allowed" || codes.contains(&code.to_owned()),
            "{code}"
        );
    }
    let text = document.to_string();
    for (at, _) in text.match_indices("\"#/components/") {
        let reference = text[at + 2..].split('"').next().unwrap();
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

/// Where an address has no parameters, one was passed over.
#[test]
fn a_parameter_that_there_is_not_is_refused_everywhere() {
    let server = Server::start(&["--demo"]);
    let document = server.get("/openapi.json").expect(200);
    let mut places = vec![
        ("GET".to_owned(), "/".to_owned()),
        ("GET".to_owned(), "/v1/runs/a/b/c".to_owned()),
        ("GET".to_owned(), "/v1/runs/a/b/c/references".to_owned()),
    ];
    for (path, of_path) in document["paths"].as_object().unwrap() {
        for (method, operation) in of_path.as_object().unwrap() {
            let mut path = path.clone();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "path" {
                    let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                    path = path.replace(&name, parameter["example"].as_str().unwrap());
                }
            }
            places.push((method.to_uppercase(), path));
        }
    }
    let mut client = server.client();
    for (method, path) in &places {
        let path = format!("{path}?no%20such=1");
        let answer = client.send(
            method,
            &path,
            &[("content-type", "application/json")],
            b"{}",
        );
        let problem = answer.expect(422);
        assert_eq!(problem["code"], "invalid", "{method} {path}");
        assert_eq!(problem["field"], "no such", "{method} {path}");
    }
    // One without a value is as good as none.
    server.get("/v1/stats?a&b=").expect(200);
    server.get("/v1/nothing?a=1").expect(404);
}

/// What the document says of examples is true: each body is taken, each answer has the fields.
#[test]
fn the_examples_are_what_the_service_says() {
    let server = Server::start(&["--demo"]);
    let document = server.get("/openapi.json").expect(200);
    let example = |path: &str, status: &str| {
        document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["example"].clone()
    };
    for (path, here) in [
        ("/v1/organizations/{short_name}", "/v1/organizations/MITx"),
        (
            "/v1/courses/{key_str}",
            "/v1/courses/catalog-course:MITx:8.01x",
        ),
        (
            "/v1/runs/{course_key}",
            "/v1/runs/course-v1:MITx+8.01x+2026_T1",
        ),
    ] {
        assert_eq!(server.get(here).expect(200), example(path, "200"), "{path}");
    }
}

#[test]
fn the_page_explains_every_code_and_loads_nothing() {
    let server = Server::start(&[]);
    let page = server.get("/docs");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let html = page.text();
    for code in [
        "not_found",
        "protected",
        "invalid",
        "rate_limited",
        "read_only",
    ] {
        assert!(html.contains(&format!("id=\"{code}\"")), "{code}");
    }
    assert!(html.contains("/v1/courses/{key_str}/runs"));
    for loading in ["<script", "src=", "<link", "@import", "url("] {
        assert!(!html.contains(loading), "{loading}");
    }
    let front = server.get("/");
    assert_eq!(
        (front.status, front.header("location")),
        (303, Some("/docs"))
    );
}
