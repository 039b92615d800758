//! What was measured, as a table with units for people, or JSON with nanoseconds.

use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;

use super::super::failure::Failure;
use super::super::output::{Output, line, printable_path};
use super::super::progress::{Working, of_work};
use super::super::view::View;
use super::disk::Place;
use super::timing::{BATCH, Pace, Timing};

/// How many things are measured, for the progress.
const OPERATIONS: usize = 14;

/// An operation, as it is called and measured.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    name: &'static str,
    title: &'static str,
    callers: u32,
    batch: u32,
}

impl Operation {
    /// One that one caller does, each call timed. Its name is for programs, its title for people.
    pub(super) fn new(name: &'static str, title: &'static str) -> Self {
        Self {
            name,
            title,
            callers: 1,
            batch: 1,
        }
    }

    pub(super) fn by(self, callers: u32) -> Self {
        Self { callers, ..self }
    }

    /// So many calls are timed at a time.
    pub(super) fn in_batches(self, batch: u32) -> Self {
        Self { batch, ..self }
    }
}

/// See the [module](self).
pub(super) struct Report {
    output: Output,
    runs: u32,
    place: String,
    rows: Vec<Row>,
    working: Working,
    begun: usize,
}

impl Report {
    pub(super) fn new(output: Output, runs: u32, place: &Place) -> Self {
        Self {
            output,
            runs,
            place: printable_path(place.parent()),
            rows: Vec::new(),
            working: of_work("Measuring"),
            begun: 0,
        }
    }

    /// How many runs the catalog is to have.
    pub(super) fn runs(&self) -> u32 {
        self.runs
    }

    /// Measures an operation, unless Ctrl-C has ended it all. JSON is printed at once, a table at
    /// the end.
    pub(super) fn measure(
        &mut self,
        pace: &Pace,
        operation: Operation,
        measure: impl FnOnce() -> Result<Timing, Failure>,
    ) -> Result<(), Failure> {
        self.begun += 1;
        let (begun, title) = (self.begun, operation.title);
        self.working
            .say(format!("Measuring {begun} of {OPERATIONS}: {title}"));
        let timing = measure()?;
        // What was cut short would look like the rest.
        if pace.stop.is_set() {
            return Err(Failure::other("The benchmark was stopped.")
                .advise("Its folder is removed. For a shorter one, use --seconds and --runs."));
        }
        let row = Row::new(operation, self.runs, &timing);
        if self.output == Output::Json {
            self.output.object(&row)?;
        }
        self.rows.push(row);
        Ok(())
    }

    /// Prints the table.
    pub(super) fn finish(self) -> Result<(), Failure> {
        drop(self.working);
        if self.output == Output::Json || self.rows.is_empty() {
            return Ok(());
        }
        let runs = HumanCount(u64::from(self.runs));
        line(&format!("A catalog with {runs} runs, in {}:\n", self.place))?;
        let (sync, rows): (Vec<_>, Vec<_>) = self
            .rows
            .into_iter()
            .partition(|row| row.operation == "fdatasync");
        self.output.list(&rows)?;
        line("")?;
        for row in sync {
            line(&fdatasync(&row))?;
        }
        line(&format!(
            "Getting a run, a course or its runs is timed {BATCH} calls at a time: percentiles of means."
        ))
    }
}

/// Faster than any disk, in nanoseconds.
const IN_MEMORY: u64 = 5_000;

fn fdatasync(row: &Row) -> String {
    let Some(median) = row.p50_ns else {
        return String::new();
    };
    let what = format!(
        "An append and fdatasync takes {} here (median of {})",
        latency(Some(median)),
        HumanCount(row.count)
    );
    match median {
        ..IN_MEMORY => {
            format!("{what}: this is no disk, but memory. Name a folder on a disk with --dir.")
        }
        _ => format!("{what}; every durable write waits for one, its own or its group's."),
    }
}

/// One line of the table, or one object.
#[derive(Serialize)]
struct Row {
    operation: &'static str,
    #[serde(skip)]
    title: &'static str,
    runs: u32,
    callers: u32,
    batch: u32,
    count: u64,
    per_second: f64,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    p999_ns: Option<u64>,
    max_ns: Option<u64>,
}

impl Row {
    fn new(operation: Operation, runs: u32, timing: &Timing) -> Self {
        let latencies = &timing.latencies;
        let at = |quantile| (!latencies.is_empty()).then(|| latencies.value_at_quantile(quantile));
        Self {
            operation: operation.name,
            title: operation.title,
            runs,
            callers: operation.callers,
            batch: operation.batch,
            count: timing.count,
            per_second: timing.per_second(),
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            max_ns: at(1.0),
        }
    }
}

impl View for Row {
    const HEADINGS: &'static [&'static str] = &[
        "OPERATION",
        "COUNT",
        "PER SECOND",
        "P50",
        "P90",
        "P99",
        "P99.9",
        "MAX",
    ];
    const NUMBERS_FROM: usize = 1;

    fn cells(&self) -> Vec<String> {
        vec![
            self.title.to_owned(),
            HumanCount(self.count).to_string(),
            rate(self.per_second),
            latency(self.p50_ns),
            latency(self.p90_ns),
            latency(self.p99_ns),
            latency(self.p999_ns),
            latency(self.max_ns),
        ]
    }
}

/// A rate for people: at least two digits of it, and no more than are whole.
fn rate(per_second: f64) -> String {
    match per_second {
        ..9.95 => format!("{per_second:.1}"),
        _ => HumanCount(per_second.round() as u64).to_string(),
    }
}

/// A length of time for people: three digits and a unit.
fn latency(nanoseconds: Option<u64>) -> String {
    let Some(nanoseconds) = nanoseconds else {
        return "–".to_owned();
    };
    let took = Duration::from_nanos(nanoseconds);
    let (value, unit) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (took.as_secs_f64() * 1e6, "µs"),
        1_000_000..1_000_000_000 => (took.as_secs_f64() * 1e3, "ms"),
        _ => (took.as_secs_f64(), "s"),
    };
    match value {
        ..9.995 => format!("{value:.2} {unit}"),
        ..99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_digits_and_a_unit() {
        for (nanoseconds, shown) in [
            (0, "0 ns"),
            (87, "87 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_996, "10.0 µs"),
            (99_960, "100 µs"),
            (1_234_567, "1.23 ms"),
            (45_600_000_000, "45.6 s"),
            (3_600_000_000_000, "3600 s"),
        ] {
            assert_eq!(latency(Some(nanoseconds)), shown);
        }
        assert_eq!(latency(None), "–");
    }

    #[test]
    fn rates_are_whole_unless_they_are_small() {
        for (per_second, shown) in [
            (0.25, "0.2"),
            (9.9, "9.9"),
            (12.4, "12"),
            (1_234_567.8, "1,234,568"),
        ] {
            assert_eq!(rate(per_second), shown);
        }
    }
}
