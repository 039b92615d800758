//! What is wrong with a value that a rule refuses: the field, and why.
//!
//! Never about two records that disagree; see [`Error`](crate::Error) for those.

use std::fmt;

/// A field of a record or an argument of an operation, by the name it has in every interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// An organization's `short_name`.
    ShortName,
    /// An organization's `name`.
    Name,
    /// A catalog course's `course_code`.
    CourseCode,
    /// A course run's `run_code`.
    RunCode,
    /// A course run's `course_key`.
    CourseKey,
    /// The `title` of a catalog course or a course run.
    Title,
    /// A full `language` code.
    Language,
    /// A short (legacy) language code, `language_short`.
    LanguageShort,
    /// The name of what refers to a record, `referrer`.
    Referrer,
    /// A time of creation, `created`.
    Created,
    /// The position of a page, `cursor`.
    Cursor,
    /// The length of a page, `limit`.
    Limit,
    /// A position in the change feed, `since`.
    Since,
    /// The folder of a catalog, `path`.
    Path,
}

impl Field {
    /// The field's name, as it is written in JSON, on the command line and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShortName => "short_name",
            Self::Name => "name",
            Self::CourseCode => "course_code",
            Self::RunCode => "run_code",
            Self::CourseKey => "course_key",
            Self::Title => "title",
            Self::Language => "language",
            Self::LanguageShort => "language_short",
            Self::Referrer => "referrer",
            Self::Created => "created",
            Self::Cursor => "cursor",
            Self::Limit => "limit",
            Self::Since => "since",
            Self::Path => "path",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value that a rule refuses.
///
/// Prints as a sentence that names the value and says what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The field that was given the value.
    pub field: Field,
    /// A complete sentence: the value, and why it is refused.
    pub why: String,
}

impl Invalid {
    pub(crate) fn new(field: Field, why: impl Into<String>) -> Self {
        Self {
            field,
            why: why.into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Invalid {}
