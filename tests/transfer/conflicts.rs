//! Promise: a record that exists is left alone, changed or refused, as was chosen; one that says
//! the same is never touched.

use coursecat::transfer::{Format, Import, OnConflict, Tally};
use coursecat::{Catalog, CreateOrganization};

use crate::support::{exported_text, import, import_with, sample};

fn counts(tally: &Tally) -> [u64; 5] {
    [
        tally.created,
        tally.updated,
        tally.unchanged,
        tally.skipped,
        tally.rejects(),
    ]
}

/// The sample with one of each kind changed.
fn changed() -> String {
    exported_text(&sample(), Format::Lines)
        .replace("Massachusetts Institute of Technology", "MIT")
        .replace(
            "\"Introduction, \\\"to\\\" Programming\"",
            "\"Programming\"",
        )
        .replace("zh-cn", "fr-ca")
        .replace("\"title\":\"Python\"", "\"title\":\"Snakes\"")
        .replace("\"enrollments\"", "\"grades\"")
}

#[test]
fn each_way_to_meet_what_exists() {
    for (on_conflict, organizations, courses, runs) in [
        (
            OnConflict::Skip,
            [0, 0, 1, 1, 0],
            [0, 0, 0, 2, 0],
            [0, 0, 1, 1, 0],
        ),
        (
            OnConflict::Update,
            [0, 1, 1, 0, 0],
            [0, 2, 0, 0, 0],
            [0, 1, 1, 0, 0],
        ),
        (
            OnConflict::Fail,
            [0, 0, 1, 0, 1],
            [0, 0, 0, 0, 2],
            [0, 0, 1, 0, 1],
        ),
    ] {
        let catalog = sample();
        let before = exported_text(&catalog, Format::Lines);
        let import = Import::new().on_conflict(on_conflict);
        let (report, kept) = import_with(&import, &catalog, Format::Lines, changed());
        let report = report.unwrap();
        assert_eq!(
            counts(&report.organizations),
            organizations,
            "{on_conflict:?}"
        );
        assert_eq!(counts(&report.catalog_courses), courses, "{on_conflict:?}");
        assert_eq!(counts(&report.course_runs), runs, "{on_conflict:?}");
        let after = exported_text(&catalog, Format::Lines);
        match on_conflict {
            OnConflict::Fail => {
                assert_eq!(kept.codes, ["already_exists"; 4]);
                assert_eq!(after, before);
            }
            // References protect; they change nothing of what they refer to.
            OnConflict::Skip => assert_eq!(
                after,
                before
                    .replace("\"enrollments\"]", "\"enrollments\",\"grades\"]")
                    .replace("\"references\":4", "\"references\":5")
            ),
            _ => {
                let expected = changed()
                    .replace("\"grades\"]", "\"enrollments\",\"grades\"]")
                    .replace("\"references\":4", "\"references\":5");
                assert_eq!(after, expected);
                let (again, _) = import_with(&import, &catalog, Format::Lines, changed());
                let again = again.unwrap();
                assert_eq!(counts(&again.organizations), [0, 0, 2, 0, 0]);
                assert_eq!(counts(&again.catalog_courses), [0, 0, 2, 0, 0]);
                assert_eq!(counts(&again.course_runs), [0, 0, 2, 0, 0]);
            }
        }
    }
}

#[test]
fn the_last_of_several_rows_for_one_record_wins_an_update() {
    let rows: String = (0..3000)
        .map(|n| {
            let title = ["A", "B", "A"][n % 3];
            let key = n / 3 % 7;
            format!("{{\"course_key\": \"MITx/C{key}/r\", \"title\": \"{title}{n}\"}}\n")
        })
        .collect();
    let catalog = Catalog::temporary().unwrap();
    let import = Import::new().on_conflict(OnConflict::Update);
    let (report, _) = import_with(&import, &catalog, Format::PlainLines, &rows);
    let report = report.unwrap();
    assert_eq!(counts(&report.course_runs), [7, 2993, 0, 0, 0]);
    let last = |key: usize| (0..3000).rfind(|n| n / 3 % 7 == key).unwrap();
    for key in 0..7 {
        let run = catalog.get_course_run(format!("MITx/C{key}/r")).unwrap();
        assert!(run.title.as_str().ends_with(&last(key).to_string()));
    }
    // Back and forth: what was on its way must be done before the next is compared with it.
    let rows: String = ["A", "B", "A", "B", "A"]
        .iter()
        .map(|title| format!("{{\"course_key\": \"MITx/C0/r\", \"title\": \"{title}\"}}\n"))
        .collect();
    let (report, _) = import_with(&import, &catalog, Format::PlainLines, &rows);
    assert_eq!(counts(&report.unwrap().course_runs), [0, 5, 0, 0, 0]);
    assert_eq!(catalog.get_course_run("MITx/C0/r").unwrap().title, "A");
}

#[test]
fn plain_rows_update_the_title_of_the_run_alone() {
    let catalog = Catalog::temporary().unwrap();
    import(
        &catalog,
        Format::Csv,
        "course_key,title,language\nMITx/C/r,Old,en\n",
    );
    let import = Import::new().on_conflict(OnConflict::Update);
    let (report, _) = import_with(
        &import,
        &catalog,
        Format::Csv,
        "course_key,title,language\nMITx/C/r,New,fr\nMITx/C/r,,\n",
    );
    assert_eq!(counts(&report.unwrap().course_runs), [0, 1, 1, 0, 0]);
    assert_eq!(catalog.get_course_run("MITx/C/r").unwrap().title, "New");
    let course = catalog.get_catalog_course(("MITx", "C")).unwrap();
    assert_eq!(
        (course.title.as_str(), course.language.as_str()),
        ("Old", "en")
    );
}

#[test]
fn a_key_in_another_case_is_against_the_rules_whatever_was_chosen() {
    let catalog = sample();
    let other_case = exported_text(&catalog, Format::Lines)
        .replace("\"short_name\":\"MITx\"", "\"short_name\":\"MITX\"")
        .replace("2012_Fall", "2012_fall")
        .replace("6.00x", "6.00X");
    for (on_conflict, organizations) in [
        (OnConflict::Skip, [0, 0, 1, 1, 0]),
        (OnConflict::Update, [0, 0, 1, 1, 0]),
        (OnConflict::Fail, [0, 0, 1, 0, 1]),
    ] {
        let import = Import::new().on_conflict(on_conflict);
        let (report, kept) = import_with(&import, &catalog, Format::Lines, &other_case);
        let report = report.unwrap();
        // The organization is matched ignoring case, and keeps its own.
        assert_eq!(counts(&report.organizations), organizations);
        assert_eq!(counts(&report.catalog_courses), [0, 0, 1, 0, 1]);
        assert_eq!(counts(&report.course_runs), [0, 0, 0, 0, 2]);
        assert!(kept.rejects.iter().any(|reject| reject.contains(
            "\"catalog-course:MITx:6.00X\" cannot be stored because \"catalog-course:MITx:6.00x\" exists already"
        )), "{:#?}", kept.rejects);
    }
    assert_eq!(
        exported_text(&catalog, Format::Lines),
        exported_text(&sample(), Format::Lines)
    );
}

#[test]
fn an_import_into_what_others_have_begun_joins_it() {
    let catalog = Catalog::temporary().unwrap();
    catalog
        .create_organization(CreateOrganization::new("mitx"))
        .unwrap();
    let (report, rejects) = import(
        &catalog,
        Format::Lines,
        exported_text(&sample(), Format::Lines),
    );
    assert_eq!(rejects, [""; 0]);
    assert_eq!(counts(&report.organizations), [1, 0, 0, 1, 0]);
    assert_eq!(counts(&report.catalog_courses), [2, 0, 0, 0, 0]);
    assert_eq!(catalog.get_organization("MITx").unwrap().short_name, "mitx");
}
