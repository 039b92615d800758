//! Staying awake: a thread that looks for what it waits for, for a moment, before it sleeps.
//!
//! To wake a thread whose processor has gone idle takes some 50 microseconds on a virtual machine, half
//! as long as the disk takes for a commit. Where one caller writes alone, there are two such
//! wakes in each write, and no other use for the processors. With more callers, somebody is awake
//! anyway: then nobody comes here.

use std::thread;
use std::time::{Duration, Instant};

/// How long a caller that is alone looks for its answer: about as long as a commit takes on a fast disk.
pub(super) const CALLER: Duration = Duration::from_micros(200);

/// How long the writer looks for another request of a caller that is alone.
pub(super) const WRITER: Duration = Duration::from_micros(50);

/// Looks again and again, for so long, and lets other threads go first.
pub(super) fn look<T>(time: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + time;
    loop {
        let found = found();
        if found.is_some() || Instant::now() >= until {
            return found;
        }
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_ends_with_what_was_looked_for_or_with_the_time() {
        let mut looks = 0;
        let third = || {
            looks += 1;
            (looks == 3).then_some(looks)
        };
        assert_eq!(look(Duration::from_secs(60), third), Some(3));
        assert_eq!(look(Duration::from_millis(1), || None::<u8>), None);
        // Whatever the time, there is one look.
        assert_eq!(look(Duration::ZERO, || Some(1)), Some(1));
    }
}
