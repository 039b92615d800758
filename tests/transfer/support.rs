//! What the tests of transfer share: a watch that keeps what it is told, and short ways to import
//! and export.

use coursecat::transfer::{
    Filter, Format, Import, ImportError, ImportReport, Progress, Reject, Watch, export,
};
use coursecat::{
    Catalog, CreateCatalogCourse, CreateCourseRun, CreateOrganization, Snapshot, Timestamp,
};

/// Keeps everything it is told, and stops after a number of rows.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) rejects: Vec<String>,
    pub(crate) codes: Vec<&'static str>,
    pub(crate) last: Progress,
    pub(crate) asked: u64,
    pub(crate) stop_after: Option<u64>,
}

impl Watch for Kept {
    fn progress(&mut self, progress: &Progress) {
        self.last = *progress;
    }

    fn rejected(&mut self, reject: &Reject) {
        self.rejects.push(reject.to_string());
        self.codes.push(reject.error.code());
    }

    fn should_stop(&mut self) -> bool {
        self.asked += 1;
        self.stop_after.is_some_and(|rows| self.asked > rows)
    }
}

pub(crate) fn import_with(
    import: &Import,
    catalog: &Catalog,
    format: Format,
    text: impl AsRef<[u8]>,
) -> (Result<ImportReport, ImportError>, Kept) {
    let mut kept = Kept::default();
    let report = import.run(catalog, format, text.as_ref(), &mut kept);
    (report, kept)
}

/// An import that must not fail as a whole.
pub(crate) fn import(
    catalog: &Catalog,
    format: Format,
    text: impl AsRef<[u8]>,
) -> (ImportReport, Vec<String>) {
    let (report, kept) = import_with(&Import::new(), catalog, format, text);
    (report.unwrap(), kept.rejects)
}

pub(crate) fn exported(snapshot: &Snapshot, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let report = export(snapshot, format, &Filter::new(), &mut out).unwrap();
    assert_eq!(report.bytes, out.len() as u64);
    out
}

pub(crate) fn exported_text(catalog: &Catalog, format: Format) -> String {
    String::from_utf8(exported(&catalog.snapshot(), format)).unwrap()
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A small catalog with some of everything.
pub(crate) fn sample() -> Catalog {
    let catalog = Catalog::temporary().unwrap();
    let mit = CreateOrganization::new("MITx")
        .name("Massachusetts Institute of Technology")
        .imported(time("2012-05-02T00:00:00Z"));
    catalog.create_organization(mit).unwrap();
    let old = CreateOrganization::new("Old Org")
        .active(false)
        .imported(time("2011-01-01T00:00:00.123456Z"));
    catalog.create_organization(old).unwrap();
    let course = CreateCatalogCourse::new("MITx", "6.00x")
        .title("Introduction, \"to\" Programming")
        .language("en-us")
        .imported(time("2012-06-01T10:00:00.5Z"));
    catalog.create_catalog_course(course).unwrap();
    let empty = CreateCatalogCourse::new("Old Org", "a:b c")
        .title("=SUM(A1)\nsecond line")
        .language("zh-hans")
        .imported(time("2013-06-01T10:00:00Z"));
    catalog.create_catalog_course(empty).unwrap();
    for (code, key, title) in [
        ("2012_Fall", "MITx/6.00x/2012_Fall", "Python"),
        ("2013", "course-v1:mitx+6.00x+2013", "@Python, again"),
    ] {
        let run = CreateCourseRun::new(("MITx", "6.00x"), code)
            .course_key(key)
            .title(title)
            .imported(time("2012-07-01T00:00:00.000001Z"));
        catalog.create_course_run(run).unwrap();
    }
    for (key, referrer) in [
        ("catalog-course:MITx:6.00x", "programs"),
        ("catalog-course:Old Org:a:b c", "store"),
        ("MITx/6.00x/2012_Fall", "enrollments"),
        ("MITx/6.00x/2012_Fall", "certificates"),
    ] {
        catalog.add_reference(key, referrer).unwrap();
    }
    catalog
}
