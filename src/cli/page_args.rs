//! The arguments of lists: which part of one to show, and in which order.

use clap::{Args, ValueEnum};

use crate::Cursor;

/// How much of a list to show.
#[derive(Debug, Args)]
pub(super) struct PageArguments {
    /// The order
    #[arg(long, value_enum, default_value_t = OrderArgument::Newest)]
    pub(super) order: OrderArgument,
    /// The most records to show, 1 to 1000
    #[arg(long, default_value_t = 100)]
    pub(super) limit: usize,
    /// Go on where the list before ended
    #[arg(long)]
    pub(super) cursor: Option<Cursor>,
    /// Show all of them
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub(super) all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OrderArgument {
    /// By key, ignoring case
    Key,
    /// Newest first
    Newest,
}
