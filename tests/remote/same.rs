//! What is the same over a server and on a folder: everything that a verb prints, and its exit code.

use crate::pair::Pair;

const RUN: &str = "course-v1:MITx+8.01x+2026_T1";
const COURSE: &str = "catalog-course:MITx:8.01x";

#[test]
fn what_is_read_is_the_same() {
    let pair = Pair::new();
    pair.both(&["ref", "add", RUN, "a/b c?"]);
    pair.both(&["ref", "add", COURSE, "enrollments"]);
    for (n, arguments) in [
        &["org", "list"][..],
        &["org", "list", "--order", "key", "--limit", "3"],
        &["org", "list", "--all", "--text", "university"],
        &["org", "get", "mitx", "HarvardX"],
        &["course", "list"],
        &["course", "list", "--org", "MITx", "--order", "key"],
        &["course", "list", "--language", "es", "--all"],
        &["course", "list", "--org", "mitx", "--course-code", "8.01X"],
        &["course", "list", "--text", "computer science & 100%"],
        &["course", "list", "--org", "Nobody"],
        &["course", "list", "--org", ""],
        &["course", "list", "--language", "", "--course-code", ""],
        &["course", "get", COURSE, "catalog-course:MITx:6.00.1x"],
        &["course", "runs", "catalog-course:MITx:6.00.1x"],
        &["run", "list"],
        &["run", "list", "--limit", "7"],
        &["run", "list", "--all", "--order", "key"],
        &["run", "list", "--org", "MITx", "--course", COURSE],
        &[
            "run",
            "list",
            "--org",
            "Nobody",
            "--course",
            "catalog-course:MITx:8.02x",
        ],
        &["run", "list", "--course", "MITx"],
        &["run", "list", "--course", ""],
        &["run", "get", RUN, "MITx/6.002x/2012_Spring"],
        &["run", "get", "course-v1:MITx+8.01x+2026_T1+branch@draft"],
        &["ref", "list", RUN],
        &["ref", "list", COURSE],
        &["ref", "list", "course-v1:MITx+18.01x+2025_T2"],
        &["search", "computer", "science"],
        &["search", "computer", "--limit", "1"],
        &["search", "nothing at all"],
        &["search", ""],
        &["stats"],
    ]
    .into_iter()
    .enumerate()
    {
        pair.both(arguments);
        // The same views as JSON; of each there are several.
        if n % 3 == 0 {
            pair.both(&[&["--json"], arguments].concat());
        }
    }
    // Part by part, with the cursor that the part before told.
    let mut cursor: Option<String> = None;
    let mut parts = 0;
    loop {
        let mut arguments = vec!["run", "list", "--limit", "20"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let told = pair.both(&arguments);
        parts += 1;
        let Some((_, rest)) = told.stderr.split_once("--cursor ") else {
            break;
        };
        cursor = rest.split(',').next().map(str::to_owned);
    }
    assert_eq!(parts, 3);
}

#[test]
fn what_is_changed_is_the_same() {
    let pair = Pair::new();
    let run = "course-v1:NewX+C1+R1";
    let course = "catalog-course:NewX:C1";
    for arguments in [
        &["org", "create", "Other", "--name", "Another & more"][..],
        &["org", "create", "Idle", "--inactive"],
        &["org", "update", "Idle", "--active", "--name", "Not idle"],
        &["org", "update", "Idle", "--inactive"],
        &["org", "update", "Idle"],
        &["org", "rename", "Idle", "IDLE"],
        &["org", "rename", "IDLE", ""],
        &["org", "delete", "IDLE"],
        &["course", "create", "Other", "C9", "--language", "zh-hans"],
        &[
            "course",
            "create",
            "Other",
            "C8",
            "--title",
            "Ünï \"quoted\"",
            "--language-short",
            "fr",
        ],
        &[
            "course",
            "update",
            "catalog-course:Other:C9",
            "--title",
            "Nine",
            "--language-short",
            "en",
        ],
        &["course", "delete", "catalog-course:Other:C9"],
        &[
            "run",
            "create",
            run,
            "--title",
            "One",
            "--language-short",
            "en",
        ],
        &["run", "create", run, "--title", "Two"],
        &["run", "create", "course-v1:newx+C1+R2"],
        &["run", "create", "course-v1:newx+C1+R2"],
        &[
            "run",
            "create",
            "--in",
            course,
            "--run-code",
            "R3",
            "--title",
            "Three",
        ],
        &[
            "run",
            "create",
            "--in",
            course,
            "--run-code",
            "R4",
            "course-v1:NewX+C1+R4",
        ],
        &["run", "sync", run, "--title", "One, again"],
        &["run", "sync", run, "--title", ""],
        &["ref", "add", run, "enrollments/100%"],
        &["ref", "add", run, "enrollments/100%"],
        &["ref", "add", course, "certificates"],
        &["run", "delete", run],
        &["course", "delete", course],
        &["org", "delete", "NewX"],
        &["ref", "remove", run, "enrollments/100%"],
        &["ref", "remove", course, "certificates"],
        &["run", "delete", run],
        &["run", "delete", "course-v1:newx+C1+R2"],
    ] {
        pair.both(arguments);
    }
    for kind in ["run", "course", "org"] {
        pair.both(&["--json", kind, "list", "--all", "--order", "key"]);
    }
    assert_eq!(
        pair.both(&[
            "--json",
            "run",
            "create",
            "--in",
            course,
            "--run-code",
            "R5"
        ])
        .code,
        Some(0)
    );
}

#[test]
fn what_is_refused_is_refused_in_the_same_words() {
    let pair = Pair::new();
    pair.both(&["ref", "add", RUN, "enrollments"]);
    let long = "x".repeat(3_000);
    for (code, arguments) in [
        (2, &["run", "list", "--cursor", "zz"][..]),
        (3, &["org", "get", "MITxx"]),
        (3, &["org", "get", ""]),
        (3, &["org", "get", "."]),
        (3, &["org", "get", ".."]),
        (3, &["org", "get", "a/b?c#d%41"]),
        (3, &["org", "get", "MITx", "Nobody", "MITy"]),
        (3, &["course", "get", "catalog-course:MITx:6.00.2x"]),
        (3, &["course", "get", "catalog-course:HarvardX:cs50"]),
        (
            3,
            &["course", "get", COURSE, "catalog-course:Nobody:C", "none"],
        ),
        (3, &["course", "runs", "catalog-course:MITx:8.02x"]),
        (3, &["course", "create", "Nobody", "C1"]),
        (3, &["course", "create", "MITy", "C1"]),
        (
            3,
            &[
                "course",
                "update",
                "catalog-course:MITx:8.0x",
                "--title",
                "T",
            ],
        ),
        (3, &["course", "delete", "catalog-course:MITx:8.1x"]),
        (3, &["run", "get", "course-v1:Nobody+Knows+This"]),
        (
            3,
            &["run", "get", RUN, "course-v1:MITx+8.01x+2026_T2", "get"],
        ),
        (
            3,
            &[
                "run",
                "sync",
                "course-v1:MITx+8.01x+2026_T3",
                "--title",
                "T",
            ],
        ),
        (3, &["run", "delete", "course-v1:MITx+8.01x+2026_t1"]),
        (
            3,
            &[
                "run",
                "create",
                "--in",
                "catalog-course:MITx:none",
                "--run-code",
                "R",
            ],
        ),
        (3, &["run", "get", "a/../b"]),
        (3, &["org", "delete", "mitt"]),
        (3, &["org", "update", "HarvadX", "--active"]),
        (3, &["org", "rename", "Nobody", "Somebody"]),
        (3, &["ref", "remove", RUN, "nobody"]),
        (3, &["ref", "list", "course-v1:MITx+8.01x+None"]),
        (3, &["ref", "add", "catalog-course:MITx:None", "a"]),
        (4, &["course", "delete", "catalog-course:MITx:6.00.1x"]),
        (4, &["org", "delete", "MITx"]),
        (4, &["run", "delete", RUN]),
        (5, &["org", "create", "mitx"]),
        (5, &["course", "create", "MITx", "6.00.1X"]),
        (5, &["run", "create", "course-v1:MITx+8.01X+R"]),
        (
            5,
            &["run", "create", "--in", COURSE, "--run-code", "2026_T1"],
        ),
        (6, &["course", "update", COURSE, "--language-short", "EN"]),
        (6, &["course", "create", "MITx", "C1", "--language", "EN"]),
        (6, &["run", "get", "MITx"]),
        (6, &["run", "get", ""]),
        (6, &["run", "get", "get"]),
        (6, &["run", "get", "course-v1:MITx%2B8.01x"]),
        (6, &["run", "get", "course-v1:MITx 8.01x 2026"]),
        (6, &["run", "get", "line\nbreak"]),
        (6, &["run", "get", &long]),
        (6, &["run", "sync", "", "--title", "T"]),
        (6, &["run", "delete", "get"]),
        (6, &["run", "create", ""]),
        (6, &["run", "create", "--in", "", "--run-code", "R"]),
        (6, &["run", "create", "--in", COURSE, "--run-code", ""]),
        (6, &["course", "get", "MITx:8.01x"]),
        (6, &["course", "get", ""]),
        (6, &["course", "runs", ""]),
        (6, &["course", "update", "", "--title", "T"]),
        (6, &["course", "delete", ""]),
        (6, &["org", "create", "Two Words"]),
        (6, &["org", "create", ""]),
        (6, &["org", "rename", "MITx", "Two Words"]),
        (6, &["ref", "add", RUN, ""]),
        (6, &["ref", "add", RUN, &long]),
        (6, &["ref", "remove", "", "a"]),
        (6, &["ref", "list", ""]),
        (6, &["run", "list", "--limit", "0"]),
        (6, &["org", "list", "--limit", "1001"]),
        (6, &["course", "list", "--org", "", "--limit", "0"]),
        (6, &["search", "a", "--limit", "1001"]),
    ] {
        let told = pair.both(arguments);
        assert_eq!(told.code, Some(code), "{arguments:?}: {}", told.stderr);
        assert_eq!(told.stdout, "", "{arguments:?}");
        assert!(!told.stderr.is_empty(), "{arguments:?}");
    }
}
