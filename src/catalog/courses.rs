//! Catalog courses: created, updated, deleted.

use std::sync::Arc;

use super::Catalog;
use super::request::{Draft, Plan, Request};
use super::selector::CourseSelector;
use crate::error::{Blocking, Entity, Error, Keys, Result};
use crate::image::{Change, CourseNode, CourseRuns, Versions};
use crate::key::CatalogCourseKey;
use crate::model::{CatalogCourse, CourseCode, Language, Organization, Subject, Timestamp, Title};

impl Catalog {
    /// Changes a catalog course's title, its language, or both; nothing else of it can change.
    ///
    /// An empty text leaves its field alone. Either all of it is done or nothing.
    ///
    /// Source: `update_catalog_course` of openedx_catalog.
    ///
    /// ```
    /// use coursecat::Catalog;
    ///
    /// let catalog = Catalog::temporary()?;
    /// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
    /// let course = catalog.update_catalog_course("catalog-course:MITx:Math100", "Calculus", "")?;
    /// assert_eq!(course.to_string(), "Calculus (MITx Math100)");
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such course, also when there is nothing to change;
    /// [`Error::Invalid`] if a value breaks a rule.
    pub fn update_catalog_course<'a>(
        &self,
        course: impl Into<CourseSelector<'a>>,
        title: &str,
        language_short: &str,
    ) -> Result<Arc<CatalogCourse>> {
        self.call(
            UpdateCatalogCourse::new(course)
                .title(title)
                .language_short(language_short),
        )
    }

    /// Deletes a catalog course that has no runs and no references.
    ///
    /// Source: `delete_catalog_course` of openedx_catalog.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such course; [`Error::Protected`] while it has runs
    /// (CCX runs too) or references.
    pub fn delete_catalog_course<'a>(&self, course: impl Into<CourseSelector<'a>>) -> Result<()> {
        self.call(DeleteCatalogCourse::new(course))
    }

    /// Creates a catalog course by itself, without a run.
    ///
    /// ```
    /// use coursecat::{Catalog, CreateCatalogCourse, CreateOrganization};
    ///
    /// let catalog = Catalog::temporary()?;
    /// catalog.create_organization(CreateOrganization::new("MITx"))?;
    /// let course = CreateCatalogCourse::new("MITx", "Math100").title("Calculus").language("en-us");
    /// let course = catalog.create_catalog_course(course)?;
    /// assert_eq!(course.key().to_string(), "catalog-course:MITx:Math100");
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if the organization does not exist (ignoring case; it may be
    /// inactive); [`Error::AlreadyExists`] if it has a course of that code, ignoring case;
    /// [`Error::Invalid`] if a value breaks a rule.
    pub fn create_catalog_course(
        &self,
        request: CreateCatalogCourse,
    ) -> Result<Arc<CatalogCourse>> {
        self.call(request)
    }
}

/// The request of [`Catalog::create_catalog_course`].
#[derive(Clone, Debug)]
pub struct CreateCatalogCourse {
    org: String,
    course_code: String,
    title: String,
    language: Option<GivenLanguage>,
    imported: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum GivenLanguage {
    Full(String),
    Short(String),
}

impl CreateCatalogCourse {
    /// A course with its code as its title, in the default language of the catalog.
    #[must_use]
    pub fn new(org: impl Into<String>, course_code: impl Into<String>) -> Self {
        Self {
            org: org.into(),
            course_code: course_code.into(),
            title: String::new(),
            language: None,
            imported: None,
        }
    }

    /// Gives it a title; an empty one is none.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives it a language by its full code, such as `en-us`.
    #[must_use]
    pub fn language(mut self, code: impl Into<String>) -> Self {
        self.language = Some(GivenLanguage::Full(code.into()));
        self
    }

    /// Gives it a language by its short (legacy) code, such as `zh_HANS`; an empty one is none.
    #[must_use]
    pub fn language_short(mut self, code: impl Into<String>) -> Self {
        let code = code.into();
        self.language = (!code.is_empty()).then_some(GivenLanguage::Short(code));
        self
    }

    /// For imports: it was created then, in another catalog.
    #[must_use]
    pub fn imported(mut self, created: Timestamp) -> Self {
        self.imported = Some(created);
        self
    }
}

impl Request for CreateCatalogCourse {}

impl Plan for CreateCatalogCourse {
    type Answer = Arc<CatalogCourse>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let organization = Arc::clone(&draft.find_organization(&self.org)?.organization);
        let course_code = CourseCode::new(self.course_code.as_str())?;
        let language = match &self.language {
            None => draft.rules.default_language(),
            Some(GivenLanguage::Full(code)) => draft.rules.language(code)?,
            Some(GivenLanguage::Short(code)) => draft.rules.language_short(code)?,
        };
        if let Some(node) = draft
            .image
            .course_coded_ignoring_case(organization.short_name.as_str(), &self.course_code)
        {
            let key =
                CatalogCourseKey::new(organization.short_name.as_str(), self.course_code.as_str());
            return Err(Error::already_exists(
                Entity::CatalogCourse,
                key,
                node.course.key(),
            ));
        }
        draft.add_course(
            &organization,
            course_code,
            &self.title,
            language,
            self.imported,
        )
    }
}

impl<'a> Draft<'a> {
    /// Creates a course that is known to be new. Without a title it takes its code as one.
    pub(super) fn add_course(
        &mut self,
        organization: &Organization,
        course_code: CourseCode,
        title: &str,
        language: Language,
        created: Option<Timestamp>,
    ) -> Result<Arc<CatalogCourse>> {
        let title = if title.is_empty() {
            Title::new(course_code.as_str())?
        } else {
            Title::new(title)?
        };
        let created = created.unwrap_or_else(|| self.now());
        let course = Arc::new(CatalogCourse {
            id: self.next_ids.course(),
            organization_id: organization.id,
            org: organization.short_name.clone(),
            course_code,
            title,
            language,
            created,
        });
        let added = Versions::created(Arc::clone(&course));
        self.change(Change::CatalogCourse(added));
        Ok(course)
    }

    /// Refuses to delete what is referred to.
    pub(super) fn check_unreferenced(
        &self,
        subject: Subject,
        entity: Entity,
        key: impl std::fmt::Display,
    ) -> Result<()> {
        let mut referrers = self.image.referrers(subject);
        let first: Vec<String> = referrers
            .by_ref()
            .take(Blocking::LISTED)
            .map(ToString::to_string)
            .collect();
        if first.is_empty() {
            return Ok(());
        }
        Err(Error::Protected {
            entity,
            key: key.to_string(),
            blocking: Blocking::new(
                Entity::Reference,
                (first.len() + referrers.count()) as u64,
                first,
            ),
        })
    }
}

/// The request of [`Catalog::update_catalog_course`].
#[derive(Clone, Debug)]
pub struct UpdateCatalogCourse {
    course: CourseSelector<'static>,
    title: String,
    language_short: String,
}

impl UpdateCatalogCourse {
    /// Changes nothing yet of this course.
    #[must_use]
    pub fn new<'a>(course: impl Into<CourseSelector<'a>>) -> Self {
        Self {
            course: course.into().into_owned(),
            title: String::new(),
            language_short: String::new(),
        }
    }

    /// Gives it another title; an empty one leaves it alone.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives it another language by its short (legacy) code; an empty one leaves it alone.
    #[must_use]
    pub fn language_short(mut self, code: impl Into<String>) -> Self {
        self.language_short = code.into();
        self
    }
}

impl Request for UpdateCatalogCourse {}

impl Plan for UpdateCatalogCourse {
    type Answer = Arc<CatalogCourse>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let before = Arc::clone(&self.course.find(draft.image)?.course);
        let mut after = CatalogCourse::clone(&before);
        if !self.title.is_empty() {
            after.title = Title::new(self.title.as_str())?;
        }
        if !self.language_short.is_empty() {
            after.language = draft.rules.language_short(&self.language_short)?;
        }
        if *before == after {
            return Ok(before);
        }
        let after = Arc::new(after);
        let updated = Versions::updated(before, Arc::clone(&after));
        draft.change(Change::CatalogCourse(updated));
        Ok(after)
    }
}

/// The request of [`Catalog::delete_catalog_course`].
#[derive(Clone, Debug)]
pub struct DeleteCatalogCourse {
    course: CourseSelector<'static>,
}

impl DeleteCatalogCourse {
    /// Deletes this course.
    #[must_use]
    pub fn new<'a>(course: impl Into<CourseSelector<'a>>) -> Self {
        Self {
            course: course.into().into_owned(),
        }
    }
}

impl Request for DeleteCatalogCourse {}

impl Plan for DeleteCatalogCourse {
    type Answer = ();

    fn plan(&self, draft: &mut Draft<'_>) -> Result<()> {
        let node = self.course.find(draft.image)?;
        check_no_runs(node)?;
        let course = &node.course;
        let subject = Subject::CatalogCourse(course.id);
        draft.check_unreferenced(subject, Entity::CatalogCourse, course.key())?;
        let deleted = Versions::deleted(Arc::clone(course));
        draft.change(Change::CatalogCourse(deleted));
        Ok(())
    }
}

fn check_no_runs(node: &CourseNode) -> Result<()> {
    if node.runs.is_empty() {
        return Ok(());
    }
    Err(Error::Protected {
        entity: Entity::CatalogCourse,
        key: node.course.key().to_string(),
        blocking: Blocking::new(Entity::CourseRun, node.runs.len() as u64, node.runs.clone()),
    })
}

impl Keys for CourseRuns {
    fn first(&self, most: usize) -> Vec<String> {
        let runs = self.by_key().into_iter().take(most);
        runs.map(|run| run.course_key.to_string()).collect()
    }
}
