//! Results: medians and ratios, kept as JSON and printed as Markdown.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::measure::{Sample, Way};
use crate::operation::{Operation, Unit};
use crate::peer::Peer as _;
use crate::peers::Coursecat;

/// What is known about one operation of one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) op: String,
    /// How a table says the operation.
    pub(crate) title: String,
    pub(crate) peer: String,
    pub(crate) n: usize,
    pub(crate) threads: usize,
    /// Whether the application groups the commits of its callers.
    pub(crate) grouped: bool,
    /// The median over all rounds of the time for one operation; nothing where bytes are counted.
    pub(crate) median_ns: Option<f64>,
    /// Bytes for one run; nothing where time is measured.
    pub(crate) median_bytes: Option<f64>,
    /// The median over coursecat's.
    pub(crate) ratio: Option<f64>,
    /// Percentiles of single calls of all rounds, where they were timed one by one.
    pub(crate) p50_ns: Option<u32>,
    pub(crate) p99_ns: Option<u32>,
    pub(crate) p999_ns: Option<u32>,
    /// The smallest and the largest of the rounds.
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) rounds: usize,
}

impl Outcome {
    pub(crate) fn of(
        operation: Operation,
        peer: &str,
        n: usize,
        way: Way,
        samples: Vec<Sample>,
    ) -> Self {
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        values.sort_by(f64::total_cmp);
        let mut calls: Vec<u32> = samples
            .into_iter()
            .flat_map(|sample| sample.latencies)
            .collect();
        calls.sort_unstable();
        let percentile = |share: f64| {
            let last = calls.len().checked_sub(1)?;
            Some(calls[(last as f64 * share) as usize])
        };
        let median = values[values.len() / 2];
        let is_time = operation.unit() == Unit::Nanoseconds;
        Self {
            op: operation.name().to_owned(),
            title: operation.title(),
            peer: peer.to_owned(),
            n,
            threads: operation.threads,
            grouped: way == Way::Grouped,
            median_ns: is_time.then_some(median),
            median_bytes: (!is_time).then_some(median),
            ratio: None,
            p50_ns: percentile(0.5),
            p99_ns: percentile(0.99),
            p999_ns: percentile(0.999),
            lowest: values[0],
            highest: values[values.len() - 1],
            rounds: values.len(),
        }
    }

    pub(crate) fn median(&self) -> f64 {
        self.median_ns.or(self.median_bytes).unwrap_or_default()
    }

    fn is_same_measurement(&self, other: &Self) -> bool {
        self.is_same_operation(other) && self.peer == other.peer && self.grouped == other.grouped
    }

    pub(crate) fn is_same_operation(&self, other: &Self) -> bool {
        self.op == other.op && self.n == other.n && self.threads == other.threads
    }
}

/// Says by how much each takes longer than coursecat, if that was measured beside them.
pub(crate) fn compare(outcomes: &mut [Outcome]) {
    let own = outcomes
        .iter()
        .find(|outcome| outcome.peer == Coursecat::NAME);
    let Some(own) = own.map(Outcome::median) else {
        return;
    };
    for outcome in outcomes {
        outcome.ratio = Some(outcome.median() / own);
    }
}

/// The results of this and of earlier runs.
#[derive(Debug, Default)]
pub(crate) struct Results(pub(crate) Vec<Outcome>);

impl Results {
    /// Those that are kept in a file; none if it cannot be read.
    pub(crate) fn load(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        Self(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// Adds what was measured now. It replaces what was measured before.
    pub(crate) fn add(&mut self, outcomes: &[Outcome]) {
        for new in outcomes {
            match self.0.iter_mut().find(|old| old.is_same_measurement(new)) {
                Some(old) => *old = new.clone(),
                None => self.0.push(new.clone()),
            }
        }
    }

    /// Writes one result a line, so that a difference can be read.
    pub(crate) fn save(&self, path: &Path) {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|outcome| serde_json::to_string(outcome).expect("JSON"))
            .collect();
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        std::fs::write(path, text).expect("written");
    }

    /// A Markdown table of the results with so many runs.
    pub(crate) fn table(&self, n: usize, peers: &[&str]) -> String {
        let outcomes: Vec<&Outcome> = self.0.iter().filter(|outcome| outcome.n == n).collect();
        let peers: Vec<&str> = peers
            .iter()
            .copied()
            .filter(|peer| outcomes.iter().any(|outcome| outcome.peer == *peer))
            .collect();
        let mut table = format!("| {} runs | {} |\n", thousands(n), peers.join(" | "));
        table.push_str(&format!("|---|{}\n", "---:|".repeat(peers.len())));
        let mut done: Vec<&Outcome> = Vec::new();
        for outcome in &outcomes {
            if done.iter().any(|done| done.is_same_operation(outcome)) {
                continue;
            }
            done.push(outcome);
            let same: Vec<&Outcome> = outcomes
                .iter()
                .copied()
                .filter(|other| other.is_same_operation(outcome))
                .collect();
            row(&mut table, &outcome.title, &peers, &same, false);
            if same.iter().any(|outcome| outcome.grouped) {
                let title = format!("{}, grouped", outcome.title);
                row(&mut table, &title, &peers, &same, true);
            }
        }
        table
    }
}

/// One line.
fn row(table: &mut String, title: &str, peers: &[&str], outcomes: &[&Outcome], grouped: bool) {
    let _ = write!(table, "| {title} |");
    for peer in peers {
        let found = outcomes
            .iter()
            .find(|outcome| outcome.peer == *peer && outcome.grouped == grouped);
        let cell = found.map_or_else(|| "–".to_owned(), |outcome| cell(outcome));
        let _ = write!(table, " {cell} |");
    }
    table.push('\n');
}

fn cell(outcome: &Outcome) -> String {
    let mut cell = match outcome.median_bytes {
        Some(bytes) => format!("{bytes:.0} B"),
        None => time(outcome.median()),
    };
    if let Some(ratio) = outcome.ratio.filter(|ratio| *ratio != 1.0) {
        let _ = match ratio {
            ..10.0 => write!(cell, " ({ratio:.1}×)"),
            _ => write!(cell, " ({ratio:.0}×)"),
        };
    }
    let timed_each = outcome.op.starts_with("get_course_run_");
    if let Some(p999) = outcome.p999_ns.filter(|_| timed_each) {
        let _ = write!(cell, ", p99.9 {}", time(f64::from(p999)));
    }
    cell
}

/// Three digits are enough.
pub(crate) fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        ..1e6 => (ns / 1e3, "µs"),
        ..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let digits = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
