//! `coursecat bench`: how fast a catalog is on the user's own machine and disk.
//!
//! It works in a temporary folder of its own, which goes when it ends, and on made-up records. It
//! never opens the catalog of `--data`, and compares with nothing: `benches/` does.

mod data;
mod disk;
mod operations;
mod report;
mod timing;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::disk::Place;
use self::report::Report;
use self::timing::Pace;
use super::failure::Failure;
use super::progress::StopFlag;
use super::session::Session;

pub(super) const HELP: &str = "\
Examples:
  coursecat bench
  coursecat bench --dir /srv --runs 100000
  coursecat bench --json --seconds 0.2 > today.jsonl

It makes a catalog in a temporary folder of its own, measures, and removes the folder, also when
it is stopped with Ctrl-C. Your own catalog is not touched: --data means nothing here.

Each caller waits for its answer before it asks again. Each call is timed by itself, but those that
take about as long as a look at the clock: getting a run, a course, or the runs of a course is
timed 16 calls at a time, and the percentiles are of the means of 16. A bulk import is timed once,
as a whole.

A durable write is answered when it is on the disk, so it takes what the disk needs for an
fdatasync, which is measured just before. In many systems the folder of temporary files is kept in
memory: name one on your disk with --dir.

With --json, each line is an object with operation, runs, callers, batch (calls that are timed at a
time), count, per_second, and p50_ns, p90_ns, p99_ns, p999_ns, max_ns in nanoseconds, or null.";

#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    /// The folder in which to make the temporary one, on the disk that is to be measured [default:
    /// the system's for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many course runs the catalog has, 1000 to 1000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1_000..=1_000_000)
    )]
    runs: u32,
    /// About how long to measure each operation
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    seconds: Duration,
}

/// A length of time in seconds, long enough to measure something and short enough to wait for.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "say a number".to_owned())?;
    if !(0.001..=600.0).contains(&seconds) {
        return Err("say 0.001 to 600".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

pub(super) fn bench(session: &Session, arguments: &BenchArguments) -> Result<(), Failure> {
    // Before there is anything to clean up.
    let stop = StopFlag::on_signal();
    let place = Place::make(arguments.dir.as_deref())?;
    let pace = Pace::new(arguments.seconds, stop);
    let mut report = Report::new(session.output, arguments.runs, &place);
    let measured = operations::measure_all(&place, &pace, &mut report);
    place.remove();
    // What was measured before a failure, or Ctrl-C, is worth seeing.
    report.finish()?;
    measured
}
