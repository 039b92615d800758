//! What is measured: the operations, their names, and how each is said in a table.

use crate::peer::Durability;

/// An operation that is timed, and by how many callers at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) threads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    GetRun,
    GetRunParsed,
    GetRuns,
    GetCourse,
    GetCourseByCodes,
    RunsOfCourse,
    PageOfCourses,
    Search,
    /// Each lookup timed by itself, for its percentiles.
    GetRunEach,
    /// The same while another thread commits one run after the other, durably.
    GetRunBesideWriter,
    CreateRun(Course, Durability),
    SyncTitle,
    DeleteRefused,
    DeleteCourse,
    Import,
    Open,
    OpenKilled,
    Memory,
    Disk,
    DiskCompacted,
}

/// The course of a run that is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Existing,
    New,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds for one operation.
    Nanoseconds,
    /// Bytes for one run.
    Bytes,
}

const fn operation(kind: Kind, threads: usize) -> Operation {
    Operation { kind, threads }
}

/// On a store that answers when a write is on the disk.
pub(crate) fn on_durable_store() -> Vec<Operation> {
    let mut operations = vec![
        operation(Kind::GetRun, 1),
        operation(Kind::GetRun, 2),
        operation(Kind::GetRunParsed, 1),
        operation(Kind::GetRuns, 1),
        operation(Kind::GetCourse, 1),
        operation(Kind::GetCourseByCodes, 1),
        operation(Kind::RunsOfCourse, 1),
        operation(Kind::PageOfCourses, 1),
        operation(Kind::Search, 1),
        operation(Kind::GetRunEach, 1),
        operation(Kind::GetRunBesideWriter, 1),
    ];
    operations.extend(creates(Durability::Durable));
    operations.extend([
        operation(Kind::SyncTitle, 1),
        operation(Kind::DeleteRefused, 1),
        operation(Kind::DeleteCourse, 1),
    ]);
    operations
}

/// On one that answers earlier.
pub(crate) fn on_relaxed_store() -> Vec<Operation> {
    creates(Durability::Relaxed)
}

fn creates(durability: Durability) -> Vec<Operation> {
    let mut operations = Vec::new();
    for course in [Course::Existing, Course::New] {
        for threads in [1, 16, 64] {
            operations.push(operation(Kind::CreateRun(course, durability), threads));
        }
    }
    operations
}

pub(crate) const IMPORT: Operation = operation(Kind::Import, 1);
pub(crate) const OPEN: Operation = operation(Kind::Open, 1);
pub(crate) const OPEN_KILLED: Operation = operation(Kind::OpenKilled, 1);
pub(crate) const MEMORY: Operation = operation(Kind::Memory, 1);
pub(crate) const DISK: Operation = operation(Kind::Disk, 1);
pub(crate) const DISK_COMPACTED: Operation = operation(Kind::DiskCompacted, 1);

impl Operation {
    /// Its name, as filters and JSON have it.
    pub(crate) fn name(self) -> &'static str {
        match self.kind {
            Kind::GetRun => "get_course_run",
            Kind::GetRunParsed => "get_course_run_parsed",
            Kind::GetRuns => "get_100_course_runs",
            Kind::GetCourse => "get_catalog_course",
            Kind::GetCourseByCodes => "get_catalog_course_by_codes",
            Kind::RunsOfCourse => "runs_of_course",
            Kind::PageOfCourses => "page_of_50_courses",
            Kind::Search => "search",
            Kind::GetRunEach => "get_course_run_each",
            Kind::GetRunBesideWriter => "get_course_run_beside_writer",
            Kind::CreateRun(Course::Existing, Durability::Durable) => "create_run_durable",
            Kind::CreateRun(Course::New, Durability::Durable) => "create_run_new_course_durable",
            Kind::CreateRun(Course::Existing, Durability::Relaxed) => "create_run_relaxed",
            Kind::CreateRun(Course::New, Durability::Relaxed) => "create_run_new_course_relaxed",
            Kind::SyncTitle => "sync_title",
            Kind::DeleteRefused => "delete_course_refused",
            Kind::DeleteCourse => "delete_course",
            Kind::Import => "import",
            Kind::Open => "open",
            Kind::OpenKilled => "open_after_kill",
            Kind::Memory => "memory",
            Kind::Disk => "disk",
            Kind::DiskCompacted => "disk_compacted",
        }
    }

    /// How a table says it.
    pub(crate) fn title(self) -> String {
        let text = match self.kind {
            Kind::GetRun => "get_course_run by key string",
            Kind::GetRunParsed => "get_course_run by parsed key",
            Kind::GetRuns => "get 100 runs in one call",
            Kind::GetCourse => "get_catalog_course by key_str",
            Kind::GetCourseByCodes => "get_catalog_course by codes",
            Kind::RunsOfCourse => "runs of a course (20)",
            Kind::PageOfCourses => "page of 50 courses of an organization",
            Kind::Search => "text search, two words",
            Kind::GetRunEach => "get_course_run, each timed",
            Kind::GetRunBesideWriter => "the same beside a busy writer",
            Kind::CreateRun(Course::Existing, Durability::Durable) => "create run, durable",
            Kind::CreateRun(Course::New, Durability::Durable) => "create run and course, durable",
            Kind::CreateRun(Course::Existing, Durability::Relaxed) => "create run, not durable",
            Kind::CreateRun(Course::New, Durability::Relaxed) => {
                "create run and course, not durable"
            }
            Kind::SyncTitle => "sync title, durable",
            Kind::DeleteRefused => "delete course, refused",
            Kind::DeleteCourse => "delete course, durable",
            Kind::Import => "bulk import, a run",
            Kind::Open => "open",
            Kind::OpenKilled => "open after kill -9",
            Kind::Memory => "memory a run",
            Kind::Disk => "disk a run, after import",
            Kind::DiskCompacted => "disk a run, compacted",
        };
        match (self.kind, self.threads) {
            (Kind::CreateRun(..), 1) => format!("{text}, 1 caller"),
            (Kind::CreateRun(..), callers) => format!("{text}, {callers} callers"),
            (_, 1) => text.to_owned(),
            (_, threads) => format!("{text}, {threads} threads"),
        }
    }

    pub(crate) fn unit(self) -> Unit {
        match self.kind {
            Kind::Memory | Kind::Disk | Kind::DiskCompacted => Unit::Bytes,
            _ => Unit::Nanoseconds,
        }
    }
}
