//! `coursecat run …`

use super::args::RunVerb;
use super::failure::Failure;
use super::session::{Session, warned};
use super::suggest::{explain_empty, suggest};
use super::view::RunView;
use crate::{Catalog, CatalogCourseKey, CourseRun, CreateCourseRun, RunQuery};

pub(super) fn run(session: &Session, verb: RunVerb) -> Result<(), Failure> {
    match verb {
        RunVerb::Create {
            key,
            title,
            language_short,
            in_course,
            run_code,
        } => {
            let catalog = session.open_or_create()?;
            let key = key.unwrap_or_default();
            let created = match (in_course, run_code) {
                (Some(course), Some(code)) => {
                    let request = CreateCourseRun::new(course, code)
                        .course_key(key)
                        .title(title);
                    catalog
                        .create_course_run(request)
                        .map_err(|error| suggest(error, &catalog.snapshot()))?
                }
                _ => catalog.create_course_run_for_modulestore_course_with(
                    key,
                    &title,
                    &language_short,
                )?,
            };
            let run = warned(created);
            show(session, &catalog, &run)
        }
        RunVerb::Get { keys } => {
            let snapshot = session.open()?.snapshot();
            let found: crate::Result<Vec<_>> = keys
                .iter()
                .map(|key| snapshot.get_course_run(key))
                .collect();
            let views: Vec<_> = found
                .map_err(|error| suggest(error, &snapshot))?
                .iter()
                .map(|run| RunView::of(run, &snapshot).into_owned())
                .collect();
            session.output.list(&views)
        }
        RunVerb::List {
            org,
            course,
            text,
            page,
        } => {
            let snapshot = session.open()?.snapshot();
            let mut query = RunQuery::new().text(&text);
            if let Some(org) = &org {
                query = query.org(org);
            }
            if let Some(course) = &course {
                let key: CatalogCourseKey = course.parse().map_err(crate::Error::from)?;
                query = query.course(key);
            }
            let shown = session.list(
                &page,
                |order, limit, cursor| {
                    let query = query.clone().order(order).limit(limit).after(cursor);
                    snapshot.list_course_runs(&query)
                },
                |run| RunView::of(run, &snapshot).into_owned(),
            )?;
            if let (0, Some(org)) = (shown, &org) {
                explain_empty(session, snapshot.get_organization(org), &snapshot);
            }
            if let (0, Some(course)) = (shown, &course) {
                explain_empty(session, snapshot.get_catalog_course(course), &snapshot);
            }
            Ok(())
        }
        RunVerb::Sync { key, title } => {
            let catalog = session.open()?;
            let synced = catalog
                .sync_course_run_details(&key, &title)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            let run = warned(synced);
            show(session, &catalog, &run)
        }
        RunVerb::Delete { key } => {
            let catalog = session.open()?;
            catalog
                .delete_course_run(&key)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            session.done(&format!("Deleted {key}."));
            Ok(())
        }
    }
}

fn show(session: &Session, catalog: &Catalog, run: &CourseRun) -> Result<(), Failure> {
    let snapshot = catalog.snapshot();
    session.output.one(&RunView::of(run, &snapshot))
}
