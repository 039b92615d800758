//! Records over HTTP: their fields, their addresses, their lists.

use serde_json::json;

use crate::client::encoded;
use crate::server::Server;

#[test]
fn records_have_these_fields_and_nothing_else() {
    let server = Server::start(&["--demo"]);
    assert_eq!(
        server.get("/v1/organizations/mitx").expect(200),
        json!({
            "short_name": "MITx", "name": "Massachusetts Institute of Technology", "active": true,
            "created": "2012-05-02T00:00:00.000000Z", "courses": 6,
        })
    );
    assert_eq!(
        server
            .get("/v1/courses/catalog-course:MITx:8.01x")
            .expect(200),
        json!({
            "key": "catalog-course:MITx:8.01x", "org": "MITx", "course_code": "8.01x",
            "title": "Mechanics", "language": "en", "language_short": "en",
            "created": "2026-02-02T09:00:00.000000Z", "runs": 1,
        })
    );
    let run = json!({
        "course_key": "course-v1:MITx+8.01x+2026_T1",
        "catalog_course": "catalog-course:MITx:8.01x", "org": "MITx", "course_code": "8.01x",
        "run_code": "2026_T1", "title": "Mechanics", "created": "2026-02-02T09:00:00.000000Z",
    });
    // Raw, encoded as little as one may, and as much as one can.
    for path in [
        "/v1/runs/course-v1:MITx+8.01x+2026_T1".to_owned(),
        "/v1/runs/course-v1%3AMITx%2B8.01x+2026_T1".to_owned(),
        format!("/v1/runs/{}", encoded("course-v1:MITx+8.01x+2026_T1")),
    ] {
        assert_eq!(server.get(&path).expect(200), run, "{path}");
    }
    let stats = server.get("/v1/stats").expect(200);
    assert_eq!(stats["course_runs"], 44);
    assert!(stats["bytes_on_disk"].as_u64().unwrap() > 0);
}

#[test]
fn a_record_is_created_found_changed_and_deleted() {
    let server = Server::start(&[]);
    let answer = server.json("POST", "/v1/organizations", &json!({"short_name": "MITx"}));
    assert_eq!(answer.header("location"), Some("/v1/organizations/MITx"));
    assert_eq!(answer.expect(201)["name"], "MITx");
    let org = json!({"name": "MIT", "active": false, "short_name": "mitX"});
    let org = server
        .json("PATCH", "/v1/organizations/MITx", &org)
        .expect(200);
    assert_eq!(
        (&org["short_name"], &org["active"]),
        (&json!("mitX"), &json!(false))
    );

    let course = json!({"org": "MITX", "course_code": "a/b c", "language_short": "zh_HANS"});
    let answer = server.json("POST", "/v1/courses", &course);
    let course = answer.header("location").unwrap().to_owned();
    assert_eq!(course, "/v1/courses/catalog-course:mitX:a%2Fb%20c");
    assert_eq!(answer.expect(201)["language"], "zh-cn");
    let changes = json!({"title": "", "language_short": "fr"});
    let changed = server.json("PATCH", &course, &changes).expect(200);
    assert_eq!(
        (&changed["title"], &changed["language"]),
        (&json!("a/b c"), &json!("fr"))
    );

    let run = json!({"course_key": "course-v1:MITx+Math100+2026", "title": "Calculus"});
    let answer = server.json("POST", "/v1/runs", &run);
    let run_path = answer.header("location").unwrap().to_owned();
    assert_eq!(answer.expect(201)["warnings"], json!(["org_case_mismatch"]));
    assert_eq!(run_path, "/v1/runs/course-v1:MITx+Math100+2026");
    let again = server.json("POST", "/v1/runs", &run).expect(200);
    assert_eq!(again["warnings"], json!(["already_existed"]));
    let synced = server
        .json("PATCH", &run_path, &json!({"title": "New"}))
        .expect(200);
    assert_eq!(synced["title"], "New");

    let math = "/v1/courses/catalog-course:mitX:Math100";
    let second = json!({"run_code": "2027", "title": "Next"});
    let second = server
        .json("POST", &format!("{math}/runs"), &second)
        .expect(201);
    assert_eq!(second["course_key"], "course-v1:mitX+Math100+2027");
    let runs = server
        .get(&format!("{math}/runs?order=key&limit=1"))
        .expect(200);
    assert_eq!(runs["results"][0]["run_code"], "2026");
    assert!(runs["next"].is_string());

    let keys = json!({"course_keys": ["course-v1:no+such+run", "course-v1:MITx+Math100+2026"]});
    let found = server.json("POST", "/v1/runs/get", &keys).expect(200);
    assert_eq!(found["results"][0], json!(null));
    assert_eq!(found["results"][1]["title"], "New");

    for key in ["course-v1:MITx+Math100+2026", "course-v1:mitX+Math100+2027"] {
        assert_eq!(server.delete(&format!("/v1/runs/{key}")).status, 204);
    }
    assert_eq!(server.delete(math).status, 204);
    assert_eq!(server.delete(&course).status, 204);
    assert_eq!(server.delete("/v1/organizations/mitx").status, 204);
    assert_eq!(
        server.get("/v1/organizations").expect(200),
        json!({"results": [], "next": null})
    );
}

#[test]
fn a_legacy_key_goes_with_its_slashes_or_without() {
    let server = Server::start(&[]);
    let run = json!({"course_key": "MITx/6.00x/2012_Fall"});
    let answer = server.json("POST", "/v1/runs", &run);
    assert_eq!(
        answer.header("location"),
        Some("/v1/runs/MITx%2F6.00x%2F2012_Fall")
    );
    for path in [
        "/v1/runs/MITx/6.00x/2012_Fall",
        "/v1/runs/MITx%2F6.00x%2F2012_Fall",
    ] {
        assert_eq!(
            server.get(path).expect(200)["course_key"],
            "MITx/6.00x/2012_Fall"
        );
        let reference = format!("{path}/references/a%2Fb");
        server
            .client()
            .send("PUT", &reference, &[], b"")
            .expect(201);
        let list = server.get(&format!("{path}/references")).expect(200);
        assert_eq!(list["results"], json!([{"referrer": "a/b"}]));
        server.delete(&reference).expect(204);
    }
    server
        .json(
            "PATCH",
            "/v1/runs/MITx/6.00x/2012_Fall",
            &json!({"title": "T"}),
        )
        .expect(200);
    server.delete("/v1/runs/MITx/6.00x/2012_Fall").expect(204);
}

#[test]
fn references_protect_and_are_listed_in_pages() {
    let server = Server::start(&["--demo"]);
    let course = "/v1/courses/catalog-course:MITx:8.01x";
    for (name, status) in [("b", 201), ("a", 201), ("c%20d", 201), ("b", 200)] {
        let path = format!("{course}/references/{name}");
        server.client().send("PUT", &path, &[], b"").expect(status);
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server
            .get(&format!("{course}/references?limit=2&cursor={cursor}"))
            .expect(200);
        let results = page["results"].as_array().unwrap();
        names.extend(
            results
                .iter()
                .map(|reference| reference["referrer"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c d"]);
    server
        .delete("/v1/runs/course-v1:MITx+8.01x+2026_T1")
        .expect(204);
    let problem = server.delete(course).expect(409);
    assert_eq!(problem["blocking"], json!(["a", "b", "c d"]));
    assert_eq!(problem["blocking_count"], 3);
    server.delete(&format!("{course}/references/a")).expect(204);
    server.delete(&format!("{course}/references/a")).expect(404);
}

/// Once, a course was found below the address of runs, too, since a reference takes either key.
#[test]
fn references_are_where_their_record_is() {
    let server = Server::start(&["--demo"]);
    for record in [
        "/v1/runs/catalog-course:MITx:8.01x",
        "/v1/courses/course-v1:MITx+8.01x+2026_T1",
    ] {
        let (list, one) = (
            format!("{record}/references"),
            format!("{record}/references/lms"),
        );
        for (method, path) in [("GET", &list), ("PUT", &one), ("DELETE", &one)] {
            let problem = server.client().send(method, path, &[], b"").expect(400);
            assert_eq!(problem["code"], "invalid_key", "{method} {path}");
        }
    }
}

#[test]
fn a_list_goes_on_where_it_stopped() {
    let server = Server::start(&["--demo"]);
    for path in [
        "/v1/organizations?",
        "/v1/courses?",
        "/v1/runs?",
        "/v1/runs?order=key&",
        "/v1/courses?language=en&order=-created&",
    ] {
        let all = server.get(&format!("{path}limit=1000")).expect(200);
        assert_eq!(all["next"], json!(null));
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server
                .get(&format!("{path}limit=7&cursor={cursor}"))
                .expect(200);
            found.extend(page["results"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(json!(found), all["results"], "{path}");
    }
    let found = server
        .get("/v1/runs?q=calculus+single&org=mitx&course=")
        .expect(200);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
}

#[test]
fn a_head_is_a_get_without_its_body() {
    let server = Server::start(&["--demo"]);
    let get = server.get("/v1/runs?limit=3");
    let head = server.client().send("HEAD", "/v1/runs?limit=3", &[], b"");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert!(head.body.is_empty());
}
