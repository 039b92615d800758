//! References: outside systems that hold on to a catalog course or a course run.

use std::sync::Arc;

use super::Catalog;
use super::request::{Draft, Plan, Request};
use super::runs::find_run;
use super::selector::CourseSelector;
use crate::error::{Entity, Error, Result};
use crate::image::{Change, Image, Referred};
use crate::model::Referrer;

impl Catalog {
    /// Notes that `referrer` refers to the catalog course or the course run of this key, which
    /// protects it from deletion. Answers whether it did not before.
    ///
    /// A key as text is cut at its first two colons, so a course whose organization has a colon in
    /// its short name cannot be named here.
    ///
    /// ```
    /// use coursecat::Catalog;
    ///
    /// let catalog = Catalog::temporary()?;
    /// let key = "course-v1:MITx+Math100+2026";
    /// catalog.create_course_run_for_modulestore_course_with(key, "", "")?;
    /// assert!(catalog.add_reference(key, "enrollments")?);
    /// assert!(!catalog.add_reference(key, "enrollments")?);
    /// assert_eq!(
    ///     catalog.delete_course_run(key).unwrap_err().to_string(),
    ///     "The course run \"course-v1:MITx+Math100+2026\" cannot be deleted because of \
    ///      1 reference: enrollments."
    /// );
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such course or run; [`Error::InvalidKey`] if the key is
    /// none; [`Error::Invalid`] if the referrer is empty or longer than 255 characters.
    pub fn add_reference(&self, key: impl AsRef<str>, referrer: &str) -> Result<bool> {
        self.call(AddReference::new(key.as_ref(), referrer))
    }

    /// Notes that `referrer` no longer refers to the record of this key.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such record, or it is not referred to by that name;
    /// [`Error::InvalidKey`] if the key is none; [`Error::Invalid`] if the referrer is empty or
    /// longer than 255 characters.
    pub fn remove_reference(&self, key: impl AsRef<str>, referrer: &str) -> Result<()> {
        self.call(RemoveReference::new(key.as_ref(), referrer))
    }
}

/// Finds what a key names: a catalog course or a course run.
pub(super) fn find_subject(image: &Image, key: &str) -> Result<Referred> {
    // No course key starts so: its namespace is another.
    if key.starts_with("catalog-course:") {
        let node = CourseSelector::from(key).find(image)?;
        Ok(Referred::CatalogCourse(Arc::clone(&node.course)))
    } else {
        Ok(Referred::CourseRun(Arc::clone(find_run(image, key)?)))
    }
}

/// The request of [`Catalog::add_reference`].
#[derive(Clone, Debug)]
pub struct AddReference {
    key: String,
    referrer: String,
}

impl AddReference {
    /// A reference of `referrer` to the catalog course or the course run of this key.
    #[must_use]
    pub fn new(key: impl Into<String>, referrer: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            referrer: referrer.into(),
        }
    }
}

impl Request for AddReference {}

impl Plan for AddReference {
    type Answer = bool;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<bool> {
        let referrer = Referrer::new(self.referrer.as_str())?;
        let to = find_subject(draft.image, &self.key)?;
        let is_new = !draft.image.has_reference(to.subject(), &referrer);
        if is_new {
            draft.change(Change::ReferenceAdded(to, referrer));
        }
        Ok(is_new)
    }
}

/// The request of [`Catalog::remove_reference`].
#[derive(Clone, Debug)]
pub struct RemoveReference {
    key: String,
    referrer: String,
}

impl RemoveReference {
    /// Ends the reference of `referrer` to the record of this key.
    #[must_use]
    pub fn new(key: impl Into<String>, referrer: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            referrer: referrer.into(),
        }
    }
}

impl Request for RemoveReference {}

impl Plan for RemoveReference {
    type Answer = ();

    fn plan(&self, draft: &mut Draft<'_>) -> Result<()> {
        let referrer = Referrer::new(self.referrer.as_str())?;
        let to = find_subject(draft.image, &self.key)?;
        if !draft.image.has_reference(to.subject(), &referrer) {
            let reference = format!("{referrer} to {}", self.key);
            return Err(Error::not_found(Entity::Reference, reference));
        }
        draft.change(Change::ReferenceRemoved(to, referrer));
        Ok(())
    }
}
