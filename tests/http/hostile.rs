//! Hostile clients: the right status or a closed connection, and a service that goes on as before.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::server::Server;

/// The status of whatever is sent, or 0 if the connection ends without an answer.
fn status(server: &Server, bytes: &[u8]) -> u16 {
    let mut client = server.client();
    client.raw(bytes);
    client.answer(false).map_or(0, |answer| answer.status)
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

#[test]
fn what_no_honest_client_sends_is_answered_with_the_right_status() {
    let server = Server::start(&["--demo"]);
    let json = "content-type: application/json\r\n";
    let nested = format!(
        "{{\"short_name\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let deep = "[".repeat(200_000);
    let long_header = format!("x-long: {}\r\n", "a".repeat(100_000));
    let many_headers: String = (0..500).map(|n| format!("x-{n}: a\r\n")).collect();
    let long_key = format!("/v1/runs/course-v1:{}+b+c", "a".repeat(10_000));
    for (name, expected, bytes) in [
        ("not http", &[400][..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("http 0.9", &[0, 400], b"GET /\r\n\r\n".to_vec()),
        ("http 2", &[0, 400, 505], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("method that is none", &[405], b"BREW /v1/runs HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
        ("nested", &[400, 422], post("/v1/organizations", json, &nested)),
        ("deep", &[400], post("/v1/organizations", json, &deep)),
        ("cut off json", &[400], post("/v1/organizations", json, "{\"short_name\": \"A")),
        ("no utf-8", &[400], [post("/v1/organizations", json, "{\"short_name\": \"  \"}")[..].to_vec()].concat().iter().map(|byte| if *byte == b' ' { 0xff } else { *byte }).collect::<Vec<u8>>()),
        ("lone surrogate", &[400], post("/v1/organizations", json, "{\"short_name\": \"\\ud800\"}")),
        ("twice the same field", &[422], post("/v1/organizations", json, "{\"short_name\": \"A\", \"short_name\": \"B\"}")),
        ("number beyond all", &[400, 422], post("/v1/organizations", json, "{\"short_name\": 1e999999}")),
        ("form", &[415], post("/v1/organizations", "content-type: application/x-www-form-urlencoded\r\n", "short_name=A")),
        ("no type", &[415], post("/v1/organizations", "", "{}")),
        ("type twice", &[400, 415, 422], post("/v1/organizations", "content-type: application/json\r\ncontent-type: text/plain\r\n", "{}")),
        ("too large", &[413], post("/v1/organizations", json, &" ".repeat(2 << 20))),
        ("lengths that differ", &[0, 400], b"POST /v1/organizations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n{}   ".to_vec()),
        ("negative length", &[0, 400], b"POST /v1/organizations HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{}".to_vec()),
        ("long header", &[431], get("/v1/runs", &long_header)),
        ("many headers", &[431], get("/v1/runs", &many_headers)),
        ("long key", &[400, 404, 422], get(&long_key, "")),
        ("two keys", &[400], get("/v1/runs", "authorization: Bearer a\r\nauthorization: Bearer b\r\n")),
        ("strange key", &[401], get("/v1/runs", "authorization: Basic YTpi\r\n")),
        ("unknown key", &[401], get("/v1/runs", "authorization: Bearer coursecat_a_b\r\n")),
        ("percent alone", &[400], get("/v1/runs/%", "")),
        ("percent that is none", &[400], get("/v1/runs/%g0", "")),
        ("bytes that are no text", &[400], get("/v1/runs/%C3%28", "")),
        ("bytes that are no text in the query", &[400], get("/v1/runs?q=%ff", "")),
        ("nul", &[400], get("/v1/runs/%00", "")),
        ("encoded slash", &[400], get("/v1/runs/..%2F..%2Fetc%2Fpasswd", "")),
        ("dots", &[404], get("/v1/../../etc/passwd", "")),
        ("encoded dots", &[400], get("/v1/runs/%2e%2e", "")),
        ("two slashes", &[404], get("//v1/runs", "")),
        ("whole address", &[200], get("http://localhost/v1/runs", "")),
        ("cursor tampered with", &[422], get("/v1/runs?cursor=AQX9AIgRnsScDAAlY291cnNlLXYxOlN0YW5m", "")),
        ("cursor of another list", &[422], get("/v1/organizations?cursor=AQX9AIgRnsScDAAlY291cnNlLXYxOlN0YW5mb3JkT25saW5lK0RCLTIwMjYrU2VsZg", "")),
        ("cursor that is none", &[422], get("/v1/courses/catalog-course:MITx:8.01x/references?cursor=_w", "")),
        ("huge number", &[422], get("/v1/changes?since=99999999999999999999999999", "")),
        ("position beyond all", &[422], get("/v1/changes?since=18446744073709551615", "")),
        ("last event that is none", &[400], get("/v1/changes/stream", "last-event-id: x\r\n")),
        ("many parameters", &[422], get(&format!("/v1/runs?{}", "q=a&".repeat(5_000)), "")),
    ] {
        let found = status(&server, &bytes);
        assert!(expected.contains(&found), "{name}: {found}, not {expected:?}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
    server.get("/readyz").expect(200);
}

#[test]
fn clients_that_dawdle_are_cut_off_and_others_never_notice() {
    let server = Server::start(&["--header-timeout", "300ms", "--request-timeout", "300ms"]);
    let start = Instant::now();
    let mut silent = server.client();
    let mut half = server.client();
    half.raw(b"GET /v1/runs HTTP/1.1\r\nhost: lo");
    let mut idle = server.client();
    idle.send("GET", "/v1/runs", &[], b"").expect(200);
    let mut slow_body = server.client();
    slow_body.raw(b"POST /v1/organizations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{\"sh");
    assert_eq!(
        slow_body.answer(false).unwrap().expect(408)["code"],
        "timeout"
    );
    let mut slow_import = server.client();
    slow_import.raw(b"POST /v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\ncontent-length: 200\r\n\r\ncourse_key\n");
    assert_eq!(slow_import.answer(false).unwrap().status, 408);
    for client in [&mut silent, &mut half, &mut idle] {
        assert!(client.is_ended());
    }
    assert!(start.elapsed() < Duration::from_secs(30));
    server.get("/v1/runs").expect(200);
}

/// The resident memory of the service, in KiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn thousands_of_connections_cost_little_and_hold_nobody_up() {
    let server = Server::start(&["--demo"]);
    server.get("/v1/runs").expect(200);
    let before = memory(&server);
    // As many as this process may open, up to ten thousand.
    let mut held = Vec::new();
    for _ in 0..10_000 {
        let Ok(mut stream) = TcpStream::connect(&server.address) else {
            break;
        };
        let _ = std::io::Write::write_all(&mut stream, b"GET /v1/runs HTTP/1.1\r\n");
        held.push(stream);
    }
    assert!(held.len() > 500, "only {} connections", held.len());
    held.truncate(held.len() - 10); // Room for one that asks.
    let mut client = Client::new(&server.address);
    client.send("GET", "/v1/runs", &[], b"").expect(200);
    let each = memory(&server).saturating_sub(before) / held.len() as u64;
    assert!(each < 48, "{each} KiB each for {} connections", held.len());
    drop(held);
    let answer = server.json("POST", "/v1/organizations", &json!({"short_name": "A"}));
    answer.expect(201);
}

/// Of two hosts, the first was believed, and a host that is no text passed as one that is left out.
#[test]
fn a_host_that_is_not_clear_is_refused() {
    let server = Server::start(&["--demo"]);
    let twice = get("/v1/stats", "host: catalog.example.org\r\n");
    assert_eq!(status(&server, &twice), 400);
    let no_text = b"GET /v1/stats HTTP/1.1\r\nhost: \xff\xfe.example.org\r\n\r\n";
    assert!(matches!(status(&server, no_text), 400 | 403));
    assert_eq!(status(&server, &get("/v1/stats", "")), 200);
}

/// Who asks first whether to send a body that is too large was told to go on, and then nothing until
/// the request's time was up.
#[test]
fn a_body_that_will_be_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(&["--demo"]);
    for path in ["/v1/organizations", "/v1/import"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             expect: 100-continue\r\ncontent-length: 2000000000\r\n\r\n"
        );
        assert_eq!(status(&server, head.as_bytes()), 413, "{path}");
    }
}

/// A refusal came before the body was read, and if that came in a packet of its own, the connection
/// ended after the answer without a word: a client that used it again lost its next request.
#[test]
fn a_refusal_before_the_body_ends_the_connection_only_if_it_says_so() {
    let server = Server::start(&["--demo"]);
    let head = |length: usize| {
        format!(
            "POST /v1/organizations HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    // The body comes when the refusal is ready; were it earlier, nothing else would be expected.
    let mut client = server.client();
    client.raw(head(2).as_bytes());
    std::thread::sleep(Duration::from_millis(50));
    client.raw(b"{}");
    let refused = client.answer(false).unwrap();
    assert_eq!(refused.status, 415);
    assert_eq!(refused.header("connection"), None);
    assert_eq!(client.send("GET", "/healthz", &[], b"").status, 200);
    // One that never comes, and one that is long.
    for length in [2, 1 << 20] {
        let mut client = server.client();
        client.raw(head(length).as_bytes());
        let refused = client.answer(false).unwrap();
        assert_eq!(refused.status, 415);
        assert_eq!(refused.header("connection"), Some("close"), "{length}");
        assert!(client.is_ended());
    }
}
