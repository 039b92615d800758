//! The banner: everything that a person needs to go on.

use std::net::SocketAddr;

use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, line};
use super::super::session::Session;
use crate::Catalog;

/// Prints what is served, and every address.
pub(super) fn show(
    session: &Session,
    catalog: &Catalog,
    address: SocketAddr,
) -> Result<(), Failure> {
    let base = format!("http://{address}");
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
        }));
    }
    line(&format!(
        "coursecat {version} serves {data}: {stats}\n\
         \n\
         \x20 API      {base}/v1\n\
         \x20 health   {base}/healthz  {base}/readyz\n\
         \n\
         Try: curl {base}/v1/courses\n\
         Ctrl-C stops it."
    ))
}
