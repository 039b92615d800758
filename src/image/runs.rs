//! The runs of one catalog course, newest first. Holds them, and checks no rule.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

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
/// It is used as a slice. Who does that first after a new run puts all pointers in a row, for all who do so
/// later; [`len`](Self::len) needs no row.
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
// Most courses have a handful of runs, which a new one copies every seventh time. A course with thousands of CCX runs still works, at some
// microseconds for each thousand.
#[derive(Clone, Default)]
pub struct CourseRuns(Arc<Held>);

#[derive(Default)]
struct Held {
    /// All but the newest ones, newest first. Most copies of the rest share them: to count each of them anew
    /// takes a line of the processor's cache.
    settled: Arc<Vec<Arc<CourseRun>>>,
    /// The newest ones, newest first.
    recent: ArrayVec<Arc<CourseRun>, MOST_RECENT>,
    /// Both in a row, once somebody has asked for that while some were recent.
    all: OnceLock<Box<[Arc<CourseRun>]>>,
    /// The [marks](code_mark) of their run codes, in the same order.
    code_marks: Vec<u32>,
    /// Of all texts of the runs and of their course, and of some that they had before.
    pairs: Pairs,
    /// How many records had those.
    gone: usize,
}

/// How many runs are recent, before all of them are settled.
const MOST_RECENT: usize = 6;

impl Held {
    /// All runs, newest first.
    fn iter(&self) -> impl Iterator<Item = &Arc<CourseRun>> {
        self.recent.iter().chain(&*self.settled)
    }

    /// All runs in a row.
    fn all(&self) -> &[Arc<CourseRun>] {
        if self.recent.is_empty() {
            return &self.settled;
        }
        match self.all.get() {
            Some(all) => all,
            None => {
                // Made before it is put there, so that nobody waits for another to make it.
                let all = self.iter().cloned().collect();
                self.all.get_or_init(|| all)
            }
        }
    }

    /// All runs, settled, to change.
    fn settle(&mut self) -> &mut Vec<Arc<CourseRun>> {
        if Arc::get_mut(&mut self.settled).is_none() || !self.recent.is_empty() {
            let mut settled = Vec::with_capacity(self.code_marks.len() + 1);
            settled.extend(self.iter().cloned());
            self.settled = Arc::new(settled);
            self.recent.clear();
            self.all = OnceLock::new();
        }
        Arc::make_mut(&mut self.settled)
    }

    /// Adds a run that is newer than all others.
    fn add_newest(&mut self, run: Arc<CourseRun>) {
        match Arc::get_mut(&mut self.settled) {
            // Nobody shares it, as while a catalog is loaded.
            Some(settled) if self.recent.is_empty() => settled.insert(0, run),
            _ if self.recent.is_full() => self.settle().insert(0, run),
            _ => {
                self.recent.insert(0, run);
                self.all = OnceLock::new();
            }
        }
    }

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
        if self.gone > self.code_marks.len() {
            (self.gone, self.pairs) = (0, Pairs::default());
            self.add_pairs_of(course);
            let runs: Vec<_> = self.iter().cloned().collect();
            for run in runs {
                self.add_pairs_of_run(&run, course);
            }
        }
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        // It is copied to be changed, mostly by one run more.
        let mut code_marks = Vec::with_capacity(self.code_marks.len() + 1);
        code_marks.extend_from_slice(&self.code_marks);
        Self {
            settled: Arc::clone(&self.settled),
            recent: self.recent.clone(),
            all: OnceLock::new(),
            code_marks,
            pairs: self.pairs,
            gone: self.gone,
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

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.code_marks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        let marked = self.0.code_marks.iter().zip(self.0.iter());
        marked
            .filter(move |(other, _)| **other == mark)
            .map(|(_, run)| run)
            .filter(move |run| run.run_code() == run_code)
    }

    /// The same runs, ordered by key ignoring case.
    pub(crate) fn by_key(&self) -> Vec<&Arc<CourseRun>> {
        by_key(self.0.iter())
    }

    /// Those that match a search.
    ///
    /// What each needs is read for some at once, so that the processor waits for them at the same
    /// time; to match one takes too long for it to begin with the next.
    pub(super) fn matching<'a>(
        &'a self,
        words: &'a Words,
    ) -> impl Iterator<Item = &'a Arc<CourseRun>> {
        let parts = [&*self.0.recent, &self.0.settled];
        let some_at_once = parts.into_iter().flat_map(|part| part.chunks(AT_ONCE));
        some_at_once.flat_map(move |some| {
            let long_enough = some.iter().filter(|run| words.may_fit_into_run(run));
            let long_enough: ArrayVec<_, AT_ONCE> = long_enough.collect();
            long_enough.into_iter().filter(|run| words.match_run(run))
        })
    }

    /// Adds a run of this course.
    pub(super) fn add(&mut self, run: Arc<CourseRun>, course: &CatalogCourse) {
        let is_after = |other: &Arc<CourseRun>| newest_first(&**other, &*run).is_lt();
        let has_newer = self.0.iter().next().is_some_and(is_after);
        let held = Arc::make_mut(&mut self.0);
        held.add_pairs_of_run(&run, course);
        let mark = code_mark(run.run_code());
        if has_newer {
            let runs = held.settle();
            let at = runs.partition_point(is_after);
            runs.insert(at, run);
            held.code_marks.insert(at, mark);
        } else {
            held.add_newest(run);
            held.code_marks.insert(0, mark);
        }
    }

    /// Takes a run of this course out, if it is there as it was given.
    pub(super) fn remove(&mut self, run: &CourseRun, course: &CatalogCourse) {
        let held = Arc::make_mut(&mut self.0);
        let runs = held.settle();
        if let Ok(at) = runs.binary_search_by(|other| newest_first(&**other, run)) {
            runs.remove(at);
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
}

impl PartialEq for CourseRuns {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().eq(other.0.iter())
    }
}

impl Eq for CourseRuns {}

impl fmt::Debug for CourseRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CourseRuns").field(&self.0.all()).finish()
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
        self.0.all()
    }
}

impl<'a> IntoIterator for &'a CourseRuns {
    type Item = &'a Arc<CourseRun>;
    type IntoIter = std::slice::Iter<'a, Arc<CourseRun>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{CatalogCourseId, CourseKey, CourseRunId, OrganizationId};
    use crate::model::{CourseCode, Language, ShortName, Timestamp, Title};

    fn course() -> CatalogCourse {
        CatalogCourse {
            id: CatalogCourseId::new(1),
            organization_id: OrganizationId::new(1),
            org: ShortName::new("MITx").unwrap(),
            course_code: CourseCode::new("Math100").unwrap(),
            title: Title::new("Calculus").unwrap(),
            language: Language::new("en").unwrap(),
            created: Timestamp::from_micros(0).unwrap(),
        }
    }

    fn run(number: u64, created: i64) -> Arc<CourseRun> {
        let key: CourseKey = format!("course-v1:MITx+Math100+{number}").parse().unwrap();
        Arc::new(CourseRun {
            id: CourseRunId::new(number),
            catalog_course_id: CatalogCourseId::new(1),
            course_key: key.run_key().unwrap(),
            title: Title::new("Calculus").unwrap(),
            created: Timestamp::from_micros(created).unwrap(),
        })
    }

    proptest! {
        /// Few of the runs are older than the newest, as it is mostly; and some images are kept, and some
        /// of them read before there are more runs.
        #[test]
        fn runs_are_in_order_and_copies_stand_still(
            steps in prop::collection::vec((0u8..12, 0u64..40, any::<[bool; 2]>()), 1..120)
        ) {
            let course = course();
            let mut runs = CourseRuns::of(&course);
            let mut model: Vec<Arc<CourseRun>> = Vec::new();
            let mut kept = Vec::new();
            for (time, (step, number, [is_read, is_kept])) in (100..).zip(steps) {
                let at = model.iter().position(|run| run.id.get() == number);
                match (step, at) {
                    (0, Some(at)) => runs.remove(&model.remove(at), &course),
                    (1, _) => runs.change_course(&course),
                    (2.., None) => {
                        let created = if step == 2 { number as i64 } else { time };
                        let run = run(number, created);
                        runs.add(Arc::clone(&run), &course);
                        model.push(run);
                        model.sort_by(|a, b| newest_first(&**a, &**b));
                    }
                    _ => {}
                }
                if is_read {
                    prop_assert_eq!(&*runs, &*model);
                }
                if is_kept {
                    kept.push((runs.clone(), model.clone()));
                }
            }
            kept.push((runs, model));
            for (runs, model) in kept {
                prop_assert_eq!((runs.len(), runs.is_empty()), (model.len(), model.is_empty()));
                prop_assert!(runs.by_key().into_iter().eq(by_key(model.iter())));
                for run in &model {
                    prop_assert!(runs.coded(run.run_code()).eq([run]));
                }
                prop_assert_eq!(runs.coded("none").count(), 0);
                prop_assert_eq!(&*runs, &*model);
            }
        }
    }
}
