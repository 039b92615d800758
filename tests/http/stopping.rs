//! Stopping: what runs is finished, and nothing else is waited for.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::{Server, coursecat};

/// What a stop may take that waits for nothing; far less than `--stop-timeout` in these tests.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Waits until the service accepts no more connections, which is when its stop has begun.
fn wait_until_stopping(server: &Server) {
    let start = Instant::now();
    while TcpStream::connect(&server.address).is_ok() {
        assert!(start.elapsed() < AT_ONCE, "it still accepts connections");
    }
}

/// A connection on which half of a request's head had come, or nothing at all, held a stop up for
/// the whole of `--stop-timeout`: ten seconds at every restart, for nothing, as long as some client
/// kept a connection open to be quick. The protocol's reader ends an idle connection only if there
/// has been a request on it.
#[test]
fn connections_without_a_request_end_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start_on(&data, &["--demo", "--stop-timeout", "300s"]);
    let get = b"GET /v1/runs HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let beginnings: [&[u8]; 4] = [b"", b"G", b"GET /v1/runs HTTP/1.1\r\nhost: lo", b"\r\n"];
    let mut clients: Vec<Client> = Vec::new();
    for beginning in beginnings {
        let mut fresh = server.client();
        fresh.raw(beginning);
        // The same behind a request that was answered.
        let mut used = server.client();
        used.raw(get);
        assert_eq!(used.answer(false).unwrap().status, 200);
        used.raw(beginning);
        clients.extend([fresh, used]);
    }
    // The service has read all of it: it reads in the order in which connections come.
    server.get("/healthz").expect(200);
    let start = Instant::now();
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    for client in &mut clients {
        assert!(client.is_ended());
    }
    let log = server.log();
    assert!(log.contains("\"message\":\"stopped\""), "{log}");
    assert!(!log.contains("were not done"), "{log}");
    let verified = coursecat(&["verify", "--data"]).arg(&data).output();
    assert!(verified.unwrap().status.success());
}

#[test]
fn a_request_that_runs_is_finished_and_answered() {
    let mut server = Server::start(&["--stop-timeout", "300s"]);
    let body = "{\"course_key\": \"course-v1:Org+C+1\"}";
    let (first, rest) = body.split_at(10);
    let mut client = server.client();
    client.raw(
        format!(
            "POST /v1/runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    // It runs once the service asks for its body.
    assert!(client.line().unwrap().contains("100"));
    assert_eq!(client.line().unwrap(), "");
    client.raw(first.as_bytes());
    server.signal("TERM");
    wait_until_stopping(&server);
    client.raw(rest.as_bytes());
    let run = client.answer(false).unwrap().expect(201);
    assert_eq!(run["course_key"], "course-v1:Org+C+1");
    assert!(client.is_ended());
    assert!(server.wait().success());
}

/// An answer that is complete, but that the client has not taken in, is one that runs, too.
#[test]
fn an_answer_that_is_on_its_way_arrives_whole() {
    let mut server = Server::start(&["--stop-timeout", "300s"]);
    let title = "\u{1f393}".repeat(250);
    let rows: String = (0..1_000)
        .map(|n| format!("{{\"course_key\":\"course-v1:Org+C{n}+R\",\"title\":\"{title}\"}}\n"))
        .collect();
    let json = [("content-type", "application/x-ndjson")];
    let report = server
        .client()
        .send("POST", "/v1/import", &json, rows.as_bytes());
    assert_eq!(report.expect(200)["rejected"], 0);
    // Each asks for far more than the buffers of a connection hold, and reads nothing yet.
    let pages: Vec<Client> = (0..3)
        .map(|_| {
            let mut client = server.client();
            let get = "GET /v1/runs?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n";
            client.raw(get.repeat(20).as_bytes());
            client
        })
        .collect();
    wait_until_counted(&server, "coursecat_http_connections", 4.0);
    server.signal("TERM");
    wait_until_stopping(&server);
    for mut page in pages {
        let sent = page.rest();
        let mut rest = &sent[..];
        // How many were begun is not known; those that were are whole.
        while !rest.is_empty() {
            let end = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            let (head, body) = rest.split_at(end.unwrap() + 4);
            let head = std::str::from_utf8(head).unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            assert!(body.len() >= length, "{} of {length} bytes", body.len());
            rest = &body[length..];
        }
    }
    assert!(server.wait().success());
}

fn wait_until_counted(server: &Server, series: &str, least: f64) {
    let start = Instant::now();
    loop {
        let answer = server.get("/metrics");
        let line = answer.text().lines().find(|line| line.starts_with(series));
        let value: f64 = line
            .and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap();
        if value >= least {
            return;
        }
        assert!(start.elapsed() < AT_ONCE, "{line:?}");
    }
}
