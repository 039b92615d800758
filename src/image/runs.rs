//! The runs of one catalog course, newest first. Holds them, and checks no rule.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arrayvec::ArrayVec;

use super::AT_ONCE;
use super::newest::newest_first;
use super::pairs::Pairs;
use super::text::Words;
use crate::key::cmp_ignoring_case;
use crate::model::{CatalogCourse, CourseRun};

/// All runs of a catalog course as they were at one moment, newest first; those created in the same
/// microsecond, by key ignoring case.
///
/// It is shared with the catalog, so that to get one copies a pointer, however many runs there are.
/// It is used as a slice.
///
/// ```
/// use coursecat::Catalog;
///
/// let catalog = Catalog::temporary()?;
/// for n in 1..=3 {
///     let key = format!("course-v1:MITx+Math100+{n}");
///     catalog.create_course_run_for_modulestore_course_with(&key, "", "")?;
/// }
/// let runs = catalog.list_runs("catalog-course:MITx:Math100")?;
/// assert_eq!(runs.len(), 3);
/// assert!(runs.iter().all(|run| run.title == "Math100"));
/// # Ok::<(), coursecat::Error>(())
/// ```
// Most courses have a handful of runs, so they are one vector that a new run copies. A course with
// thousands of CCX runs still works, at some microseconds for each thousand.
#[derive(Clone, Default)]
pub struct CourseRuns(Arc<Held>);

#[derive(Clone, Default)]
struct Held {
    runs: Vec<Arc<CourseRun>>,
    /// The [marks](code_mark) of their run codes, in the same order.
    code_marks: Vec<u32>,
    /// Of all texts of the runs and of their course, and of some that they had before.
    pairs: Pairs,
    /// How many records had those.
    gone: usize,
}

impl Held {
    fn add_pairs_of(&mut self, course: &CatalogCourse) {
        self.pairs.add(course.title.as_str());
        self.pairs.add(course.course_code.as_str());
        self.pairs.add(course.org.as_str());
    }

    fn add_pairs_of_run(&mut self, run: &CourseRun, course: &CatalogCourse) {
        self.pairs.add(run.course_key.as_str());
        // Most runs are titled as their course.
        if run.title != course.title {
            self.pairs.add(run.title.as_str());
        }
    }

    /// A record is not there any more as it was. Now and then, when it costs no more than the
    /// changes since the last time did, what has gone with them is forgotten.
    fn forget(&mut self, course: &CatalogCourse) {
        self.gone += 1;
        if self.gone > self.runs.len() {
            (self.gone, self.pairs) = (0, Pairs::default());
            self.add_pairs_of(course);
            let runs = std::mem::take(&mut self.runs);
            for run in &runs {
                self.add_pairs_of_run(run, course);
            }
            self.runs = runs;
        }
    }
}

impl CourseRuns {
    /// Those of a new course: none.
    pub(super) fn of(course: &CatalogCourse) -> Self {
        let mut held = Held::default();
        held.add_pairs_of(course);
        Self(Arc::new(held))
    }

    /// Which pairs of letters the course and its runs have, and maybe some more.
    #[inline]
    pub(super) fn pairs(&self) -> &Pairs {
        &self.0.pairs
    }

    /// Those of this run code. Marks tell nearly all others, so that no record of theirs is looked at.
    pub(crate) fn coded<'a>(
        &'a self,
        run_code: &'a str,
    ) -> impl Iterator<Item = &'a Arc<CourseRun>> {
        let mark = code_mark(run_code);
        let marked = self.0.code_marks.iter().zip(self);
        marked
            .filter(move |(other, _)| **other == mark)
            .map(|(_, run)| run)
            .filter(move |run| run.run_code() == run_code)
    }

    /// The same runs, ordered by key ignoring case.
    pub(crate) fn by_key(&self) -> Vec<&Arc<CourseRun>> {
        by_key(self.iter())
    }

    /// Those that match a search.
    ///
    /// What each needs is read for some at once, so that the processor waits for them at the same
    /// time; to match one takes too long for it to begin with the next.
    pub(super) fn matching<'a>(
        &'a self,
        words: &'a Words,
    ) -> impl Iterator<Item = &'a Arc<CourseRun>> {
        self.chunks(AT_ONCE).flat_map(move |some| {
            let long_enough = some.iter().filter(|run| words.may_fit_into_run(run));
            let long_enough: ArrayVec<_, AT_ONCE> = long_enough.collect();
            long_enough.into_iter().filter(|run| words.match_run(run))
        })
    }

    /// Adds a run of this course.
    pub(super) fn add(&mut self, run: Arc<CourseRun>, course: &CatalogCourse) {
        let is_after = |other: &Arc<CourseRun>| newest_first(&**other, &*run).is_lt();
        // Nearly every new run is newer than all others, which are not looked at then.
        let at = match self.first() {
            Some(first) if is_after(first) => self.partition_point(is_after),
            _ => 0,
        };
        let held = self.with_room_for_one();
        held.add_pairs_of_run(&run, course);
        held.code_marks.insert(at, code_mark(run.run_code()));
        held.runs.insert(at, run);
    }

    /// Takes a run of this course out, if it is there as it was given.
    pub(super) fn remove(&mut self, run: &CourseRun, course: &CatalogCourse) {
        if let Ok(at) = self.binary_search_by(|other| newest_first(&**other, run)) {
            let held = Arc::make_mut(&mut self.0);
            held.runs.remove(at);
            held.code_marks.remove(at);
            held.forget(course);
        }
    }

    /// The course has changed and is now as given.
    pub(super) fn change_course(&mut self, course: &CatalogCourse) {
        let held = Arc::make_mut(&mut self.0);
        held.add_pairs_of(course);
        held.forget(course);
    }

    /// To change, copied once if an image or a caller shares it.
    fn with_room_for_one(&mut self) -> &mut Held {
        if Arc::get_mut(&mut self.0).is_none() {
            let mut runs = Vec::with_capacity(self.len() + 1);
            runs.extend_from_slice(self);
            let mut code_marks = Vec::with_capacity(self.len() + 1);
            code_marks.extend_from_slice(&self.0.code_marks);
            self.0 = Arc::new(Held {
                runs,
                code_marks,
                ..*self.0
            });
        }
        Arc::make_mut(&mut self.0)
    }
}

impl PartialEq for CourseRuns {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for CourseRuns {}

impl fmt::Debug for CourseRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CourseRuns").field(&self.0.runs).finish()
    }
}

/// A hash of a run code.
fn code_mark(run_code: &str) -> u32 {
    crc32c::crc32c(run_code.as_bytes())
}

/// These runs of one course, ordered by key ignoring case.
pub(super) fn by_key<'a>(
    runs: impl Iterator<Item = &'a Arc<CourseRun>>,
) -> Vec<&'a Arc<CourseRun>> {
    let mut runs: Vec<_> = runs.collect();
    runs.sort_unstable_by(|a, b| cmp_ignoring_case(a.course_key.as_str(), b.course_key.as_str()));
    runs
}

impl Deref for CourseRuns {
    type Target = [Arc<CourseRun>];

    fn deref(&self) -> &Self::Target {
        &self.0.runs
    }
}

impl<'a> IntoIterator for &'a CourseRuns {
    type Item = &'a Arc<CourseRun>;
    type IntoIter = std::slice::Iter<'a, Arc<CourseRun>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
