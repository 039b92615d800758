//! A catalog to damage, and what is looked at when it has been damaged.

use std::collections::BTreeSet;
use std::panic::Location;
use std::path::Path;

use coursecat::{
    Catalog, CreateCatalogCourse, CreateOrganization, RepairReport, fold, repair, verify,
};

use crate::stored::{self, Store, rows};

/// A catalog with every kind of record, closed.
///
/// | id | organization | catalog course | course run |
/// |---|---|---|---|
/// | 1 | MITx | MITx:Math100 | 2025 |
/// | 2 | Delft | Delft:Water | 2026 |
/// | 3 | Empty | Delft:Bare | ccx of 2026 |
/// | 4 | Solo | Solo:Alone | Delft/Water/1 |
pub(super) struct Sample {
    pub(super) folder: tempfile::TempDir,
    pub(super) content: BTreeSet<String>,
}

impl Sample {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let create = |key: &str, title: &str| {
            catalog
                .create_course_run_for_modulestore_course_with(key, title, "fr")
                .unwrap();
        };
        create("course-v1:MITx+Math100+2025", "Calculus");
        create("course-v1:MITx+Math100+2026", "Calculus, new");
        create("ccx-v1:MITx+Math100+2026+ccx@1", "");
        create("Delft/Water/1", "Water");
        let plain = |org: &str, code: &str| {
            let course = CreateCatalogCourse::new(org, code).title("Plain");
            catalog.create_catalog_course(course).unwrap();
        };
        plain("Delft", "Bare");
        for org in ["Empty", "Solo"] {
            catalog
                .create_organization(CreateOrganization::new(org).name("Name"))
                .unwrap();
        }
        plain("Solo", "Alone");
        let refer = |key: &str, referrer: &str| {
            assert!(catalog.add_reference(key, referrer).unwrap());
        };
        refer("course-v1:MITx+Math100+2026", "lms");
        refer("Delft/Water/1", "lms");
        refer("catalog-course:MITx:Math100", "cms");
        let content = content(&catalog);
        drop(catalog);
        Self { folder, content }
    }

    /// A copy of it, to be damaged.
    pub(super) fn copy(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        stored::copy(self.folder.path(), folder.path());
        folder
    }
}

/// What a catalog holds, without ids: a repair may give others.
pub(super) fn content(catalog: &Catalog) -> BTreeSet<String> {
    let snapshot = catalog.snapshot();
    let mut lines = BTreeSet::new();
    let refer = |key: String| {
        let referrers = snapshot.list_references(&key).unwrap();
        let lines = referrers.into_iter();
        lines.map(move |referrer| format!("reference {key} {referrer}"))
    };
    for organization in snapshot.organizations() {
        let active = organization.active;
        lines.insert(format!("organization {organization} {active}"));
    }
    for course in snapshot.catalog_courses() {
        let (key, title, language) = (course.key(), &course.title, &course.language);
        lines.insert(format!("course {key} {title} {language}"));
        lines.extend(refer(key.to_string()));
    }
    for run in snapshot.course_runs() {
        let course = snapshot.get_catalog_course_of(run).unwrap().key();
        lines.insert(format!("run {} {} of {course}", run.course_key, run.title));
        lines.extend(refer(run.course_key.to_string()));
    }
    lines
}

/// Keys of rows.
pub(super) fn id(id: u64) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

pub(super) fn ids(course: u64, run: u64) -> Vec<u8> {
    [id(course), id(run)].concat()
}

pub(super) fn code(organization: u64, folded: &str) -> Vec<u8> {
    [id(organization), folded.as_bytes().to_vec()].concat()
}

pub(super) fn reference(kind: u8, of: u64, referrer: &str) -> Vec<u8> {
    [vec![kind], id(of), referrer.as_bytes().to_vec()].concat()
}

/// One row of each tree, in the order of the sample's table.
pub(super) fn places() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("organizations", id(3)),
        ("organizations_by_name", b"mitx".to_vec()),
        ("courses", id(3)),
        ("courses_by_code", code(1, "math100")),
        ("runs", ids(1, 2)),
        ("runs_by_key", b"course-v1:mitx+math100+2026".to_vec()),
        ("references", reference(2, 4, "lms")),
        ("changes", id(1)),
        ("meta", b"ledger".to_vec()),
    ]
}

/// What a repair is expected to do.
#[derive(Default)]
pub(super) struct Expected {
    /// The tree that a check has to name.
    pub(super) tree: &'static str,
    /// Lines of the content that go, and lines that come.
    pub(super) gone: Vec<&'static str>,
    pub(super) made: Vec<&'static str>,
    /// The trees of what is reported as lost.
    pub(super) lost: Vec<&'static str>,
    /// What the sentences about records made anew name.
    pub(super) rebuilt: Vec<&'static str>,
}

/// Damages a copy of the sample, and looks at what opening, checking and repairing make of it.
#[track_caller]
pub(super) fn check(sample: &Sample, inflict: impl Fn(&Store), expected: &Expected) {
    let at = Location::caller();
    let folder = sample.copy();
    inflict(&Store::open(folder.path()));
    let report = open_check_repair(folder.path(), expected.tree);

    let mut lost: Vec<_> = report.lost.iter().map(|finding| finding.tree).collect();
    for tree in &expected.lost {
        let found = lost.iter().position(|lost| lost == tree);
        lost.remove(found.unwrap_or_else(|| panic!("{at}: not lost in {tree}: {report}")));
    }
    assert!(
        lost.is_empty() || !expected.gone.is_empty(),
        "{at}: {report}"
    );
    assert_eq!(
        report.rebuilt.len(),
        expected.rebuilt.len(),
        "{at}: {report}"
    );
    for name in &expected.rebuilt {
        let names = |sentence: &&String| fold(sentence).contains(&*fold(name));
        let sentence = report.rebuilt.iter().find(names);
        assert!(sentence.is_some_and(|s| s.ends_with('.')), "{at}: {report}");
    }
    let mut lines = sample.content.clone();
    for line in &expected.gone {
        assert!(lines.remove(*line), "{at}: no {line:?} in {lines:#?}");
    }
    lines.extend(expected.made.iter().map(|line| (*line).to_owned()));
    // The name of a lost organization may be found in another capitalisation.
    let folded = |lines: BTreeSet<String>| -> BTreeSet<String> {
        lines.iter().map(|line| fold(line).into_owned()).collect()
    };
    let found = content(&Catalog::open(folder.path()).unwrap());
    assert_eq!(folded(found), folded(lines), "{at}: {report}");
}

/// Takes a damaged folder through opening, checking and repairing. It is sound in the end.
#[track_caller]
pub(super) fn open_check_repair(folder: &Path, tree: &str) -> RepairReport {
    let damaged = rows(folder);
    let error = Catalog::open(folder).unwrap_err();
    assert_eq!(error.code(), "corrupt", "{error}");
    let text = error.to_string();
    assert!(text.contains(&*folder.to_string_lossy()), "{text}");
    assert!(
        text.contains("Copy the folder away, then repair it"),
        "{text}"
    );

    let report = verify(folder).unwrap();
    assert!(!report.is_clean());
    let named = report.findings.iter().any(|finding| finding.tree == tree);
    assert!(named, "no finding in {tree}: {report}");
    assert!(rows(folder) == damaged, "looking has changed something");

    let repaired = repair(folder).unwrap();
    assert!(repaired.rows_changed > 0);
    let report = verify(folder).unwrap();
    assert!(report.is_clean(), "{repaired}\n{report}");
    assert_eq!(report.stats, repaired.stats);
    let catalog = Catalog::open(folder).unwrap();
    assert_eq!(catalog.stats(), repaired.stats);
    drop(catalog);

    // Repairing again finds nothing to do.
    let sound = rows(folder);
    let again = repair(folder).unwrap();
    assert_eq!(again.rows_changed, 0, "{again}");
    assert!(again.lost.is_empty() && again.rebuilt.is_empty(), "{again}");
    assert!(rows(folder) == sound);
    check_goes_on(folder);
    repaired
}

/// A repaired catalog can be written to, and gives no id of its records again.
fn check_goes_on(folder: &Path) {
    let scratch = tempfile::tempdir().unwrap();
    stored::copy(folder, scratch.path());
    let catalog = Catalog::open(scratch.path()).unwrap();
    let before = content(&catalog);
    for key in [
        "course-v1:New+C+1",
        "course-v1:MITx+Math100+new",
        "Delft/New/1",
    ] {
        let run = catalog.create_course_run_for_modulestore_course_with(key, "", "");
        assert!(!run.unwrap().already_existed());
    }
    assert!(before.is_subset(&content(&catalog)));
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
}
