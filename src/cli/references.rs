//! `coursecat ref …`

use super::args::RefVerb;
use super::failure::Failure;
use super::session::Session;
use super::suggest::suggest;
use super::view::ReferenceView;

pub(super) fn run(session: &Session, verb: RefVerb) -> Result<(), Failure> {
    let catalog = session.open()?;
    let failed = |error| suggest(error, &catalog.snapshot());
    match verb {
        RefVerb::Add { key, referrer } => {
            let is_new = catalog.add_reference(&key, &referrer).map_err(failed)?;
            session.done(&if is_new {
                format!("{referrer} now refers to {key}.")
            } else {
                format!("{referrer} referred to {key} already.")
            });
            Ok(())
        }
        RefVerb::Remove { key, referrer } => {
            catalog.remove_reference(&key, &referrer).map_err(failed)?;
            session.done(&format!("{referrer} no longer refers to {key}."));
            Ok(())
        }
        RefVerb::List { key } => {
            let referrers = catalog.list_references(&key).map_err(failed)?;
            let views: Vec<_> = referrers
                .iter()
                .map(|referrer| ReferenceView {
                    referrer: referrer.to_string(),
                })
                .collect();
            session.output.list(&views)?;
            if views.is_empty() {
                session.done("Nothing refers to it.");
            }
            Ok(())
        }
    }
}
