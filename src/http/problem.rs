//! Problems: errors as `application/problem+json` (RFC 9457) has them.
//!
//! One table of codes, each with its status. What went wrong is said by the catalog's own errors;
//! here it only gets its status and its members.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::Error;
use crate::key::InvalidKey;
use crate::model::Invalid;

/// What kind of problem it is. The names do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadRequest,
    InvalidKey,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Protected,
    AlreadyExists,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    UnknownOrganization,
    Internal,
    ReadOnly,
    Unavailable,
}

impl Code {
    /// Its name in one word, its status, and what it means in a few.
    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => ("bad_request", S::BAD_REQUEST, "The request cannot be read"),
            Self::InvalidKey => ("invalid_key", S::BAD_REQUEST, "The key is none"),
            Self::NotFound => ("not_found", S::NOT_FOUND, "There is no such record"),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                S::METHOD_NOT_ALLOWED,
                "The address has other methods",
            ),
            Self::Timeout => ("timeout", S::REQUEST_TIMEOUT, "The request took too long"),
            Self::Protected => ("protected", S::CONFLICT, "Others depend on the record"),
            Self::AlreadyExists => ("already_exists", S::CONFLICT, "Such a record exists"),
            Self::TooLarge => ("too_large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The body is of another type",
            ),
            Self::Invalid => ("invalid", S::UNPROCESSABLE_ENTITY, "A value breaks a rule"),
            Self::UnknownOrganization => (
                "unknown_organization",
                S::UNPROCESSABLE_ENTITY,
                "The organization is missing or inactive",
            ),
            Self::Internal => (
                "internal",
                S::INTERNAL_SERVER_ERROR,
                "A defect of the service",
            ),
            Self::ReadOnly => (
                "read_only",
                S::SERVICE_UNAVAILABLE,
                "Nothing can be written for now",
            ),
            Self::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "The service cannot answer now",
            ),
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        self.facts().0
    }

    pub(super) const fn status(self) -> StatusCode {
        self.facts().1
    }

    pub(super) const fn title(self) -> &'static str {
        self.facts().2
    }
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) code: Code,
    detail: String,
    members: Members,
}

/// What some problems have beside the members that all have.
#[derive(Clone, Debug, Default, Serialize)]
struct Members {
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
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            members: Members::default(),
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// A value of a field, or a field that there is not.
    pub(super) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::Invalid, detail);
        problem.members.field = Some(field.into());
        problem
    }

    fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Whole<'a> {
            r#type: fmt::Arguments<'a>,
            title: &'a str,
            status: u16,
            code: &'a str,
            detail: &'a str,
            #[serde(flatten)]
            members: &'a Members,
        }
        let code = self.code.as_str();
        let json = serde_json::to_vec(&Whole {
            r#type: format_args!("/docs#{code}"),
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let problem = HeaderValue::from_static("application/problem+json");
        let headers = [(header::CONTENT_TYPE, problem)];
        (self.code.status(), headers, self.to_json()).into_response()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { .. } => Self::new(Code::NotFound, detail),
            Error::Protected { blocking, .. } => {
                let mut problem = Self::new(Code::Protected, detail);
                problem.members.blocking = Some(blocking.first);
                problem.members.blocking_count = Some(blocking.count);
                problem
            }
            Error::AlreadyExists { existing, .. } => {
                let mut problem = Self::new(Code::AlreadyExists, detail);
                problem.members.existing = Some(existing);
                problem
            }
            Error::Invalid(invalid) => Self::invalid(invalid.field.as_str(), detail),
            Error::InvalidKey(_) => Self::new(Code::InvalidKey, detail),
            Error::UnknownOrganization { .. } => Self::new(Code::UnknownOrganization, detail),
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
