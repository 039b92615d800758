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
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(again, fs::read_to_string(&file).unwrap());
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
    assert!(!data.exists(), "a dry run made a catalog");

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

#[test]
fn what_cannot_be_imported_leaves_no_catalog_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let text = folder.path().join("text.txt");
    fs::write(&text, "What is this?\n").unwrap();
    let empty = folder.path().join("empty.csv");
    fs::write(&empty, "").unwrap();
    let backup = folder.path().join("backup.zst");
    succeeds(&demo(folder.path()), &["backup", backup.to_str().unwrap()]);
    for (file, advice) in [
        (text.to_str().unwrap(), "Name it with --format"),
        (empty.to_str().unwrap(), "The input is empty."),
        (backup.to_str().unwrap(), "restore it if it is a backup"),
        (folder.path().to_str().unwrap(), "is a folder"),
        ("/no/such/file", "how its name is spelled"),
        ("-", "The input is empty."),
    ] {
        let output = coursecat(&data, &["import", file]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{file}: {said}");
        assert!(said.contains(advice), "{file}: {said}");
        assert!(!data.exists(), "{file}");
    }
}

/// The file of the rejects was emptied before it was looked at what is to be imported from it.
#[test]
fn rejects_never_take_the_place_of_what_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("rows.csv");
    let rows = "course_key,title\nnonsense,One\n";
    fs::write(&file, rows).unwrap();
    let link = folder.path().join("link.csv");
    fs::hard_link(&file, &link).unwrap();
    for rejects in [&file, &link] {
        let rejects = rejects.to_str().unwrap();
        let arguments = ["import", file.to_str().unwrap(), "--rejects", rejects];
        assert_eq!(coursecat(&data, &arguments).status.code(), Some(6));
        assert_eq!(fs::read_to_string(&file).unwrap(), rows);
    }
    // Of several files, each reject says whose it is. Those of an import before are replaced.
    let other = folder.path().join("other.csv");
    fs::write(&other, rows).unwrap();
    let rejects = folder.path().join("rejects.jsonl");
    for _ in 0..2 {
        let files = [&file, &other, &rejects].map(|path| path.to_str().unwrap());
        let arguments = ["import", files[0], files[1], "--rejects", files[2]];
        let output = coursecat(&data, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("other.csv: line 2: nonsense: "), "{said}");
        let kept = fs::read_to_string(&rejects).unwrap();
        let rows: Vec<Value> = kept
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1]["file"], files[1]);
        assert_eq!(rows[1]["key"], "nonsense");
        assert_eq!(rows[1]["code"], "invalid_key");
    }
    // Rejects that cannot be kept are a failure, though the rest is stored.
    #[cfg(target_os = "linux")]
    {
        let name = file.to_str().unwrap();
        let output = coursecat(&data, &["import", name, "--rejects", "/dev/full"]);
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A name that is not Unicode was a panic where the report is JSON.
#[cfg(target_os = "linux")]
#[test]
fn files_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join(OsStr::from_bytes(b"d\xe9j\xe0 vu"));
    let run = |arguments: &[&OsStr]| {
        let output = Command::new(env!("CARGO_BIN_EXE_coursecat"))
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .env("COURSECAT_DATA", &data)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    let name = OsStr::new;
    for (n, bytes) in [&b"\xff.csv"[..], b"two\nlines.csv", b"-x.csv", b"a b.csv"]
        .into_iter()
        .enumerate()
    {
        let file = OsStr::from_bytes(bytes);
        let rows = format!("course_key,title\ncourse-v1:A+B+{n},One\n");
        fs::write(folder.path().join(file), rows).unwrap();
        for json in [false, true] {
            let mut arguments = vec![name("import"), name("--"), file];
            if json {
                arguments.insert(0, name("--json"));
            }
            let printed = run(&arguments);
            if json {
                let report: Value = serde_json::from_str(&printed).unwrap();
                assert_eq!(report["rows"], 1);
            } else {
                assert!(printed.contains("1 row read"), "{printed}");
            }
        }
    }
    let to = OsStr::from_bytes(b"\xfe.zst");
    run(&[name("--json"), name("backup"), to]);
    let from = folder.path().join(to);
    let copy = OsStr::from_bytes(b"\xfd");
    run(&[
        name("--json"),
        name("restore"),
        from.as_os_str(),
        name("--data"),
        copy,
    ]);
    run(&[name("verify"), name("--data"), copy]);
}

#[test]
fn a_backup_takes_the_place_of_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    let mut places = vec![folder.path().to_owned()];
    if cfg!(unix) {
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        places.push(pipe);
    }
    for place in places {
        let arguments = ["backup", place.to_str().unwrap(), "--overwrite"];
        let output = coursecat(&data, &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(!place.is_file(), "{}", place.display());
    }
    let parts = fs::read_dir(folder.path()).unwrap();
    let is_part = |name: &std::ffi::OsStr| name.to_string_lossy().contains(".part");
    assert!(!parts.into_iter().any(|e| is_part(&e.unwrap().file_name())));
}

#[test]
fn a_spreadsheet_gets_no_formulas_and_gives_back_what_it_got() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let titles = [
        "=1+1",
        "+2",
        "-3",
        "@A1",
        "'=1",
        "''-1",
        "'tis",
        "a,\"b\"\nc",
    ];
    for (n, title) in titles.iter().enumerate() {
        let key = format!("course-v1:A+B+{n}");
        let title = format!("--title={title}");
        succeeds(&data, &["run", "create", &key, &title]);
    }
    let file = folder.path().join("rows.csv");
    let name = file.to_str().unwrap();
    succeeds(&data, &["export", "--format", "csv", "-o", name]);
    let text = fs::read_to_string(&file).unwrap();
    for start in [",=", ",+", ",-", ",@"] {
        assert!(!text.contains(start), "{text}");
    }
    let copy = folder.path().join("copy");
    succeeds(&copy, &["import", name]);
    for (n, title) in titles.iter().enumerate() {
        let key = format!("course-v1:A+B+{n}");
        let run = succeeds(&copy, &["--json", "run", "get", &key]);
        let run: Value = serde_json::from_str(&run).unwrap();
        assert_eq!(run["title"], *title);
    }
    assert_eq!(succeeds(&copy, &["export", "--format", "csv"]), text);
}

#[test]
fn an_export_to_a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = demo(folder.path());
    let file = folder.path().join("out.jsonl");
    let name = file.to_str().unwrap();
    let output = coursecat(&data, &["export", "--org", "Nobody", "-o", name]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!file.exists());
    let report = succeeds(&data, &["--json", "export", "-o", name]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(report["records"]["course_runs"], 44);
    let to_stdout = succeeds(&data, &["export", "--output", "-"]);
    assert_eq!(to_stdout, fs::read_to_string(&file).unwrap());
}
