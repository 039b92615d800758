//! `coursecat run …`

use super::args::RunVerb;
use super::failure::Failure;
use super::place::{NewRun, RunFilter};
use super::session::{Session, warned};
use super::suggest::explain_empty;

pub(super) fn run(session: &Session, verb: RunVerb) -> Result<(), Failure> {
    match verb {
        RunVerb::Create {
            key,
            title,
            language_short,
            in_course,
            run_code,
        } => {
            let place = session.place_or_create()?;
            let key = key.unwrap_or_default();
            let new = match (&in_course, &run_code) {
                (Some(course), Some(run_code)) => NewRun::InCourse {
                    course,
                    run_code,
                    key: &key,
                    title: &title,
                },
                _ => NewRun::WithCourse {
                    key: &key,
                    title: &title,
                    language_short: &language_short,
                },
            };
            let run = warned(place.create_run(&new)?);
            session.output.one(&run)
        }
        RunVerb::Get { keys } => session.output.list(&session.place()?.runs(&keys)?),
        RunVerb::List {
            org,
            course,
            text,
            page,
        } => {
            let place = session.place()?;
            let filter = RunFilter {
                org: org.as_deref(),
                course: course.as_deref(),
                text: &text,
            };
            let shown = session.list(&page, |part| place.list_runs(&filter, part))?;
            if let (0, Some(org)) = (shown, org) {
                explain_empty(session, place.organizations(&[org]));
            }
            if let (0, Some(course)) = (shown, course) {
                explain_empty(session, place.courses(&[course]));
            }
            Ok(())
        }
        RunVerb::Sync { key, title } => {
            let run = warned(session.place()?.sync_run(&key, &title)?);
            session.output.one(&run)
        }
        RunVerb::Delete { key } => {
            session.place()?.delete_run(&key)?;
            session.done(&format!("Deleted {key}."));
            Ok(())
        }
    }
}
