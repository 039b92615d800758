//! What can be chosen about the service. Where the choices come from is not asked here.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What can be chosen about the service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whether other machines may reach the service although it asks for no key.
    pub insecure: bool,
    /// Whether reading needs no key, where keys are asked for.
    pub anonymous_read: bool,
    /// The sites whose pages may use the service from a browser, such as `https://studio.example.org`.
    pub cors: Vec<String>,
    /// How many requests a second are let through for each key, or for each address of those without;
    /// 0 lets all through. Unless chosen, all on an address that only this machine reaches, and 1000
    /// elsewhere.
    pub rate_limit: Option<u32>,
    /// The most bytes of a request's body.
    pub max_body_bytes: usize,
    /// The most bytes of an import.
    pub max_import_bytes: u64,
    /// The most connections at a time; more wait to be accepted.
    pub max_connections: usize,
    /// The most clients that follow the change feed at a time.
    pub max_streams: usize,
    /// How often a client that follows the feed hears something when nothing changes.
    pub stream_heartbeat: Duration,
    /// How long a client that follows the feed may take to read what it was sent.
    pub stream_timeout: Duration,
    /// How long a client may take to send the head of a request, and to begin the next one.
    pub header_timeout: Duration,
    /// How long a request may take, from its head to the head of the answer; and how long a client
    /// may take to accept any part of an answer.
    pub request_timeout: Duration,
    /// How long requests that are on their way may take after the service was told to stop.
    pub stop_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8787).into(),
            insecure: false,
            anonymous_read: false,
            cors: Vec::new(),
            rate_limit: None,
            max_body_bytes: 1 << 20,
            max_import_bytes: 1 << 30,
            max_connections: 10_000,
            max_streams: 2_000,
            stream_heartbeat: Duration::from_secs(15),
            stream_timeout: Duration::from_secs(15),
            header_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Refuses what contradicts itself or is not safe.
    ///
    /// Whether there are keys decides on some of it.
    ///
    /// # Errors
    /// [`InvalidConfig`] says what to choose otherwise.
    pub fn check(&self, has_keys: bool) -> Result<(), InvalidConfig> {
        if !self.listen.ip().is_loopback() && !has_keys && !self.insecure {
            return Err(InvalidConfig(format!(
                "Other machines could reach {}, and there is no key to ask for. Make one with: coursecat key create NAME --scope admin. Or listen on 127.0.0.1, or say --insecure if something else keeps strangers out.",
                self.listen
            )));
        }
        for origin in &self.cors {
            let is_origin = origin.split_once("://").is_some_and(|(scheme, host)| {
                matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('/')
            });
            if !is_origin {
                return Err(InvalidConfig(format!(
                    "{origin:?} is no origin of pages such as https://studio.example.org."
                )));
            }
        }
        for (option, is_zero) in [
            ("max-body-bytes", self.max_body_bytes == 0),
            ("max-connections", self.max_connections == 0),
            ("stream-heartbeat", self.stream_heartbeat.is_zero()),
            ("stream-timeout", self.stream_timeout.is_zero()),
            ("header-timeout", self.header_timeout.is_zero()),
            ("request-timeout", self.request_timeout.is_zero()),
        ] {
            if is_zero {
                return Err(InvalidConfig(format!("The option {option} cannot be 0.")));
            }
        }
        Ok(())
    }
}

/// Options that the service refuses to run with.
///
/// Prints as a sentence that says what to choose otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidConfig(pub(super) String);
