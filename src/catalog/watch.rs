//! Watching the change feed: waiting until there is something to read.
//!
//! The writer is never held up: with nobody watching it looks at one number, otherwise it wakes one
//! thread, which wakes whoever waits, however many they are. Nothing is handed over with the call: a
//! watcher reads the feed itself, and so can neither miss nor repeat a change.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, Listener};
use parking_lot::Mutex;

use super::changes::{Changes, read_changes};
use super::published::Published;
use super::writer::panic_message;
use crate::error::{Error, Result};

/// A reader of the change feed that waits for what comes next. From [`Catalog::watch`].
///
/// It keeps its position, which moves on with what it answers: every change comes once and in
/// order. It does not keep the catalog open: when that is closed, it answers what is left, and then
/// `None`. If the store fails, it answers what is left, and then the error that ended writing. Wait on
/// a thread, or on any executor; thousands may wait at once.
///
/// ```
/// use coursecat::Catalog;
///
/// let catalog = Catalog::temporary()?;
/// let mut watch = catalog.watch(catalog.latest_change())?;
/// let reader = std::thread::spawn(move || {
///     let mut keys = Vec::new();
///     while let Some(changes) = watch.next(100)? {
///         keys.extend(changes.events.iter().map(|event| event.key()));
///     }
///     Ok::<_, coursecat::Error>(keys)
/// });
/// catalog.ensure_organization("MITx")?;
/// catalog.ensure_organization("DelftX")?;
/// drop(catalog);
/// assert_eq!(reader.join().unwrap()?, ["MITx", "DelftX"]);
/// # Ok::<(), coursecat::Error>(())
/// ```
///
/// [`Catalog::watch`]: super::Catalog::watch
#[derive(Debug)]
pub struct Watch {
    published: Arc<Published>,
    bell: Arc<Bell>,
    position: u64,
}

impl Watch {
    pub(super) fn new(published: &Arc<Published>, bell: &Arc<Bell>, since: u64) -> Self {
        Self {
            published: Arc::clone(published),
            bell: Arc::clone(bell),
            position: since,
        }
    }

    /// The number of the change that was answered last: where another watch can go on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What there is now, which may be nothing.
    ///
    /// # Errors
    /// [`Error::Compacted`] if this reader was so slow that changes it has not read are gone;
    /// [`Error::Invalid`] for a limit that is not from 1 to 1000.
    pub fn read(&mut self, limit: usize) -> Result<Changes> {
        let changes = read_changes(&self.published.load(), self.position, limit)?;
        self.position = changes.next;
        Ok(changes)
    }

    /// Waits until there is something, and answers it: at least one change, at most `limit`. `None`
    /// once the catalog is closed and everything has been answered.
    ///
    /// # Errors
    /// Those of [`read`](Self::read). Once everything has been answered, the error that has ended
    /// writing, if one has: there will be no more changes until the catalog is opened anew.
    pub fn next(&mut self, limit: usize) -> Result<Option<Changes>> {
        loop {
            match self.ready(limit)? {
                Ready::Changes(changes) => return Ok(Some(changes)),
                Ready::Closed => return Ok(None),
                Ready::NotYet(rung) => rung.wait(),
            }
        }
    }

    /// The same, but after this time answers what there is, which may be nothing.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn next_timeout(&mut self, limit: usize, patience: Duration) -> Result<Option<Changes>> {
        // An end so far off that it cannot be told is none.
        let Some(end) = Instant::now().checked_add(patience) else {
            return self.next(limit);
        };
        loop {
            match self.ready(limit)? {
                Ready::Changes(changes) => return Ok(Some(changes)),
                Ready::Closed => return Ok(None),
                Ready::NotYet(rung) => {
                    if rung.wait_deadline(end).is_none() {
                        return self.read(limit).map(Some);
                    }
                }
            }
        }
    }

    /// The same as [`next`](Self::next), to be awaited on any executor. Nothing is lost if the future
    /// is dropped before it is ready.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub async fn next_async(&mut self, limit: usize) -> Result<Option<Changes>> {
        loop {
            match self.ready(limit)? {
                Ready::Changes(changes) => return Ok(Some(changes)),
                Ready::Closed => return Ok(None),
                Ready::NotYet(mut rung) => {
                    poll_fn(|context| {
                        let waker = Waker::from(Arc::new(Guarded(context.waker().clone())));
                        Pin::new(&mut rung).poll(&mut Context::from_waker(&waker))
                    })
                    .await;
                }
            }
        }
    }

    /// Tells whether the position is one from which can be read.
    pub(super) fn check(&self) -> Result<()> {
        read_changes(&self.published.load(), self.position, 1).map(drop)
    }

    fn ready(&mut self, limit: usize) -> Result<Ready> {
        let changes = self.read(limit)?;
        if !changes.events.is_empty() {
            return Ok(Ready::Changes(changes));
        }
        // Whatever happens from here on rings.
        let rung = self.bell.listen();
        let closed = self.bell.is_down();
        let failure = self.bell.failure.get().cloned();
        let changes = self.read(limit)?;
        if !changes.events.is_empty() {
            return Ok(Ready::Changes(changes));
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        Ok(match closed {
            true => Ready::Closed,
            false => Ready::NotYet(rung),
        })
    }
}

enum Ready {
    Changes(Changes),
    NotYet(EventListener),
    Closed,
}

/// What wakes those who watch.
#[derive(Debug)]
pub(super) struct Bell {
    event: Event,
    /// Whether a new image was published that the ringer has not called out.
    rung: AtomicBool,
    /// Whether the catalog is closed.
    down: AtomicBool,
    /// Why nothing more will be published although it is open.
    failure: OnceLock<Error>,
    /// The thread that wakes the others. There is one once somebody has watched.
    ringer: OnceLock<Thread>,
    hanging: Mutex<()>,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self {
            event: Event::new(),
            rung: AtomicBool::new(false),
            down: AtomicBool::new(false),
            failure: OnceLock::new(),
            ringer: OnceLock::new(),
            hanging: Mutex::new(()),
        }
    }

    /// Starts the thread that wakes those who watch, if there is none yet.
    pub(super) fn hang_up(self: &Arc<Self>) -> Result<()> {
        let _one_at_a_time = self.hanging.lock();
        if self.ringer.get().is_some() {
            return Ok(());
        }
        let bell = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("coursecat-watch".to_owned())
            .spawn(move || bell.call_out())
            .map_err(|error| Error::Storage {
                doing: "starting to watch".to_owned(),
                source: Arc::new(error),
            })?;
        // What was published before the ringer was known has been seen by whoever listens later.
        let _ = self.ringer.set(thread.thread().clone());
        Ok(())
    }

    /// Says that a new image has been published.
    pub(super) fn ring(&self) {
        // Who is not seen here sees the new image: listening begins with such a fence, too.
        fence(Ordering::SeqCst);
        if let Some(ringer) = self.ringer.get() {
            self.rung.store(true, Ordering::Release);
            ringer.unpark();
        }
    }

    /// Says that nothing more will be published, since the store has failed.
    pub(super) fn fail(&self, failure: &Error) {
        let _ = self.failure.set(failure.clone());
        self.ring();
    }

    /// Says that nothing more will be published.
    fn take_down(&self) {
        self.down.store(true, Ordering::SeqCst);
        self.ring();
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    fn listen(&self) -> EventListener {
        self.event.listen()
    }

    /// Wakes everybody whenever the bell was rung, until it is taken down.
    fn call_out(&self) {
        loop {
            while !self.rung.swap(false, Ordering::Acquire) {
                thread::park();
            }
            let is_last = self.is_down();
            self.event.notify(usize::MAX);
            if is_last {
                return;
            }
        }
    }
}

/// A waker that runs its owner's code, and keeps a panic of it from those who are woken after it.
struct Guarded(Waker);

impl Wake for Guarded {
    fn wake(self: Arc<Self>) {
        let woken = catch_unwind(AssertUnwindSafe(|| self.0.wake_by_ref()));
        if let Err(panic) = woken {
            tracing::error!("a watcher's waker panicked: {}", panic_message(&*panic));
        }
    }
}

/// Tells those who watch that the catalog is closed when it is dropped, however the writer ends.
pub(super) struct EndOfWatching(pub(super) Arc<Bell>);

impl Drop for EndOfWatching {
    fn drop(&mut self) {
        self.0.take_down();
    }
}
