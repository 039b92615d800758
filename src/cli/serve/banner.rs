//! The banner: everything that a person needs to go on.

use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, line};
use super::super::session::Session;
use crate::Catalog;
use crate::http::Server;

/// Prints what is served, and every address.
pub(super) fn show(session: &Session, catalog: &Catalog, server: &Server) -> Result<(), Failure> {
    let base = format!("http://{}", server.address());
    let data = session.global.data.display();
    let stats = catalog.stats();
    let version = env!("CARGO_PKG_VERSION");
    if session.output == Output::Json {
        return session.output.object(&json!({
            "version": version,
            "data": session.global.data,
            "organizations": stats.organizations,
            "catalog_courses": stats.catalog_courses,
            "course_runs": stats.course_runs,
            "references": stats.references,
            "address": base,
            "asks_for_keys": server.asks_for_keys(),
        }));
    }
    let (keys, key) = if server.asks_for_keys() {
        (
            "Every request needs a key.",
            " -H \"Authorization: Bearer $KEY\"",
        )
    } else {
        (
            "No key is asked for; make one with: coursecat key create NAME --scope admin",
            "",
        )
    };
    line(&format!(
        "coursecat {version} serves {data}: {stats}\n\
         \n\
         \x20 API      {base}/v1\n\
         \x20 docs     {base}/docs  {base}/openapi.json\n\
         \x20 health   {base}/healthz  {base}/readyz\n\
         \x20 metrics  {base}/metrics\n\
         \n\
         {keys}\n\
         Try: curl{key} {base}/v1/courses\n\
         Ctrl-C stops it."
    ))
}
