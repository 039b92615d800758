//! Progress of long work: shown to a person at a terminal, and nowhere else. Decides nothing about
//! the work but whether Ctrl-C has asked for its end.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Begins to show how much of an input of so many bytes is read; 0 if that is not known.
pub(super) fn of_bytes(bytes: u64) -> ProgressBar {
    shown(
        ProgressBar::new(bytes),
        match bytes {
            0 => "{msg} {bytes} read, {bytes_per_sec}",
            _ => "{msg} {wide_bar} {percent}% {bytes_per_sec}, {eta} left",
        },
    )
}

/// Begins to show that something is being done whose length is not known. It ends when this is
/// dropped.
pub(super) fn of_work(doing: &'static str) -> Working {
    let bar = shown(ProgressBar::new_spinner(), "{spinner} {msg} ({elapsed})");
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar.set_message(doing);
    Working(bar)
}

/// Something that is being done.
pub(super) struct Working(ProgressBar);

impl Working {
    /// Says what is being done now.
    pub(super) fn say(&self, doing: String) {
        self.0.set_message(doing);
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn shown(bar: ProgressBar, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Whether Ctrl-C or SIGTERM has asked for an end.
#[derive(Clone, Debug)]
pub(super) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Takes both signals from now on. A second Ctrl-C changes nothing: what is on its way takes
    /// moments.
    pub(super) fn on_signal() -> Self {
        let stop = Self(Arc::new(AtomicBool::new(false)));
        let flag = stop.clone();
        let set = ctrlc::set_handler(move || flag.0.store(true, Ordering::Relaxed));
        if let Err(error) = set {
            tracing::debug!("this cannot be stopped cleanly here: {error}");
        }
        stop
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
