//! `coursecat org …`

use super::args::OrgVerb;
use super::failure::Failure;
use super::place::OrganizationChange;
use super::session::Session;

pub(super) fn run(session: &Session, verb: OrgVerb) -> Result<(), Failure> {
    match verb {
        OrgVerb::Create {
            short_name,
            name,
            inactive,
        } => {
            let place = session.place_or_create()?;
            let organization = place.create_organization(&short_name, &name, !inactive)?;
            session.output.one(&organization)
        }
        OrgVerb::Get { short_names } => {
            let organizations = session.place()?.organizations(&short_names)?;
            session.output.list(&organizations)
        }
        OrgVerb::List { text, page } => {
            let place = session.place()?;
            session.list(&page, |part| place.list_organizations(&text, part))?;
            Ok(())
        }
        OrgVerb::Rename {
            short_name,
            new_short_name,
        } => {
            let change = OrganizationChange {
                short_name: &new_short_name,
                ..OrganizationChange::default()
            };
            let renamed = session.place()?.update_organization(&short_name, &change)?;
            session.output.one(&renamed)
        }
        OrgVerb::Update {
            short_name,
            name,
            active,
            inactive,
        } => {
            let change = OrganizationChange {
                name: &name,
                active: (active || inactive).then_some(active),
                ..OrganizationChange::default()
            };
            let updated = session.place()?.update_organization(&short_name, &change)?;
            session.output.one(&updated)
        }
        OrgVerb::Delete { short_name } => {
            session.place()?.delete_organization(&short_name)?;
            session.done(&format!("Deleted the organization {short_name}."));
            Ok(())
        }
    }
}
