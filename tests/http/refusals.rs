//! What is wrong is refused: with its status, its code, and what to do instead.

use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn each_problem_has_its_status_its_code_and_its_members() {
    let server = Server::start(&["--demo", "--no-auto-create"]);
    let mit = "catalog-course:MITx:6.00.1x";
    for (method, path, body, status, code, member) in [
        (
            "GET",
            "/v1/runs/course-v1:a+b+c",
            Value::Null,
            404,
            "not_found",
            Value::Null,
        ),
        (
            "GET",
            "/v1/organizations/nobody",
            Value::Null,
            404,
            "not_found",
            Value::Null,
        ),
        ("GET", "/v1", Value::Null, 404, "not_found", Value::Null),
        (
            "GET",
            "/v1/runs/",
            Value::Null,
            404,
            "not_found",
            Value::Null,
        ),
        (
            "GET",
            "/v1/runs/MITx",
            Value::Null,
            400,
            "invalid_key",
            Value::Null,
        ),
        (
            "GET",
            "/v1/courses/MITx",
            Value::Null,
            400,
            "invalid_key",
            Value::Null,
        ),
        (
            "GET",
            "/v1/runs?course=MITx",
            Value::Null,
            400,
            "invalid_key",
            Value::Null,
        ),
        (
            "GET",
            "/v1/runs?limit=0",
            Value::Null,
            422,
            "invalid",
            json!({"field": "limit"}),
        ),
        (
            "GET",
            "/v1/runs?limit=1001",
            Value::Null,
            422,
            "invalid",
            json!({"field": "limit"}),
        ),
        (
            "GET",
            "/v1/runs?limit=-1",
            Value::Null,
            422,
            "invalid",
            json!({"field": "limit"}),
        ),
        (
            "GET",
            "/v1/runs?limit=5&limit=5",
            Value::Null,
            422,
            "invalid",
            json!({"field": "limit"}),
        ),
        (
            "GET",
            "/v1/runs?cursor=AAAA",
            Value::Null,
            422,
            "invalid",
            json!({"field": "cursor"}),
        ),
        (
            "GET",
            "/v1/runs?order=created",
            Value::Null,
            422,
            "invalid",
            json!({"field": "order"}),
        ),
        (
            "GET",
            "/v1/runs?colour=red",
            Value::Null,
            422,
            "invalid",
            json!({"field": "colour"}),
        ),
        (
            "PUT",
            "/v1/runs",
            Value::Null,
            405,
            "method_not_allowed",
            Value::Null,
        ),
        (
            "POST",
            "/v1/organizations",
            json!({}),
            422,
            "invalid",
            json!({"field": "short_name"}),
        ),
        (
            "POST",
            "/v1/organizations",
            json!([]),
            400,
            "bad_request",
            Value::Null,
        ),
        (
            "POST",
            "/v1/organizations",
            json!(["A", "B", true]),
            400,
            "bad_request",
            Value::Null,
        ),
        (
            "POST",
            "/v1/organizations",
            json!({"short_name": 1}),
            422,
            "invalid",
            json!({"field": "short_name"}),
        ),
        (
            "POST",
            "/v1/organizations",
            json!({"short_name": "a b"}),
            422,
            "invalid",
            json!({"field": "short_name"}),
        ),
        (
            "POST",
            "/v1/organizations",
            json!({"short_name": "A", "colour": 1}),
            422,
            "invalid",
            json!({"field": "colour"}),
        ),
        (
            "POST",
            "/v1/organizations",
            json!({"short_name": "mitx"}),
            409,
            "already_exists",
            json!({"existing": "MITx"}),
        ),
        (
            "POST",
            "/v1/courses",
            json!({"org": "nobody", "course_code": "C"}),
            404,
            "not_found",
            Value::Null,
        ),
        (
            "POST",
            "/v1/courses",
            json!({"org": "MITx", "course_code": "6.00.1X"}),
            409,
            "already_exists",
            json!({"existing": mit}),
        ),
        (
            "POST",
            "/v1/courses",
            json!({"org": "MITx", "course_code": "C", "language": "en", "language_short": "en"}),
            422,
            "invalid",
            json!({"field": "language_short"}),
        ),
        (
            "POST",
            "/v1/runs",
            json!({"course_key": "course-v1:New+C+R"}),
            422,
            "unknown_organization",
            Value::Null,
        ),
        (
            "POST",
            "/v1/runs",
            json!({"course_key": "library-v1:a+b"}),
            400,
            "invalid_key",
            Value::Null,
        ),
        (
            "POST",
            "/v1/runs/get",
            json!({"course_keys": "a"}),
            422,
            "invalid",
            json!({"field": "course_keys"}),
        ),
        (
            "POST",
            "/v1/runs/get",
            json!({"course_keys": vec!["a/b/c"; 1001]}),
            422,
            "invalid",
            json!({"field": "course_keys"}),
        ),
        (
            "PATCH",
            "/v1/courses/catalog-course:MITx:6.00.1x",
            json!({"language_short": "EN"}),
            422,
            "invalid",
            json!({"field": "language_short"}),
        ),
        (
            "PATCH",
            "/v1/courses/catalog-course:MITx:6.00.1x",
            json!({"title": "x".repeat(256)}),
            422,
            "invalid",
            json!({"field": "title"}),
        ),
        (
            "DELETE",
            "/v1/organizations/MITx",
            Value::Null,
            409,
            "protected",
            json!({"blocking_count": 6}),
        ),
    ] {
        let answer = match &body {
            Value::Null => server.client().send(method, path, &[], b""),
            body => server.json(method, path, body),
        };
        let case = format!("{method} {path} {body}: {}", answer.text());
        assert_eq!(answer.status, status, "{case}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{case}"
        );
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{case}");
        assert_eq!(problem["status"], status, "{case}");
        assert_eq!(problem["type"], format!("/docs#{code}"), "{case}");
        for (name, value) in member.as_object().into_iter().flatten() {
            assert_eq!(&problem[name], value, "{case}");
        }
    }
}

#[test]
fn all_unknown_fields_are_named_and_so_are_the_known_ones() {
    let server = Server::start(&[]);
    let body = json!({"short_name": "A", "b": 1, "a": {}});
    let problem = server.json("POST", "/v1/organizations", &body).expect(422);
    assert_eq!(
        problem["detail"],
        "There is no field \"a\" or \"b\"; there are \"short_name\", \"name\" and \"active\"."
    );
}

#[test]
fn a_405_lists_the_methods_that_there_are() {
    let server = Server::start(&[]);
    let answer = server.delete("/v1/runs");
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
}
