//! Whether a store is whole, found out by adding up its rows as they are read.
//!
//! It keeps no rows, only what others are compared with: the courses' codes and the runs' ids, and
//! the records that the change feed tells of. So
//! it needs a fraction of the memory that a survey takes. It never says what is wrong: where it is
//! not sure that nothing is, a survey decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use super::feed::Records;
use crate::engine::{Engine, Tree};
use crate::error::Result;
use crate::key::{CatalogCourseId, CourseRunId, OrganizationId, fold};
use crate::model::{CourseCode, ShortName, Stats, Subject};
use crate::schema::folder::engine_error;
use crate::schema::{
    CHANGES, COURSES, COURSES_BY_CODE, Ledger, META, ORGANIZATIONS, ORGANIZATIONS_BY_NAME,
    REFERENCES, RUNS, RUNS_BY_KEY, Row, StoredCourse, StoredOrganization, StoredPage,
    StoredReference, StoredRun, course_rows, organization_rows, retrace, run_rows,
};

/// What a whole store holds.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) stats: Stats,
    pub(super) rows: u64,
    pub(super) sequence: u64,
}

/// Reads every row of a store that is known to have had so many commits, and tells what it holds if
/// nothing is wrong with it; `None` if anything may be.
pub(super) fn whole(engine: &dyn Engine, path: &Path, commits: u64) -> Result<Option<Whole>> {
    // The feed says which records to keep. Records come before those that they belong to, and
    // indexes last.
    const ORDER: [Tree; 9] = [
        META,
        CHANGES,
        ORGANIZATIONS,
        COURSES,
        RUNS,
        REFERENCES,
        ORGANIZATIONS_BY_NAME,
        COURSES_BY_CODE,
        RUNS_BY_KEY,
    ];
    let mut sums = Sums::new();
    for tree in ORDER {
        let mut is_sound = true;
        let read = engine.load(tree, &mut |key, value| {
            is_sound = sums.row(tree, key, value).is_some();
            match is_sound {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        read.map_err(|error| engine_error(path, "reading the store", error))?;
        if !is_sound || !sums.end_of(tree) {
            return Ok(None);
        }
    }
    Ok(sums.finish(commits))
}

/// What has been read so far.
struct Sums {
    ledger: Option<Ledger>,
    rows: u64,
    stats: Stats,
    /// The rows that there are.
    found: Ledger,
    /// The same, but for the indexes: of these, the rows that the records ask for.
    wanted: Ledger,
    /// The folded short name of each organization.
    organizations: BTreeMap<OrganizationId, Box<str>>,
    /// In the order of ids, which is that of their rows.
    courses: Vec<Course>,
    /// In the order of ids once all have been read.
    runs: Vec<CourseRunId>,
    /// The run codes of the course whose runs are being read: they lie together.
    run_codes: (Option<CatalogCourseId>, BTreeSet<Box<str>>),
    /// The change feed, and the records that it tells of.
    pages: Vec<StoredPage>,
    told: Records,
}

/// What a run is compared with.
struct Course {
    id: CatalogCourseId,
    organization: OrganizationId,
    code: CourseCode,
}

impl Sums {
    fn new() -> Self {
        Self {
            ledger: None,
            rows: 0,
            stats: Stats::default(),
            found: Ledger::new(),
            wanted: Ledger::new(),
            organizations: BTreeMap::new(),
            courses: Vec::new(),
            runs: Vec::new(),
            run_codes: (None, BTreeSet::new()),
            pages: Vec::new(),
            told: Records::of(&[]),
        }
    }

    /// Takes a row; `None` if something is wrong with it.
    fn row(&mut self, tree: Tree, key: &[u8], value: &[u8]) -> Option<()> {
        self.rows += 1;
        self.found.add(tree, key, value);
        let is_index = [ORGANIZATIONS_BY_NAME, COURSES_BY_CODE, RUNS_BY_KEY].contains(&tree);
        if !is_index {
            self.wanted.add(tree, key, value);
        }
        if tree == META {
            self.ledger = Some(Ledger::read(key, value).ok()?);
        } else if tree == ORGANIZATIONS {
            self.organization(key, value)?;
        } else if tree == COURSES {
            self.course(key, value)?;
        } else if tree == RUNS {
            self.run(key, value)?;
        } else if tree == REFERENCES {
            self.reference(key, value)?;
        } else if tree == CHANGES {
            self.pages.push(StoredPage::read(key, value).ok()?);
        }
        Some(())
    }

    fn organization(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let record = StoredOrganization::read(key, value).ok()?;
        self.stats.organizations += 1;
        self.found.next_ids.pass(Some(record.id), None, None);
        self.want(&organization_rows(&record));
        self.told.add_organization(&record);
        let name = fold(record.short_name.as_str()).into();
        self.organizations.insert(record.id, name);
        Some(())
    }

    fn course(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let unnamed = |_| Some(ShortName::landmark(""));
        let record = StoredCourse::read(key, value, unnamed).ok()?;
        self.stats.catalog_courses += 1;
        self.found.next_ids.pass(None, Some(record.id), None);
        self.want(&course_rows(&record));
        self.told.add_course(&record);
        if !self.organizations.contains_key(&record.organization_id) {
            return None;
        }
        self.courses.push(Course {
            id: record.id,
            organization: record.organization_id,
            code: record.course_code,
        });
        Some(())
    }

    fn run(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let record = StoredRun::read(key, value).ok()?;
        self.stats.course_runs += 1;
        self.found.next_ids.pass(None, None, Some(record.id));
        self.want(&run_rows(&record));
        self.told.add_run(&record);
        self.runs.push(record.id);

        let key = &record.course_key;
        let course = self.course_of(record.catalog_course_id)?;
        let organization = self.organizations.get(&course.organization)?;
        if course.code != key.course() || **organization != *fold(key.org()) {
            return None;
        }
        let (current, codes) = &mut self.run_codes;
        if *current != Some(record.catalog_course_id) {
            *current = Some(record.catalog_course_id);
            codes.clear();
        }
        let is_new = !key.counts_for_run_code() || codes.insert(key.run().into());
        is_new.then_some(())
    }

    fn reference(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let (subject, referrer) = StoredReference::read(key, value).ok()?;
        self.stats.references += 1;
        self.told.add_reference(subject, &referrer);
        match subject {
            Subject::CatalogCourse(id) => self.course_of(id).map(|_| ()),
            Subject::CourseRun(id) => self.runs.binary_search(&id).ok().map(|_| ()),
        }
    }

    fn course_of(&self, id: CatalogCourseId) -> Option<&Course> {
        let place = self.courses.binary_search_by_key(&id, |course| course.id);
        self.courses.get(place.ok()?)
    }

    /// Notes the row that a record asks for in an index.
    fn want(&mut self, [_, row]: &[Row; 2]) {
        self.wanted.add(row.tree, &row.key, &row.value);
    }

    /// Looks at a tree as a whole. Tells whether nothing is wrong with it.
    fn end_of(&mut self, tree: Tree) -> bool {
        if tree == CHANGES {
            self.told = Records::of(&self.pages);
        }
        if tree != RUNS {
            return true;
        }
        self.run_codes = (None, BTreeSet::new());
        self.runs.sort_unstable();
        let mut neighbours = self.runs.iter().zip(self.runs.iter().skip(1));
        neighbours.all(|(one, next)| one != next)
    }

    fn finish(mut self, commits: u64) -> Option<Whole> {
        let ledger = self.ledger?;
        let next_ids = ledger.next_ids;
        let is_whole = ledger.commits_lost(commits).is_none()
            && ledger.difference(&self.found).is_none()
            && self.wanted.difference(&self.found).is_none()
            && next_ids == next_ids.passing(&self.found.next_ids)
            && retrace(self.pages, ledger.next_event, &mut self.told)
                .1
                .is_none();
        is_whole.then_some(Whole {
            stats: self.stats,
            rows: self.rows,
            sequence: ledger.sequence,
        })
    }
}
