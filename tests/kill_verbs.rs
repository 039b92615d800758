//! Promise: a verb of the command line that is killed, at any call that changes the disk, leaves the
//! catalog as it was before or after, whole, and the same command completes it.
//!
//! Each verb is run as often as it makes such calls, and killed at the first, the second, and so on
//! (`kill_verbs/countdown.c`). The short form takes a part of these points, another one each day;
//! all of them: `COURSECAT_POINTS=all cargo test --release --test kill_verbs -- --nocapture`.
#![cfg(all(target_os = "linux", feature = "cli"))]

#[path = "support/stored.rs"]
mod stored;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use coursecat::transfer::{Filter, Format, export, inspect_backup};
use coursecat::{Catalog, CreateModulestoreRun, verify};

/// How many points of a verb the short form takes.
const SHORT: usize = 6;

/// The library that counts calls, built once.
fn countdown() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countdown.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kill_verbs/countdown.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([path.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status()
            .expect("a C compiler");
        assert!(built.success());
        (folder, path)
    });
    path
}

fn command(arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coursecat"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn succeeds(arguments: &[String]) -> Output {
    let output = command(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output
}

/// Runs a verb once for each point: in a place that `prepare` has filled, killed there, looked at by
/// `killed`, run again without harm, and looked at by `completed`.
fn sweep(
    prepare: impl Fn(&Path),
    verb: impl Fn(&Path) -> Vec<String>,
    killed: impl Fn(&Path),
    completed: impl Fn(&Path),
) {
    let place = || {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        folder
    };
    let folder = place();
    let calls = folder.path().join("calls");
    let counted = command(&verb(folder.path()))
        .env("LD_PRELOAD", countdown())
        .env("COURSECAT_CALLS", &calls)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&counted.stderr);
    assert!(counted.status.success(), "{errors}");
    let calls: usize = fs::read_to_string(&calls).unwrap().trim().parse().unwrap();
    assert!(
        calls > 5,
        "the calls of {:?} are not counted",
        verb(folder.path())
    );
    completed(folder.path());

    let step = match std::env::var("COURSECAT_POINTS").as_deref() {
        Ok("all") => 1,
        Ok(other) => panic!("COURSECAT_POINTS is {other:?}; it can be all"),
        Err(_) => calls.div_ceil(SHORT),
    };
    let day = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        / 86_400;
    let first = 1 + usize::try_from(day).unwrap() % step;
    let mut kills = 0;
    for point in (first..=calls).step_by(step) {
        let folder = place();
        let arguments = verb(folder.path());
        let output = command(&arguments)
            .env("LD_PRELOAD", countdown())
            .env("COURSECAT_DIE_AT", point.to_string())
            .output()
            .unwrap();
        // The number of calls is not quite the same each time: sled has threads of its own.
        let errors = String::from_utf8_lossy(&output.stderr);
        let was_killed = output.status.signal() == Some(9);
        assert!(
            was_killed || output.status.success(),
            "at call {point}: {errors}"
        );
        kills += usize::from(was_killed);
        println!("{arguments:?}: killed at call {point} of {calls}");
        killed(folder.path());
        succeeds(&arguments);
        completed(folder.path());
    }
    println!("{:?}: {kills} kills at {calls} calls", verb(folder.path()));
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn words(data: &Path, words: &[&str]) -> Vec<String> {
    let mut arguments = vec!["--data".to_owned(), text(data)];
    arguments.extend(words.iter().map(|word| (*word).to_owned()));
    arguments
}

fn data(place: &Path) -> PathBuf {
    place.join("data")
}

/// All that a catalog holds.
fn content(data: &Path) -> String {
    let catalog = Catalog::open(data).unwrap();
    let mut lines = Vec::new();
    export(
        &catalog.snapshot(),
        Format::Lines,
        &Filter::new(),
        &mut lines,
    )
    .unwrap();
    String::from_utf8(lines).unwrap()
}

fn is_clean(data: &Path) {
    let report = verify(data).unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A catalog with some history: runs that were created and deleted again, references, new titles.
fn with_history() -> &'static (tempfile::TempDir, String) {
    static MADE: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let key = |n: u32| format!("course-v1:MITx+Math{}+{n}", n / 10);
        let pending: Vec<_> = (0..200)
            .map(|n| catalog.submit(CreateModulestoreRun::new(key(n)).title("Calculus")))
            .collect();
        for answer in pending {
            answer.wait().unwrap();
        }
        for n in (0..200).step_by(20) {
            catalog.delete_course_run(key(n)).unwrap();
            catalog.add_reference(key(n + 1), "lms").unwrap();
            catalog
                .sync_course_run_details(key(n + 2), "Algebra")
                .unwrap();
        }
        drop(catalog);
        let content = content(folder.path());
        (folder, content)
    })
}

fn copy_history(place: &Path) {
    stored::copy(with_history().0.path(), &data(place));
}

fn has_history(place: &Path) {
    is_clean(&data(place));
    assert!(content(&data(place)) == with_history().1);
}

#[test]
fn creating_a_catalog() {
    let key = "course-v1:MITx+Math100+2026";
    sweep(
        |_| {},
        |place| words(&data(place), &["run", "create", key]),
        |place| {
            if data(place).exists() {
                let runs = Catalog::open(data(place)).unwrap().stats().course_runs;
                assert!(runs <= 1);
                is_clean(&data(place));
            }
        },
        |place| {
            is_clean(&data(place));
            assert!(
                Catalog::open(data(place))
                    .unwrap()
                    .get_course_run(key)
                    .is_ok()
            );
        },
    );
}

#[test]
fn importing() {
    let rows = || {
        let row = |n| format!("course-v1:DelftX+Water{}+{n},Water\n", n / 10);
        "course_key,title\n".to_owned() + &(0..500).map(row).collect::<String>()
    };
    sweep(
        |place| {
            copy_history(place);
            fs::write(place.join("rows.csv"), rows()).unwrap();
        },
        |place| words(&data(place), &["import", &text(&place.join("rows.csv"))]),
        |place| {
            is_clean(&data(place));
            // What was there is there still.
            let content = content(&data(place));
            for line in with_history()
                .1
                .lines()
                .filter(|line| line.contains("MITx"))
            {
                assert!(content.contains(line), "{line}");
            }
        },
        |place| {
            is_clean(&data(place));
            let stats = Catalog::open(data(place)).unwrap().stats();
            assert_eq!(
                (stats.course_runs, stats.catalog_courses),
                (190 + 500, 20 + 50)
            );
        },
    );
}

#[test]
fn compacting() {
    sweep(
        copy_history,
        |place| words(&data(place), &["compact"]),
        has_history,
        |place| {
            has_history(place);
            for name in ["store.new", "store.old"] {
                assert!(!data(place).join(name).exists(), "{name} is left");
            }
        },
    );
}

#[test]
fn backing_up() {
    let file = |place: &Path| place.join("monday.zst");
    sweep(
        copy_history,
        |place| {
            words(
                &data(place),
                &["backup", "--overwrite", &text(&file(place))],
            )
        },
        |place| {
            if file(place).exists() {
                assert_eq!(inspect_backup(file(place)).unwrap().counts.course_runs, 190);
            }
        },
        |place| {
            assert_eq!(inspect_backup(file(place)).unwrap().counts.course_runs, 190);
            has_history(place);
        },
    );
}

#[test]
fn restoring() {
    let file = tempfile::tempdir().unwrap();
    let file = file.path().join("monday.zst");
    succeeds(&words(with_history().0.path(), &["backup", &text(&file)]));
    sweep(
        |_| {},
        |place| words(&data(place), &["restore", &text(&file)]),
        |place| {
            // Under its own name it is whole, or not there. Then it can be restored again.
            if data(place).exists() {
                has_history(place);
                fs::remove_dir_all(data(place)).unwrap();
            }
        },
        has_history,
    );
}

#[test]
fn repairing() {
    sweep(
        |place| {
            copy_history(place);
            let store = stored::Store::open(&data(place));
            for n in 1..19 {
                let key = format!("course-v1:mitx+math{}+{n}", n / 10);
                store.remove("runs_by_key", key.as_bytes());
            }
            store.remove("meta", b"ledger");
        },
        |place| words(&data(place), &["repair", "--yes"]),
        |_| {},
        has_history,
    );
}

#[test]
fn bringing_a_store_up_to_date() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let expected = fs::read_to_string(golden.join("format-1.jsonl")).unwrap();
    sweep(
        |place| {
            stored::copy(&golden.join("format-1"), &data(place));
            fs::create_dir_all(data(place).join("store/blobs")).unwrap();
        },
        |place| words(&data(place), &["stats"]),
        |place| {
            is_clean(&data(place));
            let text = fs::read_to_string(data(place).join("store/FORMAT")).unwrap();
            assert!(text.starts_with("coursecat store, format "));
        },
        |place| {
            is_clean(&data(place));
            assert!(content(&data(place)) == expected);
            let catalog = Catalog::open(data(place)).unwrap();
            assert_eq!((catalog.oldest_change(), catalog.latest_change()), (2, 1));
        },
    );
}

/// The log is damaged, so that a repair makes a new store from a copy of this one.
#[test]
fn rebuilding() {
    sweep(
        |place| {
            copy_history(place);
            let log = data(place).join("store/db");
            let mut bytes = fs::read(&log).unwrap();
            // The first message of the log, which nothing needs any more.
            bytes[24] ^= 1;
            fs::write(&log, bytes).unwrap();
            assert_eq!(Catalog::open(data(place)).unwrap_err().code(), "corrupt");
        },
        |place| words(&data(place), &["repair", "--yes"]),
        |_| {},
        |place| {
            has_history(place);
            for name in ["store.new", "store.old"] {
                assert!(!data(place).join(name).exists(), "{name} is left");
            }
        },
    );
}
