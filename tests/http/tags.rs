//! Entity tags: a client that has a record hears 304, and one that changes it can say which it meant.

use serde_json::json;

use crate::server::Server;

const RUN: &str = "/v1/runs/course-v1:MITx+8.01x+2026_T1";

#[test]
fn what_a_client_has_is_not_sent_again() {
    let server = Server::start(&["--demo"]);
    for path in [
        RUN,
        "/v1/courses/catalog-course:MITx:8.01x",
        "/v1/organizations/MITx",
    ] {
        let mut client = server.client();
        let first = client.send("GET", path, &[], b"");
        let tag = first.header("etag").unwrap();
        for known in [
            tag.to_owned(),
            format!("\"other\", W/{tag}"),
            "*".to_owned(),
        ] {
            let again = client.send("GET", path, &[("if-none-match", &known)], b"");
            assert_eq!(again.status, 304, "{path} {known}");
            assert_eq!(again.header("etag"), Some(tag));
            assert!(again.body.is_empty());
        }
        let other = client.send("GET", path, &[("if-none-match", "\"other\"")], b"");
        assert_eq!((other.status, other.body), (200, first.body.clone()));
        let commas = format!("\"one, two\",{tag}");
        let again = client.send("GET", path, &[("if-none-match", &commas)], b"");
        assert_eq!(again.status, 304, "{path} {commas}");
        for wrong in [
            "no quotes",
            "",
            "\"",
            "\"a\" \"b\"",
            "\"a\",",
            "W/",
            "\"a\", *",
        ] {
            client
                .send("GET", path, &[("if-none-match", wrong)], b"")
                .expect(400);
        }
    }
}

#[test]
fn a_change_is_made_only_to_what_was_meant() {
    let server = Server::start(&["--demo"]);
    let mut client = server.client();
    for path in [RUN, "/v1/courses/catalog-course:MITx:8.01x"] {
        let seen = client.send("GET", path, &[], b"");
        let seen = seen.header("etag").unwrap().to_owned();
        let mut patch = |title: &str, tag: &str| {
            let headers = [("content-type", "application/json"), ("if-match", tag)];
            let body = json!({"title": title}).to_string();
            client.send("PATCH", path, &headers, body.as_bytes())
        };
        let changed = patch("First", &seen);
        let now = changed.header("etag").unwrap().to_owned();
        changed.expect(200);
        let late = patch("Second", &seen).expect(412);
        assert_eq!(late["code"], "precondition_failed");
        patch("Third", &format!("\"x\", {now}")).expect(200);
        patch("Fourth", &format!("W/{now}")).expect(412);
        patch("Fifth", "*").expect(200);
        assert_eq!(
            client.send("GET", path, &[], b"").expect(200)["title"],
            "Fifth"
        );
        client
            .send("DELETE", path, &[("if-match", &now)], b"")
            .expect(412);
    }
    // A record that is missing is not found, whatever was meant.
    client
        .send(
            "DELETE",
            "/v1/runs/a%2Fb%2Fc",
            &[("if-match", "\"x\"")],
            b"",
        )
        .expect(404);
}

/// `If-None-Match` of a change was not read.
#[test]
fn a_change_is_made_only_to_what_has_not_been_seen() {
    let server = Server::start(&["--demo"]);
    let mut client = server.client();
    for path in [
        RUN,
        "/v1/courses/catalog-course:MITx:8.01x",
        "/v1/organizations/MITx",
    ] {
        let seen = client.send("GET", path, &[], b"");
        let (seen, before) = (seen.header("etag").unwrap().to_owned(), seen.body.clone());
        let mut send = |method: &str, header: &str, tag: &str| {
            let headers = [("content-type", "application/json"), (header, tag)];
            client.send(method, path, &headers, b"{}")
        };
        for tag in ["*", &seen, &format!("W/{seen}"), &format!("\"x\", {seen}")] {
            for method in ["PATCH", "DELETE"] {
                let problem = send(method, "if-none-match", tag).expect(412);
                assert_eq!(
                    problem["code"], "precondition_failed",
                    "{method} {path} {tag}"
                );
            }
        }
        send("DELETE", "if-none-match", "no quotes").expect(400);
        assert_eq!(client.send("GET", path, &[], b"").body, before);
    }
    // What has not been seen may be changed; both conditions must hold.
    let seen = client.send("GET", RUN, &[], b"");
    let seen = seen.header("etag").unwrap();
    let mut patch = |conditions: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], conditions].concat();
        client.send("PATCH", RUN, &headers, br#"{"title": "Another"}"#)
    };
    patch(&[("if-match", seen), ("if-none-match", seen)]).expect(412);
    patch(&[("if-match", "\"x\""), ("if-none-match", "\"x\"")]).expect(412);
    patch(&[("if-match", seen), ("if-none-match", "\"x\"")]).expect(200);
    patch(&[("if-none-match", seen)]).expect(200);
    client
        .send(
            "DELETE",
            "/v1/runs/a%2Fb%2Fc",
            &[("if-none-match", "*")],
            b"",
        )
        .expect(404);
}

#[test]
fn a_reference_can_be_added_only_if_it_is_new() {
    let server = Server::start(&["--demo"]);
    let mut client = server.client();
    for path in [
        format!("{RUN}/references/lms"),
        "/v1/courses/catalog-course:MITx:8.01x/references/lms".to_owned(),
    ] {
        let mut send = |method: &str, header: &str, tag: &str| {
            client.send(method, &path, &[(header, tag)], b"").status
        };
        // Whoever names what it must be expects that there is one.
        assert_eq!(send("PUT", "if-match", "*"), 412);
        assert_eq!(send("PUT", "if-match", "\"x\""), 412);
        assert_eq!(send("DELETE", "if-none-match", "*"), 404);
        assert_eq!(send("PUT", "if-none-match", "*"), 201);
        assert_eq!(send("PUT", "if-none-match", "*"), 412);
        assert_eq!(send("PUT", "if-match", "*"), 200);
        assert_eq!(send("PUT", "if-none-match", "\"x\""), 200);
        assert_eq!(send("DELETE", "if-none-match", "*"), 412);
        assert_eq!(send("DELETE", "if-match", "\"x\""), 412);
        assert_eq!(send("DELETE", "if-match", "*"), 204);
    }
}

/// A condition that is not looked at must not seem to hold.
#[test]
fn a_condition_that_is_not_heeded_is_refused() {
    let server = Server::start(&["--demo"]);
    let mut client = server.client();
    let document = server.get("/openapi.json").expect(200);
    let mut refused = 0;
    for (path, of_path) in document["paths"].as_object().unwrap() {
        for (method, operation) in of_path.as_object().unwrap() {
            let heeds = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["name"] == "If-Match"));
            if method == "get" || heeds {
                continue;
            }
            for header in ["if-match", "if-none-match"] {
                let answer = client.send(&method.to_uppercase(), path, &[(header, "*")], b"{}");
                let problem = answer.expect(400);
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains(header), "{method} {path}: {detail}");
            }
            refused += 1;
        }
    }
    assert_eq!(refused, 8, "POST, and DELETE of a key");
}

/// Of many clients that read the same record and change it at the same time, one may win.
#[test]
fn of_many_changes_to_what_was_seen_one_is_made() {
    let server = Server::start(&["--demo"]);
    let seen = server.get(RUN);
    let seen = seen.header("etag").unwrap();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|n| {
                let mut client = server.client();
                scope.spawn(move || {
                    let headers = [("content-type", "application/json"), ("if-match", seen)];
                    let body = json!({"title": format!("Title {n}")}).to_string();
                    client.send("PATCH", RUN, &headers, body.as_bytes()).status
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let made = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(made, 1, "{statuses:?}");
}
