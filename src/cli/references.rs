//! `coursecat ref …`

use super::args::RefVerb;
use super::failure::Failure;
use super::session::Session;

pub(super) fn run(session: &Session, verb: RefVerb) -> Result<(), Failure> {
    let place = session.place()?;
    match verb {
        RefVerb::Add { key, referrer } => {
            let is_new = place.add_reference(&key, &referrer)?;
            session.done(&if is_new {
                format!("{referrer} now refers to {key}.")
            } else {
                format!("{referrer} referred to {key} already.")
            });
            Ok(())
        }
        RefVerb::Remove { key, referrer } => {
            place.remove_reference(&key, &referrer)?;
            session.done(&format!("{referrer} no longer refers to {key}."));
            Ok(())
        }
        RefVerb::List { key } => {
            let references = place.references(&key)?;
            session.output.list(&references)?;
            if references.is_empty() {
                session.done("Nothing refers to it.");
            }
            Ok(())
        }
    }
}
