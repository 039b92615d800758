//! Promise: plain rows have the semantics of the modulestore function, whatever they came in.

use coursecat::transfer::Format;
use coursecat::{Catalog, Options};

use crate::support::{exported_text, import, time};

#[test]
fn a_line_makes_a_run_with_its_course_and_its_organization() {
    let catalog = Catalog::temporary().unwrap();
    let lines = concat!(
        r#"{"course_key": "MITx/6.00x/2012", "org": "MITx", "title": "Python", "language": "zh_HANS", "created": "2012-09-01T00:00:00Z", "other": [1]}"#,
        "\n\r\n",
        r#"{"course_key": "course-v1:mitx+6.00x+2013", "title": null, "language": null}"#,
        "\r\n",
        r#"{"course_key": "course-v1:MITx+Math100+1", "language": "pt-br"}"#,
    );
    let (report, rejects) = import(&catalog, Format::PlainLines, lines);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(report.rows, 3);
    assert_eq!(report.bytes, lines.len() as u64);
    assert_eq!(report.course_runs.created, 3);
    assert_eq!(report.catalog_courses.created, 2);
    assert_eq!(report.organizations.created, 1);
    assert_eq!(report.warnings["org_case_mismatch"], 1);
    let course = catalog.get_catalog_course(("MITx", "6.00x")).unwrap();
    assert_eq!(course.language.as_str(), "zh-cn");
    assert_eq!(course.created, time("2012-09-01T00:00:00Z"));
    let second = catalog.get_course_run("course-v1:mitx+6.00x+2013").unwrap();
    assert_eq!(second.title, "Python");
    let math = catalog.get_catalog_course(("MITx", "Math100")).unwrap();
    assert_eq!(
        (math.title.as_str(), math.language.as_str()),
        ("Math100", "pt-br")
    );

    let (again, _) = import(&catalog, Format::PlainLines, lines);
    assert_eq!(
        (again.course_runs.created, again.course_runs.unchanged),
        (0, 3)
    );
    assert_eq!(again.organizations.created, 0);
    assert_eq!(again.warnings["already_existed"], 3);
}

#[test]
fn rows_that_the_rules_refuse_are_told_with_line_and_key_and_the_others_go_in() {
    let catalog = Options::new()
        .auto_create_organizations(false)
        .temporary()
        .unwrap();
    catalog
        .create_organization(coursecat::CreateOrganization::new("MITx"))
        .unwrap();
    let lines = r#"{"course_key": "course-v1:MITx+A+1"}
{"course_key": "course-v1:MITx+A"}
{"course_key": "course-v1:MITx+a+2"}
{"course_key": "course-v1:Other+A+1"}
{"course_key": "course-v1:MITx+B+1", "language": "English"}
{"course_key": "course-v1:MITx+C+1", "created": "yesterday"}
{"course_key": "MITx/A/1"}
{"course_key": "course-v1:MITx+A+2"}
"#;
    let (report, rejects) = import(&catalog, Format::PlainLines, lines);
    assert_eq!(report.course_runs.created, 2);
    assert_eq!(report.rows, 8);
    let codes: Vec<_> = report.rejected_by_code().into_iter().collect();
    assert_eq!(
        codes,
        [
            ("already_exists", 2),
            ("invalid", 2),
            ("invalid_key", 1),
            ("unknown_organization", 1)
        ]
    );
    for line in 2..=7 {
        let start = format!("line {line}: ");
        assert!(
            rejects.iter().any(|r| r.starts_with(&start)),
            "{rejects:#?}"
        );
    }
    assert!(
        rejects.contains(
            &"line 3: course-v1:MITx+a+2: The catalog course \"catalog-course:MITx:a\" cannot be stored \
              because \"catalog-course:MITx:A\" exists already."
                .to_owned()
        ),
        "{rejects:#?}"
    );
}

#[test]
fn csv_is_read_with_bom_crlf_quotes_and_columns_in_any_order() {
    let catalog = Catalog::temporary().unwrap();
    let table = "\u{feff}Title,extra,course_key , language\r\n\
                 \"Python, \"\"the\r\nlanguage\"\"\",x,MITx/6.00x/2012,en\r\n\
                 \r\n\
                 '=1+1,,MITx/6.00x/2013,\r\n\
                 'tis,,MITx/6.00x/2014,";
    let (report, rejects) = import(&catalog, Format::Csv, table);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(report.course_runs.created, 3);
    assert_eq!(report.bytes, table.len() as u64);
    let title = |key| catalog.get_course_run(key).unwrap().title.to_string();
    assert_eq!(title("MITx/6.00x/2012"), "Python, \"the\r\nlanguage\"");
    assert_eq!(title("MITx/6.00x/2013"), "=1+1");
    assert_eq!(title("MITx/6.00x/2014"), "'tis");
}

#[test]
fn an_exported_csv_is_guarded_and_comes_back_exactly() {
    let catalog = Catalog::temporary().unwrap();
    for (key, title) in [
        ("-org/c/-r", "=HYPERLINK(\"x\")"),
        ("course-v1:o+c+1", "'=already guarded"),
        ("course-v1:o+c+2", "'apostrophe"),
        ("course-v1:o+c+3", "\ttab, \r\nlines"),
        ("course-v1:o+c+4", "''''+"),
        ("course-v1:o+c+5", "-5 °C"),
        ("course-v1:o+c+6", " =not a formula"),
    ] {
        catalog
            .create_course_run_for_modulestore_course_with(key, title, "fr-ca")
            .unwrap();
    }
    let csv = exported_text(&catalog, Format::Csv);
    let mut cells = csv::Reader::from_reader(csv.as_bytes());
    for record in cells.records() {
        for cell in &record.unwrap() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell:?}"
            );
        }
    }
    let copy = Catalog::temporary().unwrap();
    let (report, rejects) = import(&copy, Format::Csv, &csv);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(report.course_runs.created, 7);
    assert_eq!(exported_text(&copy, Format::Csv), csv);
    for (ours, theirs) in catalog
        .snapshot()
        .course_runs()
        .zip(copy.snapshot().course_runs())
    {
        assert_eq!(ours.title, theirs.title);
    }
}

#[test]
fn pages_of_the_courses_api_are_read_however_they_were_put_together() {
    let course = |n: u32| {
        format!(
            r#"{{"blocks_url": "https://x/?a=[{{", "course_id": "course-v1:MITx+C{n}+r", "id": "course-v1:MITx+C{n}+r", "name": "Course {n}", "org": "MITx", "number": "C{n}", "media": {{"a": ["\"]"]}}}}"#
        )
    };
    let page = |first: u32| {
        format!(
            "{{\"pagination\": {{\"next\": null, \"num_pages\": 1}}, \"results\": [{}, {}]}}",
            course(first),
            course(first + 1)
        )
    };
    let two_pages = [
        format!("{}\n{}", page(1), page(3)),
        format!("{}{}", page(1), page(3)),
        format!("[{}, {}]", page(1), page(3)),
        format!("[{}]", [1, 2, 3, 4].map(course).join(",\n")),
        [1, 2, 3, 4].map(course).join("\n"),
        format!(
            "{{\"results\": [{}], \"count\": 4}}\n",
            [1, 2, 3, 4].map(course).join(",")
        ),
    ];
    for text in two_pages {
        let catalog = Catalog::temporary().unwrap();
        let (report, rejects) = import(&catalog, Format::CoursesApi, &text);
        assert_eq!(rejects, [""; 0], "{text}");
        assert_eq!((report.rows, report.course_runs.created), (4, 4), "{text}");
        assert_eq!(report.bytes, text.len() as u64);
        let run = catalog.get_course_run("course-v1:MITx+C4+r").unwrap();
        assert_eq!(run.title, "Course 4");
    }
    let catalog = Catalog::temporary().unwrap();
    let text = "[\n{\"id\": \"MITx/C/r\", \"name\": null}, {\"detail\": \"Not found.\"}, 5]";
    let (report, rejects) = import(&catalog, Format::CoursesApi, text);
    assert_eq!(report.course_runs.created, 1);
    assert_eq!(
        rejects,
        [
            "row 2 (line 2): The row cannot be read: it has neither a course_id nor an id.",
            "row 3 (line 2): The row cannot be read: invalid type: integer `5`, expected struct ApiCourse, at column 1.",
        ]
    );
}
