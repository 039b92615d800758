//! Keys: shown once, stored hashed, asked for, and never logged. And limits of rate and size.

use std::process::Output;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Server, coursecat};

struct Site {
    _folder: tempfile::TempDir,
    data: std::path::PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            _folder: folder,
            data,
        }
    }

    fn key(&self, arguments: &[&str]) -> Output {
        let command = coursecat(&["key", "--data"])
            .arg(&self.data)
            .args(arguments)
            .output();
        command.unwrap()
    }

    fn create(&self, name: &str, scope: &str) -> String {
        let output = self.key(&["create", name, "--scope", scope]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// What is secret of `coursecat_ID_SECRET`; there may be more underscores in it.
fn secret_of(key: &str) -> &str {
    key.splitn(3, '_').nth(2).unwrap()
}

fn send(server: &Server, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    server
        .client()
        .send(method, path, &headers, body.as_bytes())
}

#[test]
fn each_scope_allows_what_it_says_and_no_more() {
    let site = Site::new();
    let keys = ["read", "write", "admin"].map(|scope| site.create(scope, scope));
    let mut server = Server::start_on(&site.data, &["--demo"]);
    let org = json!({"short_name": "New"});
    for (method, path, body, needs) in [
        ("GET", "/v1/runs", &Value::Null, 0),
        ("POST", "/v1/runs/get", &json!({"course_keys": []}), 0),
        ("POST", "/v1/organizations", &org, 1),
        ("DELETE", "/v1/organizations/New", &Value::Null, 1),
        ("GET", "/v1/keys", &Value::Null, 2),
    ] {
        for (has, key) in keys.iter().enumerate() {
            let answer = send(&server, key, method, path, body);
            match has >= needs {
                false => assert_eq!(answer.expect(403)["code"], "forbidden"),
                true => assert!(
                    answer.status < 300 || answer.status == 409 || answer.status == 404,
                    "{}",
                    answer.text()
                ),
            }
        }
        let without = server.client().send(method, path, &[], b"");
        assert_eq!(
            without.header("www-authenticate"),
            Some("Bearer realm=\"coursecat\"")
        );
        assert_eq!(without.expect(401)["code"], "unauthorized");
    }
    for path in ["/healthz", "/readyz", "/docs", "/openapi.json"] {
        assert_eq!(server.get(path).status, 200, "{path}");
        // A probe may bring what it brings to everybody.
        let foreign = [("authorization", "Basic YTpi")];
        let answer = server.client().send("GET", path, &foreign, b"");
        assert_eq!(answer.status, 200, "{path}");
    }
    for wrong in [
        "",
        "coursecat_",
        "coursecat_0123456789ab_x",
        &format!("{}x", keys[0]),
        &keys[0][..30],
    ] {
        send(&server, wrong, "GET", "/v1/runs", &Value::Null).expect(401);
    }
    server.signal("TERM");
    server.wait();
    let stored = std::fs::read_to_string(site.data.join("keys.json")).unwrap();
    for key in &keys {
        let secret = secret_of(key);
        assert!(!stored.contains(secret) && !server.log().contains(secret));
    }
}

#[test]
fn keys_come_and_go_while_the_service_runs() {
    let site = Site::new();
    let admin = site.create("admin", "admin");
    let server = Server::start_on(&site.data, &[]);
    let made = send(
        &server,
        &admin,
        "POST",
        "/v1/keys",
        &json!({"name": "lms", "scope": "read"}),
    )
    .expect(201);
    let lms = made["key"].as_str().unwrap();
    send(&server, lms, "GET", "/v1/runs", &Value::Null).expect(200);
    let listed = send(&server, &admin, "GET", "/v1/keys", &Value::Null).expect(200);
    assert_eq!(listed["results"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(secret_of(lms)));
    send(
        &server,
        &admin,
        "POST",
        "/v1/keys",
        &json!({"name": "lms", "scope": "read"}),
    )
    .expect(409);
    send(&server, &admin, "DELETE", "/v1/keys/lms", &Value::Null).expect(204);
    send(&server, lms, "GET", "/v1/runs", &Value::Null).expect(401);
    // From the command line, beside the service.
    let other = site.create("other", "read");
    let patience = std::time::Instant::now();
    let known = || send(&server, &other, "GET", "/v1/runs", &Value::Null).status;
    while known() != 200 {
        assert!(patience.elapsed().as_secs() < 20);
        std::thread::yield_now();
    }
    assert!(site.key(&["revoke", "other"]).status.success());
    while known() != 401 {
        assert!(patience.elapsed().as_secs() < 40);
        std::thread::yield_now();
    }
    let past = site.key(&[
        "create",
        "past",
        "--scope",
        "read",
        "--expires",
        "2020-01-01",
    ]);
    assert!(past.status.success());
    let past = String::from_utf8(past.stdout).unwrap();
    send(&server, past.trim(), "GET", "/v1/runs", &Value::Null).expect(401);
    assert_eq!(site.key(&["revoke", "nobody"]).status.code(), Some(3));
    assert_eq!(
        site.key(&["create", "admin", "--scope", "read"])
            .status
            .code(),
        Some(5)
    );
    assert_eq!(
        site.key(&["create", "a b", "--scope", "read"])
            .status
            .code(),
        Some(6)
    );
}

#[test]
fn everybody_may_read_if_the_service_says_so() {
    let site = Site::new();
    site.create("admin", "admin");
    let server = Server::start_on(&site.data, &["--anonymous-read"]);
    server.get("/v1/runs").expect(200);
    server
        .json("POST", "/v1/organizations", &json!({"short_name": "A"}))
        .expect(401);
    server.get("/v1/keys").expect(401);
}

/// A page from elsewhere could have its own name point to this machine and then read what a
/// service without keys answers.
#[test]
fn without_keys_only_this_machine_is_answered() {
    let server = Server::start(&[]);
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:8787", 200),
        ("[::1]:1", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
    ] {
        let mut client = server.client();
        client.raw(format!("GET /v1/runs HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
        client.answer(false).unwrap().expect(status);
    }
}

#[test]
fn too_many_requests_are_told_to_wait() {
    let server = Server::start(&["--rate-limit", "5"]);
    let mut client = server.client();
    let answers: Vec<_> = (0..20)
        .map(|_| client.send("GET", "/v1/runs", &[], b""))
        .collect();
    let refused: Vec<_> = answers
        .into_iter()
        .filter(|answer| answer.status != 200)
        .collect();
    assert!(!refused.is_empty());
    for answer in refused {
        assert!(
            answer
                .header("retry-after")
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= 1
        );
        assert_eq!(answer.expect(429)["code"], "rate_limited");
    }
}

#[test]
fn pages_of_other_sites_are_let_in_by_name_only() {
    let server = Server::start(&["--cors", "https://studio.example"]);
    let from = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
        ];
        let preflight = server.client().send("OPTIONS", "/v1/runs", &headers, b"");
        preflight
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(
        from("https://studio.example").as_deref(),
        Some("https://studio.example")
    );
    assert_eq!(from("https://evil.example"), None);
    // A script sees of an answer's headers those that are named.
    let origin = [("origin", "https://studio.example")];
    let export = server.client().send("GET", "/v1/export", &origin, b"");
    let seen = export.header("access-control-expose-headers").unwrap();
    assert!(
        seen.contains("coursecat-records") && seen.contains("etag"),
        "{seen}"
    );
    let closed = Server::start(&[]);
    let answer = closed.client().send(
        "GET",
        "/v1/runs",
        &[("origin", "https://studio.example")],
        b"",
    );
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
