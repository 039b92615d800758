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
    /// The most bytes of a request's body.
    pub max_body_bytes: usize,
    /// The most connections at a time; more wait to be accepted.
    pub max_connections: usize,
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
            max_body_bytes: 1 << 20,
            max_connections: 10_000,
            header_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Refuses what contradicts itself or is not safe.
    ///
    /// # Errors
    /// [`InvalidConfig`] says what to choose otherwise.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if !self.listen.ip().is_loopback() && !self.insecure {
            return Err(InvalidConfig(format!(
                "Other machines could reach {}, and no key is asked for. Listen on 127.0.0.1, or say --insecure if something else keeps strangers out.",
                self.listen
            )));
        }
        for (option, is_zero) in [
            ("max-body-bytes", self.max_body_bytes == 0),
            ("max-connections", self.max_connections == 0),
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
