//! Promise: the command line is safe for a script and explains itself to a person.

use std::path::Path;
use std::process::{Command, Output};

use coursecat::Catalog;
use serde_json::{Value, json};

/// Runs the real binary on a folder.
fn coursecat(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coursecat"))
        .args(arguments)
        .env_clear()
        .env("COURSECAT_DATA", data)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The JSON lines that a command that succeeds prints.
fn json_of(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = coursecat(data, &[&["--json"], arguments].concat());
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    let lines = stdout(&output).lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn demo() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = coursecat(folder.path(), &["demo"]);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

#[test]
fn each_kind_of_failure_has_its_exit_code_and_says_what_to_do() {
    let demo = demo();
    let mit = "catalog-course:MITx:6.00.1x";
    for (code, advice, arguments) in [
        (2, "Usage", &["run", "create"][..]),
        (2, "Usage", &["no-such-verb"]),
        (2, "invalid value", &["run", "list", "--cursor", "zz"]),
        (3, "Did you mean", &["org", "get", "MITxx"]),
        (
            3,
            "Did you mean",
            &["course", "get", "catalog-course:MITx:6.00.2x"],
        ),
        (
            3,
            "capitalisation",
            &["course", "get", "catalog-course:HarvardX:cs50"],
        ),
        (
            3,
            "coursecat search",
            &["run", "get", "course-v1:Nobody+Knows+This"],
        ),
        (3, "no organization", &["course", "create", "Nobody", "C1"]),
        (4, "Delete these first", &["course", "delete", mit]),
        (4, mit, &["org", "delete", "MITx"]),
        (5, "exists already", &["org", "create", "mitx"]),
        (
            5,
            "exists already",
            &["course", "create", "MITx", "6.00.1X"],
        ),
        (
            6,
            "language code",
            &["course", "update", mit, "--language-short", "EN"],
        ),
        (6, "course-v1:ORG+COURSE+RUN", &["run", "get", "MITx"]),
        (6, "letters A-Z", &["org", "create", "Two Words"]),
        (3, "Did you mean \"MITx\"?", &["org", "delete", "mitt"]),
        (3, "Did you mean", &["org", "update", "HarvadX", "--active"]),
        (3, "Did you mean", &["course", "create", "MITy", "C1"]),
        (3, "Did you mean", &["export", "--org", "MITy"]),
        (3, "coursecat org list", &["org", "get", "Nobody"]),
        (3, "coursecat ref list", &["ref", "remove", mit, "nobody"]),
        (5, "Name a new folder", &["demo"]),
        (
            6,
            "\"EN\" is not a language code.\n  Use two lower-case letters",
            &["--allowed-languages", "fr,EN", "stats"],
        ),
        (
            6,
            "start with \"catalog-course:\".\n  Write it like",
            &["course", "get", "MITx:8.01x"],
        ),
        (6, "between 1 and 1000", &["run", "list", "--limit", "0"]),
        (
            6,
            "org create NewX",
            &["--no-auto-create", "run", "create", "course-v1:NewX+C+R"],
        ),
    ] {
        let output = coursecat(demo.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(advice),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    // A refused creation left nothing behind.
    assert_eq!(json_of(demo.path(), &["stats"])[0]["organizations"], 18);
}

#[test]
fn a_catalog_in_use_is_locked() {
    let demo = demo();
    let _held = Catalog::open(demo.path()).unwrap();
    let output = coursecat(demo.path(), &["stats"]);
    assert_eq!(output.status.code(), Some(7));
    assert!(
        stderr(&output).contains("another process"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_missing_catalog_is_not_made_by_looking_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("nothing");
    for verb in [
        &["run", "list"][..],
        &["stats"],
        &["verify"],
        &["compact"],
        &["repair", "--yes"],
    ] {
        let output = coursecat(&data, verb);
        assert_eq!(
            output.status.code(),
            Some(6),
            "{verb:?}: {}",
            stderr(&output)
        );
    }
    assert!(!data.exists());
}

#[test]
fn a_damaged_catalog_is_reported_and_repaired_with_a_copy_taken_first() {
    let demo = demo();
    let data = demo.path().join("data");
    assert!(coursecat(&data, &["demo"]).status.success());
    let store = sled::Config::new()
        .path(data.join("store"))
        .segment_size(2 << 20)
        .open()
        .unwrap();
    let runs = store.open_tree("runs").unwrap();
    let (key, _) = runs.first().unwrap().unwrap();
    runs.insert(key, b"broken").unwrap();
    store.flush().unwrap();
    drop((runs, store));

    let output = coursecat(&data, &["stats"]);
    assert_eq!(output.status.code(), Some(8), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("coursecat repair"),
        "{}",
        stderr(&output)
    );
    let output = coursecat(&data, &["verify"]);
    assert_eq!(output.status.code(), Some(8));
    assert!(stdout(&output).contains("runs 0000"), "{}", stdout(&output));
    let output = coursecat(&data, &["repair"]);
    assert_eq!(output.status.code(), Some(1), "nobody was there to say yes");
    let output = coursecat(&data, &["repair", "--yes"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(coursecat(&data, &["verify"]).status.success());
    let copies = std::fs::read_dir(demo.path())
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().starts_with("data.before-repair-")
        })
        .count();
    assert_eq!(copies, 1);
}

#[test]
fn json_has_these_fields_and_nothing_else() {
    let demo = demo();
    let key = "course-v1:MITx+8.01x+2026_T1";
    assert_eq!(
        json_of(demo.path(), &["org", "get", "MITx"]),
        [json!({
            "short_name": "MITx", "name": "Massachusetts Institute of Technology", "active": true,
            "created": "2012-05-02T00:00:00.000000Z", "courses": 6,
        })]
    );
    assert_eq!(
        json_of(demo.path(), &["course", "get", "catalog-course:MITx:8.01x"]),
        [json!({
            "key": "catalog-course:MITx:8.01x", "org": "MITx", "course_code": "8.01x",
            "title": "Mechanics", "language": "en", "language_short": "en",
            "created": "2026-02-02T09:00:00.000000Z", "runs": 1,
        })]
    );
    assert_eq!(
        json_of(demo.path(), &["run", "get", key]),
        [json!({
            "course_key": key, "catalog_course": "catalog-course:MITx:8.01x", "org": "MITx",
            "course_code": "8.01x", "run_code": "2026_T1", "title": "Mechanics",
            "created": "2026-02-02T09:00:00.000000Z",
        })]
    );
}

#[test]
fn json_has_its_fields_in_this_order() {
    let demo = demo();
    for (arguments, fields) in [
        (
            &["org", "get", "MITx"][..],
            &["short_name", "name", "active", "created", "courses"][..],
        ),
        (
            &["course", "get", "catalog-course:MITx:8.01x"],
            &[
                "key",
                "org",
                "course_code",
                "title",
                "language",
                "language_short",
                "created",
                "runs",
            ],
        ),
        (
            &["run", "get", "course-v1:MITx+8.01x+2026_T1"],
            &[
                "course_key",
                "catalog_course",
                "org",
                "course_code",
                "run_code",
                "title",
                "created",
            ],
        ),
        (
            &["stats"],
            &[
                "organizations",
                "catalog_courses",
                "course_runs",
                "references",
                "bytes_on_disk",
            ],
        ),
        (
            &["verify"],
            &["clean", "rows", "commit", "seconds", "records", "findings"],
        ),
        (
            &["repair"],
            &["rows_changed", "rebuilt", "lost", "feed", "records", "copy"],
        ),
    ] {
        let output = coursecat(demo.path(), &[&["--json"], arguments].concat());
        let places: Vec<_> = fields
            .iter()
            .map(|field| stdout(&output).find(&format!("\"{field}\":")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{}", stdout(&output));
        assert_eq!(stdout(&output).lines().count(), 1);
    }
}

#[test]
fn variables_stand_in_for_options_and_nothing_for_none() {
    let demo = demo();
    let with = |variable: &str, value: &str, arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_coursecat"))
            .args(arguments)
            .env_clear()
            .env("COURSECAT_DATA", demo.path())
            .env(variable, value)
            .output()
            .unwrap();
        (output.status.code().unwrap(), stderr(&output).to_owned())
    };
    let create = |n: usize| format!("course-v1:New{n}+C+R");
    for (n, (word, code)) in [
        ("1", 6),
        ("TRUE", 6),
        ("yes", 6),
        ("0", 0),
        ("false", 0),
        ("", 0),
        ("perhaps", 2),
    ]
    .into_iter()
    .enumerate()
    {
        let (found, said) = with(
            "COURSECAT_NO_AUTO_CREATE",
            word,
            &["run", "create", &create(n)],
        );
        assert_eq!(found, code, "{word}: {said}");
    }
    for (variable, value, code) in [
        ("COURSECAT_ALLOWED_LANGUAGES", "", 0),
        ("COURSECAT_ALLOWED_LANGUAGES", "en, zh_HANS", 0),
        ("COURSECAT_ALLOWED_LANGUAGES", "en, zh_hans", 6),
        ("COURSECAT_DEFAULT_LANGUAGE", "", 0),
        ("COURSECAT_DEFAULT_LANGUAGE", "fr", 0),
        ("COURSECAT_DEFAULT_LANGUAGE", "French", 6),
        ("COURSECAT_KEEP_CHANGES", "", 0),
        ("COURSECAT_KEEP_CHANGES", "0", 0),
        ("COURSECAT_KEEP_CHANGES", "many", 2),
        ("COURSECAT_KEEP_CHANGES_FOR", "", 0),
        ("COURSECAT_KEEP_CHANGES_FOR", "7d", 0),
        ("COURSECAT_KEEP_CHANGES_FOR", "7 moons", 2),
    ] {
        let (found, said) = with(variable, value, &["stats"]);
        assert_eq!(found, code, "{variable}={value}: {said}");
    }
    let (code, _) = with("COURSECAT_DATA", "/nonexistent", &["stats"]);
    assert_eq!(code, 6);
    let data = demo.path().to_str().unwrap();
    let (code, _) = with("COURSECAT_DATA", "/nonexistent", &["stats", "--data", data]);
    assert_eq!(code, 0, "an option goes before its variable");
}

/// Printing completions into a pipe that was closed, or on a full disk, was a panic.
#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_one() {
    let demo = demo();
    for arguments in [
        &["run", "list", "--all"][..],
        &["--json", "run", "list", "--all"],
        &["export"],
        &["completions", "bash"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coursecat"))
            .args(arguments)
            .env_clear()
            .env("COURSECAT_DATA", demo.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(stderr(&output), "", "{arguments:?}");

        #[cfg(target_os = "linux")]
        {
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
            let output = Command::new(env!("CARGO_BIN_EXE_coursecat"))
                .args(arguments)
                .env_clear()
                .env("COURSECAT_DATA", demo.path())
                .stdout(full.unwrap())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            let said = stderr(&output);
            assert!(said.contains("No space left on device"), "{said}");
            assert!(said.contains("\n  See to where it is written"), "{said}");
        }
    }
}

#[test]
fn a_list_goes_on_where_it_stopped_and_says_that_it_did() {
    let demo = demo();
    let all = json_of(demo.path(), &["run", "list", "--all", "--order", "key"]);
    assert_eq!(all.len(), 44);
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut arguments = vec!["--json", "run", "list", "--limit", "7", "--order", "key"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let output = coursecat(demo.path(), &arguments);
        let lines = stdout(&output).lines();
        found.extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        let Some((_, rest)) = stderr(&output).split_once("--cursor ") else {
            break;
        };
        cursor = rest.split(',').next().map(str::to_owned);
    }
    assert_eq!(found, all);
}

#[test]
fn every_verb_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let run = "course-v1:MITx+Math100+A";
    let course = "catalog-course:MITx:Math100";
    json_of(
        data,
        &["org", "create", "mitx", "--name", "MIT", "--inactive"],
    );
    assert_eq!(
        json_of(data, &["org", "rename", "mitx", "MITx"])[0]["short_name"],
        "MITx"
    );
    assert_eq!(
        json_of(data, &["org", "update", "MITx", "--active"])[0]["active"],
        true
    );
    json_of(
        data,
        &[
            "course",
            "create",
            "MITx",
            "Math100",
            "--language",
            "zh-hans",
        ],
    );
    let updated = json_of(data, &["course", "update", course, "--title", "Calculus"]);
    assert_eq!(updated[0]["title"], "Calculus");
    assert_eq!(updated[0]["language_short"], "zh_HANS");
    json_of(data, &["run", "create", "--in", course, "--run-code", "A"]);
    assert_eq!(
        json_of(data, &["run", "sync", run, "--title", "New"])[0]["title"],
        "New"
    );
    assert_eq!(json_of(data, &["course", "runs", course]).len(), 1);
    json_of(data, &["ref", "add", run, "enrollments"]);
    assert_eq!(
        json_of(data, &["ref", "list", run]),
        [json!({ "referrer": "enrollments" })]
    );
    json_of(data, &["ref", "remove", run, "enrollments"]);
    assert_eq!(json_of(data, &["search", "calculus"]).len(), 1);
    assert_eq!(json_of(data, &["verify"])[0]["clean"], true);
    // Three records with their index rows, the ledger, and the changes that led there.
    assert_eq!(json_of(data, &["compact"])[0]["rows"], 16);
    json_of(data, &["run", "delete", run]);
    json_of(data, &["course", "delete", course]);
    json_of(data, &["org", "delete", "MITx"]);
    assert_eq!(json_of(data, &["stats"])[0]["organizations"], 0);
}

#[test]
fn text_from_a_catalog_cannot_move_the_cursor_of_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let title = "\u{1b}[2JGone\nNext \u{202e}txeT";
    let arguments = ["run", "create", "course-v1:O+C+R", "--title", title];
    let output = coursecat(folder.path(), &arguments);
    assert!(output.status.success());
    assert!(!stdout(&output).contains(['\u{1b}', '\u{202e}']));
    assert_eq!(stdout(&output).lines().count(), 2);
}

/// The names that a help text lists under a heading.
fn listed<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let Some((_, rest)) = help.split_once(heading) else {
        return Vec::new();
    };
    rest.lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// Every verb below these words, with its help.
fn verbs(words: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("--help");
    let output = coursecat(Path::new("/nonexistent"), &arguments);
    assert!(output.status.success(), "{words:?}");
    let help = stdout(&output).to_owned();
    for verb in listed(&help, "Commands:") {
        if verb != "help" {
            verbs(&[words, &[verb.to_owned()]].concat(), found);
        }
    }
    found.push((words.to_vec(), help));
}

/// The head of COMMANDS.md; what follows is the help of every verb.
const COMMANDS_HEAD: &str = "\
# Commands

The help of every verb, as `--help` prints it. `tests/cli.rs` writes this page when it runs with
`COURSECAT_WRITE_COMMANDS=1`, and otherwise fails if it is out of date.
";

#[test]
fn every_help_has_an_example_and_the_page_of_commands_is_up_to_date() {
    let mut found = Vec::new();
    verbs(&[], &mut found);
    // For those who pack the program, and not in the list that everyone sees.
    verbs(&["man".to_owned()], &mut found);
    assert!(found.len() > 25, "only {} verbs were found", found.len());
    found.sort();
    let mut page = COMMANDS_HEAD.to_owned();
    for (words, help) in &found {
        assert!(
            help.contains("Example"),
            "no example in the help of {words:?}"
        );
        let title = [&["coursecat".to_owned()], &words[..]].concat().join(" ");
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        page += &format!(
            "\n## {title}\n\n```text\n{}\n```\n",
            help.join("\n").trim_end()
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COMMANDS.md");
    if std::env::var_os("COURSECAT_WRITE_COMMANDS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "COMMANDS.md is out of date: run this test with COURSECAT_WRITE_COMMANDS=1"
    );
}

#[test]
fn completions_and_man_pages_come_from_the_same_tree() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = coursecat(folder.path(), &["completions", shell]);
        for word in ["coursecat", "compact", "rename", "allowed-languages"] {
            assert!(stdout(&output).contains(word), "{shell}: {word}");
        }
    }
    let man = folder.path().join("man");
    let output = coursecat(folder.path(), &["man", man.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(man.join("coursecat-run-create.1").exists());
}
