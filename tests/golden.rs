//! Promise: a store of every format that ever was opens, with all that it holds.
//!
//! `golden/format-N/` is a catalog's folder as the first program of format N left it, and
//! `golden/format-N.jsonl` its export. A new format gets a new pair, made by the ignored test below;
//! the old ones stay as they are.

#[path = "support/stored.rs"]
mod stored;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use coursecat::transfer::{Filter, Format, export};
use coursecat::{Catalog, CreateOrganization, Options, verify};
use support::Clock;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn exported(catalog: &Catalog) -> String {
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

#[test]
fn stores_of_every_format_open_with_all_that_they_hold() {
    for format in 1..=1 {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(&golden().join(format!("format-{format}")), folder.path());
        // It is empty, so version control does not keep it.
        fs::create_dir_all(folder.path().join("store/blobs")).unwrap();
        let report = verify(folder.path()).unwrap();
        assert!(report.is_clean(), "format {format}: {report}");
        let catalog = Catalog::open(folder.path()).unwrap();
        let expected = fs::read_to_string(golden().join(format!("format-{format}.jsonl"))).unwrap();
        assert_eq!(exported(&catalog), expected, "format {format}");
        // It can be written to, too.
        catalog.ensure_organization("New").unwrap();
        drop(catalog);
        assert!(verify(folder.path()).unwrap().is_clean());
    }
}

#[test]
#[ignore = "it makes the golden folder of a new format, once"]
fn make() {
    let folder = golden().join("format-1");
    assert!(!folder.exists(), "a golden folder stays as it is");
    let clock = Clock::new();
    clock.set("2026-01-02T03:04:05.678901Z".parse().unwrap());
    let shown = clock.clone();
    let catalog = Options::new()
        .clock(move || shown.now())
        .open(&folder)
        .unwrap();
    let create = |key: &str, title: &str, language: &str| {
        clock.tick();
        catalog
            .create_course_run_for_modulestore_course_with(key, title, language)
            .unwrap();
    };
    create("course-v1:MITx+Math100+2026_Spring", "Calculus", "en");
    create("course-v1:MITx+Math100+2026_Autumn", "Calculus", "en");
    create("ccx-v1:MITx+Math100+2026_Spring+ccx@7", "", "");
    create("course-v1:mitx+Phys200+1", "Mechanik", "de");
    create("DelftX/Water/2013", "Water: für alle 水", "zh_HANS");
    catalog
        .delete_course_run("course-v1:MITx+Math100+2026_Autumn")
        .unwrap();
    catalog.add_reference("DelftX/Water/2013", "lms").unwrap();
    catalog
        .add_reference("catalog-course:MITx:Math100", "pathways")
        .unwrap();
    let inactive = CreateOrganization::new("Old")
        .name("Gone: long ago")
        .active(false);
    catalog.create_organization(inactive).unwrap();
    fs::write(golden().join("format-1.jsonl"), exported(&catalog)).unwrap();
}
