//! The one function by which a learning platform keeps the catalog up to date: a course that
//! exists in its modulestore gets its run here, and its catalog course and organization as needed.

use std::sync::Arc;

use super::Catalog;
use super::request::{Draft, Outcome, Plan, Request, Warning};
use super::runs::read_key;
use crate::error::{Entity, Error, Result};
use crate::key::{CatalogCourseKey, RunKey};
use crate::model::{CatalogCourse, CourseCode, CourseRun, Timestamp};

impl Catalog {
    /// Makes sure that a course which exists elsewhere (upstream, in the modulestore) is in the
    /// catalog: its run, and as needed its catalog course and its organization.
    ///
    /// The catalog course is found by the key's organization (ignoring case) and course code
    /// (exactly). If it exists, it stays as it is, and `language_short` is not looked at. If not,
    /// the organization is [ensured](Catalog::ensure_organization), and the course is created
    /// with this title and language. Without a title, a new course takes its course code and a
    /// run takes its course's title. A run that exists comes back as it is, with the warning
    /// [`AlreadyExisted`](Warning::AlreadyExisted). The run's key keeps its own spelling; branch
    /// and version are not kept.
    ///
    /// Either all of it happens or nothing. Any number of callers may create the same run at the
    /// same time: all get it, and it is stored once.
    ///
    /// Source: the function of this name of openedx_catalog, but for atomicity.
    ///
    /// ```
    /// use coursecat::Catalog;
    ///
    /// let catalog = Catalog::temporary()?;
    /// let key = "course-v1:MITx+Math100+2026_Spring";
    /// let created =
    ///     catalog.create_course_run_for_modulestore_course_with(key, "Calculus", "en")?;
    /// assert_eq!(created.value.to_string(), "Calculus (MITx Math100 2026_Spring)");
    /// let again = catalog.create_course_run_for_modulestore_course_with(key, "Other", "")?;
    /// assert!(again.already_existed());
    /// assert_eq!(again.value, created.value);
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if the key is none, or names no run; [`Error::Invalid`] if a value
    /// breaks a rule; [`Error::AlreadyExists`] if the catalog course or the run exists in another
    /// capitalisation, or the course has a run of that code under another key;
    /// [`Error::UnknownOrganization`] if the organization would have to be created and the
    /// catalog was told not to.
    pub fn create_course_run_for_modulestore_course_with(
        &self,
        course_key: impl AsRef<str>,
        title: &str,
        language_short: &str,
    ) -> Result<Outcome<Arc<CourseRun>>> {
        self.call(
            CreateModulestoreRun::new(course_key.as_ref())
                .title(title)
                .language_short(language_short),
        )
    }
}

/// The request of [`Catalog::create_course_run_for_modulestore_course_with`].
#[derive(Clone, Debug)]
pub struct CreateModulestoreRun {
    course_key: String,
    title: String,
    language_short: String,
    imported: Option<Timestamp>,
}

impl CreateModulestoreRun {
    /// A run of this key, without a title or language of its own.
    #[must_use]
    pub fn new(course_key: impl Into<String>) -> Self {
        Self {
            course_key: course_key.into(),
            title: String::new(),
            language_short: String::new(),
            imported: None,
        }
    }

    /// Gives the run, and its course if it is new, a title; an empty one is none.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives its course, if it is new, a language by its short (legacy) code; an empty one is
    /// none.
    #[must_use]
    pub fn language_short(mut self, code: impl Into<String>) -> Self {
        self.language_short = code.into();
        self
    }

    /// For imports: the run, and its course if it is new, were created then, in another catalog.
    #[must_use]
    pub fn imported(mut self, created: Timestamp) -> Self {
        self.imported = Some(created);
        self
    }
}

impl Request for CreateModulestoreRun {}

impl Plan for CreateModulestoreRun {
    type Answer = Outcome<Arc<CourseRun>>;

    // The course is found by the codes that the key has, or created with them, and no run of another course
    // has a key with these codes, but what was created otherwise.
    const LOOKS_AT_ONE_COURSE: bool = true;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let (key, stored) = read_key(&self.course_key)?;
        if let Some(run) = draft.image.run(stored.as_str()) {
            let warning = Warning::AlreadyExisted {
                course_key: stored.to_string(),
            };
            return Ok(draft.outcome(Arc::clone(run), vec![warning]));
        }
        let (org, course_code) = (stored.org(), stored.course());
        let course = match draft.image.course_coded_ignoring_case(org, course_code) {
            Some(node) => {
                let course = Arc::clone(&node.course);
                if course.course_code != stored.course() {
                    let asked = CatalogCourseKey::new(stored.org(), stored.course());
                    return Err(Error::already_exists(
                        Entity::CatalogCourse,
                        asked,
                        course.key(),
                    ));
                }
                course
            }
            None => self.add_course(draft, &stored)?,
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

impl CreateModulestoreRun {
    fn add_course(&self, draft: &mut Draft<'_>, key: &RunKey) -> Result<Arc<CatalogCourse>> {
        let organization = draft.ensure_organization(key.org())?;
        let course_code = CourseCode::new(key.course())?;
        let language = if self.language_short.is_empty() {
            draft.rules.default_language()
        } else {
            draft.rules.language_short(&self.language_short)?
        };
        draft.add_course(
            &organization,
            course_code,
            &self.title,
            language,
            self.imported,
        )
    }
}
