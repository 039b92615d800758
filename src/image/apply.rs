//! Applying changes: how each record is entered into the parts of an image, and taken out of them.
//! Checks no rule.

use std::sync::Arc;

use imbl::OrdMap;

use super::index::Tag;
use super::slab::Slot;
use super::{Change, CourseNode, CoursePlace, CourseRuns, Image, OrganizationNode, Versions};
use crate::key::{CatalogCourseId, OrganizationId, fold};
use crate::model::{CatalogCourse, CourseRun, Organization, Referrer, Subject};

impl Image {
    /// Applies a change whose rules have been checked against this image.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Organization(versions) => self.apply_organization(versions),
            Change::CatalogCourse(versions) => self.apply_course(versions),
            Change::CourseRun(versions) => self.apply_run(versions),
            Change::ReferenceAdded(to, referrer) => {
                self.add_reference(to.subject(), referrer.clone());
            }
            Change::ReferenceRemoved(to, referrer) => {
                self.references.remove(&(to.subject(), referrer.clone()));
            }
        }
    }

    /// Adds a reference to a record that may be known by its id alone.
    pub(crate) fn add_reference(&mut self, subject: Subject, referrer: Referrer) {
        self.references.insert((subject, referrer));
    }

    fn apply_organization(&mut self, versions: &Versions<Organization>) {
        match (&versions.before, &versions.after) {
            (None, Some(after)) => {
                let slot = self.organizations.insert(OrganizationNode {
                    organization: Arc::clone(after),
                    courses: OrdMap::new(),
                    runs: 0,
                });
                let tag = self.tag_of_id(after.id.get());
                self.organizations_by_id.insert(tag, slot);
                self.name_organization(after, slot);
            }
            (Some(before), Some(after)) => self.replace_organization(before, after),
            (Some(before), None) => {
                let Some(slot) = self.organization_slot(before.id) else {
                    return;
                };
                let tag = self.tag_of_id(before.id.get());
                self.organizations_by_id.remove(tag, |other| *other == slot);
                self.organizations_by_name
                    .remove(&*fold(before.short_name.as_str()));
                self.organizations.remove(slot);
            }
            (None, None) => {}
        }
    }

    fn name_organization(&mut self, organization: &Organization, slot: Slot) {
        let folded = fold(organization.short_name.as_str());
        self.organizations_by_name
            .insert(folded.as_ref().into(), slot);
    }

    fn replace_organization(&mut self, before: &Organization, after: &Arc<Organization>) {
        let Some(slot) = self.organization_slot(after.id) else {
            return;
        };
        let Some(node) = self.organizations.get_mut(slot) else {
            return;
        };
        node.organization = Arc::clone(after);
        if before.short_name == after.short_name {
            return;
        }
        let courses: Vec<CoursePlace> = node.courses.values().cloned().collect();
        self.organizations_by_name
            .remove(&*fold(before.short_name.as_str()));
        self.name_organization(after, slot);
        for course in courses {
            self.respell(&course, after);
        }
    }

    /// Gives a course its organization's new short name.
    fn respell(&mut self, place: &CoursePlace, organization: &Organization) {
        let Some(node) = self.course_at(place).cloned() else {
            return;
        };
        let before = Arc::clone(&node.course);
        let mut after = CatalogCourse::clone(&before);
        after.org = organization.short_name.clone();
        self.unplace_course(place.tag, before.id);
        self.place_course(&after, node);
        self.apply_course(&Versions::updated(before, Arc::new(after)));
    }

    fn apply_course(&mut self, versions: &Versions<CatalogCourse>) {
        if let Some(before) = &versions.before {
            self.courses_by_age.remove(before);
        }
        if let Some(after) = &versions.after {
            self.courses_by_age.insert(Arc::clone(after));
        }
        match (&versions.before, &versions.after) {
            (None, Some(after)) => self.add_course(after),
            (Some(_), Some(after)) => {
                self.change_course(after.id, |node| {
                    node.course = Arc::clone(after);
                    node.runs.change_course(after);
                });
                self.change_organization(after.organization_id, |node| {
                    let place = node.courses.get_mut(&*fold(after.course_code.as_str()));
                    if let Some(place) = place {
                        place.course = Arc::clone(after);
                    }
                });
            }
            (Some(before), None) => self.remove_course(before),
            (None, None) => {}
        }
    }

    fn add_course(&mut self, course: &Arc<CatalogCourse>) {
        let node = CourseNode {
            course: Arc::clone(course),
            runs: CourseRuns::of(course),
        };
        self.place_course(course, node);
    }

    fn remove_course(&mut self, course: &CatalogCourse) {
        let Some(tag) = self.course_tags.get(course.id.get()) else {
            return;
        };
        self.unplace_course(tag, course.id);
        let code = course.course_code.as_str();
        self.change_organization(course.organization_id, |node| {
            node.courses.remove(&*fold(code));
        });
    }

    /// Puts a course where its codes are found, and tells those that find it otherwise.
    fn place_course(&mut self, course: &CatalogCourse, node: CourseNode) {
        let code = course.course_code.as_str();
        let tag = self.tag_of_codes(course.org.as_str(), code);
        let place = CoursePlace {
            course: Arc::clone(&node.course),
            tag,
        };
        self.courses.insert(tag, node);
        self.course_tags.insert(course.id.get(), tag);
        let folded_code: Arc<str> = fold(code).as_ref().into();
        self.change_organization(course.organization_id, |node| {
            node.courses.insert(folded_code, place);
        });
    }

    /// Takes a course from its place; its organization knows it still.
    fn unplace_course(&mut self, tag: Tag, id: CatalogCourseId) {
        self.courses.remove(tag, |node| node.course.id == id);
        self.course_tags.remove(id.get());
    }

    fn apply_run(&mut self, versions: &Versions<CourseRun>) {
        if let Some(before) = &versions.before {
            self.runs_by_age.remove(before);
        }
        if let Some(after) = &versions.after {
            self.runs_by_age.insert(Arc::clone(after));
        }
        match (&versions.before, &versions.after) {
            (None, Some(after)) => self.add_run(after),
            (Some(before), Some(after)) => self.replace_run(before, after),
            (Some(before), None) => self.remove_run(before),
            (None, None) => {}
        }
    }

    fn add_run(&mut self, run: &Arc<CourseRun>) {
        let tag = self.tag_of_key(run.course_key.as_str());
        self.runs.insert(tag, Arc::clone(run));
        let organization = self.change_course(run.catalog_course_id, |node| {
            node.runs.add(Arc::clone(run), &node.course);
            node.course.organization_id
        });
        if let Some(organization) = organization {
            self.change_organization(organization, |node| node.runs += 1);
        }
    }

    /// Replaces a run by a version of it with the same id, key and course.
    fn replace_run(&mut self, before: &Arc<CourseRun>, after: &Arc<CourseRun>) {
        let tag = self.tag_of_key(before.course_key.as_str());
        if let Some(run) = self.runs.get_mut(tag, |run| run.id == before.id) {
            *run = Arc::clone(after);
        }
        self.change_course(after.catalog_course_id, |node| {
            node.runs.remove(before, &node.course);
            node.runs.add(Arc::clone(after), &node.course);
        });
    }

    fn remove_run(&mut self, run: &CourseRun) {
        let tag = self.tag_of_key(run.course_key.as_str());
        self.runs.remove(tag, |other| other.id == run.id);
        let organization = self.change_course(run.catalog_course_id, |node| {
            node.runs.remove(run, &node.course);
            node.course.organization_id
        });
        if let Some(organization) = organization {
            self.change_organization(organization, |node| node.runs -= 1);
        }
    }

    fn change_organization(
        &mut self,
        id: OrganizationId,
        change: impl FnOnce(&mut OrganizationNode),
    ) {
        let slot = self.organization_slot(id);
        if let Some(node) = slot.and_then(|slot| self.organizations.get_mut(slot)) {
            change(node);
        }
    }

    fn change_course<R>(
        &mut self,
        id: CatalogCourseId,
        change: impl FnOnce(&mut CourseNode) -> R,
    ) -> Option<R> {
        let tag = self.course_tags.get(id.get())?;
        let node = self.courses.get_mut(tag, |node| node.course.id == id)?;
        Some(change(node))
    }
}
