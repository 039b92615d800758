//! The carrier: a thread that carries rows from the journal to the trees, while others are appended to
//! the journal. It never touches the journal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use super::EngineError;
use super::rows::Rows;
use super::store::Trees;

/// How carrying ended, and how many bytes of log it wrote, at most.
pub(super) type Carried = Result<u64, EngineError>;

/// See the [module](self). It carries one generation at a time.
pub(super) struct Carrier {
    loads: Sender<(Arc<Rows>, u64)>,
    /// A receiver is not `Sync`, and an engine must be; nobody ever waits for this lock.
    arrivals: Mutex<Receiver<Carried>>,
    thread: JoinHandle<()>,
    /// The rows that are on their way.
    cargo: Option<Arc<Rows>>,
    /// Those that have arrived, until there is time to let them go.
    delivered: Option<Arc<Rows>>,
    /// No rows, in memory that has held some.
    emptied: Rows,
}

impl Carrier {
    /// A carrier to these trees.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn to(trees: Arc<Trees>) -> io::Result<Self> {
        let (loads, next) = mpsc::channel::<(Arc<Rows>, u64)>();
        let (arrived, arrivals) = mpsc::channel();
        let carry = move || {
            for (rows, generation) in next {
                let carried = trees.carry(&rows, generation);
                drop(rows);
                // Nobody is told once the engine is gone.
                let _ = arrived.send(carried);
            }
        };
        let thread = thread::Builder::new().name("coursecat-carry".to_owned());
        Ok(Self {
            loads,
            arrivals: Mutex::new(arrivals),
            thread: thread.spawn(carry)?,
            cargo: None,
            delivered: None,
            emptied: Rows::default(),
        })
    }

    /// The rows that are on their way.
    pub(super) fn cargo(&self) -> Option<&Rows> {
        self.cargo.as_deref()
    }

    /// Has the rows of a generation carried, and gives back none for the next. Nothing may be on its way.
    pub(super) fn begin(&mut self, rows: Rows, generation: u64) -> Rows {
        let rows = Arc::new(rows);
        // Should the thread be gone, waiting for it will tell.
        let _ = self.loads.send((Arc::clone(&rows), generation));
        self.cargo = Some(rows);
        std::mem::take(&mut self.emptied)
    }

    /// How carrying ended; `None` if nothing is on its way, or it has not ended yet.
    pub(super) fn poll(&mut self) -> Option<Carried> {
        self.cargo.as_ref()?;
        let arrived = match self.arrivals.get_mut().try_recv() {
            Err(mpsc::TryRecvError::Empty) => return None,
            arrived => arrived.unwrap_or_else(|_| Err(is_gone())),
        };
        self.arrived(arrived)
    }

    /// How carrying ends; `None` if nothing is on its way.
    pub(super) fn wait(&mut self) -> Option<Carried> {
        self.cargo.as_ref()?;
        let arrived = self.arrivals.get_mut().recv();
        self.arrived(arrived.unwrap_or_else(|_| Err(is_gone())))
    }

    /// Lets go the rows that have arrived. That takes a while, in which the next ones may be on their way.
    pub(super) fn unload(&mut self) {
        // The thread has let go of its share.
        if let Some(rows) = self.delivered.take().and_then(Arc::into_inner) {
            self.emptied = rows.emptied();
        }
    }

    #[cfg(test)]
    pub(super) fn is_unloaded(&self) -> bool {
        self.delivered.is_none()
    }

    /// Ends the thread, once it has carried what is on its way.
    pub(super) fn end(self) {
        drop(self.loads);
        // What may panic there becomes an error there.
        let _ = self.thread.join();
    }

    fn arrived(&mut self, carried: Carried) -> Option<Carried> {
        if carried.is_ok() {
            // What could not be carried still lies over what is in the trees.
            self.delivered = self.cargo.take();
        }
        Some(carried)
    }
}

fn is_gone() -> EngineError {
    EngineError::Failed {
        earlier: "the thread that carries rows to their trees has ended".to_owned(),
    }
}
