//! What a server refuses, in the words in which a folder would.

use std::time::Duration;

use serde::Deserialize;

use crate::cli::failure::{Failure, exit};

/// A problem as a server tells it: what is needed of it here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Problem {
    pub(in crate::cli) code: String,
    pub(in crate::cli) detail: String,
    /// What kind of record it is about; nothing if it is about none.
    pub(in crate::cli) entity: String,
    pub(in crate::cli) key: String,
    existing: String,
    blocking: Vec<String>,
    blocking_count: u64,
    /// What to do, with which the detail ends.
    pub(in crate::cli) advice: Option<String>,
    /// When to come back; of the answer's head.
    #[serde(skip)]
    pub(super) retry_after: Duration,
}

impl Problem {
    /// A problem that is none of a record: the server has no such address, or methods.
    pub(super) fn is_of_address(&self) -> bool {
        let no_record = self.code == "not_found" && self.entity.is_empty();
        no_record || self.code == "method_not_allowed"
    }

    /// What is the matter, without what to do.
    pub(in crate::cli) fn what(&self) -> &str {
        let advice = self.advice.as_deref().unwrap_or_default();
        let what = self.detail.strip_suffix(advice);
        what.unwrap_or(&self.detail).trim_end()
    }

    /// The same as a failure, without a word of what to do.
    pub(in crate::cli) fn plain(&self) -> Failure {
        Failure::with_code(self.exit_code(), self.detail.as_str())
    }

    fn exit_code(&self) -> u8 {
        match self.code.as_str() {
            "not_found" => exit::NOT_FOUND,
            "protected" => exit::PROTECTED,
            "already_exists" => exit::ALREADY_EXISTS,
            "invalid" | "invalid_key" | "unknown_organization" => exit::INVALID,
            _ => exit::FAILURE,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let failure = problem.plain();
        match problem.code.as_str() {
            "protected" => Self::protected(
                problem.detail,
                &problem.blocking,
                problem.blocking_count,
            ),
            "already_exists" if problem.entity != "key" => {
                Self::already_exists(problem.detail, &problem.existing)
            }
            "invalid" if problem.entity != "key" => Self::invalid(&problem.detail),
            "invalid_key" => Self::invalid_key(problem.what(), problem.advice.as_deref()),
            "unknown_organization" => failure.advise(format!(
                "Run: coursecat org create {0} (or org update {0} --active).",
                problem.key
            )),
            "unauthorized" => failure.advise(
                "Give a key with --key-file or COURSECAT_KEY; who runs the server makes one with: coursecat key create NAME --scope read",
            ),
            "forbidden" => failure.advise("Use a key that allows it."),
            "read_only" | "unavailable" => {
                failure.advise("See the log of the server, or try again later.")
            }
            "timeout" => failure.advise("Look whether it was done before you try again."),
            "too_large" => failure.advise("Give less at a time."),
            "internal" => failure.advise("The log of the server has more about it."),
            _ => failure,
        }
    }
}
