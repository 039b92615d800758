//! Entity tags: `ETag`, `If-None-Match` and `If-Match` of single records.
//!
//! The tag of a record is a digest of its JSON, so it changes with whatever a reader can see of it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::problem::Problem;
use super::state::App;
use crate::{Request, Snapshot};

/// What a representation of a record is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn of_json(json: &[u8]) -> Self {
        Self(format!("\"{:032x}\"", xxh3_128(json)))
    }

    pub(super) fn of(view: &impl Serialize) -> Self {
        // Texts, numbers and flags: writing them into memory has no way to fail.
        Self::of_json(&serde_json::to_vec(view).unwrap_or_default())
    }

    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

/// The tags that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    Any,
    These(Vec<String>),
}

impl Named {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut tags = Vec::new();
        let mut lines = headers.get_all(name).iter().peekable();
        if lines.peek().is_none() {
            return Ok(None);
        }
        for line in lines {
            let read = line.to_str().ok().and_then(|line| match line.trim() {
                "*" => Some(None),
                line => Some(Some(split(line)?)),
            });
            match read {
                Some(Some(of_line)) => tags.extend(of_line),
                Some(None) => return Ok(Some(Self::Any)),
                None => {
                    let detail = format!(
                        "The header {name} must hold * or tags such as \"abc\", with their quotes."
                    );
                    return Err(Problem::bad_request(detail));
                }
            }
        }
        Ok(Some(Self::These(tags)))
    }
}

/// The tags of a line, each with its quotes. There may be commas between these, too.
fn split(line: &str) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    let mut rest = line;
    loop {
        let opaque = rest.strip_prefix("W/").unwrap_or(rest);
        let length = opaque.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = rest.split_at(rest.len() - opaque.len() + length);
        tags.push(tag.to_owned());
        rest = match after.trim_start() {
            "" => return Some(tags),
            after => after.strip_prefix(',')?.trim_start(),
        };
    }
}

/// `If-None-Match`: what the client has already.
pub(super) struct Known(Option<Named>);

impl Known {
    /// Whether the client has this representation already.
    pub(super) fn has(&self, tag: &Tag) -> bool {
        match &self.0 {
            None => false,
            Some(Named::Any) => true,
            // Weakly compared: a proxy may have made it weak.
            Some(Named::These(tags)) => tags
                .iter()
                .any(|known| known.strip_prefix("W/").unwrap_or(known) == tag.0),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Named::read(&parts.headers, &header::IF_NONE_MATCH).map(Self)
    }
}

/// `If-Match`: what the record must still be for a change to be made.
pub(super) struct Expected(Option<Named>);

impl Expected {
    /// Whether a change depends on what the record is at all.
    fn is_some(&self) -> bool {
        matches!(self.0, Some(Named::These(_)))
    }

    /// Whether the record is still what the client expects.
    fn has(&self, tag: &Tag) -> bool {
        match &self.0 {
            None | Some(Named::Any) => true,
            Some(Named::These(tags)) => tags.contains(&tag.0),
        }
    }
}

/// Hands a change to the catalog: only if the record still has the tag that the client expects, if
/// it expects one. A record that is missing is for the request itself to miss.
pub(super) async fn change<R: Request>(
    app: &App,
    request: R,
    expected: Expected,
    current: impl Fn(&Snapshot) -> Option<Tag> + Send + 'static,
) -> crate::Result<R::Answer> {
    if !expected.is_some() {
        return app.catalog.submit(request).await;
    }
    let is_as_expected = move |now: &Snapshot| current(now).is_none_or(|tag| expected.has(&tag));
    app.catalog.submit(request.only_if(is_as_expected)).await
}

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Named::read(&parts.headers, &header::IF_MATCH).map(Self)
    }
}
