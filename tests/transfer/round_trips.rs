//! Promise: exported, imported and exported again, the coursecat format is the same to the byte.

use coursecat::transfer::{ExportError, Filter, Format, export};
use coursecat::{Catalog, CreateCatalogCourse, CreateCourseRun, CreateOrganization, Timestamp};
use proptest::prelude::*;

use crate::support::{exported, exported_text, import, sample};

#[test]
fn the_lossless_format_is_as_it_is_told() {
    let expected = r#"{"type":"coursecat","version":1}
{"type":"organization","short_name":"MITx","name":"Massachusetts Institute of Technology","active":true,"created":"2012-05-02T00:00:00.000000Z"}
{"type":"organization","short_name":"Old Org","name":"Old Org","active":false,"created":"2011-01-01T00:00:00.123456Z"}
{"type":"catalog_course","key":"catalog-course:MITx:6.00x","org":"MITx","course_code":"6.00x","title":"Introduction, \"to\" Programming","language":"en-us","created":"2012-06-01T10:00:00.500000Z","references":["programs"]}
{"type":"catalog_course","key":"catalog-course:Old Org:a:b c","org":"Old Org","course_code":"a:b c","title":"=SUM(A1)\nsecond line","language":"zh-cn","created":"2013-06-01T10:00:00.000000Z","references":["store"]}
{"type":"course_run","course_key":"course-v1:mitx+6.00x+2013","catalog_course":{"org":"MITx","course_code":"6.00x"},"title":"@Python, again","created":"2012-07-01T00:00:00.000001Z"}
{"type":"course_run","course_key":"MITx/6.00x/2012_Fall","catalog_course":{"org":"MITx","course_code":"6.00x"},"title":"Python","created":"2012-07-01T00:00:00.000001Z","references":["certificates","enrollments"]}
{"type":"end","organizations":2,"catalog_courses":2,"course_runs":2,"references":4}
"#;
    assert_eq!(exported_text(&sample(), Format::Lines), expected);
}

#[test]
fn a_copy_exports_the_same_and_importing_again_changes_nothing() {
    let catalog = sample();
    let lines = exported_text(&catalog, Format::Lines);
    let copy = Catalog::temporary().unwrap();
    let (report, rejects) = import(&copy, Format::Lines, &lines);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(report.rows, 6);
    assert_eq!(report.organizations.created, 2);
    assert_eq!(report.catalog_courses.created, 2);
    assert_eq!(report.course_runs.created, 2);
    assert_eq!(report.references.created, 4);
    assert_eq!(exported_text(&copy, Format::Lines), lines);

    let (again, rejects) = import(&copy, Format::Lines, &lines);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(again.organizations.unchanged, 2);
    assert_eq!(again.catalog_courses.unchanged, 2);
    assert_eq!(again.course_runs.unchanged, 2);
    assert_eq!(again.references.unchanged, 4);
    assert_eq!(exported_text(&copy, Format::Lines), lines);
    // A file that went through Windows and an editor is the same file.
    let windows = format!("\u{feff}{}", lines.replace('\n', "\r\n"));
    let (windows, _) = import(&copy, Format::Lines, windows);
    assert_eq!(windows.references.unchanged, 4);
}

#[test]
fn filters_cut_a_part_out_that_stands_for_itself() {
    let catalog = sample();
    let cut = |filter: &Filter, format| {
        let mut out = Vec::new();
        let report = export(&catalog.snapshot(), format, filter, &mut out).unwrap();
        (report.counts, String::from_utf8(out).unwrap())
    };
    for (filter, counts) in [
        (Filter::new(), [2, 2, 2, 4]),
        (Filter::new().org("mitx"), [1, 1, 2, 3]),
        (Filter::new().language("en"), [1, 1, 2, 3]),
        (Filter::new().language("zh_HANS"), [1, 1, 0, 1]),
        (Filter::new().language("de"), [0, 0, 0, 0]),
        (Filter::new().org("MITx").language("zh-cn"), [0, 0, 0, 0]),
    ] {
        let (found, lines) = cut(&filter, Format::Lines);
        let found = [
            found.organizations,
            found.catalog_courses,
            found.course_runs,
            found.references,
        ];
        assert_eq!(found, counts, "{filter:?}");
        let copy = Catalog::temporary().unwrap();
        assert_eq!(import(&copy, Format::Lines, &lines).0.rejected(), 0);
        assert_eq!(exported_text(&copy, Format::Lines), lines);
        let (_, fixture) = cut(&filter, Format::Fixture);
        let copy = Catalog::temporary().unwrap();
        let (report, _) = import(&copy, Format::Fixture, fixture);
        assert_eq!(report.rejected(), 0);
        assert_eq!(report.rows, counts[..3].iter().sum::<u64>());
    }
    let unknown = export(
        &catalog.snapshot(),
        Format::Csv,
        &Filter::new().org("Nobody"),
        Vec::new(),
    );
    assert!(
        matches!(unknown, Err(ExportError::Catalog(_))),
        "{unknown:?}"
    );
    let import_only = export(
        &catalog.snapshot(),
        Format::CoursesApi,
        &Filter::new(),
        Vec::new(),
    );
    assert_eq!(
        import_only.unwrap_err().to_string(),
        "The format courses-api can be imported, not exported; use coursecat, csv, django or django-new-site."
    );
}

/// A title, code or name with all that could trip a format.
fn odd_text(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("=".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\\".to_owned()),
        Just(":".to_owned()),
        Just("é\u{301}日".to_owned()),
        Just("\u{0}\u{2028}\u{feff}".to_owned()),
        "[a-zA-Z0-9 +@\t-]{1,3}",
    ];
    prop::collection::vec(piece, 1..most).prop_map(|pieces| pieces.concat())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros())
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

#[derive(Clone, Debug)]
struct Course {
    org: usize,
    code: String,
    title: String,
    language: &'static str,
    created: Timestamp,
    runs: Vec<(String, String, Timestamp, bool)>,
    referrers: Vec<String>,
}

fn course() -> impl Strategy<Value = Course> {
    let run = ("[A-Za-z0-9_.é]{1,4}", odd_text(5), moment(), any::<bool>());
    (
        0..3usize,
        prop_oneof!["[A-Za-z0-9.]{1,3}", odd_text(4)],
        odd_text(6),
        prop::sample::select(vec!["en-us", "zh-cn", "fr"]),
        moment(),
        prop::collection::vec(run, 0..3),
        prop::collection::vec(odd_text(3), 0..3),
    )
        .prop_map(
            |(org, code, title, language, created, runs, referrers)| Course {
                org,
                code,
                title,
                language,
                created,
                runs,
                referrers,
            },
        )
}

/// Makes a catalog of what the rules allow of this.
fn build(orgs: &[(String, String, bool, Timestamp)], courses: &[Course]) -> Catalog {
    let catalog = Catalog::temporary().unwrap();
    for (short_name, name, active, created) in orgs {
        let org = CreateOrganization::new(short_name)
            .name(name)
            .active(*active);
        let _ = catalog.create_organization(org.imported(*created));
    }
    for course in courses {
        let Some((org, ..)) = orgs.get(course.org % orgs.len()) else {
            continue;
        };
        let new = CreateCatalogCourse::new(org, &course.code)
            .title(&course.title)
            .language(course.language)
            .imported(course.created);
        let _ = catalog.create_catalog_course(new);
        for (code, title, created, legacy) in &course.runs {
            let mut run = CreateCourseRun::new((org.as_str(), course.code.as_str()), code)
                .title(title)
                .imported(*created);
            if *legacy {
                run = run.course_key(format!("{org}/{}/{code}", course.code));
            }
            if let Ok(run) = catalog.create_course_run(run) {
                for referrer in &course.referrers {
                    let _ = catalog.add_reference(run.value.course_key.as_str(), referrer);
                }
            }
        }
        for referrer in &course.referrers {
            let key = format!("catalog-course:{org}:{}", course.code);
            let _ = catalog.add_reference(key, referrer);
        }
    }
    catalog
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_catalog_comes_back(
        orgs in prop::collection::vec(
            (prop_oneof!["[A-Za-z.]{1,3}", "[a-z]:[a-z]", odd_text(3)], odd_text(4), any::<bool>(), moment()),
            1..4,
        ),
        courses in prop::collection::vec(course(), 0..5),
    ) {
        let catalog = build(&orgs, &courses);
        let snapshot = catalog.snapshot();

        let lines = exported(&snapshot, Format::Lines);
        let copy = Catalog::temporary().unwrap();
        let (report, rejects) = import(&copy, Format::Lines, &lines);
        prop_assert_eq!(rejects, Vec::<String>::new());
        prop_assert_eq!(report.references.created, catalog.stats().references);
        prop_assert_eq!(exported(&copy.snapshot(), Format::Lines), lines);

        // The fixture keeps milliseconds: the copy of a copy is the same.
        let fixture = exported(&snapshot, Format::Fixture);
        let copy = Catalog::temporary().unwrap();
        let (_, rejects) = import(&copy, Format::Fixture, &fixture);
        prop_assert_eq!(rejects, Vec::<String>::new());
        let again = exported(&copy.snapshot(), Format::Fixture);
        let copy = Catalog::temporary().unwrap();
        import(&copy, Format::Fixture, &again);
        prop_assert_eq!(exported(&copy.snapshot(), Format::Fixture), again);

        // A table of runs keeps every run.
        let table = exported(&snapshot, Format::Csv);
        let copy = Catalog::temporary().unwrap();
        let (_, rejects) = import(&copy, Format::Csv, &table);
        prop_assert_eq!(rejects, Vec::<String>::new());
        let runs = |catalog: &Catalog| {
            let snapshot = catalog.snapshot();
            let mut runs: Vec<_> = snapshot
                .course_runs()
                .map(|run| (run.course_key.to_string(), run.title.clone(), run.created))
                .collect();
            runs.sort();
            runs
        };
        prop_assert_eq!(runs(&copy), runs(&catalog));
    }
}
