//! Promise: `coursecat bench` measures on any machine, says it to people and programs, and leaves
//! nothing behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const OPERATIONS: [(&str, u64); 14] = [
    ("import", 1),
    ("open", 1),
    ("get_course_run", 1),
    ("get_catalog_course", 1),
    ("runs_of_course", 1),
    ("page_of_50_courses", 1),
    ("search", 1),
    ("get_100_course_runs", 1),
    ("fdatasync", 1),
    ("delete_course_refused", 1),
    ("sync_title", 1),
    ("create_run_durable", 1),
    ("create_run_durable", 16),
    ("create_run_durable", 64),
];

/// The bench of a small catalog below `folder/disk`, in a folder that has a catalog, too.
fn bench(folder: &Path, arguments: &[&str]) -> Command {
    fs::create_dir_all(folder.join("disk")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coursecat"));
    command
        .args(["bench", "--dir", "disk", "--runs", "1000"])
        .args(arguments)
        .current_dir(folder)
        .env_clear();
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn succeeded(output: &Output) -> &str {
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Everything below a folder, by path, with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = match path.is_dir() {
            true => {
                found.extend(files(&path));
                Vec::new()
            }
            false => fs::read(&path).unwrap(),
        };
        found.push((path.display().to_string(), bytes));
    }
    found.sort();
    found
}

#[test]
fn a_person_gets_a_table_and_keeps_all_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_coursecat"))
        .args(["demo", "--data", "catalog"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    fs::create_dir(folder.path().join("disk")).unwrap();
    let before = files(folder.path());

    let output = bench(folder.path(), &["--seconds", "0.02", "--data", "catalog"])
        .output()
        .unwrap();
    let lines: Vec<&str> = succeeded(&output).lines().collect();
    assert_eq!(lines[0], "A catalog with 1,000 runs, in disk:");
    let headings: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(
        headings,
        [
            "OPERATION",
            "COUNT",
            "PER",
            "SECOND",
            "P50",
            "P90",
            "P99",
            "P99.9",
            "MAX"
        ]
    );
    // All but the disk's own, which has a sentence.
    let rows = &lines[3..][..OPERATIONS.len() - 1];
    let widths: Vec<usize> = rows.iter().map(|row| row.chars().count()).collect();
    assert!(
        widths.iter().all(|width| *width == widths[0]),
        "columns are not aligned:\n{}",
        rows.join("\n")
    );
    assert!(rows[0].starts_with("bulk import, a run  "), "{}", rows[0]);
    assert!(rows[0].contains("  1,000  "), "{}", rows[0]);
    for row in &rows[1..] {
        let units = ["ns", "µs", "ms", "s"];
        let values = row.split_whitespace().filter(|word| units.contains(word));
        assert_eq!(values.count(), 5, "p50, p90, p99, p99.9, max: {row}");
    }
    let rest = lines[3 + rows.len()..].join("\n");
    assert!(rest.contains("An append and fdatasync takes "), "{rest}");
    assert!(rest.contains("16 calls at a time"), "{rest}");

    assert!(
        files(folder.path()) == before,
        "something was left or changed"
    );
}

#[test]
fn a_program_gets_an_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &["--seconds", "0.02", "--json"])
        .output()
        .unwrap();
    let rows: Vec<Value> = succeeded(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let measured: Vec<_> = rows
        .iter()
        .map(|row| {
            let operation = row["operation"].as_str().unwrap();
            (operation, row["callers"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(measured, OPERATIONS);
    for row in &rows {
        let keys: Vec<_> = row.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "operation",
                "runs",
                "callers",
                "batch",
                "count",
                "per_second",
                "p50_ns",
                "p90_ns",
                "p99_ns",
                "p999_ns",
                "max_ns"
            ]
        );
        assert_eq!(row["runs"], 1000);
        let (callers, count) = (row["callers"].as_u64(), row["count"].as_u64());
        assert!(count >= callers, "each caller asks at least once: {row}");
        assert!(row["per_second"].as_f64().unwrap() > 0.0, "{row}");
        let percentiles = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"];
        if row["operation"] == "import" {
            assert_eq!(row["count"], 1000);
            assert!(percentiles.iter().all(|name| row[name].is_null()), "{row}");
            continue;
        }
        let values = percentiles.map(|name| row[name].as_u64().unwrap());
        assert!(values[0] > 0 && values.is_sorted(), "{row}");
        let batched = ["get_course_run", "get_catalog_course", "runs_of_course"];
        let is_batched = batched.iter().any(|name| row["operation"] == *name);
        assert_eq!(row["batch"], if is_batched { 16 } else { 1 }, "{row}");
    }
    assert!(files(&folder.path().join("disk")).is_empty());
}

#[cfg(unix)]
#[test]
fn what_is_stopped_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        let mut child = bench(folder.path(), &["--seconds", "600", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It is measured how long opening takes, for ten minutes.
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().contains("\"import\""));
        // Files come and go in it now: reading all of them now and then found that one had just gone.
        assert!(fs::read_dir(&disk).unwrap().next().is_some());
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert!(said.next().is_none(), "what was cut short was printed");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("The benchmark was stopped."), "{said}");
        assert!(files(&disk).is_empty(), "{signal}: something was left");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = bench(folder.path(), &["--seconds", "0.02", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    succeeded(&output);
    assert!(files(&folder.path().join("disk")).is_empty());
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (code, advice, arguments) in [
        (2, "1000..=1000000", &["--runs", "999"][..]),
        (2, "1000..=1000000", &["--runs", "1000001"]),
        (2, "say 0.001 to 600", &["--seconds", "0"]),
        (2, "say 0.001 to 600", &["--seconds", "NaN"]),
        (2, "say 0.001 to 600", &["--seconds", "1e9"]),
        (2, "say a number", &["--seconds", "long"]),
        (1, "with --dir", &["--dir", "nowhere"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_coursecat"))
            .arg("bench")
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(advice), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
    assert!(files(folder.path()).is_empty());
}
