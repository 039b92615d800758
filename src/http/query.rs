//! Query strings, read strictly: a parameter that there is not, or that comes twice, is an error.
//!
//! They are form-encoded, as browsers send them: a `+` is a space, `%2B` is a plus. A parameter
//! with nothing behind its `=` is as good as none.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_urlencoded::Deserializer;

use super::body::{field_of, unquoted};
use super::problem::Problem;

/// The parameters of a request.
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = given(&parts.uri).collect::<Vec<_>>().join("&");
        let pairs = Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| {
                let what = error.inner().to_string();
                let field = field_of(&error.path().to_string(), &what);
                Problem::invalid(&field, detail(&field, &what))
            })
    }
}

/// Refuses any parameter, where there are none.
pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
    let first = given(uri).next().unwrap_or_default();
    match form_urlencoded::parse(first.as_bytes()).next() {
        None => Ok(()),
        Some((name, _)) => {
            let detail = format!("There is no parameter {name:?}; this address has none.");
            Err(Problem::invalid(name, detail))
        }
    }
}

/// The parameters that have a value, as they came.
fn given(uri: &Uri) -> impl Iterator<Item = &str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.filter(|pair| {
        pair.split_once('=')
            .is_some_and(|(_, value)| !value.is_empty())
    })
}

fn detail(field: &str, what: &str) -> String {
    if let Some((_, known)) = what.split_once("expected")
        && what.starts_with("unknown field")
    {
        return format!(
            "There is no parameter {field:?}; expected is{}.",
            unquoted(known)
        );
    }
    let why = match what {
        "invalid digit found in string" => "it must be a whole number",
        "number too large to fit in target type" => "the number is too large",
        what if what.starts_with("duplicate field") => "it comes twice",
        what => what,
    };
    format!("The parameter {field:?} is refused: {}.", unquoted(why))
}
