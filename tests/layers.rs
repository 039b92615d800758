//! Promise: the map in ARCHITECTURE.md is true.
//!
//! Each module uses only the modules that it may know. Reads the `crate::` paths of the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("histogram", &[]),
    ("key", &[]),
    ("model", &["key"]),
    ("error", &["key", "model"]),
    ("engine", &[]),
    // These two know the public interface only: what the root of the crate has.
    (
        "transfer",
        &[
            "key",
            "model",
            "error",
            "{",
            "Catalog",
            "catalog",
            "integrity::verify",
            "Result",
        ],
    ),
    ("view", &["{", "transfer", "Stats", "Warning"]),
    (
        "http",
        &[
            "{",
            "view",
            "transfer",
            "error",
            "histogram",
            "key",
            "model",
            "Catalog",
            "Invalid",
            "Result",
            "Stats",
            "Timestamp",
        ],
    ),
    (
        "cli",
        &[
            "{",
            "http",
            "transfer",
            "view",
            "Order",
            "Snapshot",
            "Catalog",
            "CourseQuery",
            "Cursor",
            "Options",
            "Timestamp",
            "Error",
            "Result",
            "compact",
            "repair",
            "verify",
        ],
    ),
    ("fuzzing", &["schema", "{Cursor, Invalid}"]),
    ("image", &["key", "model"]),
    ("schema", &["key", "model", "error", "image", "engine"]),
    ("integrity", &["key", "model", "error", "engine", "schema"]),
    (
        "catalog",
        &[
            "key",
            "model",
            "error",
            "histogram",
            "engine",
            "image",
            "schema",
            "integrity",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether a file of `src` is a suite of tests. It may know and hold more.
fn is_test(file: &Path) -> bool {
    ["tests.rs", "conformance.rs", "golden.rs"]
        .iter()
        .any(|name| file.ends_with(name))
}

/// The first part of a path below `src`: the module that a file belongs to.
fn module_of(src: &Path, file: &Path) -> String {
    let below = file.strip_prefix(src).unwrap();
    let first = below.components().next().unwrap().as_os_str();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn modules_use_only_what_they_may_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let may_use: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let mut wrong = Vec::new();
    let mut paths = 0;
    for file in sources(&src) {
        let module = module_of(&src, &file);
        if ["lib", "main"].contains(&module.as_str()) || is_test(&file) {
            continue;
        }
        let allowed = may_use
            .get(module.as_str())
            .unwrap_or_else(|| panic!("the module {module:?} is not on the map"));
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for used in line.split("crate::").skip(1) {
                paths += 1;
                let own = used.starts_with(&format!("{module}::"))
                    || used.starts_with(&format!("{module})"));
                if !own && !allowed.iter().any(|allowed| used.starts_with(allowed)) {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(
        paths > 50,
        "only {paths} uses were seen: is the pattern still right?"
    );
    assert!(wrong.is_empty(), "against the map:\n{}", wrong.join("\n"));
}

/// One concept a file: what is longer than this holds two. Suites of tests may be longer.
const MOST_LINES: usize = 500;

#[test]
fn no_file_holds_too_much() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&src) {
        if is_test(&file) {
            continue;
        }
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests", "examples"] {
        for file in sources(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(
                text.starts_with("//! "),
                "{} does not open with a //!",
                file.display()
            );
        }
    }
}
