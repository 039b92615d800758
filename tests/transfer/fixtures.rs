//! Promise: what Django dumps is taken in any order, and comes out again with the same rows, apart
//! from their numbers.

use std::collections::BTreeMap;

use coursecat::transfer::Format;
use coursecat::{Catalog, CreateOrganization};
use serde_json::{Value, json};

use crate::support::{exported_text, import};

/// What `manage.py dumpdata openedx_catalog organizations` writes: catalog rows first.
fn dump() -> Vec<Value> {
    let org = |pk: u32, short_name: &str, name: &str, active: bool| {
        json!({"model": "organizations.organization", "pk": pk, "fields": {
            "created": "2026-11-22T20:33:36.863Z", "modified": "2026-11-22T20:33:36.863Z",
            "name": name, "short_name": short_name, "description": null, "logo": "",
            "active": active}})
    };
    let course = |pk: u32, org: u32, code: &str, created: &str, title: &str, language: &str| {
        json!({"model": "openedx_catalog.catalogcourse", "pk": pk, "fields": {
            "org": org, "course_code": code, "created": created, "title": title,
            "language": language}})
    };
    let run = |pk: u32, course: u32, key: &str, run: &str, title: &str| {
        json!({"model": "openedx_catalog.courserun", "pk": pk, "fields": {
            "course_key": key, "catalog_course": course, "run_code": run,
            "created": "2013-01-02T00:42:57.506Z", "title": title}})
    };
    vec![
        course(
            3,
            20,
            "Phys100",
            "2013-01-02T00:42:57.506Z",
            "étude \"Phys100\"",
            "ja",
        ),
        course(7, 9, "a:b", "2013-01-02T00:42:57Z", "=Title", "zh-cn"),
        course(
            8,
            20,
            "Empty",
            "2013-01-02T00:42:57.000Z",
            "No runs",
            "en-us",
        ),
        json!({"model": "openedx_catalog.pathwaycategory", "pk": 1, "fields": {"title": "Pathway"}}),
        run(11, 3, "course-v1:MITX+Phys100+2026", "2026", "Other case"),
        run(12, 3, "MITx/Phys100/old", "old", "Legacy"),
        run(13, 3, "ccx-v1:MITx+Phys100+2026+ccx@1", "2026", "CCX"),
        json!({"model": "organizations.historicalorganization", "pk": 1, "fields": {"id": 1}}),
        org(20, "MITx", "Massachusetts Institute of Technology", true),
        org(9, "Old Org: sorry", "Gone", false),
    ]
}

/// The rows with the records in the place of their numbers.
fn resolved(rows: &[Value]) -> Vec<String> {
    let names: BTreeMap<(String, u64), Value> = rows
        .iter()
        .map(|row| {
            let fields = &row["fields"];
            let name = match fields.get("short_name") {
                Some(name) => name.clone(),
                None => json!([fields["course_code"], fields["title"]]),
            };
            let model = row["model"].as_str().unwrap().to_owned();
            ((model, row["pk"].as_u64().unwrap()), name)
        })
        .collect();
    let mut resolved: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut fields = row["fields"].clone();
            for (field, model) in [
                ("org", "organizations.organization"),
                ("catalog_course", "openedx_catalog.catalogcourse"),
            ] {
                if let Some(pk) = fields.get(field).and_then(Value::as_u64) {
                    fields[field] = names[&(model.to_owned(), pk)].clone();
                }
            }
            format!("{} {fields}", row["model"])
        })
        .collect();
    resolved.sort();
    resolved
}

fn known(rows: &[Value]) -> Vec<Value> {
    rows.iter()
        .filter(|row| {
            let model = row["model"].as_str().unwrap();
            !model.contains("pathway") && !model.contains("historical")
        })
        .cloned()
        .collect()
}

#[test]
fn a_dump_comes_out_as_it_went_in_apart_from_numbers() {
    let dump = dump();
    let texts = [
        serde_json::to_string(&dump).unwrap(),
        serde_json::to_string_pretty(&dump)
            .unwrap()
            .replace('\n', "\r\n"),
        serde_json::to_string(&dump.iter().rev().collect::<Vec<_>>()).unwrap(),
    ];
    for text in texts {
        let catalog = Catalog::temporary().unwrap();
        let (report, rejects) = import(&catalog, Format::Fixture, &text);
        assert_eq!(rejects, [""; 0]);
        assert_eq!(report.rows, 8);
        assert_eq!(report.bytes, text.len() as u64);
        assert_eq!(report.organizations.created, 2);
        assert_eq!(report.catalog_courses.created, 3);
        assert_eq!(report.course_runs.created, 3);
        assert_eq!(report.warnings["org_case_mismatch"], 1);
        let skipped: Vec<_> = report.skipped_models.iter().collect();
        assert_eq!(
            skipped,
            [
                (&"openedx_catalog.pathwaycategory".to_owned(), &1),
                (&"organizations.historicalorganization".to_owned(), &1)
            ]
        );
        assert!(report.dropped_values.is_empty());
        let out = exported_text(&catalog, Format::Fixture);
        let out: Vec<Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(resolved(&out), resolved(&known(&dump)));
        let models: Vec<_> = out
            .iter()
            .map(|row| row["model"].as_str().unwrap())
            .collect();
        assert_eq!(models[..2], ["organizations.organization"; 2]);
        assert_eq!(models[2..5], ["openedx_catalog.catalogcourse"; 3]);

        // The same for a new site, whose organizations get their numbers there.
        let new_site = exported_text(&catalog, Format::NewSiteFixture);
        let mut new_site_rows: Vec<Value> = serde_json::from_str(&new_site).unwrap();
        for (at, row) in new_site_rows[..2].iter_mut().enumerate() {
            assert_eq!(row["pk"].take(), Value::Null);
            row["pk"] = json!(at + 1);
        }
        assert_eq!(new_site_rows, out);
        let copy = Catalog::temporary().unwrap();
        assert_eq!(import(&copy, Format::Fixture, &new_site).1, [""; 0]);
        assert_eq!(exported_text(&copy, Format::NewSiteFixture), new_site);
        let pks: Vec<_> = out.iter().map(|row| row["pk"].as_u64().unwrap()).collect();
        assert_eq!(pks, [1, 2, 1, 2, 3, 1, 2, 3]);

        let (again, _) = import(&catalog, Format::Fixture, &text);
        assert_eq!(again.organizations.unchanged, 2);
        assert_eq!(again.catalog_courses.unchanged, 3);
        assert_eq!(again.course_runs.unchanged, 3);
    }
}

#[test]
fn what_a_catalog_does_not_keep_of_an_organization_is_told() {
    let mut dump = dump();
    for (at, description) in [(8, json!("About MITx")), (9, json!(""))] {
        dump[at]["fields"]["description"] = description;
        dump[at]["fields"]["logo"] = json!("organization_logos/x.png");
    }
    let text = serde_json::to_string(&dump).unwrap();
    let catalog = Catalog::temporary().unwrap();
    let (report, _) = import(&catalog, Format::Fixture, &text);
    assert_eq!(report.organizations.created, 2);
    let dropped: Vec<_> = report.dropped_values.clone().into_iter().collect();
    assert_eq!(
        dropped,
        [
            ("organizations.organization.description", 1),
            ("organizations.organization.logo", 2)
        ]
    );
    let text = report.to_string();
    assert!(
        text.contains("\nnot kept: organizations.organization.description 1\n"),
        "{text}"
    );
}

#[test]
fn an_export_is_written_as_loaddata_reads_it() {
    let catalog = Catalog::temporary().unwrap();
    assert_eq!(exported_text(&catalog, Format::Fixture), "[]\n");
    let organization =
        CreateOrganization::new("MITx").imported("2026-01-02T03:04:05Z".parse().unwrap());
    catalog.create_organization(organization).unwrap();
    assert_eq!(
        exported_text(&catalog, Format::Fixture),
        "[\n{\"model\":\"organizations.organization\",\"pk\":1,\"fields\":{\
         \"created\":\"2026-01-02T03:04:05Z\",\"modified\":\"2026-01-02T03:04:05Z\",\"name\":\"MITx\",\
         \"short_name\":\"MITx\",\"description\":null,\"logo\":\"\",\"active\":true}}\n]\n"
    );
    let (report, _) = import(&Catalog::temporary().unwrap(), Format::Fixture, "[]");
    assert_eq!((report.rows, report.written), (0, true));
}

#[test]
fn rows_that_refer_to_what_is_not_there_are_refused_one_by_one() {
    let rows = r#"[
        {"model": "openedx_catalog.courserun", "pk": 1, "fields": {"course_key": "MITx/C/r", "catalog_course": 5, "run_code": "r", "created": "2026-01-01T00:00:00Z", "title": "T"}},
        {"model": "openedx_catalog.courserun", "pk": 2, "fields": {"course_key": "MITx/D/r", "catalog_course": 6, "run_code": "r", "created": "2026-01-01T00:00:00Z", "title": "T"}},
        {"model": "openedx_catalog.catalogcourse", "pk": 5, "fields": {"org": 1, "course_code": "C", "created": "2026-01-01T00:00:00Z", "title": "T", "language": "en"}},
        {"model": "openedx_catalog.catalogcourse", "pk": 5, "fields": {"org": 2, "course_code": "C2", "created": "2026-01-01T00:00:00Z", "title": "T", "language": "en"}},
        {"model": "openedx_catalog.catalogcourse", "pk": 7, "fields": {"org": 2, "course_code": "E", "created": "2026-01-01T00:00:00Z", "title": "T", "language": "english"}},
        {"model": "openedx_catalog.courserun", "pk": 3, "fields": {"course_key": "MITx/E/r", "catalog_course": 7, "run_code": "r", "created": "2026-01-01T00:00:00Z", "title": "T"}},
        {"model": "organizations.organization", "pk": 2, "fields": {"short_name": "MITx", "name": "MIT", "active": true, "created": "2026-01-01"}},
        {"model": "organizations.organization", "pk": 2, "fields": {"short_name": "MITx", "name": "MIT", "active": true, "created": "2026-01-01T00:00:00Z"}}
    ]"#;
    let catalog = Catalog::temporary().unwrap();
    let (report, mut rejects) = import(&catalog, Format::Fixture, rows);
    // Rows that wait for others are told when it is known that those do not come.
    rejects.sort();
    let expected = [
        "row 1 (line 2): MITx/C/r: The row refers to the organization with the pk 1, which is not in the file.",
        "row 2 (line 3): MITx/D/r: The row refers to the catalog_course with the pk 6, which is not in the file.",
        "row 3 (line 4): C: The row refers to the organization with the pk 1, which is not in the file.",
        "row 4 (line 5): C2: The row cannot be read: the pk 5 has been used before by a row of this model.",
        "row 5 (line 6): catalog-course:MITx:E: \"english\" is not a language code",
        "row 6 (line 7): MITx/E/r: There is no catalog course \"catalog-course:MITx:E\".",
        "row 7 (line 8): MITx: \"2026-01-01\" is not a time such as",
    ];
    assert_eq!(rejects.len(), expected.len(), "{rejects:#?}");
    for (reject, expected) in rejects.iter().zip(expected) {
        let expected = expected.replace("catalog_course with", "catalog course with");
        assert!(reject.starts_with(&expected), "{reject}");
    }
    assert_eq!(report.rows, 8);
    assert_eq!(report.organizations.created, 1);
    assert_eq!(report.rejected_by_code()["dangling"], 3);
}
