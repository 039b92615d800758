//! Who may go on: keys, the rate of requests, and the address that a browser believes to talk to.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderValue, header};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Mutex;

use super::config::Config;
use super::keys::{KeyFile, Ring, Scope};
use super::problem::{Code, Problem};

/// See the [module](self).
pub(super) struct Guard {
    /// Where keys are kept; none for a catalog in memory.
    pub(super) file: Option<KeyFile>,
    ring: ArcSwap<Known>,
    /// Held by whoever reads the file and takes what it has: of two, the one that read last must be
    /// the one that is taken last, or a key that was just revoked would be one again.
    pub(super) looking: Mutex<()>,
    anonymous_read: bool,
    /// Whether requests without a key must name this machine.
    checks_host: bool,
    limiter: Option<DefaultKeyedRateLimiter<Who>>,
}

/// The keys that are known, and whether one is asked for.
#[derive(Default)]
struct Known {
    ring: Ring,
    /// Once there has been a key, there is no way back to a service without, but by a new start.
    asks: bool,
}

/// Whose requests are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Key(Arc<str>),
    Address(IpAddr),
}

/// How many requests a second are let through where nobody chose and others can reach the service.
const DEFAULT_RATE: u32 = 1_000;

impl Guard {
    pub(super) fn new(config: &Config, file: Option<KeyFile>) -> Self {
        let is_private = config.listen.ip().is_loopback();
        let rate = match (config.rate_limit, is_private) {
            (Some(rate), _) => rate,
            (None, true) => 0,
            (None, false) => DEFAULT_RATE,
        };
        Self {
            file,
            ring: ArcSwap::default(),
            looking: Mutex::default(),
            anonymous_read: config.anonymous_read,
            checks_host: is_private && !config.insecure,
            limiter: NonZeroU32::new(rate).map(|rate| RateLimiter::keyed(Quota::per_second(rate))),
        }
    }

    /// Takes these keys from now on.
    pub(super) fn set(&self, ring: Ring) {
        let asks = self.asks_for_keys() || !ring.is_empty();
        self.ring.store(Arc::new(Known { ring, asks }));
    }

    pub(super) fn asks_for_keys(&self) -> bool {
        self.ring.load().asks
    }

    /// Lets a request through, and tells by which key it came.
    pub(super) fn admit(
        &self,
        scope: Option<Scope>,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<str>>, Problem> {
        check_host(headers)?;
        let known = self.ring.load();
        let shown = match (shown(headers), scope) {
            // What needs no key takes no offence at one that cannot be read.
            (Err(_), None) => None,
            (shown, _) => shown?,
        };
        let key = shown.map(|shown| known.ring.find(shown).ok_or(()));
        let name: Option<Arc<str>> = match &key {
            Some(Ok(key)) => Some(key.name.as_str().into()),
            _ => None,
        };
        // A key that is none counts for the address: guessing is limited, too.
        self.check_rate(name.as_ref(), address)?;
        let Some(scope) = scope else {
            return Ok(name);
        };
        match key {
            Some(Ok(key)) if key.scope >= scope => Ok(name),
            Some(Ok(key)) => Err(Problem::new(
                Code::Forbidden,
                format!(
                    "The key {:?} has the scope {}; this needs {scope}.",
                    key.name, key.scope
                ),
            )),
            Some(Err(())) => Err(unauthorized("The key is unknown, revoked or expired.")),
            None if known.asks && !(self.anonymous_read && scope == Scope::Read) => Err(
                unauthorized("This needs a key, in the header Authorization: Bearer KEY."),
            ),
            None if !known.asks && self.checks_host && !names_this_machine(headers) => {
                // Otherwise any page that a browser on this machine shows could have a name point
                // here and read the answers.
                let detail = "Without keys, the service answers only to localhost and 127.0.0.1 in the header Host.";
                Err(Problem::new(Code::Forbidden, detail))
            }
            None => Ok(None),
        }
    }

    fn check_rate(&self, key: Option<&Arc<str>>, address: Option<IpAddr>) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let who = match (key, address) {
            (Some(key), _) => Who::Key(Arc::clone(key)),
            (None, Some(address)) => Who::Address(network(address)),
            (None, None) => return Ok(()),
        };
        limiter.check_key(&who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Problem::new(
                Code::RateLimited,
                "Too many requests; go on a little later.",
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
        })
    }

    /// Forgets who has not come for long. To be called from time to time.
    pub(super) fn tidy(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// How often keys are looked for that have been made or revoked meanwhile.
pub(super) const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// The addresses that one subscriber has: of IPv6, the first half.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

/// The key that a request shows.
fn shown(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(Problem::bad_request(
            "The header Authorization comes twice.",
        ));
    }
    let key = first.to_str().ok().and_then(|text| {
        let (scheme, key) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    key.map(Some)
        .ok_or_else(|| unauthorized("The header Authorization must be: Bearer KEY."))
}

fn unauthorized(detail: &'static str) -> Problem {
    let bearer = HeaderValue::from_static("Bearer realm=\"coursecat\"");
    Problem::new(Code::Unauthorized, detail).with_header(header::WWW_AUTHENTICATE, bearer)
}

/// Refuses two names of a host, of which others on the way may believe the other one.
fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get_all(header::HOST).iter().nth(1) {
        None => Ok(()),
        Some(_) => Err(Problem::bad_request("The header Host comes twice.")),
    }
}

/// Whether a request was meant for this machine, as far as it says itself.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        // No browser leaves it out.
        return true;
    };
    // What is no text names some other machine.
    let host = host.to_str().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |name: &str| name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_loopback(name)
}
