//! Entity tags: `ETag`, `If-None-Match` and `If-Match` of single records. A condition is looked at by
//! the catalog's writer, with the change, so that nothing comes between.
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
    /// Weakly compared: a proxy may have made it weak.
    fn has_weakly(&self, tag: &Tag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags
                .iter()
                .any(|named| named.strip_prefix("W/").unwrap_or(named) == tag.0),
        }
    }

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
        let known = self.0.as_ref();
        known.is_some_and(|known| known.has_weakly(tag))
    }
}

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Named::read(&parts.headers, &header::IF_NONE_MATCH).map(Self)
    }
}

/// `If-Match` and `If-None-Match` of a change: what the record must be for it to be made, and what it
/// must not be.
pub(super) struct Expected {
    is: Option<Named>,
    is_not: Option<Named>,
}

impl Expected {
    fn is_some(&self) -> bool {
        self.is.is_some() || self.is_not.is_some()
    }

    /// Whether the record, which there is, is what the client expects.
    fn has(&self, tag: &Tag) -> bool {
        let is = match &self.is {
            None | Some(Named::Any) => true,
            Some(Named::These(tags)) => tags.contains(&tag.0),
        };
        let is_not = self.is_not.as_ref();
        is && !is_not.is_some_and(|is_not| is_not.has_weakly(tag))
    }
}

/// Hands a change to the catalog: only if the record is what the client expects, if it expects
/// anything. A record that is missing is for the request itself to miss.
pub(super) async fn change<R: Request>(
    app: &App,
    request: R,
    expected: Expected,
    current: impl Fn(&Snapshot) -> Option<Tag> + Send + 'static,
) -> crate::Result<R::Answer> {
    hand_over(app, request, expected, current, |_| true).await
}

/// The same for a request that makes the record if there is none. Whoever names tags expects one.
pub(super) async fn put<R: Request>(
    app: &App,
    request: R,
    expected: Expected,
    current: impl Fn(&Snapshot) -> Option<Tag> + Send + 'static,
) -> crate::Result<R::Answer> {
    let may_be_missing = |expected: &Expected| expected.is.is_none();
    hand_over(app, request, expected, current, may_be_missing).await
}

async fn hand_over<R: Request>(
    app: &App,
    request: R,
    expected: Expected,
    current: impl Fn(&Snapshot) -> Option<Tag> + Send + 'static,
    may_be_missing: fn(&Expected) -> bool,
) -> crate::Result<R::Answer> {
    if !expected.is_some() {
        return app.catalog.submit(request).await;
    }
    let is_as_expected = move |now: &Snapshot| match current(now) {
        Some(tag) => expected.has(&tag),
        None => may_be_missing(&expected),
    };
    app.catalog.submit(request.only_if(is_as_expected)).await
}

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self {
            is: Named::read(&parts.headers, &header::IF_MATCH)?,
            is_not: Named::read(&parts.headers, &header::IF_NONE_MATCH)?,
        })
    }
}

/// Refuses what only a change of a single record heeds, where it would be passed over.
pub(super) fn unheeded(headers: &HeaderMap) -> Result<(), Problem> {
    let conditions = [header::IF_MATCH, header::IF_NONE_MATCH];
    match conditions.iter().find(|name| headers.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(Problem::bad_request(format!(
            "The header {name} has no meaning here: only what changes a single record heeds it."
        ))),
    }
}
