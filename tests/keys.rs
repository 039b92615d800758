//! Keys from the outside: what is printed parses back, orders agree, and errors say what is wrong.
//!
//! What upstream says about single keys is recorded elsewhere; nothing here depends on it.

// Clippy knows a test by its attribute, and not the functions that tests share.
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use coursecat::key::{
    CatalogCourseKey, CourseKey, CourseKeyKind, InvalidKey, KeyPart, RunKey, cmp_ignoring_case,
    eq_ignoring_case, fold,
};
use proptest::prelude::*;

const VERSION: &str = "519665f6223ebd6980884f2b";

/// What must hold of any text, whether it is a key or not.
fn check(text: &str) -> bool {
    let key = match text.parse::<CourseKey>() {
        Ok(key) => key,
        Err(error) => {
            check_error(text, &error);
            assert!(text.parse::<RunKey>().is_err());
            return false;
        }
    };
    let printed = key.to_string();
    let again: CourseKey = printed.parse().unwrap();
    assert_eq!(again.to_string(), printed, "printing is canonical");
    assert_eq!(key.char_count(), printed.chars().count());
    assert_eq!(key.cmp(&again) == Ordering::Equal, key == again);
    if key.run().is_some() {
        assert_eq!(again, key);
        assert_eq!(hash(&again), hash(&key));
    }
    check_parts(&key, &printed);
    check_run_key(&key);
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(serde_json::from_str::<CourseKey>(&json).unwrap(), again);
    true
}

/// The parts put together are the key.
fn check_parts(key: &CourseKey, printed: &str) {
    let mut parts = Vec::new();
    let separator = match key.kind() {
        CourseKeyKind::Legacy => "/",
        _ => "+",
    };
    if let (Some(org), Some(course), Some(run)) = (key.org(), key.course(), key.run()) {
        parts.extend([org.to_owned(), course.to_owned(), run.to_owned()]);
        parts.extend(key.branch().map(|branch| format!("branch@{branch}")));
    }
    parts.extend(key.version().map(|version| format!("version@{version}")));
    parts.extend(key.ccx().map(|ccx| format!("ccx@{ccx}")));
    let prefix = match key.kind() {
        CourseKeyKind::CourseV1 => "course-v1:",
        CourseKeyKind::CcxV1 => "ccx-v1:",
        _ => "",
    };
    assert_eq!(format!("{prefix}{}", parts.join(separator)), printed);
}

fn check_run_key(key: &CourseKey) {
    let Ok(run) = key.run_key() else {
        assert!(key.run().is_none_or(str::is_empty) || key.char_count() > 10_000);
        return;
    };
    assert_eq!(Some(run.org()), key.org());
    assert_eq!(Some(run.course()), key.course());
    assert_eq!(Some(run.run()), key.run());
    assert_eq!(run.ccx(), key.ccx());
    assert_eq!(run.is_ccx(), key.kind() == CourseKeyKind::CcxV1);
    assert_eq!(run.as_str().parse::<RunKey>().unwrap(), run);
    assert_eq!(run.to_string(), run.as_str());

    let whole = CourseKey::from(run.clone());
    assert_eq!(whole.to_string(), run.as_str());
    assert_eq!((whole.branch(), whole.version()), (None, None));
    assert_eq!(whole.run_key().unwrap(), run);
    assert_eq!(
        whole == *key,
        key.branch().is_none() && key.version().is_none()
    );

    let json = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<RunKey>(&json).unwrap(), run);
}

fn check_error(text: &str, error: &InvalidKey) {
    assert_eq!(error.input(), text);
    assert!(
        (1..=text.chars().count() + 1).contains(&error.at()),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.starts_with("The course key \""), "{message}");
    assert!(message.ends_with('.'), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
}

fn hash(value: &impl Hash) -> u64 {
    let mut state = DefaultHasher::new();
    value.hash(&mut state);
    state.finish()
}

fn id() -> impl Strategy<Value = String> {
    "[\\p{Latin}\\p{Greek}\\p{Nd}_~.:-]{1,8}"
        .prop_filter("letters newer than the keys' Unicode", |id| {
            format!("course-v1:{id}+c+r").parse::<CourseKey>().is_ok()
        })
}

/// Texts of valid keys with a namespace.
fn located() -> impl Strategy<Value = String> {
    let branch = prop::option::of(id());
    let version = prop::option::of("[0-9a-f]{24}");
    let ccx = prop::option::of("[0-9]{1,4}");
    let block = prop::option::of(id());
    ([id(), id(), id()], branch, version, ccx, block).prop_map(
        |(ids, branch, version, ccx, block)| {
            let namespace = if ccx.is_some() { "ccx-v1" } else { "course-v1" };
            let mut key = format!("{namespace}:{}", ids.join("+"));
            let rest = [
                ("branch", branch),
                ("version", version),
                ("ccx", ccx),
                ("block", block),
            ];
            for (keyword, value) in rest {
                if let Some(value) = value {
                    key.push_str(&format!("+{keyword}@{value}"));
                }
            }
            key
        },
    )
}

proptest! {
    #[test]
    fn valid_keys_print_and_parse(text in located()) {
        prop_assert!(check(&text));
        let key: CourseKey = text.parse().unwrap();
        let printed = text.split("+block@").next().unwrap();
        prop_assert_eq!(key.to_string(), printed);
    }

    #[test]
    fn legacy_keys_print_and_parse(text in "[a-zA-Z0-9_%.-]{1,9}/[а-яё]{1,4}/[a-z%.]{0,9}") {
        prop_assert!(check(&text));
        prop_assert_eq!(text.parse::<CourseKey>().unwrap().to_string(), text);
    }

    #[test]
    fn any_text_is_a_key_or_an_error(text in ".*", start in "(course-v1:|ccx-v1:|slashes:|)") {
        check(&text);
        check(&format!("{start}{text}"));
    }

    #[test]
    fn run_keys_order_as_their_texts(a in located(), b in located()) {
        let (x, y): (CourseKey, CourseKey) = (a.parse().unwrap(), b.parse().unwrap());
        prop_assert_eq!(x.cmp(&y), x.to_string().cmp(&y.to_string()));
        let (x, y) = (x.run_key().unwrap(), y.run_key().unwrap());
        prop_assert_eq!(x.cmp(&y), x.as_str().cmp(y.as_str()));
        prop_assert_eq!(x.eq_ignoring_case(&y), fold(x.as_str()) == fold(y.as_str()));
    }

    #[test]
    fn ignoring_case_is_comparing_folded(a in "\\PC*", b in "\\PC*") {
        for (a, b) in [(a.as_str(), b.as_str()), (&a, &a.to_uppercase()), (&a, &a.to_lowercase())] {
            prop_assert_eq!(cmp_ignoring_case(a, b), fold(a).cmp(&fold(b)));
            prop_assert_eq!(eq_ignoring_case(a, b), fold(a) == fold(b));
        }
    }

    #[test]
    fn catalog_course_keys_print_and_parse(org in "[^:]*", code in "(.|\\n|:)*") {
        let key = CatalogCourseKey::new(org, code);
        let text = key.to_string();
        prop_assert_eq!(&text.parse::<CatalogCourseKey>().unwrap(), &key);
        let json = serde_json::to_string(&key).unwrap();
        prop_assert_eq!(serde_json::from_str::<CatalogCourseKey>(&json).unwrap(), key);
    }
}

/// A few hundred thousand texts out of pieces of keys, the same ones each time.
#[test]
fn texts_that_look_like_keys() {
    const PIECES: [&str; 64] = [
        "course-v1:",
        "course-v1:",
        "ccx-v1:",
        "slashes:",
        "library-v1:",
        "COURSE-V1:",
        "+",
        "+",
        "+",
        "+",
        "+",
        "+",
        "/",
        "/",
        "/",
        "@",
        "branch@",
        "+branch@",
        "BRANCH@",
        "version@",
        "+version@",
        "verſİon@",
        "ccx@",
        "+ccx@",
        "+ccx@1",
        "CCX@",
        "type@",
        "+type@",
        "block@",
        "+block@",
        "bloc\u{212a}@",
        VERSION,
        "519665F6223EBD6980884F2B",
        "519665",
        "o",
        "o+c+r",
        "o+c+r",
        "o+c+r",
        "o/c/r",
        "o+c",
        "a",
        "A",
        "é",
        "É",
        "大学",
        "ß",
        "ı",
        "İ",
        "ſ",
        "1",
        "٣",
        "²",
        "_",
        "-",
        ".",
        "~",
        ":",
        "%",
        "%2B",
        " ",
        "\n",
        "\u{301}",
        "😊",
        "\0",
    ];
    // Xorshift: enough to mix pieces, and the same on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut valid = 0;
    for _ in 0..200_000 {
        let text: String = (0..=next(9)).map(|_| PIECES[next(PIECES.len())]).collect();
        valid += u32::from(check(&text));
    }
    // Otherwise the pieces would hardly ever make a key, and printing would go unchecked.
    assert!(valid > 500, "{valid}");
}

#[test]
fn deserializing_fails_with_the_same_message() {
    let error = serde_json::from_str::<CourseKey>("\"course-v1:o+c\"").unwrap_err();
    let message = "course-v1:o+c"
        .parse::<CourseKey>()
        .unwrap_err()
        .to_string();
    assert!(error.to_string().starts_with(&message), "{error}");
    assert!(serde_json::from_str::<RunKey>("7").is_err());
    let error = serde_json::from_str::<CatalogCourseKey>("7").unwrap_err();
    assert!(
        error.to_string().contains("catalog-course:ORG:COURSE"),
        "{error}"
    );
}

#[track_caller]
fn says(text: &str, part: KeyPart, at: usize, message: &str) {
    let error = text.parse::<CourseKey>().unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!((error.part(), error.at(), error.input()), (part, at, text));
}

#[test]
fn errors_about_the_namespace() {
    says(
        "",
        KeyPart::Whole,
        1,
        "The course key \"\" is invalid: \
         it is empty. Write it like \"course-v1:ORG+COURSE+RUN\".",
    );
    says(
        "DemoX",
        KeyPart::Namespace,
        1,
        "The course key \"DemoX\" is invalid: \
         it has no namespace such as \"course-v1:\". \
         Write it like \"course-v1:ORG+COURSE+RUN\".",
    );
    says(
        "course-v2:org+course+run",
        KeyPart::Namespace,
        1,
        "The course key \"course-v2:org+course+run\" is invalid: \
         \"course-v2\" is not the namespace of a course key. \
         Write it like \"course-v1:ORG+COURSE+RUN\".",
    );
    says(
        "COURSE-V1:org+course+run",
        KeyPart::Namespace,
        1,
        "The course key \"COURSE-V1:org+course+run\" is invalid: \
         the namespace \"COURSE-V1\" is not in lower case. \
         Write it in lower case; the rest may stay as it is.",
    );
    says(
        "library-v1:org+lib",
        KeyPart::Namespace,
        1,
        "The course key \"library-v1:org+lib\" is invalid: \
         it names a library, which is no course.",
    );
    says(
        "catalog-course:Org1:Python100",
        KeyPart::Namespace,
        1,
        "The course key \"catalog-course:Org1:Python100\" is invalid: \
         it names a catalog course, where a course run is asked for.",
    );
    says(
        "course-v1%3Aorg%2Bcourse%2Brun",
        KeyPart::Namespace,
        1,
        "The course key \"course-v1%3Aorg%2Bcourse%2Brun\" is invalid: \
         it has no namespace such as \"course-v1:\". \
         It looks percent-encoded: decode it first.",
    );
}

#[test]
fn errors_about_characters() {
    says(
        "course-v1:org+cou rse+run",
        KeyPart::Course,
        18,
        "The course key \"course-v1:org+cou rse+run\" is invalid: \
         the course has a character that is not allowed, ' ' at position 18.",
    );
    says(
        "course-v1:org+course+\u{202e}run",
        KeyPart::Run,
        22,
        "The course key \"course-v1:org+course+\\u{202e}run\" is invalid: \
         the run has a character that is not allowed, '\\u{202e}' at position 22.",
    );
    says(
        "course-v1:大学+课程+ру\tн",
        KeyPart::Run,
        19,
        "The course key \"course-v1:大学+课程+ру\\tн\" is invalid: \
         the run has a character that is not allowed, '\\t' at position 19.",
    );
    says(
        "course-v1:org%2Bcourse%2Brun",
        KeyPart::Org,
        14,
        "The course key \"course-v1:org%2Bcourse%2Brun\" is invalid: \
         the org has a character that is not allowed, '%' at position 14. \
         It looks percent-encoded: decode it first.",
    );
    says(
        "course-v1:org course run",
        KeyPart::Org,
        14,
        "The course key \"course-v1:org course run\" is invalid: \
         the org has a character that is not allowed, ' ' at position 14. \
         A \"+\" in a web address becomes a space: it is written \"%2B\" there.",
    );
    says(
        "org/course/ru~n",
        KeyPart::Run,
        14,
        "The course key \"org/course/ru~n\" is invalid: \
         the run has a character that is not allowed, '~' at position 14.",
    );
    says(
        "course-v1:org+course+run\n",
        KeyPart::Whole,
        25,
        "The course key \"course-v1:org+course+run\\n\" is invalid: \
         it ends with white space, '\\n' at position 25. Remove it.",
    );
    says(
        " course-v1:org+course+run",
        KeyPart::Whole,
        1,
        "The course key \" course-v1:org+course+run\" is invalid: \
         it starts with white space, ' ' at position 1. Remove it.",
    );
    says(
        "course-v1:o\"rg+course+run",
        KeyPart::Org,
        12,
        "The course key \"course-v1:o\\\"rg+course+run\" is invalid: \
         the org has a character that is not allowed, '\"' at position 12.",
    );
}

#[test]
fn errors_about_missing_parts() {
    says(
        "course-v1:",
        KeyPart::Org,
        11,
        "The course key \"course-v1:\" is invalid: \
         the org is missing at position 11.",
    );
    says(
        "course-v1:org+branch@draft",
        KeyPart::Course,
        15,
        "The course key \"course-v1:org+branch@draft\" is invalid: \
         the course is missing at position 15.",
    );
    says(
        "course-v1:org+course",
        KeyPart::Run,
        21,
        "The course key \"course-v1:org+course\" is invalid: \
         the run is missing at position 21.",
    );
    says(
        "course-v1:org++run",
        KeyPart::Course,
        15,
        "The course key \"course-v1:org++run\" is invalid: \
         the course is missing at position 15.",
    );
    says(
        "org//run",
        KeyPart::Course,
        5,
        "The course key \"org//run\" is invalid: \
         the course is missing at position 5.",
    );
    says(
        "org/course",
        KeyPart::Whole,
        1,
        "The course key \"org/course\" is invalid: \
         it has 1 slash and needs two, ORG/COURSE/RUN.",
    );
    says(
        "org/course/run/",
        KeyPart::Whole,
        1,
        "The course key \"org/course/run/\" is invalid: \
         it has 3 slashes and needs two, ORG/COURSE/RUN.",
    );
    says(
        "ccx-v1:org+course+run",
        KeyPart::Ccx,
        22,
        "The course key \"ccx-v1:org+course+run\" is invalid: \
         the ccx is missing at position 22. \
         Write it like \"ccx-v1:ORG+COURSE+RUN+ccx@1\".",
    );
}

#[test]
fn errors_after_the_run() {
    says(
        "course-v1:org+course+run+extra",
        KeyPart::Whole,
        26,
        "The course key \"course-v1:org+course+run+extra\" is invalid: \
         \"extra\" has no place at position 26. \
         Only branch@, version@, type@ and block@ can follow the run, \
         in this order and in lower case.",
    );
    says(
        "course-v1:org+course+run+BRANCH@draft",
        KeyPart::Whole,
        26,
        "The course key \"course-v1:org+course+run+BRANCH@draft\" is invalid: \
         \"BRANCH@draft\" has no place at position 26. \
         Only branch@, version@, type@ and block@ can follow the run, \
         in this order and in lower case.",
    );
    says(
        "ccx-v1:org+course+run+ccx@1+branch@draft",
        KeyPart::Whole,
        29,
        "The course key \"ccx-v1:org+course+run+ccx@1+branch@draft\" is invalid: \
         \"branch@draft\" has no place at position 29. \
         Only branch@, version@, ccx@, type@ and block@ can follow the run, in this order.",
    );
    says(
        "course-v1:org+course+run+",
        KeyPart::Whole,
        25,
        "The course key \"course-v1:org+course+run+\" is invalid: \
         it has a \"+\" with nothing after it, at position 25.",
    );
    says(
        "course-v1:org+course+run+ccx@1",
        KeyPart::Ccx,
        26,
        "The course key \"course-v1:org+course+run+ccx@1\" is invalid: \
         it has a ccx, at position 26, which a course-v1 key cannot have. \
         Start it with \"ccx-v1:\".",
    );
    says(
        "ccx-v1:org+course+run+ccx@1.5",
        KeyPart::Ccx,
        28,
        "The course key \"ccx-v1:org+course+run+ccx@1.5\" is invalid: \
         the ccx has a character that is not a digit, '.' at position 28.",
    );
    says(
        "course-v1:org+course+run+branch@",
        KeyPart::Branch,
        33,
        "The course key \"course-v1:org+course+run+branch@\" is invalid: \
         the branch is missing at position 33.",
    );
    says(
        "course-v1:version@519665f6",
        KeyPart::Version,
        19,
        "The course key \"course-v1:version@519665f6\" is invalid: \
         the version at position 19 has 8 digits and needs 24.",
    );
    says(
        "course-v1:version@519665F6",
        KeyPart::Version,
        25,
        "The course key \"course-v1:version@519665F6\" is invalid: \
         the version has a character that is not a hexadecimal digit in lower case, \
         'F' at position 25.",
    );
    says(
        "ccx-v1:version@51966g+ccx@1",
        KeyPart::Version,
        21,
        "The course key \"ccx-v1:version@51966g+ccx@1\" is invalid: \
         the version has a character that is not a hexadecimal digit, 'g' at position 21.",
    );
}

#[test]
fn errors_of_very_long_texts_are_short() {
    let error = "x".repeat(1_000_000).parse::<CourseKey>().unwrap_err();
    assert_eq!(error.input().len(), 1_000_000);
    assert_eq!(
        error.to_string(),
        format!(
            "The course key \"{}…\" is invalid: it has no namespace such as \"course-v1:\". \
             Write it like \"course-v1:ORG+COURSE+RUN\".",
            "x".repeat(120)
        )
    );
}

#[test]
fn errors_of_run_keys() {
    #[track_caller]
    fn says(text: &str, message: &str) {
        assert_eq!(text.parse::<RunKey>().unwrap_err().to_string(), message);
    }
    says(
        "course-v1:org+course+run+branch@draft",
        "The course key \"course-v1:org+course+run+branch@draft\" is invalid: \
         it has a branch, at position 26, and a run is stored without one. \
         Leave it out.",
    );
    says(
        "org/course/",
        "The course key \"org/course/\" is invalid: \
         it names no run.",
    );
    says(
        "course-v1:org+course",
        "The course key \"course-v1:org+course\" is invalid: \
         the run is missing at position 21.",
    );
    let error = format!("a/b/{}", "c".repeat(70_000))
        .parse::<RunKey>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "The course key \"a/b/{}…\" is invalid: it is 70004 bytes long and can be no longer \
             than 65535.",
            "c".repeat(116)
        )
    );
}

#[test]
fn errors_of_catalog_course_keys() {
    #[track_caller]
    fn says(text: &str, part: KeyPart, at: usize, message: &str) {
        let error = text.parse::<CatalogCourseKey>().unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!((error.part(), error.at()), (part, at));
    }
    says(
        "course-v1:Org1+Python100+2026",
        KeyPart::Namespace,
        1,
        "The catalog course key \"course-v1:Org1+Python100+2026\" is invalid: \
         it does not start with \"catalog-course:\". \
         Write it like \"catalog-course:ORG:COURSE\".",
    );
    says(
        "catalog-course:Org1",
        KeyPart::Course,
        20,
        "The catalog course key \"catalog-course:Org1\" is invalid: \
         the course is missing at position 20.",
    );
    says(
        "catalog-course%3AOrg1%3APython100",
        KeyPart::Namespace,
        1,
        "The catalog course key \"catalog-course%3AOrg1%3APython100\" is invalid: \
         it does not start with \"catalog-course:\". \
         It looks percent-encoded: decode it first.",
    );
}
