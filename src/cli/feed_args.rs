//! The options of the change feed: how much of it is kept.

use std::str::FromStr;

use clap::Args;

use super::span::Span;
use crate::Options;

/// How much of the change feed is kept, for all verbs that write.
#[derive(Clone, Debug, Args)]
pub(super) struct FeedArguments {
    /// How many of the newest changes the feed keeps; writes drop the others [default: 10000]
    #[arg(
        long,
        global = true,
        value_name = "COUNT",
        env = "COURSECAT_KEEP_CHANGES",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    keep_changes: Option<Given<u64>>,

    /// For how long it keeps a change, at most: 12h, 7d [default: as the count allows]
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        env = "COURSECAT_KEEP_CHANGES_FOR",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    keep_changes_for: Option<Given<Span>>,
}

impl FeedArguments {
    /// Takes these where nothing was given.
    #[cfg(feature = "http")]
    pub(super) fn or(&mut self, changes: Option<u64>, age: Option<Span>) {
        if !matches!(self.keep_changes, Some(Given(Some(_)))) {
            self.keep_changes = changes.map(Some).map(Given);
        }
        if !matches!(self.keep_changes_for, Some(Given(Some(_)))) {
            self.keep_changes_for = age.map(Some).map(Given);
        }
    }

    pub(super) fn apply(&self, mut options: Options) -> Options {
        if let Some(Given(Some(changes))) = self.keep_changes {
            options = options.keep_changes(changes);
        }
        if let Some(Given(Some(age))) = self.keep_changes_for {
            options = options.keep_changes_for(age.0);
        }
        options
    }
}

/// A value; or none, if a variable is set to nothing.
#[derive(Clone, Copy, Debug)]
struct Given<T>(Option<T>);

impl<T: FromStr> FromStr for Given<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(Some).map(Self)
    }
}
