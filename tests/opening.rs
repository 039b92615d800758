//! Promise: a folder is opened by one catalog at a time, and one that is not coursecat's, or is
//! of a newer one, or is broken, is refused and not touched: not a byte, and no file more or less.

#[path = "support/stored.rs"]
mod stored;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use coursecat::{Catalog, Error, Field, Options, repair, verify};

const RUN: &str = "course-v1:MITx+Math100+2026";

fn create(catalog: &Catalog, key: &str) {
    catalog
        .create_course_run_for_modulestore_course_with(key, "", "")
        .unwrap();
}

/// A folder with a catalog of one run in it, closed.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    create(&Catalog::open(folder.path()).unwrap(), RUN);
    folder
}

/// Opens, checks and repairs what is at a path: the three ways to get at a folder.
fn attempts(path: &Path) -> [Result<(), Error>; 3] {
    [
        Catalog::open(path).map(drop),
        verify(path).map(drop),
        repair(path).map(drop),
    ]
}

/// All three are refused so, name the path, and leave what is below `whole` as it is.
#[track_caller]
fn check_untouched(whole: &Path, path: &Path, code: &str) -> Error {
    let before = stored::files(whole);
    let errors = attempts(path).map(|attempt| attempt.unwrap_err());
    assert!(
        stored::files(whole) == before,
        "{} was touched",
        whole.display()
    );
    for error in &errors {
        assert_eq!(error.code(), code, "{error}");
        let text = error.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
        if let Error::Invalid(invalid) = error {
            assert_eq!(invalid.field, Field::Path);
            assert!(text.ends_with('.'), "{text}");
        }
    }
    let [error, ..] = errors;
    error
}

#[test]
fn a_file_is_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sled");
    fs::write(&file, "important").unwrap();
    let error = check_untouched(folder.path(), &file, "invalid");
    let expected = format!(
        "{} is a file; a catalog needs a folder of its own.",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    check_untouched(folder.path(), &file.join("below"), "invalid");
}

#[test]
fn the_folder_of_another_program_is_never_written_to() {
    // The names that a catalog uses are no reason to take what is there for one.
    for (files, named) in [
        (&["notes.txt"][..], "notes.txt"),
        (&[".git/config"], ".git"),
        (&["db", "conf", "blobs/1"], ""),
        (&["store"], "store"),
        (&["store/db", "store/conf"], "store"),
        (&["notes.txt", "lock"], "notes.txt"),
        (&["notes.txt", "store.new/db"], "notes.txt"),
        (&["FORMAT"], "FORMAT"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "important").unwrap();
        }
        let error = check_untouched(folder.path(), folder.path(), "invalid");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn checking_and_repairing_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for path in [folder.path(), &missing] {
        let before = stored::files(folder.path());
        for error in [verify(path).unwrap_err(), repair(path).unwrap_err()] {
            let expected = format!("There is no catalog in {}.", path.display());
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.code(), "invalid");
        }
        assert!(stored::files(folder.path()) == before);
    }
    // Opening does, with all folders above.
    let deep = missing.join("deep/er");
    create(&Catalog::open(&deep).unwrap(), RUN);
    assert!(verify(&deep).unwrap().is_clean());
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    for version in [4, 17, u32::MAX] {
        let folder = made();
        let format = folder.path().join("store/FORMAT");
        let text = fs::read_to_string(&format).unwrap();
        let first = text.lines().next().unwrap();
        let newer = first.replace('3', &version.to_string());
        assert_ne!(first, newer);
        fs::write(&format, text.replace(first, &newer)).unwrap();
        let error = check_untouched(folder.path(), folder.path(), "newer_format");
        let Error::NewerFormat {
            found, supported, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((found, supported), (version, 3));
        let expected = format!(
            "The catalog in {} has format {version}, and this version of coursecat reads formats up to 3. Open it with a newer coursecat.",
            folder.path().display()
        );
        assert_eq!(error.to_string(), expected);
        // With the right version again, everything is there.
        fs::write(&format, text).unwrap();
        assert!(
            Catalog::open(folder.path())
                .unwrap()
                .get_course_run(RUN)
                .is_ok()
        );
    }
}

#[test]
fn a_store_without_a_format_is_refused_and_left_alone() {
    for text in [
        None,
        Some(&b""[..]),
        Some(b"\n"),
        Some(b"garbage"),
        Some(b"coursecat store, format"),
        Some(b"coursecat store, format \n"),
        Some(b"coursecat store, format x\n"),
        Some(b"coursecat store, format 0\n"),
        Some(b"coursecat store, format -1\n"),
        Some(b"coursecat store, format 1.5\n"),
        Some(b" coursecat store, format 1\n"),
        Some(b"\xff\xfe\x00\x01"),
    ] {
        let folder = made();
        let format = folder.path().join("store/FORMAT");
        match text {
            None => fs::remove_file(&format).unwrap(),
            Some(text) => fs::write(&format, text).unwrap(),
        }
        let error = check_untouched(folder.path(), folder.path(), "corrupt");
        assert!(error.to_string().contains("FORMAT"), "{error}");
    }
}

#[test]
fn an_interrupted_creation_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store.new")).unwrap();
    fs::write(folder.path().join("store.new/db"), "half").unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    create(&Catalog::open(folder.path()).unwrap(), RUN);
    assert!(!folder.path().join("store.new").exists());
    assert!(verify(folder.path()).unwrap().is_clean());
}

#[test]
fn two_handles_of_one_process_cannot_open_one_folder() {
    let folder = made();
    let catalog = Catalog::open(folder.path()).unwrap();
    let link = folder.path().with_extension("link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    #[cfg(not(unix))]
    let link = folder.path().to_owned();
    for path in [folder.path(), &link, &folder.path().join(".")] {
        let error = check_untouched(folder.path(), path, "locked");
        let expected = format!(
            "The catalog in {} is open elsewhere: another process (or another handle in this one) holds it. Close that one first.",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
    #[cfg(unix)]
    fs::remove_file(&link).unwrap();
    // The one that has it is not disturbed.
    create(&catalog, "course-v1:MITx+Math100+2027");
    // A snapshot does not keep the folder.
    let snapshot = catalog.snapshot();
    drop(catalog);
    let catalog = Catalog::open(folder.path()).unwrap();
    assert_eq!(catalog.stats(), snapshot.stats());
    assert_eq!(catalog.stats().course_runs, 2);
}

#[test]
fn of_many_that_open_a_new_folder_at_once_one_gets_it() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog");
        let start = std::sync::Barrier::new(8);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                Catalog::open(&path)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let (open, refused): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!(open.len(), 1);
        for refused in refused {
            assert_eq!(refused.unwrap_err().code(), "locked");
        }
        let catalog = open.into_iter().next().unwrap().unwrap();
        create(&catalog, RUN);
        assert!(catalog.verify().unwrap().is_clean());
    }
}

/// The variable that tells the other process what to open.
const FOLDER: &str = "COURSECAT_TEST_FOLDER";

/// No test of its own: it is what the other process runs. It says what opening a folder answers,
/// and holds the folder until its input ends.
#[test]
#[ignore = "run by other tests, in a process of its own"]
fn another_process() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let opened = Options::new().open(folder);
    match &opened {
        Ok(catalog) => {
            create(catalog, "course-v1:MITx+Math100+other");
            println!("\nopened");
        }
        Err(error) => println!("\n{}", error.code()),
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

struct Other {
    child: Child,
    answer: String,
}

impl Other {
    fn open(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["another_process", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let answers = ["opened", "locked", "corrupt", "storage", "invalid"];
        let answer = lines
            .map(Result::unwrap)
            .find(|line| answers.contains(&line.as_str()))
            .expect("an answer of the other process");
        Self { child, answer }
    }

    fn end(mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn two_processes_cannot_open_one_folder() {
    let folder = made();
    let catalog = Catalog::open(folder.path()).unwrap();
    let other = Other::open(folder.path());
    assert_eq!(other.answer, "locked");
    other.end();
    create(&catalog, "course-v1:MITx+Math100+2027");
    drop(catalog);

    let other = Other::open(folder.path());
    assert_eq!(other.answer, "opened");
    check_untouched(folder.path(), folder.path(), "locked");
    other.end();
    let catalog = Catalog::open(folder.path()).unwrap();
    assert_eq!(catalog.stats().course_runs, 3);
}

#[test]
fn the_folder_of_a_process_that_was_killed_can_be_opened_at_once() {
    let folder = made();
    let mut other = Other::open(folder.path());
    assert_eq!(other.answer, "opened");
    check_untouched(folder.path(), folder.path(), "locked");
    other.child.kill().unwrap();
    other.child.wait().unwrap();
    // What it was answered before it died is there.
    let catalog = Catalog::open(folder.path()).unwrap();
    assert!(
        catalog
            .get_course_run("course-v1:MITx+Math100+other")
            .is_ok()
    );
    assert!(catalog.verify().unwrap().is_clean());
}

#[test]
fn the_advice_about_damage_ends_as_a_sentence_does() {
    let folder = made();
    fs::write(folder.path().join("store/FORMAT"), "garbage").unwrap();
    for attempt in attempts(folder.path()) {
        let text = attempt.unwrap_err().to_string();
        assert!(
            text.ends_with('.') && text.starts_with("The catalog in "),
            "{text}"
        );
    }
}

#[test]
fn a_foreign_folder_with_the_name_of_an_unfinished_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store.new")).unwrap();
    fs::write(folder.path().join("store.new/thesis.txt"), "important").unwrap();
    check_untouched(folder.path(), folder.path(), "invalid");
}

/// The variable that tells the process that forks what to open.
#[cfg(target_os = "linux")]
const FORKING: &str = "COURSECAT_TEST_FORKING";

#[test]
#[ignore = "run by the next test, in a process of its own"]
#[cfg(target_os = "linux")]
fn a_process_that_forks() {
    let Some(folder) = std::env::var_os(FORKING) else {
        return;
    };
    // See `opening/fork.c`: it forks, or ends what it forked.
    let fork_or_end = || {
        let _ = std::os::unix::process::parent_id();
    };
    let catalog = Catalog::open(&folder).unwrap();
    fork_or_end();
    create(&catalog, "course-v1:MITx+Math100+2027");
    let before = stored::files(Path::new(&folder));
    fork_or_end();
    assert!(stored::files(Path::new(&folder)) == before);

    // The copy has the locks of the original, which the original gives up as far as it can.
    fork_or_end();
    create(&catalog, "course-v1:MITx+Math100+2028");
    drop(catalog);
    let error = Catalog::open(&folder).unwrap_err();
    assert_eq!(error.code(), "locked", "{error}");
    fork_or_end();
    let catalog = Catalog::open(&folder).unwrap();
    assert_eq!(catalog.stats().course_runs, 3);
    assert!(catalog.verify().unwrap().is_clean());
    println!("\nwhole");
}

/// A process that forks while it has a catalog open goes on with it; nobody else can open the catalog
/// until the copy has ended, too. (The copy has no writer: it must not use the catalog.)
#[test]
#[cfg(target_os = "linux")]
fn a_fork_does_not_disturb_an_open_catalog() {
    let scratch = tempfile::tempdir().unwrap();
    let library = scratch.path().join("fork.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/opening/fork.c"))
        .status()
        .expect("a C compiler");
    assert!(built.success());
    let folder = made();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "a_process_that_forks",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FORKING, folder.path())
        .env("LD_PRELOAD", library)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("\nwhole"),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
