//! What the service tells Prometheus: names that stay, numbers that are true, and never more of them
//! because of what clients ask for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::server::{Server, coursecat};

/// Written anew with `COURSECAT_WRITE_METRICS=1`.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/metrics.txt");

/// What one scrape says, checked against the rules of the format.
struct Scrape {
    text: String,
    /// Each series, with its labels as they are written.
    values: BTreeMap<String, f64>,
}

impl Scrape {
    fn of(server: &Server) -> Self {
        let answer = server.get("/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        let scrape = Self {
            text: answer.text().to_owned(),
            values: read(answer.text()),
        };
        scrape.check_histograms();
        scrape
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        *self
            .values
            .get(series)
            .unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The values of all series of a name, added up.
    fn sum(&self, name: &str) -> f64 {
        let all = self.values.iter();
        all.filter(|(series, _)| series.split('{').next() == Some(name))
            .map(|(_, value)| value)
            .sum()
    }

    /// Each bucket holds those before it, and the last one everything.
    fn check_histograms(&self) {
        let mut last: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for line in self.text.lines().filter(|line| line.contains("_bucket")) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (head, bound) = series.split_once("le=\"").unwrap();
            let bound = bound.strip_suffix("\"}").unwrap();
            let bound: f64 = bound.parse().unwrap();
            let value: f64 = value.parse().unwrap();
            let before = last.insert(head.to_owned(), (bound, value));
            let (lower, fewer) = before.unwrap_or((f64::NEG_INFINITY, 0.0));
            assert!(lower < bound && fewer <= value, "{line}");
        }
        assert!(last.len() >= 2);
        for (head, (bound, value)) in last {
            assert!(bound.is_infinite(), "{head}");
            let series = head.replace("_bucket", "_count");
            let series = series.trim_end_matches(['{', ',']);
            let series = match series.contains('{') {
                true => format!("{series}}}"),
                false => series.to_owned(),
            };
            assert_eq!(self.value(&series), value);
        }
    }
}

/// Reads the text format: every series belongs to the name and type above it, and comes once.
fn read(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'));
    let is_name = |name: &str| name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    let mut values = BTreeMap::new();
    let mut names = BTreeSet::new();
    let (mut name, mut kind) = ("", "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let help;
            (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && name.starts_with("coursecat_"), "{line}");
            assert!(help.len() > 10 && help.ends_with('.'), "{line}");
            assert!(names.insert(name), "{name} comes twice");
            let of_type = lines.next().unwrap();
            let of_type = of_type.strip_prefix("# TYPE ").unwrap();
            let same;
            (same, kind) = of_type.split_once(' ').unwrap();
            assert_eq!(same, name);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let of_name = series.split('{').next().unwrap();
        let suffix = of_name.strip_prefix(name).unwrap();
        let suffixes: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.contains(&suffix), "{line}");
        if let Some(labels) = series.strip_prefix(of_name).filter(|text| !text.is_empty()) {
            let labels = labels
                .strip_prefix('{')
                .unwrap()
                .strip_suffix("\"}")
                .unwrap();
            for label in labels.split("\",") {
                let (label, value) = label.split_once("=\"").unwrap();
                assert!(is_name(label) && !value.contains('"'), "{line}");
            }
        }
        let value: f64 = value.parse().unwrap();
        assert!(value >= 0.0, "{line}");
        let twice = values.insert(series.to_owned(), value);
        assert!(twice.is_none(), "{series} comes twice");
    }
    values
}

fn requests(route: &str, method: &str, status: u16) -> String {
    format!(
        "coursecat_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"
    )
}

#[test]
fn names_labels_and_words_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    backed_up(&data);
    let server = Server::start_on(&data, &[]);
    server
        .json("POST", "/v1/organizations", &json!({"short_name": "A"}))
        .expect(201);
    server.get("/nowhere").expect(404);
    let values = |text: &str| -> String {
        text.lines()
            .map(|line| match line.rsplit_once(' ') {
                Some((series, _)) if !line.starts_with('#') => format!("{series}\n"),
                _ => format!("{line}\n"),
            })
            .collect()
    };
    let text = values(&Scrape::of(&server).text);
    if std::env::var_os("COURSECAT_WRITE_METRICS").is_some() {
        std::fs::write(SNAPSHOT, &text).unwrap();
    }
    let agreed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        agreed == text,
        "the metrics have changed; people have alarms on them. If it is meant, run this test with COURSECAT_WRITE_METRICS=1:\n{text}"
    );
}

/// Makes a catalog in this folder and a backup of it.
fn backed_up(data: &std::path::Path) {
    for arguments in [&["org", "create", "MITx"][..], &["backup", "--overwrite"]] {
        let mut command = coursecat(arguments);
        if arguments[0] == "backup" {
            command.arg(data.with_extension("zst"));
        }
        let output = command.arg("--data").arg(data).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn the_numbers_are_those_of_what_was_done() {
    let server = Server::start(&[]);
    let before = Scrape::of(&server);
    assert_eq!(
        before.value("coursecat_records{entity=\"course_run\"}"),
        0.0
    );
    assert!(before.value("coursecat_start_time_seconds") > 1.7e9);
    let run = json!({"course_key": "course-v1:Org+C+1"});
    for status in [201, 200, 200] {
        server.json("POST", "/v1/runs", &run).expect(status);
    }
    for (path, status) in [
        ("/v1/runs/course-v1:Org+C+1", 200),
        ("/v1/runs/course-v1:Org+C+2", 404),
        ("/v1/runs/none", 400),
        ("/v1/runs/a/b/c", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    server.delete("/v1/runs").expect(405);
    let mut follower = server.client();
    follower.raw(b"GET /v1/changes/stream HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(follower.line().unwrap().contains("200"));

    let after = Scrape::of(&server);
    for (series, value) in [
        (requests("/v1/runs", "POST", 201), 1.0),
        (requests("/v1/runs", "POST", 200), 2.0),
        (requests("/v1/runs/{course_key}", "GET", 200), 1.0),
        (requests("/v1/runs/{course_key}", "GET", 404), 1.0),
        (requests("/v1/runs/{course_key}", "GET", 400), 1.0),
        (requests("/v1/runs/{org}/{course}/{run}", "GET", 404), 1.0),
        (requests("/v1/runs", "DELETE", 405), 1.0),
        (requests("/metrics", "GET", 200), 1.0),
        ("coursecat_http_request_duration_seconds_count{route=\"/v1/runs/{course_key}\",method=\"GET\"}".to_owned(), 3.0),
        ("coursecat_records{entity=\"organization\"}".to_owned(), 1.0),
        ("coursecat_records{entity=\"catalog_course\"}".to_owned(), 1.0),
        ("coursecat_records{entity=\"course_run\"}".to_owned(), 1.0),
        ("coursecat_records{entity=\"reference\"}".to_owned(), 0.0),
        ("coursecat_feed_position".to_owned(), 3.0),
        // What changed nothing did not reach the writer.
        ("coursecat_commits_total".to_owned(), 1.0),
        ("coursecat_commit_duration_seconds_count".to_owned(), 1.0),
        ("coursecat_group_requests_sum".to_owned(), 1.0),
        ("coursecat_writer_queue_requests".to_owned(), 0.0),
        ("coursecat_store_errors_total".to_owned(), 0.0),
        ("coursecat_store_writable".to_owned(), 1.0),
        ("coursecat_http_streams".to_owned(), 1.0),
        (format!("coursecat_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(after.value(&series), value, "{series}");
    }
    assert!(after.value("coursecat_http_connections") >= 2.0);
    assert!(after.value("coursecat_uptime_seconds") > before.value("coursecat_uptime_seconds"));
    let took = after.value("coursecat_commit_duration_seconds_sum");
    assert!(took > 0.0 && took < 10.0, "{took}");
    let bytes = server.get("/v1/stats").expect(200)["bytes_on_disk"].as_f64();
    assert_eq!(after.value("coursecat_store_size_bytes"), bytes.unwrap());
}

#[test]
fn the_age_of_the_last_backup_is_told_if_there_has_been_one() {
    const AGE: &str = "coursecat_last_backup_age_seconds";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start_on(&data, &[]);
    assert!(!Scrape::of(&server).values.contains_key(AGE));
    assert_eq!(server.get("/v1/backup").status, 200);
    assert!(Scrape::of(&server).value(AGE) < 600.0);
    server.signal("TERM");
    server.wait();
    // By the command line as well.
    std::fs::remove_file(data.join("last-backup")).unwrap();
    backed_up(&data);
    let mut server = Server::start_on(&data, &[]);
    let age = Scrape::of(&server).value(AGE);
    assert!(age < 600.0, "{age}");
    server.signal("TERM");
    server.wait();
    // From before the first course, and from the time to come.
    for (time, expected) in [
        ("1970-01-01T00:00:00Z", 1.7e9),
        ("2200-01-01T00:00:00Z", 0.0),
    ] {
        std::fs::write(data.join("last-backup"), time).unwrap();
        let server = Server::start_on(&data, &[]);
        let age = Scrape::of(&server).value(AGE);
        assert!((expected..expected + 2e9).contains(&age), "{time}: {age}");
    }
}

#[test]
fn no_client_can_make_more_of_them() {
    let server = Server::start(&[]);
    let document = server.get("/openapi.json").expect(200);
    let mut client = server.client();
    for n in 0..200 {
        for (method, path) in [
            ("GET", format!("/v1/runs/course-v1:A+B+{n}")),
            ("GET", format!("/v1/runs/a/b/{n}/references")),
            ("GET", format!("/nowhere/{n}")),
            ("GET", format!("/v1/runs/%2e%2e%2f{n}")),
            ("GET", format!("/v1//{n}?route={n}")),
            ("GET", format!("/{{key}}/\"{n}\\n")),
            ("GET", format!("http://else/{n}")),
            ("HEAD", format!("/v1/runs/{n}")),
            ("BREW", format!("/v1/runs/{n}")),
            ("get", format!("/tea/{n}")),
        ] {
            let method = match method {
                "BREW" => format!("BREW{n}"),
                method => method.to_owned(),
            };
            client.raw(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes());
            match client.answer(method == "HEAD") {
                Some(answer) if answer.header("connection") != Some("close") => {}
                _ => client = server.client(),
            }
        }
    }
    let scrape = Scrape::of(&server);
    let label = |series: &str, name: &str| {
        let (_, rest) = series.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let labels = |name: &str| -> BTreeSet<String> {
        let all = scrape.values.keys();
        all.filter_map(|series| label(series, name)).collect()
    };
    let paths = document["paths"].as_object().unwrap();
    for route in labels("route") {
        let is_known = paths.contains_key(&route)
            || ["elsewhere", "/v1/runs/{org}/{course}/{run}/references"].contains(&route.as_str());
        assert!(is_known, "{route}");
    }
    let methods = labels("method");
    assert_eq!(methods, ["GET", "HEAD", "other"].map(str::to_owned).into());
    assert!(scrape.values.len() < 400, "{} series", scrape.values.len());
    // Every request that reached the service was counted, once.
    let asked = scrape.sum("coursecat_http_requests_total");
    let took = scrape.sum("coursecat_http_request_duration_seconds_count");
    assert_eq!(asked, took);
    assert!(asked >= 1_000.0, "{asked}");
}

#[test]
fn a_scraper_needs_a_key_where_readers_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = coursecat(&["key", "create", "prometheus", "--scope", "read", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("coursecat_"))
        .unwrap();
    let server = Server::start_on(&data, &[]);
    server.get("/healthz").expect(200);
    server.get("/metrics").expect(401);
    let bearer = format!("Bearer {key}");
    let header = [("authorization", bearer.as_str())];
    let answer = server.client().send("GET", "/metrics", &header, b"");
    assert_eq!(answer.status, 200);
    drop(server);
    let server = Server::start_on(&data, &["--anonymous-read"]);
    assert_eq!(server.get("/metrics").status, 200);
}
