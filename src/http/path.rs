//! Keys in paths: percent-encoded, or raw where a URL allows it.
//!
//! A `+` is a plus. A legacy key may come with its two slashes as they are.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::problem::Problem;

/// The key that a path names.
pub(super) struct Key(pub(super) String);

/// The key that a path names, and who refers to its record.
pub(super) struct Reference {
    pub(super) key: String,
    pub(super) referrer: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (key, _) = read(parts, state).await?;
        Ok(Self(key))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reference {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (key, referrer) = read(parts, state).await?;
        Ok(Self { key, referrer })
    }
}

/// Reads `{key_str}`, `{course_key}` or another name, or `{org}/{course}/{run}` of a legacy key, and `{referrer}`.
async fn read<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(String, String), Problem> {
    // The router has decoded them, each segment by itself.
    let segments = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|error| Problem::bad_request(format!("The path cannot be read: {error}.")))?;
    let (mut key, mut referrer) = (String::new(), String::new());
    for (name, text) in &segments {
        match name {
            "referrer" => text.clone_into(&mut referrer),
            "course" | "run" => {
                key.push('/');
                key.push_str(text);
            }
            _ => text.clone_into(&mut key),
        }
    }
    Ok((key, referrer))
}
