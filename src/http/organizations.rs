//! `/v1/organizations`

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, created, done, ok, record, tagged};
use super::body::{Fields, Json};
use super::paging::{OrderName, Results, default_limit};
use super::path::Key;
use super::patterns;
use super::query::Query;
use super::state::App;
use super::tag::{Expected, Known, Tag, change};
use crate::model::{OrganizationName, ShortName};
use crate::view::OrganizationView;
use crate::{
    CreateOrganization, Cursor, DeleteOrganization, Organization, OrganizationQuery, Snapshot,
    UpdateOrganization,
};

/// Where organizations are.
pub(super) const COLLECTION: &str = "/v1/organizations";

/// Which organizations to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only those in whose short name or name each of these words occurs, ignoring case.
    #[serde(default)]
    #[schemars(example = &"computer science")]
    q: String,
    /// In which order.
    #[serde(default)]
    order: OrderName,
    /// How many to list at most.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 1_000))]
    limit: usize,
    /// The cursor that the page before came with, as `next`; of another list or order, it is refused.
    #[schemars(regex(pattern = patterns::CURSOR))]
    cursor: Option<String>,
}

pub(super) async fn list(State(app): State<App>, Query(query): Query<List>) -> Answer {
    let cursor: Option<Cursor> = query.cursor.map(|text| text.parse()).transpose()?;
    let query_of_catalog = OrganizationQuery::new()
        .text(&query.q)
        .order(query.order.into())
        .limit(query.limit)
        .after(cursor);
    let snapshot = app.catalog.snapshot();
    let page = snapshot.list_organizations(&query_of_catalog)?;
    Results::of(&page, |organization| {
        OrganizationView::of(organization, &snapshot)
    })
    .answer()
}

/// A new organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OrganizationCreate")]
pub(super) struct Create {
    /// Its short name: letters, digits, '.', '_' and '-'.
    #[schemars(regex(pattern = patterns::SHORT_NAME), length(max = ShortName::MAX_CHARS))]
    short_name: String,
    /// Its name; the short name unless given.
    #[schemars(length(max = OrganizationName::MAX_CHARS))]
    name: Option<String>,
    /// Whether it is active; it is unless told otherwise.
    active: Option<bool>,
}

impl Fields for Create {
    const NAMES: &'static [&'static str] = &["short_name", "name", "active"];
}

pub(super) async fn create(State(app): State<App>, Json(body): Json<Create>) -> Answer {
    let request = CreateOrganization::new(body.short_name)
        .name(body.name.unwrap_or_default())
        .active(body.active.unwrap_or(true));
    let organization = app.catalog.submit(request).await?;
    let view = view(&app, &organization);
    let answer = created(COLLECTION, &view.short_name, &view)?;
    Ok(tagged(answer, &Tag::of(&view)))
}

pub(super) async fn get(State(app): State<App>, Key(short_name): Key, known: Known) -> Answer {
    let snapshot = app.catalog.snapshot();
    let organization = snapshot.get_organization(short_name)?;
    record(&known, &OrganizationView::of(&organization, &snapshot))
}

fn tag_of(snapshot: &Snapshot, short_name: &str) -> Option<Tag> {
    let organization = snapshot.get_organization(short_name).ok()?;
    Some(Tag::of(&OrganizationView::of(&organization, snapshot)))
}

/// What is to change of an organization; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OrganizationPatch")]
pub(super) struct Patch {
    /// Its new short name: letters, digits, '.', '_' and '-', unless it has others already. While it
    /// has runs, only the capitalisation can change.
    #[schemars(length(max = ShortName::MAX_CHARS))]
    short_name: Option<String>,
    /// Its new name.
    #[schemars(length(max = OrganizationName::MAX_CHARS))]
    name: Option<String>,
    /// Whether it is active.
    active: Option<bool>,
}

impl Fields for Patch {
    const NAMES: &'static [&'static str] = &["short_name", "name", "active"];
}

pub(super) async fn patch(
    State(app): State<App>,
    Key(short_name): Key,
    expected: Expected,
    Json(body): Json<Patch>,
) -> Answer {
    let mut request = UpdateOrganization::new(short_name.as_str())
        .short_name(body.short_name.unwrap_or_default())
        .name(body.name.unwrap_or_default());
    if let Some(active) = body.active {
        request = request.active(active);
    }
    let current = move |now: &Snapshot| tag_of(now, &short_name);
    let organization = change(&app, request, expected, current).await?;
    let view = view(&app, &organization);
    Ok(tagged(ok(&view)?, &Tag::of(&view)))
}

pub(super) async fn delete(
    State(app): State<App>,
    Key(short_name): Key,
    expected: Expected,
) -> Answer {
    let request = DeleteOrganization::new(short_name.as_str());
    let current = move |now: &Snapshot| tag_of(now, &short_name);
    change(&app, request, expected, current).await?;
    done()
}

fn view<'a>(app: &App, organization: &'a Organization) -> OrganizationView<'a> {
    OrganizationView::of(organization, &app.catalog.snapshot())
}
