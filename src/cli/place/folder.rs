//! The records of a folder that this process has open.

use std::sync::Arc;

use super::{
    Answer, CourseFilter, Listed, NewCourse, NewRun, OrganizationChange, Part, Place, RunFilter,
};
use crate::cli::failure::Failure;
use crate::cli::suggest::suggest;
use crate::cli::view::{CourseView, OrganizationView, ReferenceView, RunView};
use crate::view::StatsView;
use crate::{
    Catalog, CatalogCourse, CatalogCourseKey, CourseQuery, CourseRun, CreateCatalogCourse,
    CreateCourseRun, CreateOrganization, Error, OrganizationQuery, Outcome, Page, Referrer,
    RunQuery, Snapshot, UpdateOrganization,
};

/// See the [module](self).
#[derive(Debug)]
pub(in crate::cli) struct Folder(pub(in crate::cli) Catalog);

impl Folder {
    /// A catalog in which there is nothing.
    pub(super) fn empty() -> Answer<Self> {
        Ok(Self(Catalog::temporary()?))
    }

    fn failed(&self, error: Error) -> Failure {
        suggest(error, &self.0.snapshot())
    }

    fn course(&self, course: &CatalogCourse) -> CourseView<'static> {
        CourseView::of(course, &self.0.snapshot()).into_owned()
    }

    fn run(&self, run: Outcome<Arc<CourseRun>>) -> Outcome<RunView<'static>> {
        let view = RunView::of(&run.value, &self.0.snapshot()).into_owned();
        Outcome {
            value: view,
            warnings: run.warnings,
        }
    }
}

/// The records of these keys, if there are all of them.
fn each<R, V>(
    snapshot: &Snapshot,
    keys: &[String],
    find: impl Fn(&str) -> crate::Result<R>,
    view: impl Fn(&R) -> V,
) -> Answer<Vec<V>> {
    let found: crate::Result<Vec<R>> = keys.iter().map(|key| find(key)).collect();
    let found = found.map_err(|error| suggest(error, snapshot))?;
    Ok(found.iter().map(view).collect())
}

fn listed<R, V>(page: &Page<R>, view: impl Fn(&R) -> V) -> Listed<V> {
    Listed {
        items: page.items.iter().map(view).collect(),
        next: page.next.clone(),
    }
}

impl Place for Folder {
    fn create_organization(
        &self,
        short_name: &str,
        name: &str,
        active: bool,
    ) -> Answer<OrganizationView<'static>> {
        let request = CreateOrganization::new(short_name)
            .name(name)
            .active(active);
        let organization = self.0.create_organization(request)?;
        Ok(OrganizationView::of(&organization, &self.0.snapshot()).into_owned())
    }

    fn organizations(&self, short_names: &[String]) -> Answer<Vec<OrganizationView<'static>>> {
        let snapshot = self.0.snapshot();
        each(
            &snapshot,
            short_names,
            |name| snapshot.get_organization(name),
            |organization| OrganizationView::of(organization, &snapshot).into_owned(),
        )
    }

    fn list_organizations(
        &self,
        text: &str,
        part: Part,
    ) -> Answer<Listed<OrganizationView<'static>>> {
        let snapshot = self.0.snapshot();
        let query = OrganizationQuery::new().text(text);
        let query = query.order(part.order).limit(part.limit).after(part.after);
        let page = snapshot.list_organizations(&query)?;
        Ok(listed(&page, |organization| {
            OrganizationView::of(organization, &snapshot).into_owned()
        }))
    }

    fn update_organization(
        &self,
        short_name: &str,
        change: &OrganizationChange<'_>,
    ) -> Answer<OrganizationView<'static>> {
        let mut request = UpdateOrganization::new(short_name)
            .short_name(change.short_name)
            .name(change.name);
        if let Some(active) = change.active {
            request = request.active(active);
        }
        let updated = self.0.update_organization(request);
        let organization = updated.map_err(|error| self.failed(error))?;
        Ok(OrganizationView::of(&organization, &self.0.snapshot()).into_owned())
    }

    fn delete_organization(&self, short_name: &str) -> Answer<()> {
        let deleted = self.0.delete_organization(short_name);
        deleted.map_err(|error| self.failed(error))
    }

    fn create_course(&self, course: &NewCourse<'_>) -> Answer<CourseView<'static>> {
        let mut request = CreateCatalogCourse::new(course.org, course.course_code)
            .title(course.title)
            .language_short(course.language_short);
        if let Some(code) = course.language {
            request = request.language(code);
        }
        let created = self.0.create_catalog_course(request);
        let course = created.map_err(|error| self.failed(error))?;
        Ok(self.course(&course))
    }

    fn courses(&self, keys: &[String]) -> Answer<Vec<CourseView<'static>>> {
        let snapshot = self.0.snapshot();
        each(
            &snapshot,
            keys,
            |key| snapshot.get_catalog_course(key),
            |course| CourseView::of(course, &snapshot).into_owned(),
        )
    }

    fn list_courses(
        &self,
        filter: &CourseFilter<'_>,
        part: Part,
    ) -> Answer<Listed<CourseView<'static>>> {
        let snapshot = self.0.snapshot();
        let mut query = CourseQuery::new().text(filter.text);
        if let Some(org) = filter.org {
            query = query.org(org);
        }
        if let Some(code) = filter.course_code {
            query = query.course_code(code);
        }
        if let Some(code) = filter.language {
            query = query.language(code);
        }
        let query = query.order(part.order).limit(part.limit).after(part.after);
        let page = snapshot.list_catalog_courses(&query)?;
        Ok(listed(&page, |course| {
            CourseView::of(course, &snapshot).into_owned()
        }))
    }

    fn runs_of(&self, course: &str) -> Answer<Vec<RunView<'static>>> {
        let snapshot = self.0.snapshot();
        let runs = snapshot
            .list_runs(course)
            .map_err(|error| suggest(error, &snapshot))?;
        Ok(runs
            .iter()
            .map(|run| RunView::of(run, &snapshot).into_owned())
            .collect())
    }

    fn update_course(
        &self,
        key: &str,
        title: &str,
        language_short: &str,
    ) -> Answer<CourseView<'static>> {
        let updated = self.0.update_catalog_course(key, title, language_short);
        let course = updated.map_err(|error| self.failed(error))?;
        Ok(self.course(&course))
    }

    fn delete_course(&self, key: &str) -> Answer<()> {
        let deleted = self.0.delete_catalog_course(key);
        deleted.map_err(|error| self.failed(error))
    }

    fn create_run(&self, run: &NewRun<'_>) -> Answer<Outcome<RunView<'static>>> {
        let created = match *run {
            NewRun::WithCourse {
                key,
                title,
                language_short,
            } => self
                .0
                .create_course_run_for_modulestore_course_with(key, title, language_short),
            NewRun::InCourse {
                course,
                run_code,
                key,
                title,
            } => {
                let request = CreateCourseRun::new(course, run_code)
                    .course_key(key)
                    .title(title);
                self.0.create_course_run(request)
            }
        };
        let created = created.map_err(|error| self.failed(error))?;
        Ok(self.run(created))
    }

    fn runs(&self, keys: &[String]) -> Answer<Vec<RunView<'static>>> {
        let snapshot = self.0.snapshot();
        each(
            &snapshot,
            keys,
            |key| snapshot.get_course_run(key),
            |run| RunView::of(run, &snapshot).into_owned(),
        )
    }

    fn list_runs(&self, filter: &RunFilter<'_>, part: Part) -> Answer<Listed<RunView<'static>>> {
        let snapshot = self.0.snapshot();
        let mut query = RunQuery::new().text(filter.text);
        if let Some(org) = filter.org {
            query = query.org(org);
        }
        if let Some(course) = filter.course {
            let key: CatalogCourseKey = course.parse().map_err(Error::from)?;
            query = query.course(key);
        }
        let query = query.order(part.order).limit(part.limit).after(part.after);
        let page = snapshot.list_course_runs(&query)?;
        Ok(listed(&page, |run| {
            RunView::of(run, &snapshot).into_owned()
        }))
    }

    fn sync_run(&self, key: &str, title: &str) -> Answer<Outcome<RunView<'static>>> {
        let synced = self.0.sync_course_run_details(key, title);
        let synced = synced.map_err(|error| self.failed(error))?;
        Ok(self.run(synced))
    }

    fn delete_run(&self, key: &str) -> Answer<()> {
        let deleted = self.0.delete_course_run(key);
        deleted.map_err(|error| self.failed(error))
    }

    fn add_reference(&self, key: &str, referrer: &str) -> Answer<bool> {
        let added = self.0.add_reference(key, referrer);
        added.map_err(|error| self.failed(error))
    }

    fn remove_reference(&self, key: &str, referrer: &str) -> Answer<()> {
        let removed = self.0.remove_reference(key, referrer);
        removed.map_err(|error| self.failed(error))
    }

    fn references(&self, key: &str) -> Answer<Vec<ReferenceView>> {
        let found = self.0.list_references(key);
        let referrers = found.map_err(|error| self.failed(error))?;
        let view = |referrer: &Referrer| ReferenceView {
            referrer: referrer.to_string(),
        };
        Ok(referrers.iter().map(view).collect())
    }

    fn stats(&self) -> Answer<StatsView> {
        Ok(StatsView::of(self.0.stats(), self.0.size_on_disk()?))
    }
}
