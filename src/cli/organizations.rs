//! `coursecat org …`

use super::args::OrgVerb;
use super::failure::Failure;
use super::session::Session;
use super::suggest::suggest;
use super::view::OrganizationView;
use crate::{CreateOrganization, Organization, OrganizationQuery, UpdateOrganization};

pub(super) fn run(session: &Session, verb: OrgVerb) -> Result<(), Failure> {
    match verb {
        OrgVerb::Create {
            short_name,
            name,
            inactive,
        } => {
            let catalog = session.open_or_create()?;
            let request = CreateOrganization::new(short_name)
                .name(name)
                .active(!inactive);
            let organization = catalog.create_organization(request)?;
            show(session, &catalog, &organization)
        }
        OrgVerb::Get { short_names } => {
            let snapshot = session.open()?.snapshot();
            let found: crate::Result<Vec<_>> = short_names
                .iter()
                .map(|name| snapshot.get_organization(name))
                .collect();
            let views: Vec<_> = found
                .map_err(|error| suggest(error, &snapshot))?
                .iter()
                .map(|organization| OrganizationView::of(organization, &snapshot).into_owned())
                .collect();
            session.output.list(&views)
        }
        OrgVerb::List { text, page } => {
            let snapshot = session.open()?.snapshot();
            let query = OrganizationQuery::new().text(&text);
            session.list(
                &page,
                |order, limit, cursor| {
                    let query = query.clone().order(order).limit(limit).after(cursor);
                    snapshot.list_organizations(&query)
                },
                |organization| OrganizationView::of(organization, &snapshot).into_owned(),
            )?;
            Ok(())
        }
        OrgVerb::Rename {
            short_name,
            new_short_name,
        } => {
            let catalog = session.open()?;
            let renamed = catalog
                .rename_organization(&short_name, &new_short_name)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            show(session, &catalog, &renamed)
        }
        OrgVerb::Update {
            short_name,
            name,
            active,
            inactive,
        } => {
            let catalog = session.open()?;
            let mut request = UpdateOrganization::new(short_name).name(name);
            if active || inactive {
                request = request.active(active);
            }
            let updated = catalog
                .update_organization(request)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            show(session, &catalog, &updated)
        }
        OrgVerb::Delete { short_name } => {
            let catalog = session.open()?;
            catalog
                .delete_organization(&short_name)
                .map_err(|error| suggest(error, &catalog.snapshot()))?;
            session.done(&format!("Deleted the organization {short_name}."));
            Ok(())
        }
    }
}

fn show(
    session: &Session,
    catalog: &crate::Catalog,
    organization: &Organization,
) -> Result<(), Failure> {
    let snapshot = catalog.snapshot();
    session
        .output
        .one(&OrganizationView::of(organization, &snapshot))
}
