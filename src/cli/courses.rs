//! `coursecat course …`

use super::args::CourseVerb;
use super::failure::Failure;
use super::place::{CourseFilter, NewCourse};
use super::session::Session;
use super::suggest::explain_empty;

pub(super) fn run(session: &Session, verb: CourseVerb) -> Result<(), Failure> {
    match verb {
        CourseVerb::Create {
            org,
            course_code,
            title,
            language,
            language_short,
        } => {
            let course = session.place_or_create()?.create_course(&NewCourse {
                org: &org,
                course_code: &course_code,
                title: &title,
                language: language.as_deref(),
                language_short: &language_short,
            })?;
            session.output.one(&course)
        }
        CourseVerb::Get { keys } => session.output.list(&session.place()?.courses(&keys)?),
        CourseVerb::List {
            org,
            course_code,
            language,
            text,
            page,
        } => {
            let place = session.place()?;
            let filter = CourseFilter {
                org: org.as_deref(),
                course_code: course_code.as_deref(),
                language: language.as_deref(),
                text: &text,
            };
            let shown = session.list(&page, |part| place.list_courses(&filter, part))?;
            if let (0, Some(org)) = (shown, org) {
                explain_empty(session, place.organizations(&[org]));
            }
            Ok(())
        }
        CourseVerb::Runs { key } => {
            let runs = session.place()?.runs_of(&key)?;
            session.output.list(&runs)?;
            if runs.is_empty() {
                session.done("It has no runs.");
            }
            Ok(())
        }
        CourseVerb::Update {
            key,
            title,
            language_short,
        } => {
            let course = session
                .place()?
                .update_course(&key, &title, &language_short)?;
            session.output.one(&course)
        }
        CourseVerb::Delete { key } => {
            session.place()?.delete_course(&key)?;
            session.done(&format!("Deleted {key}."));
            Ok(())
        }
    }
}
