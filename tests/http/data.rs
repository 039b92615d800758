//! Data in and out over HTTP: the whole catalog as a stream, and rows of any format.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::Server;

fn import(server: &Server, query: &str, content_type: &str, body: &[u8]) -> Answer {
    let path = format!("/v1/import{query}");
    server
        .client()
        .send("POST", &path, &[("content-type", content_type)], body)
}

#[test]
fn what_one_service_exports_another_takes() {
    let first = Server::start(&["--demo"]);
    let lines = first.get("/v1/export");
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let second = Server::start(&[]);
    let report = import(&second, "", "application/x-ndjson", &lines.body).expect(200);
    assert_eq!(
        (&report["course_runs"]["created"], &report["rejected"]),
        (&json!(44), &json!(0))
    );
    assert_eq!(second.get("/v1/export").body, lines.body);
    let again = import(
        &second,
        "?on_conflict=fail",
        "application/x-ndjson",
        &lines.body,
    )
    .expect(200);
    assert_eq!(again["course_runs"]["unchanged"], 44);
    let csv = first.get("/v1/export?format=csv&org=mitx");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.text().starts_with("course_key,title,language"));
    first.get("/v1/export?format=django").expect(200);
    first.get("/v1/export?format=jsonl").expect(422);
    first.get("/v1/export?org=nobody").expect(404);
}

#[test]
fn refused_rows_are_reported_and_a_rehearsal_writes_nothing() {
    let server = Server::start(&[]);
    let csv = b"course_key,title\ncourse-v1:O+C+1,T\nnonsense,T\ncourse-v1:O+c+2,T\n";
    let dry = import(&server, "?dry_run=true", "text/csv", csv).expect(200);
    assert_eq!(
        (&dry["written"], &dry["rejected"]),
        (&json!(false), &json!(2))
    );
    let strict = import(&server, "?strict=true", "text/csv", csv).expect(200);
    assert_eq!(strict["written"], false);
    assert_eq!(server.get("/v1/stats").expect(200)["course_runs"], 0);
    let report = import(&server, "", "text/csv", csv).expect(200);
    assert_eq!(report["course_runs"]["created"], 1);
    let refused: Vec<&Value> = report["rejects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["code"])
        .collect();
    assert_eq!(refused, ["invalid_key", "already_exists"]);
    assert_eq!(report["rejects"][0]["line"], 3);
    import(&server, "", "application/json", b"<html>").expect(422);
    import(&server, "?format=xml", "application/json", b"{}").expect(422);
    import(&server, "", "application/json", b"").expect(422);
    // What a form could send is refused, whoever made it send.
    import(&server, "", "text/plain", csv).expect(415);
}

/// A connection that breaks off was once taken for the end of the data.
#[test]
fn data_that_breaks_off_is_not_taken_for_whole() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.raw(b"POST /v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\ncontent-length: 1000\r\n\r\ncourse_key,title\ncourse-v1:O+C+1,T\ncourse-v1:O+C+2");
    drop(client);
    // Rows before the break may be stored or not; the one that broke off must not be, ever.
    let patience = std::time::Instant::now();
    while server.get("/v1/runs/course-v1:O+C+1").status != 200
        && patience.elapsed().as_millis() < 500
    {
        std::thread::yield_now();
    }
    assert_eq!(server.get("/v1/runs/course-v1:O+C+2").status, 404);
}

#[test]
fn an_import_that_is_too_large_is_refused() {
    let server = Server::start(&["--max-import-bytes", "100"]);
    let csv = "course_key,title\n".to_owned() + &"course-v1:O+C+1,T\n".repeat(100);
    import(&server, "", "text/csv", csv.as_bytes()).expect(413);
}
