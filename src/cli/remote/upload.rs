//! Data that goes to a server as it comes.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::SendBody;
use ureq::http::{HeaderValue, Method, header};

use super::{Patience, Refusal, Remote};

/// How often it is looked at whether to stop, while the server works.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

impl Remote {
    /// Sends data, and gets what came of it, however long the server works on it; or nothing, and no
    /// other request, once this says to stop.
    pub(in crate::cli) fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        length: Option<u64>,
        data: &mut dyn Read,
        stop: impl Fn() -> bool + Sync,
    ) -> Result<T, Refusal> {
        let body = SendBody::from_reader(data);
        let mut request =
            self.request(&Method::POST, path, Some("application/octet-stream"), body)?;
        let headers = request.headers_mut();
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        // A server that refuses says so before all is sent.
        let wait = HeaderValue::from_static("100-continue");
        headers.insert(header::EXPECT, wait);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let watching = scope.spawn(|| {
                while !is_done.load(Ordering::Acquire) {
                    if stop() {
                        self.agent.clone().shutdown();
                        return;
                    }
                    thread::park_timeout(LOOKS_EVERY);
                }
            });
            let answer = self.run(Ok(request), Patience::Endless);
            let answer = answer.and_then(|response| self.read(response));
            is_done.store(true, Ordering::Release);
            watching.thread().unpark();
            answer
        })
    }
}
