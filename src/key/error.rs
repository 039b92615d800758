//! What is wrong with a text that is no key: which part of it, where, and what to do.
//!
//! It only says so; what a key may look like is decided where keys are parsed.

use std::borrow::Cow;
use std::fmt;

/// The error of a text that is not a key, or not a key of the kind that is needed.
///
/// It prints as a complete sentence that names the text, the part and the place, and, where there
/// is something to do, a second one that says what. Characters that cannot be seen are escaped and
/// a very long text is cut.
///
/// ```
/// use coursecat::key::{CourseKey, KeyPart};
///
/// let error = "course-v1:org+cou rse+run".parse::<CourseKey>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "The course key \"course-v1:org+cou rse+run\" is invalid: \
///      the course has a character that is not allowed, ' ' at position 18."
/// );
/// assert_eq!(error.part(), KeyPart::Course);
/// assert_eq!(error.at(), 18);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidKey {
    subject: Subject,
    input: Box<str>,
    part: KeyPart,
    at: usize,
    reason: Reason,
}

impl InvalidKey {
    /// The text that is not a key, whole.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The part of the key that is wrong.
    #[must_use]
    pub fn part(&self) -> KeyPart {
        self.part
    }

    /// Where it is wrong: the position in [`input`](Self::input), counted in characters from 1. For
    /// a missing part it is where the part should be, which can be one after the end.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The same fault, told of the text that was given where this one is a part of it or the same
    /// key printed anew.
    pub(crate) fn of_input(mut self, input: &str) -> Self {
        if *self.input != *input {
            self.input = input.into();
            self.at = input.chars().count() + 1;
        }
        self
    }

    /// The fault `reason` in `part` of `input`, at this byte of it.
    pub(super) fn new(
        subject: Subject,
        input: &str,
        part: KeyPart,
        at_byte: usize,
        reason: Reason,
    ) -> Self {
        let before = input.char_indices().take_while(|&(at, _)| at < at_byte);
        Self {
            subject,
            at: before.count() + 1,
            input: input.into(),
            part,
            reason,
        }
    }
}

impl std::error::Error for InvalidKey {}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_str();
        write!(f, "The {subject} {:?} is invalid: ", excerpt(&self.input))?;
        self.fmt_reason(f)?;
        f.write_str(".")?;
        match self.advice() {
            Some(advice) => write!(f, " {advice}"),
            None => Ok(()),
        }
    }
}

impl InvalidKey {
    fn fmt_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, at, .. } = self;
        match &self.reason {
            Reason::Empty => f.write_str("it is empty"),
            Reason::NoNamespace => f.write_str("it has no namespace such as \"course-v1:\""),
            Reason::Namespace => {
                let name = self.namespace();
                write!(f, "{name:?} is not the namespace of a course key")
            }
            Reason::NamespaceCase => {
                write!(
                    f,
                    "the namespace {:?} is not in lower case",
                    self.namespace()
                )
            }
            Reason::Library => f.write_str("it names a library, which is no course"),
            Reason::CatalogCourse => {
                f.write_str("it names a catalog course, where a course run is asked for")
            }
            Reason::Missing => write!(f, "the {part} is missing at position {at}"),
            Reason::Character(c) => write!(
                f,
                "the {part} has a character that is not allowed, {c:?} at position {at}"
            ),
            Reason::LeadingSpace(c) => {
                write!(f, "it starts with white space, {c:?} at position {at}")
            }
            Reason::TrailingSpace(c) => {
                write!(f, "it ends with white space, {c:?} at position {at}")
            }
            Reason::Slashes(count) => {
                let plural = if *count == 1 { "" } else { "es" };
                write!(
                    f,
                    "it has {count} slash{plural} and needs two, ORG/COURSE/RUN"
                )
            }
            Reason::StrayPlus => {
                write!(f, "it has a \"+\" with nothing after it, at position {at}")
            }
            Reason::Misplaced { segment, .. } => {
                write!(f, "{:?} has no place at position {at}", excerpt(segment))
            }
            Reason::CcxInCourse => {
                write!(
                    f,
                    "it has a ccx, at position {at}, which a course-v1 key cannot have"
                )
            }
            Reason::VersionDigit(c, HexCase::Lower) => write!(
                f,
                "the version has a character that is not a hexadecimal digit in lower case, \
                 {c:?} at position {at}"
            ),
            Reason::VersionDigit(c, HexCase::Any) => write!(
                f,
                "the version has a character that is not a hexadecimal digit, \
                 {c:?} at position {at}"
            ),
            Reason::VersionLength(count) => {
                let plural = if *count == 1 { "" } else { "s" };
                write!(
                    f,
                    "the version at position {at} has {count} digit{plural} and needs 24"
                )
            }
            Reason::CcxDigit(c) => {
                write!(
                    f,
                    "the ccx has a character that is not a digit, {c:?} at position {at}"
                )
            }
            Reason::NoRun => f.write_str("it names no run"),
            Reason::NotStored => {
                write!(
                    f,
                    "it has a {part}, at position {at}, and a run is stored without one"
                )
            }
            Reason::TooLong { bytes, most } => {
                write!(
                    f,
                    "it is {bytes} bytes long and can be no longer than {most}"
                )
            }
            Reason::CatalogPrefix => f.write_str("it does not start with \"catalog-course:\""),
        }
    }

    /// The sentence at the end that says what to do, where there is something to do.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Empty | Reason::Namespace | Reason::NoNamespace | Reason::CatalogPrefix
                if is_percent_encoded(&self.input) =>
            {
                Some("It looks percent-encoded: decode it first.")
            }
            Reason::Character('%') if is_percent_encoded(&self.input) => {
                Some("It looks percent-encoded: decode it first.")
            }
            Reason::Character(' ') if !self.input.contains('+') && self.part == KeyPart::Org => {
                Some("A \"+\" in a web address becomes a space: it is written \"%2B\" there.")
            }
            Reason::Empty | Reason::Namespace | Reason::NoNamespace => {
                Some("Write it like \"course-v1:ORG+COURSE+RUN\".")
            }
            Reason::NamespaceCase => Some("Write it in lower case; the rest may stay as it is."),
            Reason::LeadingSpace(_) | Reason::TrailingSpace(_) => Some("Remove it."),
            Reason::Missing if self.part == KeyPart::Ccx => {
                Some("Write it like \"ccx-v1:ORG+COURSE+RUN+ccx@1\".")
            }
            Reason::Misplaced { ccx: false, .. } => Some(
                "Only branch@, version@, type@ and block@ can follow the run, in this order \
                 and in lower case.",
            ),
            Reason::Misplaced { ccx: true, .. } => Some(
                "Only branch@, version@, ccx@, type@ and block@ can follow the run, in this order.",
            ),
            Reason::CcxInCourse => Some("Start it with \"ccx-v1:\"."),
            Reason::NotStored => Some("Leave it out."),
            Reason::CatalogPrefix => Some("Write it like \"catalog-course:ORG:COURSE\"."),
            _ => None,
        }
    }

    fn namespace(&self) -> Cow<'_, str> {
        let (namespace, _) = self.input.split_once(':').unwrap_or((&self.input, ""));
        excerpt(namespace)
    }
}

/// The parts of a key that an [`InvalidKey`] can be about. Prints as a word: `course`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPart {
    /// What comes before the first `:`.
    Namespace,
    /// The organization.
    Org,
    /// The course, also called its code.
    Course,
    /// The run.
    Run,
    /// What follows `branch@`.
    Branch,
    /// What follows `version@`.
    Version,
    /// What follows `ccx@`.
    Ccx,
    /// What follows `type@`.
    Type,
    /// What follows `block@`.
    Block,
    /// No part of its own: the key as a whole.
    Whole,
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespace => "namespace",
            Self::Org => "org",
            Self::Course => "course",
            Self::Run => "run",
            Self::Branch => "branch",
            Self::Version => "version",
            Self::Ccx => "ccx",
            Self::Type => "type",
            Self::Block => "block",
            Self::Whole => "whole key",
        })
    }
}

/// What the text was meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    CourseKey,
    CatalogCourseKey,
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::CourseKey => "course key",
            Self::CatalogCourseKey => "catalog course key",
        }
    }
}

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Empty,
    NoNamespace,
    Namespace,
    NamespaceCase,
    Library,
    CatalogCourse,
    Missing,
    Character(char),
    LeadingSpace(char),
    TrailingSpace(char),
    Slashes(usize),
    StrayPlus,
    Misplaced { segment: Box<str>, ccx: bool },
    CcxInCourse,
    VersionDigit(char, HexCase),
    VersionLength(usize),
    CcxDigit(char),
    NoRun,
    NotStored,
    TooLong { bytes: usize, most: usize },
    CatalogPrefix,
}

/// Which hexadecimal digits a version may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HexCase {
    Lower,
    Any,
}

/// `text`, or its first characters where it is too long to be read in a message.
fn excerpt(text: &str) -> Cow<'_, str> {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
    }
}

fn is_percent_encoded(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
}
