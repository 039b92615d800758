//! Ways to name a catalog course.

use std::borrow::Cow;

use crate::error::{Entity, Error, Result};
use crate::image::{CourseNode, Image};
use crate::key::{CatalogCourseId, CatalogCourseKey};

/// Names a catalog course: by its id, by its key, or by organization and course code.
///
/// In a key and in codes, the organization is matched ignoring case and the course code exactly,
/// as upstream does. Everything that is clear enough converts by itself:
///
/// ```
/// use coursecat::Catalog;
///
/// let catalog = Catalog::temporary()?;
/// catalog.create_course_run_for_modulestore_course_with("course-v1:MITx+Math100+2026", "", "")?;
/// let course = catalog.get_catalog_course("catalog-course:MITx:Math100")?;
/// assert_eq!(catalog.get_catalog_course(("mitx", "Math100"))?, course);
/// assert_eq!(catalog.get_catalog_course(course.id)?, course);
/// # Ok::<(), coursecat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CourseSelector<'a> {
    /// By the number it has in this catalog.
    Id(CatalogCourseId),
    /// By the text of its key, `catalog-course:ORG:CODE`.
    KeyStr(Cow<'a, str>),
    /// By its organization's short name and its course code.
    Codes {
        /// The organization's short name, matched ignoring case.
        org: Cow<'a, str>,
        /// The course code, matched exactly.
        course_code: Cow<'a, str>,
    },
}

impl CourseSelector<'_> {
    /// The same, with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> CourseSelector<'static> {
        match self {
            Self::Id(id) => CourseSelector::Id(id),
            Self::KeyStr(key) => CourseSelector::KeyStr(key.into_owned().into()),
            Self::Codes { org, course_code } => CourseSelector::Codes {
                org: org.into_owned().into(),
                course_code: course_code.into_owned().into(),
            },
        }
    }

    /// The course it names.
    #[inline]
    pub(super) fn find<'i>(&self, image: &'i Image) -> Result<&'i CourseNode> {
        match self {
            Self::Id(id) => image
                .course(*id)
                .ok_or_else(|| Error::not_found(Entity::CatalogCourse, format!("id {id}"))),
            Self::KeyStr(text) => {
                let (org, course_code) = CatalogCourseKey::split(text)?;
                image
                    .course_coded(org, course_code)
                    .ok_or_else(|| Error::not_found(Entity::CatalogCourse, text))
            }
            Self::Codes { org, course_code } => {
                image.course_coded(org, course_code).ok_or_else(|| {
                    let key = CatalogCourseKey::new(org.as_ref(), course_code.as_ref());
                    Error::not_found(Entity::CatalogCourse, key)
                })
            }
        }
    }
}

impl From<CatalogCourseId> for CourseSelector<'_> {
    fn from(id: CatalogCourseId) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a str> for CourseSelector<'a> {
    fn from(key: &'a str) -> Self {
        Self::KeyStr(key.into())
    }
}

impl<'a> From<&'a String> for CourseSelector<'a> {
    fn from(key: &'a String) -> Self {
        Self::KeyStr(key.into())
    }
}

impl From<String> for CourseSelector<'_> {
    fn from(key: String) -> Self {
        Self::KeyStr(key.into())
    }
}

impl<'a> From<&'a CatalogCourseKey> for CourseSelector<'a> {
    fn from(key: &'a CatalogCourseKey) -> Self {
        Self::from((key.org(), key.course_code()))
    }
}

impl<'a> From<(&'a str, &'a str)> for CourseSelector<'a> {
    fn from((org, course_code): (&'a str, &'a str)) -> Self {
        Self::Codes {
            org: org.into(),
            course_code: course_code.into(),
        }
    }
}
