//! The routes, one table.

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::problem::{Code, Problem};
use super::state::App;
use super::{courses, front, health, organizations, references, runs, stats};

/// The router of all routes, with what stands before each of them.
pub(super) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for (_, path, handler) in table() {
        router = router.route(path, handler);
    }
    router
        .fallback(async || Problem::new(Code::NotFound, "There is nothing at this address."))
        .method_not_allowed_fallback(async || {
            let detail = "This address has other methods; the header Allow lists them.";
            Problem::new(Code::MethodNotAllowed, detail)
        })
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            front::handle,
        ))
        .with_state(app.clone())
}

/// Every route: method, path, handler.
#[rustfmt::skip] // A table is read by its columns.
fn table() -> Vec<(MethodFilter, &'static str, MethodRouter<App>)> {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const PATCH: MethodFilter = MethodFilter::PATCH;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    let mut table = Vec::new();
    macro_rules! routes {
        ($($method:ident $path:literal $handler:path;)*) => {
            $(table.push(($method, $path, on($method, $handler)));)*
        };
    }
    routes! {
        GET    "/v1/organizations"                          organizations::list;
        POST   "/v1/organizations"                          organizations::create;
        GET    "/v1/organizations/{short_name}"             organizations::get;
        PATCH  "/v1/organizations/{short_name}"             organizations::patch;
        DELETE "/v1/organizations/{short_name}"             organizations::delete;

        GET    "/v1/courses"                                courses::list;
        POST   "/v1/courses"                                courses::create;
        GET    "/v1/courses/{key}"                          courses::get;
        PATCH  "/v1/courses/{key}"                          courses::patch;
        DELETE "/v1/courses/{key}"                          courses::delete;
        GET    "/v1/courses/{key}/runs"                     courses::list_runs;
        POST   "/v1/courses/{key}/runs"                     courses::create_run;
        GET    "/v1/courses/{key}/references"               references::list;
        PUT    "/v1/courses/{key}/references/{referrer}"    references::put;
        DELETE "/v1/courses/{key}/references/{referrer}"    references::delete;

        GET    "/v1/runs"                                   runs::list;
        POST   "/v1/runs"                                   runs::create;
        POST   "/v1/runs/get"                               runs::get_many;
        GET    "/v1/runs/{key}"                             runs::get;
        PATCH  "/v1/runs/{key}"                             runs::patch;
        DELETE "/v1/runs/{key}"                             runs::delete;
        GET    "/v1/runs/{key}/references"                  references::list;
        PUT    "/v1/runs/{key}/references/{referrer}"       references::put;
        DELETE "/v1/runs/{key}/references/{referrer}"       references::delete;

        GET    "/v1/runs/{org}/{course}/{run}"                          runs::get;
        PATCH  "/v1/runs/{org}/{course}/{run}"                          runs::patch;
        DELETE "/v1/runs/{org}/{course}/{run}"                          runs::delete;
        GET    "/v1/runs/{org}/{course}/{run}/references"               references::list;
        PUT    "/v1/runs/{org}/{course}/{run}/references/{referrer}"    references::put;
        DELETE "/v1/runs/{org}/{course}/{run}/references/{referrer}"    references::delete;

        GET    "/v1/stats"                                  stats::get;
        GET    "/healthz"                                   health::live;
        GET    "/readyz"                                    health::ready;
    }
    table
}
