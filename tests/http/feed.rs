//! The change feed over HTTP: every change once and in order, to those who ask, who follow, who were
//! killed and come back, and who are too slow.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, coursecat};

fn create(server: &Server, number: usize) {
    let key = format!("course-v1:Org+C{number}+R");
    server
        .json("POST", "/v1/runs", &json!({"course_key": key}))
        .expect(201);
}

/// A stream that is followed.
struct Stream {
    client: Client,
    text: String,
}

impl Stream {
    fn open(server: &Server, query: &str, last: Option<u64>) -> Self {
        let mut client = server.client();
        let header = last.map_or(String::new(), |last| format!("last-event-id: {last}\r\n"));
        client.raw(
            format!("GET /v1/changes/stream{query} HTTP/1.1\r\nhost: localhost\r\n{header}\r\n")
                .as_bytes(),
        );
        while client.line().unwrap() != "" {}
        let mut stream = Self {
            client,
            text: String::new(),
        };
        assert_eq!(stream.block().as_deref(), Some(": following"));
        stream
    }

    /// The next block: an event, or a comment. Nothing at the end of the stream.
    fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = self.client.chunk()?;
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event: its name, and its data.
    fn event(&mut self) -> Option<(String, Value)> {
        loop {
            let block = self.block()?;
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                let data: Value = serde_json::from_str(&data).unwrap();
                if name != "end" {
                    assert_eq!(field("id: ").unwrap(), data["sequence"].to_string());
                }
                return Some((name, data));
            }
        }
    }
}

#[test]
fn changes_tell_what_there_was_and_what_there_is() {
    let server = Server::start(&[]);
    create(&server, 1);
    let run = "/v1/runs/course-v1:Org+C1+R";
    server
        .json("PATCH", run, &json!({"title": "New"}))
        .expect(200);
    server
        .client()
        .send("PUT", &format!("{run}/references/lms"), &[], b"")
        .expect(201);
    server.delete(&format!("{run}/references/lms")).expect(204);
    server.delete(run).expect(204);
    let all = server.get("/v1/changes").expect(200);
    let results = all["results"].as_array().unwrap();
    let told: Vec<_> = results
        .iter()
        .map(|change| {
            (
                change["kind"].as_str().unwrap(),
                change["entity"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("created", "organization"),
            ("created", "catalog_course"),
            ("created", "course_run"),
            ("updated", "course_run"),
            ("created", "reference"),
            ("deleted", "reference"),
            ("deleted", "course_run"),
        ]
    );
    assert_eq!((&all["next"], &all["latest"]), (&json!(7), &json!(7)));
    let update = &results[3];
    assert_eq!(update["key"], "course-v1:Org+C1+R");
    assert_eq!(
        (&update["record"]["title"], &update["before"]["title"]),
        (&json!("New"), &json!("C1"))
    );
    assert_eq!(update["record"]["catalog_course"], "catalog-course:Org:C1");
    assert_eq!(results[5]["record"], Value::Null);
    assert!(results[2].get("before").is_none());
    // In pages, from any position.
    let page = server.get("/v1/changes?since=2&limit=2").expect(200);
    assert_eq!(json!(results[2..4]), page["results"]);
    assert_eq!((&page["next"], &page["latest"]), (&json!(4), &json!(7)));
    let none = server.get("/v1/changes?since=7").expect(200);
    assert_eq!((&none["results"], &none["next"]), (&json!([]), &json!(7)));
    server.get("/v1/changes?since=8").expect(422);
    server.get("/v1/changes/stream?since=8").expect(422);
}

#[test]
fn a_follower_that_is_killed_goes_on_and_sees_each_change_once() {
    let server = Server::start(&[]);
    const RUNS: usize = 60;
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..RUNS).for_each(|number| create(&server, number)));
        let mut last = 0;
        // An organization, and for each run its course and itself.
        while seen.len() < 1 + 2 * RUNS {
            // Followed for a while, then dropped in the midst.
            let mut stream = Stream::open(&server, "?since=0", (last > 0).then_some(last));
            for _ in 0..7.min(1 + 2 * RUNS - seen.len()) {
                let (_, change) = stream.event().unwrap();
                last = change["sequence"].as_u64().unwrap();
                seen.push(last);
            }
        }
    });
    let expected: Vec<u64> = (1..=1 + 2 * RUNS as u64).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_stream_without_a_position_begins_now_and_has_a_heartbeat() {
    let server = Server::start(&["--stream-heartbeat", "50ms"]);
    create(&server, 1);
    let mut stream = Stream::open(&server, "", None);
    assert_eq!(stream.block().as_deref(), Some(": heartbeat"));
    create(&server, 2);
    let (kind, change) = stream.event().unwrap();
    assert_eq!((kind.as_str(), &change["sequence"]), ("created", &json!(4)));
}

#[test]
fn a_slow_follower_is_told_that_it_is_cut_off_and_can_go_on() {
    let server = Server::start(&["--stream-timeout", "200ms"]);
    let mut stream = Stream::open(&server, "?since=0", None);
    // Far more than the buffers of a connection hold, and nobody reads it.
    let title = "\u{1f393}".repeat(250);
    let rows: String = (0..5_000)
        .map(|number| {
            format!("{{\"course_key\":\"course-v1:Org+C{number}+R\",\"title\":\"{title}\"}}\n")
        })
        .collect();
    let json = [("content-type", "application/x-ndjson")];
    server
        .client()
        .send("POST", "/v1/import", &json, rows.as_bytes())
        .expect(200);
    // Not reading for a while is what this is about.
    std::thread::sleep(std::time::Duration::from_millis(600));
    let mut last = 0;
    let end = loop {
        let (name, data) = stream.event().unwrap();
        if name == "end" {
            break data;
        }
        assert_eq!(data["sequence"], last + 1);
        last += 1;
    };
    assert_eq!(
        (&end["code"], &end["last"]),
        (&json!("slow_consumer"), &json!(last))
    );
    assert!(stream.block().is_none());
    let mut stream = Stream::open(&server, "", Some(last));
    assert_eq!(stream.event().unwrap().1["sequence"], last + 1);
}

#[test]
fn streams_have_a_number_and_end_with_the_service() {
    let mut server = Server::start(&["--max-streams", "2"]);
    let mut first = Stream::open(&server, "", None);
    let second = Stream::open(&server, "", None);
    let refused = server.get("/v1/changes/stream");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.expect(503)["code"], "unavailable");
    drop(second);
    let patience = std::time::Instant::now();
    loop {
        // The place is free once the connection is seen to have ended.
        let mut client = server.client();
        client.raw(b"GET /v1/changes/stream HTTP/1.1\r\nhost: localhost\r\n\r\n");
        if client.line().unwrap().contains("200") {
            break;
        }
        assert!(patience.elapsed().as_secs() < 20);
    }
    server.signal("TERM");
    assert_eq!(first.event().unwrap().1["code"], "stopping");
    assert!(first.block().is_none());
    assert!(server.wait().success());
}

#[test]
fn the_feed_keeps_what_it_was_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coursecat.toml");
    std::fs::write(&file, "keep-changes = 1\n").unwrap();
    let file = file.to_str().unwrap();
    for (name, arguments, variable, is_kept) in [
        ("default", &[][..], None, true),
        ("flag", &["--keep-changes", "1"], None, false),
        ("age", &["--keep-changes-for", "0s"], None, false),
        ("long", &["--keep-changes-for", "7d"], None, true),
        ("variable", &[], Some("1"), false),
        ("flag wins", &["--keep-changes", "9000"], Some("1"), true),
        ("file", &["--config", file], None, false),
        ("nothing is none", &["--config", file], Some(""), false),
        ("variable wins", &["--config", file], Some("9000"), true),
    ] {
        let data = folder.path().join(name);
        let server = Server::start_with(&data, arguments, |command| {
            if let Some(count) = variable {
                command.env("COURSECAT_KEEP_CHANGES", count);
            }
        });
        (0..3).for_each(|number| create(&server, number));
        let answer = server.get("/v1/changes?since=0");
        if is_kept {
            let results = &answer.expect(200)["results"];
            assert_eq!(results.as_array().unwrap().len(), 7, "{name}");
        } else {
            let problem = answer.expect(410);
            assert_eq!(problem["code"], "compacted", "{name}");
            let from = format!(
                "/v1/changes?since={}",
                problem["oldest"].as_u64().unwrap() - 1
            );
            let kept = server.get(&from).expect(200);
            assert_eq!(kept["next"], 7, "{name}");
        }
    }
}

/// Any verb that writes keeps as much as it is told, and no more.
#[test]
fn verbs_keep_of_the_feed_what_they_are_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |name: &str, keep: &[&str]| {
        let mut command = coursecat(&["org", "create", name, "--data"]);
        command.arg(&data).args(keep).output().unwrap()
    };
    for name in ["A", "B", "C"] {
        assert!(create(name, &[]).status.success());
    }
    let server = Server::start_on(&data, &[]);
    server.get("/v1/changes?since=0").expect(200);
    drop(server);
    assert!(create("D", &["--keep-changes", "1"]).status.success());
    let server = Server::start_on(&data, &[]);
    let problem = server.get("/v1/changes?since=0").expect(410);
    assert_eq!(problem["oldest"], 4);
    for wrong in [["--keep-changes", "-1"], ["--keep-changes-for", "soon"]] {
        assert_eq!(create("E", &wrong).status.code(), Some(2));
    }
}

/// The disk failed, and those who followed the feed were not told: they saw heartbeats, and no
/// changes, for as long as the service ran.
#[test]
fn followers_are_told_when_the_disk_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_on(&data, &["--stream-heartbeat", "300s"]);
    create(&server, 1);
    let mut stream = Stream::open(&server, "?since=0", None);
    for number in 1..=3 {
        assert_eq!(stream.event().unwrap().1["sequence"], number);
    }
    // A store without files takes no writes.
    std::fs::remove_dir_all(&data).unwrap();
    let key = json!({"course_key": "course-v1:Org+C2+R"});
    let refused = server.json("POST", "/v1/runs", &key).expect(503);
    assert_eq!(refused["code"], "read_only");
    let (name, end) = stream.event().unwrap();
    assert_eq!(name, "end");
    assert_eq!(
        (&end["code"], &end["last"]),
        (&json!("read_only"), &json!(3))
    );
    assert!(stream.block().is_none());
    // Who comes later gets what there is, and the same.
    let mut late = Stream::open(&server, "?since=2", None);
    assert_eq!(late.event().unwrap().1["sequence"], 3);
    assert_eq!(late.event().unwrap().1["code"], "read_only");
    // Reads go on, and whoever watches over the service sees what is wrong.
    server.get("/v1/runs/course-v1:Org+C1+R").expect(200);
    assert_eq!(server.get("/readyz").expect(503)["code"], "read_only");
    let metrics = server.get("/metrics");
    let text = metrics.text();
    assert!(text.contains("\ncoursecat_store_writable 0\n"), "{text}");
    assert!(
        !text.contains("\ncoursecat_store_errors_total 0\n"),
        "{text}"
    );
    assert!(!text.contains("coursecat_store_size_bytes"), "{text}");
}
