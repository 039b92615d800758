//! The watchdog: it frees a flush that would wait for ever. It never writes.
//!
//! sled 0.34.7 keeps the error of a failed write, but forgets to wake whoever waits for that write
//! if it was begun by the last to leave a buffer (`Log::exit_reservation`). Any other flush finds the
//! error, returns it, and wakes them all.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::outcome::guarded;

/// How often it looks whether sled has met an error.
const PERIOD: Duration = Duration::from_millis(200);

/// Watches a database until it is dropped.
pub(super) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Begins to watch.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn over(db: &::sled::Db) -> io::Result<Self> {
        let db = db.clone();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("coursecat-watchdog".to_owned())
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                    if db.context.global_error().is_err() {
                        // What it answers is known.
                        let _ = guarded("waking", || db.flush());
                    }
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot panic: what may is guarded.
            let _ = thread.join();
        }
    }
}
