//! Ctrl-C and SIGTERM: the first one stops the service, the second one stops the stopping.

use std::future::Future;
use std::io;

use tokio::sync::watch;

/// Counts the signals.
pub(super) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Takes both signals from now on.
    pub(super) fn listen() -> io::Result<Self> {
        let (count, counted) = watch::channel(0);
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    count.send_modify(|count| *count += 1);
                }
            });
        }
        #[cfg(not(unix))]
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(counted))
    }

    /// One future for the first signal, one for the second.
    pub(super) fn split(self) -> (impl Future<Output = ()>, impl Future<Output = ()>) {
        (at_least(self.0.clone(), 1), at_least(self.0, 2))
    }
}

async fn at_least(mut counted: watch::Receiver<u32>, most: u32) {
    if counted.wait_for(|count| *count >= most).await.is_err() {
        // Nobody counts any more: there will be no signal.
        std::future::pending::<()>().await;
    }
}
