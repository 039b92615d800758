//! A server, as its client sees it: one request after the other, and what goes wrong on the way.
//!
//! It knows HTTP and no verb. What a server answers is checked, and never more of it is held than it
//! could reasonably need; a change is sent once, and never again unless the server said that it has
//! not looked at it.

mod address;
mod problem;
mod stream;
mod upload;

use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Method, Request, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body, Timeout};

use super::args::ServerArguments;
use super::failure::{Failure, exit};
use address::Address;
pub(super) use problem::Problem;
pub(super) use stream::Stream;

/// How long it may take to reach a server.
const TO_CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that is no stream: 1,000 records are far less.
const MOST_BYTES: u64 = 64 << 20;
/// How long to wait in all for a server that has too much to do.
const MOST_WAITING: Duration = Duration::from_secs(60);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Remote {
    agent: Agent,
    address: Address,
    key: Option<SecretString>,
    timeout: Duration,
}

/// How long an answer may be in coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// As long as `--timeout` says.
    Short,
    /// As long as it takes: the server works on it, and can tell nothing until it is done.
    Endless,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The server refuses.
    Problem(Box<Problem>),
    /// There is no talking to it.
    Failure(Failure),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Problem(problem) => (*problem).into(),
            Refusal::Failure(failure) => failure,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Remote {
    /// Its address, as it was given.
    pub(super) fn address(&self) -> impl std::fmt::Display {
        &self.address
    }

    /// The server of this address. Nothing is asked of it yet.
    pub(super) fn new(address: &str, arguments: &ServerArguments) -> Result<Self, Failure> {
        let address = Address::read(address)?;
        let key = match (&arguments.key, &arguments.key_file) {
            (Some(key), _) if !key.expose_secret().is_empty() => Some(key.clone()),
            (_, Some(path)) if !path.as_os_str().is_empty() => Some(address::key_of_file(path)?),
            _ => None,
        };
        let check = |key| address::check_key(key, &address, arguments.insecure_http);
        let key = key.map(check).transpose()?;
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A key must not follow to wherever a redirect leads.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("coursecat/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .timeout_connect(Some(TO_CONNECT));
        if address.is_near {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            address,
            key,
            timeout: arguments.timeout.0,
        })
    }

    /// Gets a value.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        self.read(self.send(&Method::GET, path, &[])?)
    }

    /// Gets a value that the server has to work on for long.
    pub(super) fn get_patiently<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let request = self.request(&Method::GET, path, None, ());
        self.read(self.run(request, Patience::Endless)?)
    }

    fn get_as_it_comes(&self, path: &str) -> Result<Response<Body>, Refusal> {
        self.send(&Method::GET, path, &[])
    }

    /// Sends a value with this method, and gets one.
    pub(super) fn change<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Failure::other(format!("The request cannot be written: {error}.")))?;
        self.read(self.send(method, path, &body)?)
    }

    /// Puts something at an address, and tells whether it was not there before.
    pub(super) fn put(&self, path: &str) -> Result<bool, Refusal> {
        let response = self.send(&Method::PUT, path, &[])?;
        Ok(response.status() == StatusCode::CREATED)
    }

    /// Deletes what is at an address.
    pub(super) fn delete(&self, path: &str) -> Result<(), Refusal> {
        self.send(&Method::DELETE, path, &[]).map(drop)
    }

    /// Sends a request, again if the server has too much to do and says when to come back.
    fn send(&self, method: &Method, path: &str, body: &[u8]) -> Result<Response<Body>, Refusal> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = if body.is_empty() {
                self.run(self.request(method, path, None, ()), Patience::Short)
            } else {
                let json = Some("application/json");
                self.run(self.request(method, path, json, body), Patience::Short)
            };
            match answer {
                Err(Refusal::Problem(problem)) if problem.code == "rate_limited" => {
                    let wait = problem.retry_after.max(Duration::from_secs(1));
                    waited += wait;
                    if waited > MOST_WAITING {
                        return Err(Refusal::Problem(problem));
                    }
                    std::thread::sleep(wait);
                }
                answer => return answer,
            }
        }
    }

    fn request<B>(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&str>,
        body: B,
    ) -> Result<Request<B>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {}", key.expose_secret());
            request = request.header(header::AUTHORIZATION, bearer);
        }
        request.body(body).map_err(|_| {
            let what = format!("{} cannot be asked for this: it is too long.", self.address);
            Failure::with_code(exit::INVALID, what)
        })
    }

    /// Sends a request once, and sorts what comes of it.
    fn run<B: AsSendBody>(
        &self,
        request: Result<Request<B>, Failure>,
        patience: Patience,
    ) -> Result<Response<Body>, Refusal> {
        let request = request?;
        let changes = !matches!(*request.method(), Method::GET);
        let limit = (patience == Patience::Short).then_some(self.timeout);
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .timeout_per_write(Some(self.timeout))
            .build();
        let mut response = self
            .agent
            .run(request)
            .map_err(|error| self.unreachable(&error, changes))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.redirected(&response).into());
        }
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map_or(Duration::ZERO, Duration::from_secs);
        let body = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error, changes))?;
        match serde_json::from_slice::<Problem>(&body) {
            Ok(mut problem) if !problem.code.is_empty() && !problem.is_of_address() => {
                problem.retry_after = retry_after;
                Err(Refusal::Problem(Box::new(problem)))
            }
            _ => Err(self.stranger(&format!("answers {status}")).into()),
        }
    }

    /// Reads the value of an answer.
    fn read<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Result<T, Refusal> {
        let body = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error, false))?;
        serde_json::from_slice(&body).map_err(|error| {
            tracing::debug!("the answer is not understood: {error}");
            self.stranger("answers what this program does not understand")
                .into()
        })
    }

    fn redirected(&self, response: &Response<Body>) -> Failure {
        let to = response.headers().get(header::LOCATION);
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
        let what = format!("{} sends its clients on to {to}.", self.address);
        Failure::other(what).advise("If you trust it, name that address with --server.")
    }

    /// A server that does not do as one of this version would. Finds out what it is.
    pub(super) fn stranger(&self, does: &str) -> Failure {
        let address = &self.address;
        let version = env!("CARGO_PKG_VERSION");
        match self.version() {
            Some(theirs) => Failure::other(format!(
                "The server {address} {does}: it is coursecat {theirs}, and this is coursecat {version}."
            ))
            .advise("Use the same version on both sides."),
            None => Failure::other(format!("{address} {does}: it does not seem to be coursecat."))
                .advise("Look at the address: it is what coursecat serve prints, without /v1."),
        }
    }

    /// The version that a coursecat server tells in its documentation, which needs no key.
    fn version(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Document {
            info: Info,
        }
        #[derive(serde::Deserialize)]
        struct Info {
            title: String,
            version: String,
        }
        let request = Request::get(format!("{}/openapi.json", self.address)).body(());
        let request = self
            .agent
            .configure_request(request.ok()?)
            .timeout_global(Some(TO_CONNECT))
            .build();
        let mut response = self.agent.run(request).ok()?;
        let body = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_vec();
        let document: Document = serde_json::from_slice(&body.ok()?).ok()?;
        (document.info.title == "coursecat").then_some(document.info.version)
    }

    /// What went wrong between here and there.
    pub(super) fn unreachable(&self, error: &ureq::Error, changes: bool) -> Failure {
        let address = &self.address;
        let (what, advice) = match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => (
                format!("The server {address} cannot be reached: it does not answer."),
                "Look at the address, and whether the server runs.",
            ),
            ureq::Error::Timeout(_) => (
                format!(
                    "The server {address} did not answer within {:?}.",
                    self.timeout
                ),
                "Wait longer with --timeout, or see how the server is.",
            ),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => (
                format!("The server {address} cannot prove to be the one: {error}."),
                "If its certificate is of an authority of your own, name that in SSL_CERT_FILE; if it speaks no TLS, write http://.",
            ),
            ureq::Error::Io(error) if is_of_tls(error) => (
                format!("The server {address} cannot prove to be the one: {error}."),
                "If its certificate is of an authority of your own, name that in SSL_CERT_FILE; if it speaks no TLS, write http://.",
            ),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
                format!("The server {address} cannot be reached: nothing listens there."),
                "Look at the address, and whether the server runs; coursecat serve starts one.",
            ),
            error if is_before_sending(error) => (
                format!("The server {address} cannot be reached: {}.", said(error)),
                "Look at the address, and whether the server runs.",
            ),
            ureq::Error::Protocol(_) | ureq::Error::BodyExceedsLimit(_) | ureq::Error::Http(_) => (
                format!("{address} does not answer as a coursecat server does: {error}."),
                "Look at the address: it is what coursecat serve prints. If it speaks TLS, write https://.",
            ),
            error => (
                format!(
                    "The connection to the server {address} broke: {}.",
                    said(error)
                ),
                "Try again, or see how the server is.",
            ),
        };
        let failure = Failure::other(what).advise(advice);
        match changes && !is_before_sending(error) {
            true => failure.advise("Whether it was done is not known: look before you try again."),
            false => failure,
        }
    }
}

/// What an error says, without what it is called in the library.
fn said(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Whether nothing can have been done yet.
fn is_before_sending(error: &ureq::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    match error {
        ureq::Error::Timeout(timeout) => matches!(timeout, Timeout::Connect | Timeout::Resolve),
        ureq::Error::Io(error) => {
            // The kind of an error of name lookup has no name that could be matched.
            is_of_tls(error)
                || error.to_string().starts_with("failed to lookup address")
                || matches!(
                    error.kind(),
                    AddrNotAvailable
                        | ConnectionRefused
                        | HostUnreachable
                        | NetworkDown
                        | NetworkUnreachable
                )
        }
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Pem(_) => true,
        _ => false,
    }
}

/// Whether the two sides could not agree on how to talk in secret.
fn is_of_tls(error: &io::Error) -> bool {
    // The library of TLS is not named here; it says of itself that the data is wrong.
    error.kind() == io::ErrorKind::InvalidData
}
