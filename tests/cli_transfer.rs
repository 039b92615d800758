//! Promise: what goes in and out through the command line loses nothing and says what it did.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn coursecat(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coursecat"))
        .args(arguments)
        .env_clear()
        .env("COURSECAT_DATA", data)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = coursecat(data, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn demo(folder: &Path) -> std::path::PathBuf {
    let data = folder.join("demo");
    succeeds(&data, &["demo"]);
    data
}

#[test]
fn exported_imported_and_exported_again_is_the_same_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    succeeds(&data, &["ref", "add", "MITx/6.002x/2012_Spring", "archive"]);
    let first = succeeds(&data, &["export"]);
    let file = folder.path().join("catalog.jsonl");
    fs::write(&file, &first).unwrap();
    let copy = folder.path().join("copy");
    succeeds(&copy, &["import", file.to_str().unwrap()]);
    assert_eq!(succeeds(&copy, &["export"]), first);
    succeeds(&copy, &["verify"]);

    // Again: nothing to do.
    let report = succeeds(&copy, &["--json", "import", file.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&report).unwrap();
    for kind in [
        "organizations",
        "catalog_courses",
        "course_runs",
        "references",
    ] {
        assert_eq!(report[kind]["created"], 0, "{kind}: {report}");
        assert_eq!(report[kind]["updated"], 0, "{kind}: {report}");
    }
}

#[test]
fn a_fixture_goes_out_and_comes_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    let file = folder.path().join("fixture.json");
    let name = file.to_str().unwrap();
    succeeds(&data, &["export", "--format", "django", "--output", name]);
    let copy = folder.path().join("copy");
    succeeds(&copy, &["import", name]);
    let again = succeeds(&copy, &["export", "--format", "django"]);
    assert_eq!(again, fs::read_to_string(&file).unwrap());

    // An export never takes the place of a file.
    let output = coursecat(&data, &["export", "--output", name]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_backup_is_restored_into_a_new_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    let file = folder.path().join("b.coursecat.zst");
    let name = file.to_str().unwrap();
    succeeds(&data, &["backup", name]);
    assert_eq!(coursecat(&data, &["backup", name]).status.code(), Some(5));
    succeeds(&data, &["backup", name, "--overwrite"]);
    assert_eq!(coursecat(&data, &["restore", name]).status.code(), Some(5));

    let copy = folder.path().join("copy");
    succeeds(&copy, &["restore", name]);
    assert_eq!(succeeds(&copy, &["export"]), succeeds(&data, &["export"]));

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&file, bytes).unwrap();
    let broken = folder.path().join("broken");
    assert_eq!(
        coursecat(&broken, &["restore", name]).status.code(),
        Some(8)
    );
    assert!(!broken.exists());
}

#[test]
fn refused_rows_are_reported_and_the_others_go_in_or_none_with_strict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let name = file.to_str().unwrap();
    let mut rows = "course_key,title\ncourse-v1:A+B+1,One\n".to_owned();
    for n in 0..30 {
        rows += &format!("course-v1:A+b+{n},Wrong\n");
    }
    rows += "course-v1:A+B+2,Two\n";
    fs::write(&file, rows).unwrap();

    let data = folder.path().join("dry");
    let report = succeeds(&data, &["import", "--dry-run", name]);
    assert!(report.contains("nothing was written"), "{report}");
    assert!(succeeds(&data, &["--json", "stats"]).contains("\"course_runs\":0"));

    let data = folder.path().join("strict");
    let output = coursecat(&data, &["import", "--strict", name]);
    assert_eq!(output.status.code(), Some(6));
    assert!(succeeds(&data, &["--json", "stats"]).contains("\"course_runs\":0"));

    let data = folder.path().join("data");
    let rejects = folder.path().join("rejects.jsonl");
    let rejects_name = rejects.to_str().unwrap();
    let output = coursecat(&data, &["import", name, "--rejects", rejects_name]);
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shown.matches("rejected: line").count(), 20, "{shown}");
    assert!(shown.contains("line 3: course-v1:A+b+0:"), "{shown}");
    assert_eq!(fs::read_to_string(&rejects).unwrap().lines().count(), 30);
    assert!(succeeds(&data, &["--json", "stats"]).contains("\"course_runs\":2"));
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    let before = succeeds(&data, &["export"]);
    for (name, content) in [
        ("empty.csv", &b""[..]),
        ("binary.csv", b"\x00\x01\x02\xff"),
        ("columns.csv", b"title,language\nA,en\n"),
        (
            "cut.json",
            b"[{\"model\": \"openedx_catalog.catalogcourse\"",
        ),
        ("deep.json", &[b'['; 100_000]),
        ("newer.jsonl", b"{\"type\":\"coursecat\",\"version\":99}\n"),
        ("text.txt", b"What is this?\n"),
        ("utf8.jsonl", b"{\"course_key\": \"\xff\"}\n"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        let output = coursecat(&data, &["import", "--strict", file.to_str().unwrap()]);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{name}: {shown}");
        assert!(shown.contains("error: "), "{name}: {shown}");
    }
    let output = coursecat(&data, &["import", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(6));
    let output = coursecat(&data, &["import", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(succeeds(&data, &["export"]), before);
}
