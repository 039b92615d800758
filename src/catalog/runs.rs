//! Course runs: created, synchronised, deleted.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::Catalog;
use super::request::{Draft, Outcome, Plan, Request, Warning};
use super::selector::CourseSelector;
use crate::error::{Entity, Error, Result};
use crate::image::{AT_ONCE, Change, Image, Versions};
use crate::key::{CourseKey, InvalidKey, RunKey, eq_ignoring_case};
use crate::model::{CatalogCourse, CourseRun, Field, RunCode, Subject, Timestamp, Title};

impl Catalog {
    /// Creates a course run of a catalog course that exists.
    ///
    /// ```
    /// use coursecat::{Catalog, CreateCourseRun};
    ///
    /// let catalog = Catalog::temporary()?;
    /// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+1", "", "")?;
    /// let run = CreateCourseRun::new("catalog-course:MITx:Math100", "2");
    /// let run = catalog.create_course_run(run)?;
    /// assert_eq!(run.value.course_key.as_str(), "course-v1:MITx+Math100+2");
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such catalog course; [`Error::AlreadyExists`] if the
    /// run exists, ignoring case, or the course has a run of that code under another key;
    /// [`Error::Invalid`] if a value breaks a rule, if a given key does not agree with the
    /// course and the run code, or if no key can be made of them.
    pub fn create_course_run(&self, request: CreateCourseRun) -> Result<Outcome<Arc<CourseRun>>> {
        self.call(request)
    }

    /// Brings a run's title up to date with the course it stands for. An empty title changes
    /// nothing; the catalog course is never touched.
    ///
    /// Source: `sync_course_run_details` of openedx_catalog.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such run, also when there is nothing to change;
    /// [`Error::InvalidKey`] if the key is none, or names no run; [`Error::Invalid`] if the title
    /// breaks a rule.
    pub fn sync_course_run_details(
        &self,
        course_key: impl AsRef<str>,
        title: &str,
    ) -> Result<Outcome<Arc<CourseRun>>> {
        self.call(SyncCourseRun::new(course_key.as_ref()).title(title))
    }

    /// Deletes a run that has no references. Its catalog course stays.
    ///
    /// Source: `delete_course_run` of openedx_catalog.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such run, with exactly this key;
    /// [`Error::Protected`] while it is referred to; [`Error::InvalidKey`] if the key is none, or
    /// names no run.
    pub fn delete_course_run(&self, course_key: impl AsRef<str>) -> Result<()> {
        self.call(DeleteCourseRun::new(course_key.as_ref()))
    }
}

/// Finds a run by a key, from which branch and version are dropped first.
#[inline(always)]
pub(super) fn find_run<'i>(image: &'i Image, key: &str) -> Result<&'i Arc<CourseRun>> {
    // The text of a stored key is a run key, and the one that this run has: no need to parse it.
    match image.run(key) {
        Some(run) => Ok(run),
        None => find_run_of_parsed(image, key),
    }
}

/// Finds many, as [`find_run`] finds one.
pub(super) fn find_runs(
    image: &Image,
    keys: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<Option<Arc<CourseRun>>>> {
    let mut keys = keys.into_iter().fuse();
    // What an iterator says of itself is not to be relied on.
    let mut found = Vec::with_capacity(keys.size_hint().0.min(1_000));
    loop {
        let some: ArrayVec<_, AT_ONCE> = keys.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(found);
        }
        for (key, run) in some.iter().zip(image.runs_at_once(&some)) {
            let run = match run {
                Some(run) => Some(run),
                None => match find_run_of_parsed(image, key.as_ref()) {
                    Ok(run) => Some(run),
                    Err(Error::NotFound { .. }) => None,
                    Err(error) => return Err(error),
                },
            };
            found.push(run.cloned());
        }
    }
}

#[cold]
fn find_run_of_parsed<'i>(image: &'i Image, key: &str) -> Result<&'i Arc<CourseRun>> {
    let stored = read_key(key)?.1;
    image
        .run(stored.as_str())
        .ok_or_else(|| Error::not_found(Entity::CourseRun, stored))
}

/// Reads a key, and the key under which its run is stored.
pub(super) fn read_key(text: &str) -> Result<(CourseKey, RunKey), InvalidKey> {
    let key: CourseKey = text.parse()?;
    let stored = key.run_key().map_err(|error| error.of_input(text))?;
    Ok((key, stored))
}

impl Draft<'_> {
    /// Creates a run of a course that exists, or that this plan creates.
    ///
    /// `given_chars` is the length of the key that was given, branch and version and all: it is
    /// what upstream measures.
    pub(super) fn add_run(
        &mut self,
        course: &CatalogCourse,
        course_key: RunKey,
        given_chars: usize,
        title: &str,
        created: Option<Timestamp>,
    ) -> Result<Outcome<Arc<CourseRun>>> {
        RunCode::new(course_key.run())?;
        if given_chars > CourseRun::MAX_KEY_CHARS {
            return Err(Error::invalid(
                Field::CourseKey,
                format!(
                    "The course_key of {course_key} has {given_chars} characters, counting branch and version; at most {} are allowed.",
                    CourseRun::MAX_KEY_CHARS
                ),
            ));
        }
        // One text serves both, whichever way it came.
        let title = if title.is_empty() || course.title == title {
            course.title.clone()
        } else {
            Title::new(title)?
        };
        self.check_no_such_run(course, &course_key)?;
        let warnings = org_case_mismatch(&course_key, course).into_iter().collect();
        let created = created.unwrap_or_else(|| self.now());
        let run = Arc::new(CourseRun {
            id: self.next_ids.run(),
            catalog_course_id: course.id,
            course_key,
            title,
            created,
        });
        let added = Versions::created(Arc::clone(&run));
        self.change(Change::CourseRun(added));
        Ok(self.outcome(run, warnings))
    }

    /// Refuses a key that a run has already, ignoring case, and a run code that the course has
    /// already under another key. CCX keys share their base's run code and do not count.
    fn check_no_such_run(&self, course: &CatalogCourse, key: &RunKey) -> Result<()> {
        let of_the_same_code = || {
            let node = self.image.course(course.id)?;
            node.runs
                .coded(key.run())
                .find(|run| run.course_key.counts_for_run_code() && key.counts_for_run_code())
        };
        match self
            .image
            .run_ignoring_case(key.as_str())
            .or_else(of_the_same_code)
        {
            None => Ok(()),
            Some(run) => Err(Error::already_exists(
                Entity::CourseRun,
                key,
                &run.course_key,
            )),
        }
    }
}

fn org_case_mismatch(key: &RunKey, course: &CatalogCourse) -> Option<Warning> {
    (course.org != key.org()).then(|| Warning::OrgCaseMismatch {
        course_key: key.to_string(),
        short_name: course.org.to_string(),
    })
}

/// The request of [`Catalog::create_course_run`].
#[derive(Clone, Debug)]
pub struct CreateCourseRun {
    course: CourseSelector<'static>,
    run_code: String,
    course_key: String,
    title: String,
    imported: Option<Timestamp>,
}

impl CreateCourseRun {
    /// A run of this course with this code, with the key `course-v1:ORG+COURSE+RUN` and its
    /// course's title.
    #[must_use]
    pub fn new<'a>(course: impl Into<CourseSelector<'a>>, run_code: impl Into<String>) -> Self {
        Self {
            course: course.into().into_owned(),
            run_code: run_code.into(),
            course_key: String::new(),
            title: String::new(),
            imported: None,
        }
    }

    /// Gives it another key; it must agree with the course (the organization ignoring case, the
    /// code exactly) and with the run code. An empty one is none.
    #[must_use]
    pub fn course_key(mut self, course_key: impl Into<String>) -> Self {
        self.course_key = course_key.into();
        self
    }

    /// Gives it a title; an empty one is none.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// For imports: it was created then, in another catalog.
    #[must_use]
    pub fn imported(mut self, created: Timestamp) -> Self {
        self.imported = Some(created);
        self
    }
}

impl Request for CreateCourseRun {}

impl Plan for CreateCourseRun {
    type Answer = Outcome<Arc<CourseRun>>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let course = Arc::clone(&self.course.find(draft.image)?.course);
        let run_code = RunCode::new(self.run_code.as_str())?;
        let (key, stored) = if self.course_key.is_empty() {
            make_key(&course, &run_code)?
        } else {
            let (key, stored) = read_key(&self.course_key)?;
            check_agrees(&stored, &course, &run_code)?;
            (key, stored)
        };
        draft.add_run(
            &course,
            stored,
            key.char_count(),
            &self.title,
            self.imported,
        )
    }
}

/// The key of a run that was given none.
fn make_key(course: &CatalogCourse, run_code: &RunCode) -> Result<(CourseKey, RunKey)> {
    let text = format!("course-v1:{}+{}+{run_code}", course.org, course.course_code);
    let refused = |why: String| Error::invalid(Field::RunCode, why);
    let (key, stored) = read_key(&text).map_err(|error| {
        refused(format!(
            "No course key can be made for the run {run_code:?} of {}: {error}",
            course.key(),
        ))
    })?;
    // A part that holds a separator could be read as something else.
    let same = stored.org() == course.org.as_str()
        && course.course_code == stored.course()
        && *run_code == stored.run();
    if same {
        Ok((key, stored))
    } else {
        Err(refused(format!(
            "No course key can be made for the run {run_code:?} of {}: {text:?} means something else.",
            course.key(),
        )))
    }
}

fn check_agrees(key: &RunKey, course: &CatalogCourse, run_code: &RunCode) -> Result<()> {
    let disagrees = |part: &str, found: &str, expected: &str| {
        Err(Error::invalid(
            Field::CourseKey,
            format!(
                "The course_key {key} has the {part} {found:?} where {expected:?} is expected."
            ),
        ))
    };
    if !eq_ignoring_case(key.org(), course.org.as_str()) {
        disagrees("organization", key.org(), course.org.as_str())
    } else if course.course_code != key.course() {
        disagrees("course code", key.course(), course.course_code.as_str())
    } else if *run_code != key.run() {
        disagrees("run", key.run(), run_code.as_str())
    } else {
        Ok(())
    }
}

/// The request of [`Catalog::sync_course_run_details`].
#[derive(Clone, Debug)]
pub struct SyncCourseRun {
    course_key: String,
    title: String,
}

impl SyncCourseRun {
    /// Changes nothing yet of the run of this key.
    #[must_use]
    pub fn new(course_key: impl Into<String>) -> Self {
        Self {
            course_key: course_key.into(),
            title: String::new(),
        }
    }

    /// Gives it another title; an empty one leaves it alone.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }
}

impl Request for SyncCourseRun {}

impl Plan for SyncCourseRun {
    type Answer = Outcome<Arc<CourseRun>>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let before = Arc::clone(find_run(draft.image, &self.course_key)?);
        if self.title.is_empty() {
            return Ok(draft.outcome(before, Vec::new()));
        }
        let title = Title::new(self.title.as_str())?;
        let course = draft.image.course(before.catalog_course_id);
        let warnings = course
            .and_then(|node| org_case_mismatch(&before.course_key, &node.course))
            .into_iter()
            .collect();
        if before.title == title {
            return Ok(draft.outcome(before, warnings));
        }
        let after = Arc::new(CourseRun {
            title,
            ..CourseRun::clone(&before)
        });
        let updated = Versions::updated(before, Arc::clone(&after));
        draft.change(Change::CourseRun(updated));
        Ok(draft.outcome(after, warnings))
    }
}

/// The request of [`Catalog::delete_course_run`].
#[derive(Clone, Debug)]
pub struct DeleteCourseRun {
    course_key: String,
}

impl DeleteCourseRun {
    /// Deletes the run of exactly this key.
    #[must_use]
    pub fn new(course_key: impl Into<String>) -> Self {
        Self {
            course_key: course_key.into(),
        }
    }
}

impl Request for DeleteCourseRun {}

impl Plan for DeleteCourseRun {
    type Answer = ();

    fn plan(&self, draft: &mut Draft<'_>) -> Result<()> {
        let run = Arc::clone(find_run(draft.image, &self.course_key)?);
        let subject = Subject::CourseRun(run.id);
        draft.check_unreferenced(subject, Entity::CourseRun, &run.course_key)?;
        draft.change(Change::CourseRun(Versions::deleted(run)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::modulestore::CreateModulestoreRun;
    use super::*;

    #[test]
    fn many_runs_come_in_the_order_asked_however_many_are_looked_up_at_once() {
        let catalog = Catalog::temporary().unwrap();
        let key = |n: usize| format!("course-v1:MITx+Math{}+{n}", n % 7);
        for n in (0..100_usize).filter(|n| !n.is_multiple_of(3)) {
            let new = CreateModulestoreRun::new(key(n));
            catalog.submit(new).wait().unwrap();
        }
        // Some with a branch, which is dropped; some in other letters, which are other keys.
        let asked = |n: usize| match n % 5 {
            0 => format!("{}+branch@draft", key(n)),
            1 => key(n).replace("MITx", "mitx"),
            _ => key(n),
        };
        for count in [0, 1, 31, 32, 33, 64, 100] {
            let keys: Vec<_> = (0..count).map(asked).collect();
            let found = catalog.get_course_runs(&keys).unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|run| run.as_ref().map(|run| run.course_key.to_string()))
                .collect();
            let is_there = |n: usize| !n.is_multiple_of(3) && n % 5 != 1;
            let there: Vec<_> = (0..count).map(|n| is_there(n).then(|| key(n))).collect();
            assert_eq!(found, there);
        }
        let mut keys: Vec<_> = (0..100).map(asked).collect();
        keys[70] = "no key".to_owned();
        assert!(matches!(
            catalog.get_course_runs(&keys),
            Err(Error::InvalidKey(_))
        ));
    }

    /// A run code is told by a mark beside the runs of its course, which must come and go with its run.
    #[test]
    fn a_run_code_is_taken_as_long_as_its_run_is_there() {
        let catalog = Catalog::temporary().unwrap();
        let create = |key: &str| {
            let created = catalog.create_course_run_for_modulestore_course_with(key, "", "");
            created.map(drop).map_err(|error| error.code())
        };
        for n in 1..=5 {
            assert_eq!(create(&format!("course-v1:MITx+M+{n}")), Ok(()));
        }
        catalog.delete_course_run("course-v1:MITx+M+3").unwrap();
        for n in [1, 2, 4, 5] {
            assert_eq!(create(&format!("MITx/M/{n}")), Err("already_exists"));
        }
        assert_eq!(create("MITx/M/3"), Ok(()));
        assert_eq!(create("course-v1:MITx+M+3"), Err("already_exists"));
    }
}
