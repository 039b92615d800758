//! The runs of one catalog course, newest first. Holds them, and checks no rule.

use std::ops::Deref;
use std::sync::Arc;

use super::newest::newest_first;
use crate::key::cmp_ignoring_case;
use crate::model::CourseRun;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourseRuns(Arc<Vec<Arc<CourseRun>>>);

impl CourseRuns {
    /// The same runs, ordered by key ignoring case.
    pub(crate) fn by_key(&self) -> Vec<&Arc<CourseRun>> {
        self.by_key_if(|_| true)
    }

    /// Those of them that are wanted. What is not is not put in order, either.
    pub(super) fn by_key_if(
        &self,
        wanted: impl Fn(&Arc<CourseRun>) -> bool,
    ) -> Vec<&Arc<CourseRun>> {
        let mut runs: Vec<_> = self.0.iter().filter(|run| wanted(run)).collect();
        runs.sort_unstable_by(|a, b| {
            cmp_ignoring_case(a.course_key.as_str(), b.course_key.as_str())
        });
        runs
    }

    pub(super) fn add(&mut self, run: Arc<CourseRun>) {
        let at = self
            .0
            .partition_point(|other| newest_first(&**other, &*run).is_lt());
        Arc::make_mut(&mut self.0).insert(at, run);
    }

    /// Takes a run out, if it is there as it was given.
    pub(super) fn remove(&mut self, run: &CourseRun) {
        if let Ok(at) = self.0.binary_search_by(|other| newest_first(&**other, run)) {
            Arc::make_mut(&mut self.0).remove(at);
        }
    }
}

impl Deref for CourseRuns {
    type Target = [Arc<CourseRun>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> IntoIterator for &'a CourseRuns {
    type Item = &'a Arc<CourseRun>;
    type IntoIter = std::slice::Iter<'a, Arc<CourseRun>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
