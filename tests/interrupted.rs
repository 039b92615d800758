//! Promise: an import that is interrupted says how far it came, what it has stored is whole, and
//! the same command completes it.
//!
//! Here it is interrupted while it works. `kill_verbs.rs` does so at each call that changes the
//! disk.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// About twice as many rows as are ever on their way at once.
const ROWS: u64 = 16_000;
/// A row that is refused stands before the first and after so many others: what is said of it shows
/// how far an import is.
const ROWS_PER_SIGN: u64 = 4_000;
const SIGNS: u64 = ROWS / ROWS_PER_SIGN;

fn rows() -> String {
    let mut rows = "course_key,title\n".to_owned();
    for n in 0..ROWS {
        if n % ROWS_PER_SIGN == 0 {
            writeln!(rows, "sign {},", n / ROWS_PER_SIGN).unwrap();
        }
        writeln!(rows, "course-v1:DelftX+Water{}+{n},Water", n / 100).unwrap();
    }
    rows
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rows.csv"), rows()).unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("rows.csv")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coursecat"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear();
        command
    }

    /// Begins a command whose output is kept.
    fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command that succeeds, and gives what it printed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Imports again, and finds all there.
    fn complete(&self) {
        self.succeeds(&["verify"]);
        let report = self.succeeds(&["--json", "import", "rows.csv"]);
        let report: Value = serde_json::from_str(&report).unwrap();
        let runs = &report["course_runs"];
        let count = |what: &str| runs[what].as_u64().unwrap();
        assert_eq!(count("created") + count("unchanged"), ROWS, "{report}");
        assert_eq!(runs["rejected"]["invalid_key"], SIGNS, "{report}");
        let stats: Value = serde_json::from_str(&self.succeeds(&["--json", "stats"])).unwrap();
        assert_eq!(stats["course_runs"], ROWS);
        self.succeeds(&["verify"]);
    }
}

/// Waits until a program has said something.
fn wait_for(said: &mut impl BufRead, what: &str) {
    let mut line = String::new();
    while !line.contains(what) {
        line.clear();
        assert!(
            said.read_line(&mut line).unwrap() > 0,
            "{what} was never said"
        );
    }
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn rest(said: &mut impl Read) -> String {
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    text
}

/// Interrupts an import once it has said that it has passed a sign, and gives the exit code, what
/// it printed and what else it said.
fn interrupted(place: &Place, arguments: &[&str], sign: u64, how: &str) -> (i32, String, String) {
    let mut child = place.begin(arguments);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut said, &format!("sign {sign}"));
    signal(&child, how);
    let printed = rest(child.stdout.as_mut().unwrap());
    let said = rest(&mut said);
    (child.wait().unwrap().code().unwrap_or(-1), printed, said)
}

#[test]
fn ctrl_c_stops_an_import_cleanly_and_the_same_command_completes_it() {
    let place = Place::new();
    for how in ["-INT", "-TERM"] {
        let (code, printed, said) = interrupted(&place, &["import", "rows.csv"], 0, how);
        assert_eq!(code, 1, "{said}");
        assert!(printed.contains(" before it was stopped."), "{printed}");
        let (_, told) = said.split_once("rows.csv was stopped after ").unwrap();
        let (rows, told) = told.split_once(' ').unwrap();
        let rows: u64 = rows.parse().unwrap();
        assert!((1..ROWS).contains(&rows), "{rows} of {ROWS}");
        assert!(
            told.starts_with("rows; what was read before is stored.\n"),
            "{told}"
        );
        assert!(
            told.ends_with("Run the same command again to complete it.\n"),
            "{told}"
        );
        let stats = place.succeeds(&["--json", "stats"]);
        let stats: Value = serde_json::from_str(&stats).unwrap();
        assert!(stats["course_runs"].as_u64().unwrap() <= rows);
    }
    place.complete();
}

#[test]
fn ctrl_c_stops_a_strict_import_with_nothing_stored() {
    let place = Place::new();
    let arguments = ["import", "--strict", "rows.csv"];
    let (code, printed, said) = interrupted(&place, &arguments, 0, "-INT");
    assert_eq!(code, 1, "{said}");
    assert!(printed.contains("nothing was written"), "{printed}");
    assert!(said.contains("; nothing of it was stored."), "{said}");
    let stats = place.succeeds(&["--json", "stats"]);
    assert!(stats.starts_with("{\"organizations\":0,"), "{stats}");
}

/// Standard input that was open and silent kept the program from noticing Ctrl-C until more came.
#[test]
fn ctrl_c_stops_an_import_that_waits_for_input() {
    let place = Place::new();
    fs::write(place.file(), "course_key,title\ncourse-v1:A+B+1,One\n").unwrap();
    for begun in ["", "course_key,title\ncourse-v1:A+B+2,Two\ncourse-v1:A+"] {
        let mut child = place.begin(&["import", "rows.csv", "-"]);
        let mut input = child.stdin.take().unwrap();
        input.write_all(begun.as_bytes()).unwrap();
        // When it has told of the first file, it minds signals, and soon waits for the second.
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        wait_for(&mut printed, "rows.csv: 1 row read");
        signal(&child, "-INT");
        assert!(rest(&mut printed).contains("before it was stopped"));
        let said = rest(child.stderr.as_mut().unwrap());
        assert!(
            said.contains("The import of - was stopped after "),
            "{said}"
        );
        assert_eq!(child.wait().unwrap().code(), Some(1));
        drop(input);
    }
    place.succeeds(&["verify"]);
}

#[test]
fn an_import_that_is_killed_again_and_again_is_completed_by_the_same_command() {
    let place = Place::new();
    for sign in [0, 2] {
        let (code, _, _) = interrupted(&place, &["import", "rows.csv"], sign, "-KILL");
        assert_eq!(code, -1, "it was not killed");
        place.succeeds(&["verify"]);
    }
    place.complete();
}
