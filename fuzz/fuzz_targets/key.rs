//! Any text is a key or an error: what parses prints as what parses the same, and a key that names
//! a run gives it.

#![no_main]

use coursecat::key::{
    CatalogCourseKey, CourseKey, RunKey, cmp_ignoring_case, eq_ignoring_case, fold,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    course_key(text);
    if let Ok(key) = text.parse::<CatalogCourseKey>() {
        assert_eq!(key.to_string(), text);
    }
    let (a, b) = text.split_once('\n').unwrap_or((text, text));
    assert_eq!(cmp_ignoring_case(a, b), fold(a).cmp(&fold(b)));
    assert_eq!(eq_ignoring_case(a, b), fold(a) == fold(b));
    assert_eq!(fold(&fold(text)), fold(text));
});

fn course_key(text: &str) {
    let key = match text.parse::<CourseKey>() {
        Ok(key) => key,
        Err(error) => {
            assert_eq!(error.input(), text);
            assert!((1..=text.chars().count() + 1).contains(&error.at()));
            assert!(!error.to_string().contains(char::is_control));
            assert!(text.parse::<RunKey>().is_err());
            return;
        }
    };
    let printed = key.to_string();
    let again: CourseKey = printed.parse().expect("what is printed parses");
    assert_eq!(again.to_string(), printed);
    assert_eq!(again == key, again.cmp(&key).is_eq());
    assert!(again == key || key.run().is_none());
    assert_eq!((again.version(), again.ccx()), (key.version(), key.ccx()));
    assert_eq!(key.char_count(), printed.chars().count());

    let names_run = key.run().is_some_and(|run| !run.is_empty());
    let Ok(run) = key.run_key() else {
        assert!(!names_run || printed.len() > RunKey::MAX_BYTES);
        return;
    };
    assert!(names_run);
    assert_eq!(
        (
            Some(run.org()),
            Some(run.course()),
            Some(run.run()),
            run.ccx()
        ),
        (key.org(), key.course(), key.run(), key.ccx())
    );
    assert_eq!(run.as_str().parse().as_ref(), Ok(&run));
    let plain = CourseKey::from(run.clone());
    assert_eq!(plain.to_string(), run.as_str());
    assert_eq!(plain.run_key().as_ref(), Ok(&run));
    let bare = key.branch().is_none() && key.version().is_none();
    assert_eq!(plain == key, bare);
    assert_eq!(text.parse::<RunKey>().ok(), bare.then_some(run));
}
