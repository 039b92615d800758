//! The service's log, on stderr: lines for a person at a terminal, JSON for whatever collects logs.
//!
//! It is written by a thread of its own, so that a full pipe never holds up a request; lines that
//! do not fit are dropped.

use std::io::IsTerminal;

use clap::ValueEnum;
use serde::Deserialize;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::LevelFilter;

/// How much is logged.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum LogLevel {
    /// Failures of the service
    Error,
    /// And what may become one
    Warn,
    /// And its start and stop, every change, every refused request
    Info,
    /// And every other request
    Debug,
}

/// How it looks.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum LogFormat {
    /// For a person if stderr is a terminal, JSON otherwise
    Auto,
    /// Lines for a person
    Human,
    /// One JSON object a line
    Json,
}

/// Begins to log. What is left is written when the guard is dropped.
pub(super) fn start(level: LogLevel, format: LogFormat) -> WorkerGuard {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let is_terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer);
    // A program that has a log already keeps it.
    let _ = match format {
        LogFormat::Auto | LogFormat::Human if is_terminal || matches!(format, LogFormat::Human) => {
            let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
            log.with_ansi(color).try_init()
        }
        _ => log.json().flatten_event(true).try_init(),
    };
    guard
}
