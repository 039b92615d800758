//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures coursecat side by side with embedded stores.
///
/// Prints Markdown tables, and keeps all results in `target/peers.json` with a chart in
/// `target/peers.svg`. Operations that are not measured this time keep their earlier results
/// there, so a long run can be done in parts.
#[derive(Debug, Parser)]
#[command(
    name = "peers",
    bin_name = "cargo bench --features bench-peers --bench peers --"
)]
pub(crate) struct Args {
    /// Only operations whose name contains one of these (as in target/peers.json)
    pub(crate) operations: Vec<String>,

    /// How many course runs the catalogs have, at least 1000
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "10000,100000",
        value_name = "RUNS",
        value_parser = size
    )]
    pub(crate) n: Vec<usize>,

    /// Only these peers; coursecat need not be among them, but then there are no ratios
    #[arg(long, value_delimiter = ',', value_name = "PEERS")]
    pub(crate) only: Vec<String>,

    /// Rounds; each peer has one sample of each operation in a round
    #[arg(long)]
    pub(crate) rounds: Option<usize>,

    /// The most operations in a sample
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) ops: usize,

    /// Fewer rounds and shorter samples, for a first look
    #[arg(long)]
    pub(crate) quick: bool,

    /// Where the stores are made; on the disk that is to be measured
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub(crate) folder: PathBuf,

    /// Measure nothing; print what target/peers.json holds
    #[arg(long)]
    pub(crate) show: bool,

    /// Given by cargo. Without it, peers are only checked to agree, on a small catalog.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,

    /// For the processes that this one starts: what to do.
    #[arg(long, hide = true)]
    pub(crate) child: Option<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Child {
    /// Open the store, look at everything, and print how long that took and what it holds.
    Open,
    /// Fill a new store, say so, and wait to be killed.
    Fill,
}

/// A catalog must have some of everything that is asked for.
fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if size >= 1_000 => Ok(size),
        _ => Err("not a number from 1000 on".to_owned()),
    }
}

impl Args {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 3 } else { 7 }).max(1)
    }

    pub(crate) fn sample_time(&self) -> Duration {
        Duration::from_millis(if self.quick { 10 } else { 40 })
    }

    pub(crate) fn wants(&self, operation: &str) -> bool {
        self.operations.is_empty()
            || self
                .operations
                .iter()
                .any(|part| operation.contains(part.as_str()))
    }

    pub(crate) fn wants_peer(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(name))
    }
}
