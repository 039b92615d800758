//! Bodies in JSON, read strictly: the right type, not too long, and no field that there is not.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;

use super::problem::{Code, Problem};
use super::state::App;

/// A body that was JSON.
pub(super) struct Json<T>(pub(super) T);

/// What a body can hold.
pub(super) trait Fields: DeserializeOwned {
    /// The names of its fields.
    const NAMES: &'static [&'static str];
}

impl<T: Fields> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        check_type(request.headers())?;
        let bytes = whole(request.into_body(), app.config.max_body_bytes).await?;
        read(&bytes).map(Self)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let essence = given.as_deref().unwrap_or_default().split(';').next();
    if essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        match given {
            None => "The body needs the header Content-Type: application/json.".to_owned(),
            Some(given) => format!("The body is {given:?}; send application/json."),
        },
    ))
}

/// All of a body, if it is not too long.
async fn whole(body: Body, most: usize) -> Result<axum::body::Bytes, Problem> {
    let too_large = || {
        let detail = format!("The body has more than {most} bytes.");
        Problem::new(Code::TooLarge, detail)
    };
    // A client that says how much it has is told before it sends any of it.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    to_bytes(body, most).await.map_err(|error| {
        let causes =
            std::iter::successors(std::error::Error::source(&error), |error| error.source());
        if causes
            .into_iter()
            .any(|cause| cause.is::<LengthLimitError>())
        {
            too_large()
        } else {
            Problem::bad_request("The body ended too early or cannot be read.")
        }
    })
}

fn read<T: Fields>(bytes: &[u8]) -> Result<T, Problem> {
    // A list of values would do for an object, to the library that reads.
    if bytes
        .trim_ascii_start()
        .first()
        .is_some_and(|first| *first == b'[')
    {
        return Err(Problem::bad_request("The body must be a JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let error = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => return Ok(value),
            Err(error) => return Err(malformed(&error)),
        },
        Err(error) => error,
    };
    if !error.inner().is_data() {
        return Err(malformed(error.inner()));
    }
    let unknown = unknown_fields::<T>(bytes);
    if let Some(first) = unknown.first() {
        let detail = format!(
            "There is no field {}; there {} {}.",
            listed(&unknown, "or"),
            if T::NAMES.len() == 1 { "is" } else { "are" },
            listed(T::NAMES, "and"),
        );
        return Err(Problem::invalid(first, detail));
    }
    let what = error.inner().to_string();
    let field = field_of(&error.path().to_string(), &what);
    if field.is_empty() {
        return Err(Problem::bad_request("The body must be a JSON object."));
    }
    let detail = if what.starts_with("missing field") {
        format!("The field {field:?} is missing.")
    } else {
        format!("The field {field:?} is refused: {}.", unquoted(&what))
    };
    Err(Problem::invalid(field, detail))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("The body is no JSON: {error}."))
}

/// The names in a body that its type does not have.
fn unknown_fields<T: Fields>(bytes: &[u8]) -> Vec<String> {
    let given: BTreeMap<String, IgnoredAny> = serde_json::from_slice(bytes).unwrap_or_default();
    given
        .into_keys()
        .filter(|name| !T::NAMES.contains(&name.as_str()))
        .map(|name| name.chars().take(100).collect())
        .collect()
}

/// `"a", "b" and "c"`
fn listed(names: &[impl AsRef<str>], and: &str) -> String {
    const MOST: usize = 20;
    let mut text = String::new();
    for (i, name) in names.iter().take(MOST).enumerate() {
        match i {
            0 => {}
            i if i + 1 == names.len() => text.push_str(&format!(" {and} ")),
            _ => text.push_str(", "),
        }
        text.push_str(&format!("{:?}", name.as_ref()));
    }
    if names.len() > MOST {
        text.push_str(&format!(" {and} {} more", names.len() - MOST));
    }
    text
}

/// The field that an error is about: the one that was being read, or the one that is missing.
pub(super) fn field_of(path: &str, what: &str) -> String {
    let named = || {
        let (_, rest) = what.split_once(" field `")?;
        Some(rest.split('`').next()?.to_owned())
    };
    match path.split(['.', '[']).next().unwrap_or_default() {
        "" | "?" => named().unwrap_or_default(),
        field => field.to_owned(),
    }
}

/// What a reader of JSON says, with the quotes of a sentence and without the place.
pub(super) fn unquoted(what: &str) -> String {
    let what = what.split(" at line ").next().unwrap_or(what);
    what.replace('`', "\"")
}
