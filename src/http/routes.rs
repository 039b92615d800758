//! The routes, one table: the router, the documentation and what a key must allow all come from it.

use std::collections::HashMap;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;

use super::courses::{self, CreateRun, ListRuns};
use super::paging::Results;
use super::problem::Code::{AlreadyExists, InvalidKey, NotFound, Protected, UnknownOrganization};
use super::problem::{Code, Problem};
use super::route::Route;
use super::runs::{self, GetMany, Many};
use super::state::App;
use super::traffic::{Answered, Traffic};
use super::{
    backup, changes, docs, examples, export, front, health, import, keyring, keys, metrics,
    openapi, organizations, references, stats, stream, verify,
};
use crate::view::{
    CourseView, ImportView, OrganizationView, ReferenceView, RunView, StatsView, VerifyView,
};

/// The router of all routes, with what stands before each of them.
pub(super) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for route in table() {
        router = router.route(route.path, route.handler);
    }
    let router = router
        .fallback(async || Problem::new(NotFound, "There is nothing at this address."))
        .method_not_allowed_fallback(async || {
            let detail = "This address has other methods; the header Allow lists them.";
            Problem::new(Code::MethodNotAllowed, detail)
        })
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            front::handle,
        ))
        .with_state(app.clone());
    match cors(&app.config.cors) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Lets pages of these sites use the service; without any, browsers let none.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect();
    if origins.is_empty() {
        return None;
    }
    let cors = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(
            [
                "authorization",
                "content-type",
                "if-match",
                "if-none-match",
                "last-event-id",
            ]
            .map(HeaderName::from_static),
        )
        .expose_headers(
            [
                "etag",
                "location",
                "retry-after",
                "x-request-id",
                "coursecat-records",
            ]
            .map(HeaderName::from_static),
        )
        .max_age(std::time::Duration::from_secs(600));
    Some(cors)
}

/// Every route.
#[rustfmt::skip] // One route, one paragraph.
pub(super) fn table() -> Vec<Route> {
    vec![
        // Organizations

        Route::get("list_organizations", "/v1/organizations", organizations::list)
            .says("Lists organizations.")
            .query::<organizations::List>()
            .answers::<Results<OrganizationView>>(200, "A page of organizations.", examples::ORGANIZATIONS),

        Route::post("create_organization", "/v1/organizations", organizations::create)
            .says("Creates an organization.")
            .body::<organizations::Create>(r#"{"short_name": "MITx", "name": "Massachusetts Institute of Technology"}"#)
            .answers::<OrganizationView>(201, "The new organization.", examples::ORGANIZATION)
            .tagged()
            .fails(&[AlreadyExists]),

        Route::get("get_organization", "/v1/organizations/{short_name}", organizations::get)
            .says("Gets an organization, by its short name in any capitalisation.")
            .answers::<OrganizationView>(200, "The organization.", examples::ORGANIZATION)
            .tagged()
            .fails(&[NotFound]),

        Route::patch("update_organization", "/v1/organizations/{short_name}", organizations::patch)
            .says("Changes an organization. What is left out or empty stays.")
            .body::<organizations::Patch>(r#"{"active": false}"#)
            .answers::<OrganizationView>(200, "The organization as it is now.", examples::ORGANIZATION)
            .tagged()
            .conditional()
            .fails(&[NotFound, AlreadyExists]),

        Route::delete("delete_organization", "/v1/organizations/{short_name}", organizations::delete)
            .says("Deletes an organization that has no courses.")
            .gives_nothing()
            .conditional()
            .fails(&[NotFound, Protected]),

        // Catalog courses

        Route::get("list_courses", "/v1/courses", courses::list)
            .says("Lists catalog courses.")
            .query::<courses::List>()
            .answers::<Results<CourseView>>(200, "A page of catalog courses.", examples::COURSES),

        Route::post("create_course", "/v1/courses", courses::create)
            .says("Creates a catalog course in an organization that exists.")
            .body::<courses::Create>(r#"{"org": "MITx", "course_code": "8.01x", "title": "Mechanics", "language": "en"}"#)
            .answers::<CourseView>(201, "The new course.", examples::COURSE)
            .tagged()
            .fails(&[NotFound, AlreadyExists]),

        Route::get("get_course", "/v1/courses/{key_str}", courses::get)
            .says("Gets a catalog course.")
            .answers::<CourseView>(200, "The course.", examples::COURSE)
            .tagged()
            .fails(&[NotFound, InvalidKey]),

        Route::patch("update_course", "/v1/courses/{key_str}", courses::patch)
            .says("Changes a catalog course's title, its language, or both. What is left out or empty stays.")
            .body::<courses::Patch>(r#"{"title": "Mechanics I"}"#)
            .answers::<CourseView>(200, "The course as it is now.", examples::COURSE)
            .tagged()
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        Route::delete("delete_course", "/v1/courses/{key_str}", courses::delete)
            .says("Deletes a catalog course that has no runs and no references.")
            .gives_nothing()
            .conditional()
            .fails(&[NotFound, InvalidKey, Protected]),

        Route::get("list_runs_of_course", "/v1/courses/{key_str}/runs", courses::list_runs)
            .says("Lists the runs of a catalog course.")
            .query::<ListRuns>()
            .answers::<Results<RunView>>(200, "A page of runs.", examples::RUNS)
            .fails(&[NotFound, InvalidKey]),

        Route::post("create_run_of_course", "/v1/courses/{key_str}/runs", courses::create_run)
            .says("Creates a run of a catalog course that exists.")
            .body::<CreateRun>(r#"{"run_code": "2026_T1"}"#)
            .answers::<RunView>(201, "The new run.", examples::WARNED_RUN)
            .tagged()
            .fails(&[NotFound, InvalidKey, AlreadyExists]),

        Route::get("list_references_of_course", "/v1/courses/{key_str}/references", references::list)
            .says("Lists who refers to a catalog course.")
            .query::<references::List>()
            .answers::<Results<ReferenceView>>(200, "A page of references.", examples::REFERENCES)
            .fails(&[NotFound, InvalidKey]),

        Route::put("add_reference_to_course", "/v1/courses/{key_str}/references/{referrer}", references::put)
            .says("Notes that something outside refers to a catalog course, which protects it from deletion.")
            .answers::<ReferenceView>(201, "The new reference.", examples::REFERENCE)
            .answers::<ReferenceView>(200, "It was there already.", examples::REFERENCE)
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        Route::delete("remove_reference_from_course", "/v1/courses/{key_str}/references/{referrer}", references::delete)
            .says("Notes that it no longer does.")
            .gives_nothing()
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        // Course runs

        Route::get("list_runs", "/v1/runs", runs::list)
            .says("Lists course runs.")
            .query::<runs::List>()
            .answers::<Results<RunView>>(200, "A page of runs.", examples::RUNS)
            .fails(&[InvalidKey]),

        Route::post("create_run", "/v1/runs", runs::create)
            .says("Makes sure that a run is in the catalog, and as needed its course and its organization.")
            .body::<runs::Create>(r#"{"course_key": "course-v1:MITx+8.01x+2026_T1", "title": "Mechanics", "language_short": "en"}"#)
            .answers::<RunView>(201, "The new run.", examples::WARNED_RUN)
            .answers::<RunView>(200, "The run existed, and stays as it is.", examples::EXISTING_RUN)
            .tagged()
            .fails(&[InvalidKey, AlreadyExists, UnknownOrganization]),

        Route::post("get_runs", "/v1/runs/get", runs::get_many)
            .reads()
            .says("Gets many runs at once, in the order asked, with null where there is none.")
            .body::<GetMany>(r#"{"course_keys": ["course-v1:MITx+8.01x+2026_T1", "course-v1:MITx+8.01x+1999"]}"#)
            .answers::<Many>(200, "The runs.", examples::MANY_RUNS)
            .fails(&[InvalidKey]),

        Route::get("get_run", "/v1/runs/{course_key}", runs::get)
            .says("Gets a run.")
            .answers::<RunView>(200, "The run.", examples::RUN)
            .tagged()
            .fails(&[NotFound, InvalidKey]),

        Route::patch("sync_run", "/v1/runs/{course_key}", runs::patch)
            .says("Brings a run's title up to date. The catalog course is not touched.")
            .body::<runs::Patch>(r#"{"title": "Mechanics, again"}"#)
            .answers::<RunView>(200, "The run as it is now.", examples::WARNED_RUN)
            .tagged()
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        Route::delete("delete_run", "/v1/runs/{course_key}", runs::delete)
            .says("Deletes a run that has no references. Its course stays.")
            .gives_nothing()
            .conditional()
            .fails(&[NotFound, InvalidKey, Protected]),

        Route::get("list_references_of_run", "/v1/runs/{course_key}/references", references::list)
            .says("Lists who refers to a run.")
            .query::<references::List>()
            .answers::<Results<ReferenceView>>(200, "A page of references.", examples::REFERENCES)
            .fails(&[NotFound, InvalidKey]),

        Route::put("add_reference_to_run", "/v1/runs/{course_key}/references/{referrer}", references::put)
            .says("Notes that something outside refers to a run, which protects it from deletion.")
            .answers::<ReferenceView>(201, "The new reference.", examples::REFERENCE)
            .answers::<ReferenceView>(200, "It was there already.", examples::REFERENCE)
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        Route::delete("remove_reference_from_run", "/v1/runs/{course_key}/references/{referrer}", references::delete)
            .says("Notes that it no longer does.")
            .gives_nothing()
            .conditional()
            .fails(&[NotFound, InvalidKey]),

        // A legacy key may keep its slashes.

        Route::get("", "/v1/runs/{org}/{course}/{run}", runs::get).alias(),
        Route::patch("", "/v1/runs/{org}/{course}/{run}", runs::patch).conditional().alias(),
        Route::delete("", "/v1/runs/{org}/{course}/{run}", runs::delete).conditional().alias(),
        Route::get("", "/v1/runs/{org}/{course}/{run}/references", references::list)
            .query::<references::List>()
            .alias(),
        Route::put("", "/v1/runs/{org}/{course}/{run}/references/{referrer}", references::put).conditional().alias(),
        Route::delete("", "/v1/runs/{org}/{course}/{run}/references/{referrer}", references::delete).conditional().alias(),

        // The change feed

        Route::get("list_changes", "/v1/changes", changes::list)
            .says("Lists what has changed since a position, in order, without gap or repetition.")
            .query::<changes::Position>()
            .answers::<changes::Page>(200, "Some of the changes.", examples::CHANGES)
            .fails(&[Code::Compacted]),

        Route::get("follow_changes", "/v1/changes/stream", stream::get)
            .long()
            .says("Follows the changes as server-sent events; Last-Event-ID goes on after an event. An event named end says why the stream ends.")
            .query::<stream::Position>()
            .heeds::<stream::EventId>("Last-Event-ID", "The id of the last event that is known.")
            .gives("text/event-stream", "The changes as they happen.", examples::EVENTS)
            .fails(&[Code::Compacted]),

        // Data in and out

        Route::get("export", "/v1/export", export::get)
            .long()
            .says("Streams the catalog, or a part of it, in one of the formats of the field.")
            .query::<export::Choice>()
            .gives("application/x-ndjson", "The catalog, in the format that is asked for.", examples::LINES)
            .gives("text/csv", "", examples::CSV)
            .gives("application/json", "", examples::FIXTURE)
            .fails(&[NotFound]),

        Route::post("import", "/v1/import", import::post)
            .long()
            .administers()
            .says("Takes in data of any format. Rows that the rules refuse are reported, the others go in.")
            .query::<import::Choice>()
            .takes("application/x-ndjson", examples::PLAIN_LINES)
            .takes("text/csv", examples::CSV)
            .takes("application/json", examples::FIXTURE)
            .takes("application/octet-stream", examples::PLAIN_LINES)
            .answers::<ImportView>(200, "What came of it.", examples::REPORT)
            .fails(&[Code::Timeout]),

        Route::get("backup", "/v1/backup", backup::get)
            .long()
            .administers()
            .says("Streams a backup: everything, compressed, with counts and a checksum.")
            .gives("application/zstd", "What coursecat restore takes.", "(bytes)"),

        Route::get("verify", "/v1/verify", verify::get)
            .long()
            .administers()
            .says("Checks every row, index, count and digest of the store. Writes wait until it is done.")
            .answers::<VerifyView>(200, "What was found.", examples::VERIFIED)
            .fails(&[Code::ReadOnly]),

        // Keys

        Route::get("list_keys", "/v1/keys", keyring::list)
            .administers()
            .says("Lists keys, without what is secret of them.")
            .answers::<Results<keyring::KeyView>>(200, "The keys.", examples::KEYS),

        Route::post("create_key", "/v1/keys", keyring::create)
            .administers()
            .says("Makes a key. It is shown this once.")
            .body::<keyring::Create>(r#"{"name": "lms", "scope": "write"}"#)
            .answers::<keyring::KeyView>(201, "The new key.", examples::NEW_KEY)
            .fails(&[AlreadyExists]),

        Route::delete("revoke_key", "/v1/keys/{name}", keyring::revoke)
            .administers()
            .says("Revokes a key.")
            .gives_nothing()
            .fails(&[NotFound]),

        // The service

        Route::get("get_stats", "/v1/stats", stats::get)
            .says("Counts what the catalog holds.")
            .answers::<StatsView>(200, "The counts.", examples::STATS),

        Route::get("is_alive", "/healthz", health::live)
            .open()
            .says("Answers while the process does.")
            .answers::<health::Health>(200, "It does.", r#"{"status": "ok"}"#),

        Route::get("is_ready", "/readyz", health::ready)
            .open()
            .says("Answers 200 while requests are welcome: not when the service stops, nor when its disk has failed.")
            .answers::<health::Health>(200, "They are.", r#"{"status": "ready"}"#)
            .fails(&[Code::ReadOnly]),

        Route::get("get_metrics", "/metrics", metrics::get)
            .says("Tells how the service is doing, to Prometheus.")
            .gives("text/plain", "The metrics, in the text format of version 0.0.4.", examples::METRICS),

        Route::get("get_openapi", "/openapi.json", openapi::get)
            .open()
            .says("Gets this document.")
            .gives("application/json", "OpenAPI 3.1.", r#"{"openapi": "3.1.0"}"#),

        Route::get("get_docs", "/docs", docs::get)
            .open()
            .says("Shows this document to a person.")
            .gives("text/html", "A page that needs nothing from elsewhere.", "<!doctype html>"),

        Route::get("", "/", docs::front_page).open().alias(),
    ]
}

/// What there is to know about each path before and after its routes are called.
pub(super) struct Index {
    places: HashMap<&'static str, Place>,
    /// For paths that no route has.
    elsewhere: Place,
}

/// A path of the table.
pub(super) struct Place {
    routes: Vec<(Method, Facts)>,
    /// What has been answered there.
    pub(super) traffic: Traffic,
}

/// What is known of a route before it is called.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) scope: Option<keys::Scope>,
    pub(super) is_long: bool,
    pub(super) has_query: bool,
    /// Whether it changes something, and heeds no conditions.
    pub(super) is_unconditional: bool,
}

impl Index {
    pub(super) fn new() -> Self {
        let mut places: HashMap<_, Place> = HashMap::new();
        for route in table() {
            let Route {
                method,
                scope,
                is_long,
                has_query,
                is_conditional,
                ..
            } = route;
            let facts = Facts {
                scope,
                is_long,
                has_query,
                is_unconditional: !is_conditional && !method.is_safe(),
            };
            let place = places.entry(route.path).or_insert_with(Place::new);
            place.routes.push((method, facts));
        }
        Self {
            places,
            elsewhere: Place::new(),
        }
    }

    /// What there is at a path of the table, or elsewhere.
    pub(super) fn find(&self, path: &str) -> &Place {
        self.places.get(path).unwrap_or(&self.elsewhere)
    }

    /// What has been answered at each path of the table, in order, and elsewhere.
    pub(super) fn traffic(&self) -> Vec<(&'static str, Answered)> {
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_unstable_by_key(|(path, _)| **path);
        places.push((&"elsewhere", &self.elsewhere));
        let answered = |(path, place): (&&'static str, &Place)| {
            let path = *path;
            let all = place.traffic.read().into_iter();
            all.map(move |answered| (path, answered))
        };
        places.into_iter().flat_map(answered).collect()
    }
}

impl Place {
    fn new() -> Self {
        Self {
            routes: Vec::new(),
            traffic: Traffic::new(),
        }
    }

    /// The facts of the route of a method; `HEAD` is `GET` without a body.
    pub(super) fn facts(&self, method: &Method) -> Option<Facts> {
        let method = match method {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let found = self.routes.iter().find(|(of_route, _)| of_route == method);
        found.map(|(_, facts)| *facts)
    }
}
