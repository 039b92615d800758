//! Failures: one line that names the value, one that says what to do next, and an exit code.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use super::holder::Holder;
use super::output::{printable, quoted, say};
use crate::{Error, Field};

/// Why a verb failed.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    /// What happened; empty if there is nothing to say.
    what: String,
    /// What to do next.
    advice: Vec<String>,
}

/// The exit codes, as `--help` has them.
pub(super) mod exit {
    pub(crate) const FAILURE: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const NOT_FOUND: u8 = 3;
    pub(crate) const PROTECTED: u8 = 4;
    pub(crate) const ALREADY_EXISTS: u8 = 5;
    pub(crate) const INVALID: u8 = 6;
    pub(crate) const LOCKED: u8 = 7;
    pub(crate) const CORRUPT: u8 = 8;
}

impl Failure {
    /// A failure that is none of the library's.
    pub(super) fn other(what: impl Into<String>) -> Self {
        Self {
            code: exit::FAILURE,
            what: what.into(),
            advice: Vec::new(),
        }
    }

    /// A failure with the exit code of its kind.
    pub(super) fn with_code(code: u8, what: impl Into<String>) -> Self {
        Self {
            code,
            ..Self::other(what)
        }
    }

    /// A store in which something is wrong.
    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self {
            code: exit::CORRUPT,
            ..Self::other(what)
        }
    }

    /// The end of a program whose reader went away.
    pub(super) fn quiet() -> Self {
        Self {
            code: 0,
            ..Self::other("")
        }
    }

    /// Adds what to do next.
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Makes two lines of a sentence that says what is wrong and, after a semicolon, what to do.
    fn in_two_lines(code: u8, sentence: &str) -> Self {
        match sentence.rsplit_once("; ") {
            // Not within the value, which is in quotes.
            Some((what, advice)) if !advice.contains('"') => {
                let mut letters = advice.chars();
                let first = letters.next().into_iter().flat_map(char::to_uppercase);
                let advice: String = first.chain(letters).collect();
                Self::with_code(code, format!("{what}.")).advise(advice)
            }
            _ => Self::with_code(code, sentence),
        }
    }

    pub(super) fn print(&self) {
        if self.what.is_empty() {
            return;
        }
        let red = anstyle::AnsiColor::Red.on_default().bold();
        say(&format!("{red}error:{red:#} {}", printable(&self.what)));
        for advice in &self.advice {
            say(&format!("  {}", printable(advice)));
        }
    }

    /// What happened and what to do next, line by line.
    pub(super) fn into_lines(self) -> impl Iterator<Item = String> {
        std::iter::once(self.what).chain(self.advice)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// What an error says, and those behind it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let what = error.to_string();
        let (code, advice) = match &error {
            Error::NotFound { .. } => (exit::NOT_FOUND, None),
            Error::Protected { blocking, .. } => {
                return Self::protected(what, &blocking.first(), blocking.count);
            }
            Error::AlreadyExists { existing, .. } => return Self::already_exists(what, existing),
            Error::Invalid(invalid) if invalid.field == Field::Path => (
                exit::INVALID,
                Some(
                    "Name another folder with --data, or make a catalog with demo, create or import."
                        .to_owned(),
                ),
            ),
            Error::Invalid(_) => return Self::invalid(&what),
            Error::InvalidKey(invalid) => {
                // What is wrong with it may say by itself what to do.
                let advice = invalid.advice();
                let without = what.strip_suffix(advice.unwrap_or_default());
                return Self::invalid_key(without.unwrap_or(&what).trim_end(), advice);
            }
            Error::UnknownOrganization { short_name, .. } => (
                exit::INVALID,
                Some(format!(
                    "Run: coursecat org create {short_name} (or org update {short_name} --active), or leave out --no-auto-create."
                )),
            ),
            Error::Locked { path } => (
                exit::LOCKED,
                Some(match Holder::of(path) {
                    Some(Holder { address }) => format!("A server holds it: go to it with --server {address} in the place of --data, or stop it first."),
                    None => "Wait for the other program to end, or ask it to; every catalog has one user at a time.".to_owned(),
                }),
            ),
            Error::Corrupt { path, .. } => (
                exit::CORRUPT,
                Some(format!(
                    "Run: coursecat verify --data {0} to see everything that is wrong, coursecat repair --data {0} to save what can be saved.",
                    quoted(path)
                )),
            ),
            Error::Storage { doing, source } => {
                let failure = Self::other(format!(
                    "The store failed while {doing}: {}.",
                    with_causes(&**source)
                ));
                // Nothing has been answered yet where there cannot be a catalog.
                let place = source.downcast_ref::<io::Error>().map(io::Error::kind);
                if let Some(
                    ErrorKind::NotFound
                    | ErrorKind::PermissionDenied
                    | ErrorKind::ReadOnlyFilesystem
                    | ErrorKind::NotADirectory,
                ) = place
                {
                    return failure.advise("Name a folder that you can write into with --data.");
                }
                return failure.advise(
                    "What was answered before is stored; what was on its way is stored whole or not at all. See to the disk, then look or try again.",
                );
            }
            _ => (exit::FAILURE, None),
        };
        let failure = Self {
            code,
            ..Self::other(what)
        };
        match advice {
            Some(advice) => failure.advise(advice),
            None => failure,
        }
    }
}

impl Failure {
    /// A record on which others depend: how many, and the first of them.
    pub(super) fn protected(what: String, first: &[String], count: u64) -> Self {
        let failure = Self::with_code(exit::PROTECTED, what).advise("Delete these first:");
        first
            .iter()
            .fold(failure, |failure, key| failure.advise(format!("  {key}")))
            .and_more(count, first.len())
    }

    /// A record that there is already.
    pub(super) fn already_exists(what: String, existing: &str) -> Self {
        Self::with_code(exit::ALREADY_EXISTS, what)
            .advise(format!("Use {existing:?}, or delete it first."))
    }

    /// A value that breaks a rule.
    pub(super) fn invalid(what: &str) -> Self {
        Self::in_two_lines(exit::INVALID, what)
    }

    /// A text that is no key, with what to do about it if there is anything special.
    pub(super) fn invalid_key(what: &str, advice: Option<&str>) -> Self {
        Self::with_code(exit::INVALID, what).advise(advice.unwrap_or("A run's key looks like course-v1:ORG+COURSE+RUN, a catalog course's like catalog-course:ORG:CODE."))
    }

    fn and_more(self, count: u64, shown: usize) -> Self {
        match count.saturating_sub(shown as u64) {
            0 => self,
            more => self.advise(format!("  … and {more} more")),
        }
    }
}
