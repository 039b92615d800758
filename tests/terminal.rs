//! Promise: a person at a terminal sees colour and how far long work is; a program sees neither.
//!
//! The terminal is one that `script` of util-linux makes.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command line of the shell on a terminal, and gives all that it shows.
fn on_a_terminal(folder: &Path, environment: &[(&str, &str)], line: &str) -> String {
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm-256color")
        .env("COURSECAT", env!("CARGO_BIN_EXE_coursecat"))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("script of util-linux");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const RED: &str = "\u{1b}[31m";

#[test]
fn errors_are_in_colour_on_a_terminal_unless_it_is_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let line = "$COURSECAT run list";
    let shown = on_a_terminal(folder.path(), &[], line);
    assert!(shown.contains(RED), "{shown:?}");
    assert!(shown.contains("There is no catalog in"), "{shown:?}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_a_terminal(folder.path(), &[environment], line);
        assert!(!shown.contains('\u{1b}'), "{environment:?}: {shown:?}");
        assert!(shown.contains("There is no catalog in"), "{shown:?}");
    }
    // Neither is there any in a file or a pipe.
    let shown = on_a_terminal(folder.path(), &[], "$COURSECAT run list 2>&1 | cat");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn an_import_shows_how_far_it_is_on_a_terminal_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "course_key,title\n".to_owned();
    for n in 0..20_000 {
        writeln!(rows, "course-v1:DelftX+Water{}+{n},Water", n / 100).unwrap();
    }
    fs::write(folder.path().join("rows.csv"), rows).unwrap();

    let shown = on_a_terminal(folder.path(), &[], "$COURSECAT import rows.csv");
    assert!(shown.contains(" rows imported "), "{shown:?}");
    assert!(shown.contains("% "), "{shown:?}");
    assert!(shown.contains("/s, "), "no rate: {shown:?}");
    assert!(shown.contains(" left"), "no remaining time: {shown:?}");
    assert!(shown.contains("rows.csv: 20000 rows read in "), "{shown:?}");

    // A pipe has no end that is known, but a rate.
    let line = "cat rows.csv | $COURSECAT --data of-pipe import -";
    let shown = on_a_terminal(folder.path(), &[], line);
    assert!(shown.contains(" rows imported "), "{shown:?}");
    assert!(shown.contains("/s"), "no rate: {shown:?}");

    let line = "$COURSECAT --data of-program import rows.csv 2>&1 | cat";
    let shown = on_a_terminal(folder.path(), &[], line);
    assert!(
        shown.starts_with("rows.csv: 20000 rows read in "),
        "{shown:?}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn a_benchmark_shows_what_it_measures_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let line = "$COURSECAT bench --dir . --runs 1000 --seconds 0.15";
    let shown = on_a_terminal(folder.path(), &[], line);
    assert!(
        shown.contains("Measuring 3 of 14: get run by key"),
        "{shown:?}"
    );
    assert!(
        shown.contains("An append and fdatasync takes "),
        "{shown:?}"
    );
}

#[test]
fn a_repair_asks_a_person_and_does_nothing_after_a_no() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| on_a_terminal(folder.path(), &[], line);
    run("$COURSECAT demo");
    // As if the end of its log had been lost.
    let mark = "coursecat store, commits 99";
    let mark = format!("{mark}, checksum {:08x}\n", crc32c::crc32c(mark.as_bytes()));
    fs::write(folder.path().join("coursecat-data/store/COMMITS"), mark).unwrap();
    for answer in ["n", ""] {
        let shown = run(&format!(
            "echo {answer} | script --quiet --command '$COURSECAT repair' /dev/null"
        ));
        assert!(shown.contains("Go on? [y/N]"), "{shown:?}");
        assert!(shown.contains("Nothing was changed."), "{shown:?}");
    }
    let copies = || {
        let names = fs::read_dir(folder.path()).unwrap();
        names
            .filter(|name| {
                name.as_ref()
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .contains(".before-repair-")
            })
            .count()
    };
    assert_eq!(copies(), 0);
    let shown = run("echo y | script --quiet --command '$COURSECAT repair' /dev/null");
    assert!(shown.contains("rows changed"), "{shown:?}");
    assert_eq!(copies(), 1);
}
