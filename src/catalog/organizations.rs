//! Organizations: ensured, created, renamed, updated, deleted.

use std::sync::Arc;

use super::Catalog;
use super::request::{Draft, Plan, Request};
use crate::error::{Blocking, Entity, Error, Result};
use crate::image::{Change, OrganizationNode, Versions};
use crate::key::{CourseKey, eq_ignoring_case};
use crate::model::{Field, Organization, OrganizationName, ShortName, Timestamp};

impl Catalog {
    /// Makes sure that there is an active organization of this short name, matched ignoring case.
    ///
    /// A missing one is created with its short name as its name, an inactive one is made active.
    /// A short name that comes with a course key may have any character that a key may have.
    ///
    /// # Errors
    /// [`Error::UnknownOrganization`] if it is missing or inactive and the catalog was opened
    /// without [`auto_create_organizations`](crate::Options::auto_create_organizations);
    /// [`Error::Invalid`] if it is missing and no course key could name it.
    pub fn ensure_organization(&self, short_name: impl AsRef<str>) -> Result<Arc<Organization>> {
        self.call(EnsureOrganization::new(short_name.as_ref()))
    }

    /// Creates an organization.
    ///
    /// ```
    /// use coursecat::{Catalog, CreateOrganization};
    ///
    /// let catalog = Catalog::temporary()?;
    /// let mit = CreateOrganization::new("MITx").name("Massachusetts Institute of Technology");
    /// assert!(catalog.create_organization(mit)?.active);
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is one of that short name, ignoring case;
    /// [`Error::Invalid`] if a value breaks a rule.
    pub fn create_organization(&self, request: CreateOrganization) -> Result<Arc<Organization>> {
        self.call(request)
    }

    /// Changes an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; [`Error::Invalid`] if a value breaks a rule, also
    /// the rule that no run's key may disagree with the short name ignoring case;
    /// [`Error::AlreadyExists`] if another organization has the new short name.
    pub fn update_organization(&self, request: UpdateOrganization) -> Result<Arc<Organization>> {
        self.call(request)
    }

    /// Changes an organization's short name: its capitalisation, or, while none of its courses
    /// has runs, anything. Keys of catalog courses follow; keys of runs stay.
    ///
    /// # Errors
    /// Those of [`update_organization`](Catalog::update_organization).
    pub fn rename_organization(
        &self,
        short_name: impl AsRef<str>,
        new_short_name: impl AsRef<str>,
    ) -> Result<Arc<Organization>> {
        self.call(UpdateOrganization::new(short_name.as_ref()).short_name(new_short_name.as_ref()))
    }

    /// Deletes an organization that has no catalog courses.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; [`Error::Protected`] while it has catalog courses.
    pub fn delete_organization(&self, short_name: impl AsRef<str>) -> Result<()> {
        self.call(DeleteOrganization::new(short_name.as_ref()))
    }
}

/// The request of [`Catalog::ensure_organization`].
#[derive(Clone, Debug)]
pub struct EnsureOrganization {
    short_name: String,
}

impl EnsureOrganization {
    /// Asks for the organization of this short name.
    #[must_use]
    pub fn new(short_name: impl Into<String>) -> Self {
        Self {
            short_name: short_name.into(),
        }
    }
}

impl Request for EnsureOrganization {}

impl Plan for EnsureOrganization {
    type Answer = Arc<Organization>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        draft.ensure_organization(&self.short_name)
    }
}

impl<'a> Draft<'a> {
    /// The active organization of this short name; a missing or inactive one is an error or a
    /// change, as the catalog's options have it.
    pub(super) fn ensure_organization(&mut self, short_name: &str) -> Result<Arc<Organization>> {
        let found = self.image.organization_named(short_name);
        let found = found.map(|node| Arc::clone(&node.organization));
        if let Some(active) = found.as_ref().filter(|organization| organization.active) {
            return Ok(Arc::clone(active));
        }
        if !self.rules.auto_create_organizations {
            return Err(Error::UnknownOrganization {
                short_name: short_name.to_owned(),
                inactive: found.is_some(),
            });
        }
        match found {
            Some(before) => {
                let mut after = Organization::clone(&before);
                after.active = true;
                Ok(self.change_organization(before, after))
            }
            None => {
                let short_name = ShortName::new(short_name)?;
                check_ensurable(&short_name)?;
                let name = OrganizationName::new(short_name.as_str())?;
                let created = self.now();
                Ok(self.add_organization(short_name, name, true, created))
            }
        }
    }

    fn add_organization(
        &mut self,
        short_name: ShortName,
        name: OrganizationName,
        active: bool,
        created: Timestamp,
    ) -> Arc<Organization> {
        let organization = Arc::new(Organization {
            id: self.next_ids.organization(),
            short_name,
            name,
            active,
            created,
        });
        let added = Versions::created(Arc::clone(&organization));
        self.change(Change::Organization(added));
        organization
    }

    fn change_organization(
        &mut self,
        before: Arc<Organization>,
        after: Organization,
    ) -> Arc<Organization> {
        if *before == after {
            return before;
        }
        let after = Arc::new(after);
        let updated = Versions::updated(before, Arc::clone(&after));
        self.change(Change::Organization(updated));
        after
    }

    /// The organization of this short name, ignoring case.
    pub(super) fn find_organization(&self, short_name: &str) -> Result<&'a OrganizationNode> {
        self.image
            .organization_named(short_name)
            .ok_or_else(|| Error::not_found(Entity::Organization, short_name))
    }
}

/// The request of [`Catalog::create_organization`].
#[derive(Clone, Debug)]
pub struct CreateOrganization {
    short_name: String,
    name: String,
    active: bool,
    imported: Option<Timestamp>,
}

impl CreateOrganization {
    /// An active organization with its short name as its name. A short name has 1 to 255 of the
    /// characters `A-Za-z0-9._-`.
    #[must_use]
    pub fn new(short_name: impl Into<String>) -> Self {
        Self {
            short_name: short_name.into(),
            name: String::new(),
            active: true,
            imported: None,
        }
    }

    /// Gives it a name; an empty one is none.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes it active or not.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// For imports: it was created then, in another catalog, where its short name may have had
    /// any character.
    #[must_use]
    pub fn imported(mut self, created: Timestamp) -> Self {
        self.imported = Some(created);
        self
    }
}

impl Request for CreateOrganization {}

impl Plan for CreateOrganization {
    type Answer = Arc<Organization>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let short_name = ShortName::new(self.short_name.as_str())?;
        if self.imported.is_none() {
            short_name.check_typed()?;
        }
        let name = if self.name.is_empty() {
            OrganizationName::new(self.short_name.as_str())?
        } else {
            OrganizationName::new(self.name.as_str())?
        };
        check_free(draft, &short_name)?;
        let created = self.imported.unwrap_or_else(|| draft.now());
        Ok(draft.add_organization(short_name, name, self.active, created))
    }
}

/// Refuses what neither could be typed nor come with a course key.
fn check_ensurable(short_name: &ShortName) -> Result<()> {
    let typed = short_name.check_typed();
    let is_org_of = |key: String| {
        let key: Result<CourseKey, _> = key.parse();
        key.is_ok_and(|key| key.org() == Some(short_name.as_str()))
    };
    let comes_with_a_key = || {
        is_org_of(format!("course-v1:{short_name}+C+R")) || is_org_of(format!("{short_name}/C/R"))
    };
    if typed.is_ok() || comes_with_a_key() {
        return Ok(());
    }
    Ok(typed?)
}

/// Refuses a short name that an organization has already, ignoring case.
fn check_free(draft: &Draft<'_>, short_name: &ShortName) -> Result<()> {
    match draft.image.organization_named(short_name.as_str()) {
        None => Ok(()),
        Some(node) => Err(Error::already_exists(
            Entity::Organization,
            short_name,
            &node.organization.short_name,
        )),
    }
}

/// The request of [`Catalog::update_organization`] and [`Catalog::rename_organization`].
#[derive(Clone, Debug)]
pub struct UpdateOrganization {
    organization: String,
    short_name: String,
    name: String,
    active: Option<bool>,
}

impl UpdateOrganization {
    /// Changes nothing yet of the organization of this short name, matched ignoring case.
    #[must_use]
    pub fn new(short_name: impl Into<String>) -> Self {
        Self {
            organization: short_name.into(),
            short_name: String::new(),
            name: String::new(),
            active: None,
        }
    }

    /// Gives it another short name; an empty one leaves it alone.
    #[must_use]
    pub fn short_name(mut self, short_name: impl Into<String>) -> Self {
        self.short_name = short_name.into();
        self
    }

    /// Gives it another name; an empty one leaves it alone.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes it active or not.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

impl Request for UpdateOrganization {}

impl Plan for UpdateOrganization {
    type Answer = Arc<Organization>;

    fn plan(&self, draft: &mut Draft<'_>) -> Result<Self::Answer> {
        let node = draft.find_organization(&self.organization)?;
        let before = Arc::clone(&node.organization);
        let mut after = Organization::clone(&before);
        if !self.short_name.is_empty() {
            after.short_name = ShortName::new(self.short_name.as_str())?;
            check_rename(draft, node, &after.short_name)?;
        }
        if !self.name.is_empty() {
            after.name = OrganizationName::new(self.name.as_str())?;
        }
        if let Some(active) = self.active {
            after.active = active;
        }
        Ok(draft.change_organization(before, after))
    }
}

/// A new capitalisation is always fine; another name only if it is free and no run's key would
/// disagree with it.
fn check_rename(draft: &Draft<'_>, node: &OrganizationNode, short_name: &ShortName) -> Result<()> {
    let before = &node.organization.short_name;
    if eq_ignoring_case(before.as_str(), short_name.as_str()) {
        // A name that could be typed stays one: a Kelvin sign is a "k", ignoring case.
        return match before.check_typed() {
            Ok(()) => Ok(short_name.check_typed()?),
            Err(_) => Ok(()),
        };
    }
    short_name.check_typed()?;
    check_free(draft, short_name)?;
    let mut runs = draft
        .image
        .courses_of(node)
        .flat_map(|course| course.runs.by_key());
    match runs.next() {
        None => Ok(()),
        Some(run) => Err(Error::invalid(
            Field::ShortName,
            format!(
                "The organization {before} cannot be renamed to {short_name}, since the key of its course run {} would disagree; only the capitalisation can change while there are runs.",
                run.course_key
            ),
        )),
    }
}

/// The request of [`Catalog::delete_organization`].
#[derive(Clone, Debug)]
pub struct DeleteOrganization {
    short_name: String,
}

impl DeleteOrganization {
    /// Deletes the organization of this short name, matched ignoring case.
    #[must_use]
    pub fn new(short_name: impl Into<String>) -> Self {
        Self {
            short_name: short_name.into(),
        }
    }
}

impl Request for DeleteOrganization {}

impl Plan for DeleteOrganization {
    type Answer = ();

    fn plan(&self, draft: &mut Draft<'_>) -> Result<()> {
        let node = draft.find_organization(&self.short_name)?;
        let organization = Arc::clone(&node.organization);
        if node.course_count() > 0 {
            let courses = draft.image.courses_of(node).take(Blocking::LISTED);
            let first: Vec<_> = courses.map(|node| node.course.key().to_string()).collect();
            return Err(Error::Protected {
                entity: Entity::Organization,
                key: organization.short_name.to_string(),
                blocking: Blocking::new(Entity::CatalogCourse, node.course_count(), first),
            });
        }
        draft.change(Change::Organization(Versions::deleted(organization)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    #[test]
    fn what_is_ensured_could_be_typed_or_come_with_a_key() {
        let catalog = Catalog::temporary().unwrap();
        for fine in ["MITx", "École", "a:b", "100%", "大学", "~"] {
            assert!(catalog.ensure_organization(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "Org 2", "a+b", "a/b", "a\n", "course-v1:x+y+z"] {
            let error = catalog.ensure_organization(wrong).unwrap_err();
            assert_eq!(error.code(), "invalid", "{wrong}");
        }
    }
}
