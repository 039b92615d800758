//! Group commit as an application would write it around a store that has none: callers queue,
//! one thread takes all that wait, commits them in one transaction, and answers.

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::peer::Creates;
use crate::record::NewRun;

struct Waiting {
    new: NewRun,
    answer: oneshot::Sender<()>,
}

/// Where callers queue.
pub(crate) struct Queue(Sender<Waiting>);

/// What waits there.
pub(crate) struct Groups(Receiver<Waiting>);

pub(crate) fn queue() -> (Queue, Groups) {
    let (sender, receiver) = channel();
    (Queue(sender), Groups(receiver))
}

impl Queue {
    /// Creates a run, and returns when it is committed.
    pub(crate) fn create(&self, new: NewRun) {
        let (answer, committed) = oneshot::channel();
        let queued = self.0.send(Waiting { new, answer });
        queued.expect("groups are committed");
        committed.recv().expect("committed");
    }
}

impl Groups {
    /// Commits group after group, until the last queue is gone.
    pub(crate) fn commit_to(self, peer: &impl Creates) {
        while let Ok(first) = self.0.recv() {
            let group = std::iter::once(first).chain(self.0.try_iter());
            let (runs, answers): (Vec<_>, Vec<_>) =
                group.map(|waiting| (waiting.new, waiting.answer)).unzip();
            peer.create(&runs);
            for answer in answers {
                answer.send(()).expect("the caller waits");
            }
        }
    }
}
