//! What is asked of a peer. Each does the same, on the same records, by the same rules.

use std::ops::Deref;
use std::path::Path;

use coursecat::RunKey;

use crate::record::{Answer, Course, Deletion, NewRun, Run};

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When it is on the disk: after fsync or fdatasync.
    Durable,
    /// As soon as others can see it; it is on the disk within [`RELAXED_FOR`], or so.
    Relaxed,
}

/// How long a relaxed write may stay off the disk.
pub(crate) const RELAXED_FOR: std::time::Duration = std::time::Duration::from_secs(1);

/// Lookups of single records.
///
/// A reader belongs to one thread. Each call sees the newest commit.
pub(crate) trait Lookups {
    type Run: Answer<Run>;
    type Course: Answer<Course>;

    /// The run of exactly this key.
    fn run(&mut self, key: &str) -> Option<Self::Run>;

    /// The same by a parsed key.
    fn run_parsed(&mut self, key: &RunKey) -> Option<Self::Run> {
        self.run(key.as_str())
    }

    /// Many runs in one call, in the order asked.
    fn runs(&mut self, keys: &[String]) -> Vec<Option<Self::Run>>;

    /// The course of `catalog-course:ORG:CODE`: the organization ignoring case, the code exactly.
    fn course(&mut self, key_str: &str) -> Option<Self::Course>;

    /// The same by organization and code.
    fn course_coded(&mut self, org: &str, code: &str) -> Option<Self::Course>;
}

/// Listings, on a reader.
pub(crate) trait Listings: Lookups {
    type Runs: Deref<Target = [Self::Run]>;

    /// All runs of a course, newest first.
    fn runs_of(&mut self, org: &str, code: &str) -> Self::Runs;

    /// The first courses of an organization, by code ignoring case.
    fn courses_of(&mut self, org: &str, limit: usize) -> Vec<Self::Course>;

    /// The first courses and the first runs, in key order, in which each word of the text occurs,
    /// ignoring case: in the title, the organization or a code.
    fn search(&mut self, text: &str, limit: usize) -> (Vec<Self::Course>, Vec<Self::Run>);
}

/// Creating, from any thread.
pub(crate) trait Creates: Sync {
    /// Creates these runs, with their courses and organizations as needed, in one transaction.
    /// A run that exists stays as it is. Returns how many were new.
    fn create(&self, runs: &[NewRun]) -> usize;

    /// The same for very many, in as many transactions as suits best. What it returns from is on
    /// the disk.
    fn import(&self, runs: &mut dyn Iterator<Item = NewRun>);
}

/// The largest transaction of an import, where it is a peer's own choice.
pub(crate) const IMPORT_BATCH: usize = 100_000;

/// A store of a whole catalog.
///
/// Dropping it closes it.
pub(crate) trait Peer: Creates + Sized {
    const NAME: &'static str;

    type Reader<'peer>: Listings
    where
        Self: 'peer;

    /// Opens the catalog in a folder of its own, or makes one.
    fn open(folder: &Path, durability: Durability) -> Self;

    fn reader(&self) -> Self::Reader<'_>;

    /// Creates a course without runs for each of these, in one transaction.
    fn create_courses(&self, courses: &[Course]);

    /// Gives a run that exists another title.
    fn sync_title(&self, key: &str, title: &str);

    /// Deletes a course that exists, unless it has runs.
    fn delete_course(&self, org: &str, code: &str) -> Deletion;

    /// Makes the store as small as it can be, while it is closed. Where a peer has no such thing
    /// that its users commonly run, nothing.
    fn compact(_folder: &Path) -> bool {
        false
    }
}
