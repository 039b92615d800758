//! Problems: errors as `application/problem+json` (RFC 9457) has them.
//!
//! One table of codes, each with its status. What went wrong is said by the catalog's own errors;
//! here it only gets its status and its members.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Entity, Error};
use crate::key::InvalidKey;
use crate::model::Invalid;

/// Declares the codes, each with its name, its status, what it means and what to do.
macro_rules! codes {
    ($($code:ident $name:literal $status:ident $title:literal $advice:literal;)*) => {
        /// What kind of problem it is. The names do not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $($code,)*
        }

        impl Code {
            pub(super) const ALL: &'static [Self] = &[$(Self::$code,)*];
            /// Their names.
            const NAMES: &'static [&'static str] = &[$($name,)*];

            /// Its name in one word.
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status,)*
                }
            }

            /// What it means, in a few words.
            pub(super) const fn title(self) -> &'static str {
                match self {
                    $(Self::$code => $title,)*
                }
            }

            /// More about it, or what to do.
            pub(super) const fn advice(self) -> &'static str {
                match self {
                    $(Self::$code => $advice,)*
                }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" BAD_REQUEST
        "The request cannot be read"
        "Its address, a header or the JSON of its body is malformed.";
    InvalidKey "invalid_key" BAD_REQUEST
        "The key is none"
        "A run's key looks like course-v1:ORG+COURSE+RUN, a catalog course's like catalog-course:ORG:CODE.";
    Unauthorized "unauthorized" UNAUTHORIZED
        "A key is needed"
        "Send a valid one, in the header Authorization: Bearer KEY.";
    Forbidden "forbidden" FORBIDDEN
        "The key does not allow this"
        "Use one with a wider scope.";
    NotFound "not_found" NOT_FOUND
        "There is no such record"
        "Nothing is stored under this key, or nothing is at this address.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED
        "The address has other methods"
        "The header Allow lists them.";
    Timeout "timeout" REQUEST_TIMEOUT
        "The request took too long"
        "Whether a write is stored is not known; read to find out.";
    Protected "protected" CONFLICT
        "Others depend on the record"
        "Delete first what blocks: the first hundred are listed, and how many there are.";
    AlreadyExists "already_exists" CONFLICT
        "Such a record exists"
        "Perhaps in another capitalisation; its key is in the member existing.";
    Compacted "compacted" GONE
        "The changes are no longer kept"
        "Read the catalog anew, and go on from its latest change; the oldest that is left is in the member oldest.";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED
        "The record is not as expected"
        "It does not have the ETag of If-Match, or has that of If-None-Match; read it again, and decide anew.";
    TooLarge "too_large" PAYLOAD_TOO_LARGE
        "The body is too large"
        "Send less at a time.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE
        "The body is of another type"
        "Send Content-Type: application/json.";
    Invalid "invalid" UNPROCESSABLE_ENTITY
        "A value breaks a rule"
        "The member field names it; unknown fields and parameters are refused, too.";
    UnknownOrganization "unknown_organization" UNPROCESSABLE_ENTITY
        "The organization is missing or inactive"
        "Create or activate it first: this service does not do so by itself.";
    RateLimited "rate_limited" TOO_MANY_REQUESTS
        "Too many requests"
        "Wait for as many seconds as the header Retry-After says.";
    Internal "internal" INTERNAL_SERVER_ERROR
        "A defect of the service"
        "Please report it, with the request's id.";
    ReadOnly "read_only" SERVICE_UNAVAILABLE
        "Nothing can be written for now"
        "The disk failed. Reads go on; writes are refused until the service is started anew.";
    Unavailable "unavailable" SERVICE_UNAVAILABLE
        "The service cannot answer now"
        "It is stopping, or has too much to do; try again.";
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) code: Code,
    detail: Cow<'static, str>,
    members: Box<Members>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// What some problems have beside the members that all have.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(super) struct Members {
    /// What kind of record it is about: `organization`, `catalog_course`, `course_run`, `reference`
    /// or `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'static str>,
    /// The key of the record, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The field that was given a bad value.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The key of the record that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<String>,
    /// What stands in the way of a deletion: the first hundred of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocking: Option<Vec<String>>,
    /// How many stand in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocking_count: Option<u64>,
    /// The number of the oldest change that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<u64>,
    /// What to do, where `detail` ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            members: Box::default(),
            header: None,
        }
    }

    /// Adds what this kind of problem needs beside its body.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// A value of a field, or a field that there is not.
    pub(super) fn invalid(field: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut problem = Self::new(Code::Invalid, detail);
        problem.members.field = Some(field.into());
        problem
    }

    /// What it is about.
    pub(super) fn about(mut self, entity: &'static str, key: impl Into<String>) -> Self {
        self.members.entity = Some(entity);
        self.members.key = Some(key.into());
        self
    }

    /// What to do, which the detail ends with.
    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.members.advice = Some(advice.into());
        self
    }

    /// The key of the record that exists.
    pub(super) fn existing(mut self, key: String) -> Self {
        self.members.existing = Some(key);
        self
    }

    /// A problem of this kind, for the documentation.
    pub(super) fn example(code: Code) -> Self {
        let mut problem = Self::new(code, code.advice());
        let members = &mut problem.members;
        match code {
            Code::Protected => {
                members.blocking = Some(vec!["course-v1:MITx+8.01x+2026_T1".to_owned()]);
                members.blocking_count = Some(1);
            }
            Code::AlreadyExists => members.existing = Some("MITx".to_owned()),
            Code::NotFound => {
                members.entity = Some(Entity::Organization.as_str());
                members.key = Some("MITx".to_owned());
            }
            Code::Compacted => members.oldest = Some(1_000),
            Code::Invalid => members.field = Some("title".to_owned()),
            _ => {}
        }
        problem
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let code = self.code.as_str();
        let json = serde_json::to_vec(&Whole {
            r#type: format!("/docs#{code}"),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code,
            detail: &self.detail,
            members: &self.members,
        });
        // Texts and numbers only: writing them into memory has no way to fail.
        json.unwrap_or_default()
    }
}

/// A problem as it is sent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Whole<'a> {
    /// Where it is explained.
    r#type: String,
    /// What it means, in a few words.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// Its name in one word, which does not change.
    #[schemars(extend("enum" = Code::NAMES))]
    code: &'a str,
    /// What has happened, in a sentence that names the value.
    detail: &'a str,
    #[serde(flatten)]
    members: &'a Members,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = self.to_json();
        let problem = HeaderValue::from_static("application/problem+json");
        let headers = [(header::CONTENT_TYPE, problem)];
        let mut response = (self.code.status(), headers, json).into_response();
        response.extensions_mut().insert(self.code);
        if let Some(header) = self.header {
            response.headers_mut().insert(header.0, header.1);
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { entity, key } => {
                Self::new(Code::NotFound, detail).about(entity.as_str(), key)
            }
            Error::Protected {
                entity,
                key,
                blocking,
            } => {
                let mut problem = Self::new(Code::Protected, detail).about(entity.as_str(), key);
                problem.members.blocking = Some(blocking.first());
                problem.members.blocking_count = Some(blocking.count);
                problem
            }
            Error::AlreadyExists {
                entity,
                key,
                existing,
            } => Self::new(Code::AlreadyExists, detail)
                .about(entity.as_str(), key)
                .existing(existing),
            Error::Invalid(invalid) => Self::invalid(invalid.field.as_str(), detail),
            Error::InvalidKey(invalid) => {
                let problem = Self::new(Code::InvalidKey, detail);
                match invalid.advice() {
                    Some(advice) => problem.advice(advice),
                    None => problem,
                }
            }
            Error::UnknownOrganization { short_name, .. } => {
                Self::new(Code::UnknownOrganization, detail)
                    .about(Entity::Organization.as_str(), short_name)
            }
            Error::Compacted { oldest, .. } => {
                let mut problem = Self::new(Code::Compacted, detail);
                problem.members.oldest = Some(oldest);
                problem
            }
            Error::PreconditionFailed => Self::new(Code::PreconditionFailed, detail),
            Error::Storage { .. } => {
                // What the disk said is for the log; paths are none of a client's business.
                tracing::error!("{detail}");
                Self::new(
                    Code::ReadOnly,
                    "The store failed. Reads go on; writes are refused until the service is started anew. Whether this write is stored is not known until then.",
                )
            }
            Error::Panicked { .. } => {
                tracing::error!("{detail}");
                Self::new(
                    Code::Internal,
                    "The request was dropped since planning it failed. The catalog is unharmed; please report this.",
                )
            }
            _ => {
                tracing::error!("{detail}");
                Self::new(Code::Unavailable, "The catalog cannot answer now.")
            }
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Error::from(invalid).into()
    }
}

impl From<InvalidKey> for Problem {
    fn from(invalid: InvalidKey) -> Self {
        Error::from(invalid).into()
    }
}
