//! `coursecat course …`

use super::args::CourseVerb;
use super::failure::Failure;
use super::session::Session;
use super::suggest::{explain_empty, suggest};
use super::view::{CourseView, RunView};
use crate::{Catalog, CatalogCourse, CourseQuery, CreateCatalogCourse};

pub(super) fn run(session: &Session, verb: CourseVerb) -> Result<(), Failure> {
    match verb {
        CourseVerb::Create {
            org,
            course_code,
            title,
            language,
            language_short,
        } => {
            let catalog = session.open_or_create()?;
            let mut request = CreateCatalogCourse::new(org, course_code)
                .title(title)
                .language_short(language_short);
            if let Some(code) = language {
                request = request.language(code);
            }
            let course = catalog
                .create_catalog_course(request)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            show(session, &catalog, &course)
        }
        CourseVerb::Get { keys } => {
            let snapshot = session.open()?.snapshot();
            let found: crate::Result<Vec<_>> = keys
                .iter()
                .map(|key| snapshot.get_catalog_course(key))
                .collect();
            let views: Vec<_> = found
                .map_err(|error| suggest(error, &snapshot))?
                .iter()
                .map(|course| CourseView::of(course, &snapshot).into_owned())
                .collect();
            session.output.list(&views)
        }
        CourseVerb::List {
            org,
            course_code,
            language,
            text,
            page,
        } => {
            let snapshot = session.open()?.snapshot();
            let mut query = CourseQuery::new().text(&text);
            if let Some(org) = &org {
                query = query.org(org);
            }
            if let Some(code) = course_code {
                query = query.course_code(code);
            }
            if let Some(code) = language {
                query = query.language(code);
            }
            let shown = session.list(
                &page,
                |order, limit, cursor| {
                    let query = query.clone().order(order).limit(limit).after(cursor);
                    snapshot.list_catalog_courses(&query)
                },
                |course| CourseView::of(course, &snapshot).into_owned(),
            )?;
            if let (0, Some(org)) = (shown, &org) {
                explain_empty(session, snapshot.get_organization(org), &snapshot);
            }
            Ok(())
        }
        CourseVerb::Runs { key } => {
            let snapshot = session.open()?.snapshot();
            let runs = snapshot
                .list_runs(&key)
                .map_err(|error| suggest(error, &snapshot))?;
            let views: Vec<_> = runs.iter().map(|run| RunView::of(run, &snapshot)).collect();
            session.output.list(&views)?;
            if views.is_empty() {
                session.done("It has no runs.");
            }
            Ok(())
        }
        CourseVerb::Update {
            key,
            title,
            language_short,
        } => {
            let catalog = session.open()?;
            let course = catalog
                .update_catalog_course(&key, &title, &language_short)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            show(session, &catalog, &course)
        }
        CourseVerb::Delete { key } => {
            let catalog = session.open()?;
            catalog
                .delete_catalog_course(&key)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            session.done(&format!("Deleted {key}."));
            Ok(())
        }
    }
}

fn show(session: &Session, catalog: &Catalog, course: &CatalogCourse) -> Result<(), Failure> {
    let snapshot = catalog.snapshot();
    session.output.one(&CourseView::of(course, &snapshot))
}
