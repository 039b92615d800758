//! Examples of records, for the documentation.

macro_rules! page {
    ($record:expr) => {
        concat!(r#"{"results": ["#, $record, r#"], "next": null}"#)
    };
}

macro_rules! organization {
    () => {
        r#"{"short_name": "MITx", "name": "Massachusetts Institute of Technology", "active": true, "created": "2012-05-02T00:00:00.000000Z", "courses": 6}"#
    };
}

macro_rules! course {
    () => {
        r#"{"key": "catalog-course:MITx:8.01x", "org": "MITx", "course_code": "8.01x", "title": "Mechanics", "language": "en", "language_short": "en", "created": "2026-02-02T09:00:00.000000Z", "runs": 1}"#
    };
}

macro_rules! run {
    ($warnings:literal) => {
        concat!(
            r#"{"course_key": "course-v1:MITx+8.01x+2026_T1", "catalog_course": "catalog-course:MITx:8.01x", "org": "MITx", "course_code": "8.01x", "run_code": "2026_T1", "title": "Mechanics", "created": "2026-02-02T09:00:00.000000Z""#,
            $warnings,
            "}"
        )
    };
}

macro_rules! reference {
    () => {
        r#"{"referrer": "enrollments"}"#
    };
}

pub(super) const ORGANIZATION: &str = organization!();
pub(super) const ORGANIZATIONS: &str = page!(organization!());
pub(super) const COURSE: &str = course!();
pub(super) const COURSES: &str = page!(course!());
pub(super) const RUN: &str = run!("");
pub(super) const RUNS: &str = page!(run!(""));
pub(super) const WARNED_RUN: &str = run!(r#", "warnings": []"#);
pub(super) const EXISTING_RUN: &str = run!(r#", "warnings": ["already_existed"]"#);
pub(super) const MANY_RUNS: &str = concat!(r#"{"results": ["#, run!(""), ", null]}");
pub(super) const REFERENCE: &str = reference!();
pub(super) const REFERENCES: &str = page!(reference!());
pub(super) const STATS: &str = r#"{"organizations": 18, "catalog_courses": 38, "course_runs": 44, "references": 0, "bytes_on_disk": 2097695}"#;
pub(super) const KEYS: &str = r#"{"results": [{"name": "lms", "scope": "write", "created": "2026-02-02T09:00:00.000000Z", "expires": null}], "next": null}"#;
pub(super) const NEW_KEY: &str = r#"{"name": "lms", "scope": "write", "created": "2026-02-02T09:00:00.000000Z", "expires": null, "key": "coursecat_0123456789ab_…"}"#;
pub(super) const LINES: &str = r#"{"type": "coursecat", "version": 1, ...}"#;
pub(super) const PLAIN_LINES: &str =
    r#"{"course_key": "course-v1:MITx+8.01x+2026_T1", "title": "Mechanics", "language": "en"}"#;
pub(super) const CSV: &str =
    "course_key,title,language\ncourse-v1:MITx+8.01x+2026_T1,Mechanics,en\n";
pub(super) const FIXTURE: &str = r#"[{"model": "openedx_catalog.catalogcourse", "pk": 1, "fields": {"org": 1, "course_code": "8.01x", "title": "Mechanics", "language": "en", "created": "2026-02-02T09:00:00Z"}}, {"model": "openedx_catalog.courserun", "pk": 1, "fields": {"catalog_course": 1, "course_key": "course-v1:MITx+8.01x+2026_T1", "run_code": "2026_T1", "title": "Mechanics", "created": "2026-02-02T09:00:00Z"}}, {"model": "organizations.organization", "pk": 1, "fields": {"created": "2026-02-02T09:00:00Z", "modified": "2026-02-02T09:00:00Z", "name": "MITx", "short_name": "MITx", "description": null, "logo": "", "active": true}}]"#;
pub(super) const REPORT: &str = r#"{"rows": 1, "bytes": 83, "seconds": 0.01, "written": true, "stopped": false, "organizations": {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": {}}, "catalog_courses": {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": {}}, "course_runs": {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": {}}, "references": {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": {}}, "unreadable": {}, "warnings": {}, "skipped_models": {}, "dropped_values": {}, "rejects": [], "rejected": 0}"#;
pub(super) const VERIFIED: &str = r#"{"clean": true, "rows": 206, "commit": 4, "seconds": 0.002, "records": {"organizations": 18, "catalog_courses": 38, "course_runs": 44, "references": 0}, "findings": []}"#;
pub(super) const CHANGES: &str = r#"{"results": [{"sequence": 7, "time": "2026-02-02T09:00:00.000000Z", "kind": "deleted", "entity": "reference", "key": "course-v1:MITx+8.01x+2026_T1", "record": null, "before": {"referrer": "enrollments"}}], "next": 7, "latest": 7}"#;
pub(super) const EVENTS: &str = "id: 7\nevent: deleted\ndata: {\"sequence\":7,\"kind\":\"deleted\",\"entity\":\"reference\",...}\n\n";
pub(super) const METRICS: &str = "# HELP coursecat_commits_total Commits to the store.\n# TYPE coursecat_commits_total counter\ncoursecat_commits_total 7\n";
