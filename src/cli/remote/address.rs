//! The address of a server, and the key for it, as people give them.
//!
//! A key never goes over the network in the clear unless its owner says so.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use secrecy::SecretString;
use ureq::http::Uri;

use crate::cli::failure::{Failure, exit};
use crate::cli::output::printable_path;

/// The address of a server, without a slash at its end: `https://catalog.example.org/v`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Address {
    text: String,
    is_encrypted: bool,
    /// Whether it is on this machine.
    pub(super) is_near: bool,
}

impl Address {
    /// Reads an address.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let what = format!("The server {:?} is no address: {why}.", without_user(text));
            Failure::with_code(exit::USAGE, what)
                .advise("Write it like http://127.0.0.1:8787 or https://catalog.example.org.")
        };
        let text = text.trim();
        if !text.contains("://") {
            return Err(refused("it does not begin with http:// or https://"));
        }
        let uri: Uri = text.parse().map_err(|_| refused("it is none of the web"))?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused("it does not begin with http:// or https://")),
        };
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err(refused("it has no host"));
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(refused("it has a user; a key goes with --key-file"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(refused("something follows its path"));
        }
        Ok(Self {
            is_near: is_loopback(host),
            is_encrypted,
            text: text.trim_end_matches('/').to_owned(),
        })
    }

    /// Whether others could read what goes there.
    fn is_exposed(&self) -> bool {
        !self.is_encrypted && !self.is_near
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// An address without what could be secret of it.
fn without_user(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let (before, after) = (text.get(..scheme), text.get(at + 1..));
            format!(
                "{}://{}",
                before.unwrap_or_default(),
                after.unwrap_or_default()
            )
        }
        _ => text.to_owned(),
    }
}

/// A key that may go to a server.
pub(super) fn check_key(
    key: SecretString,
    address: &Address,
    insecure: bool,
) -> Result<SecretString, Failure> {
    use secrecy::ExposeSecret as _;
    let is_one = |c: char| c.is_ascii_graphic();
    if !key.expose_secret().chars().all(is_one) {
        return Err(Failure::with_code(
            exit::USAGE,
            "The key has a character that no key has, such as a space.",
        )
        .advise("Copy it anew; coursecat key create has shown it."));
    }
    if address.is_exposed() && !insecure {
        return Err(Failure::with_code(
            exit::USAGE,
            format!("The key would go to {address} for everybody on the way to read."),
        )
        .advise("Use https, or say --insecure-http if the network between is safe."));
    }
    Ok(key)
}

/// Reads a file that holds a key.
pub(super) fn key_of_file(path: &Path) -> Result<SecretString, Failure> {
    let shown = printable_path(path);
    let failed = |what: String| {
        Failure::with_code(exit::USAGE, what)
            .advise("Name a file that holds the key and nothing else.")
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| failed(format!("The key cannot be read from {shown}: {error}.")))?;
    match text.trim() {
        "" => Err(failed(format!("{shown} holds no key."))),
        key => Ok(key.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_only_near_or_encrypted_ones_get_a_key() {
        for (text, shown, gets_key) in [
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787", true),
            ("http://localhost:8787/", "http://localhost:8787", true),
            ("http://[::1]:8787", "http://[::1]:8787", true),
            ("http://10.0.0.1", "http://10.0.0.1", false),
            (
                "http://127.0.0.1.example.org",
                "http://127.0.0.1.example.org",
                false,
            ),
            (
                "https://example.org/catalog/",
                "https://example.org/catalog",
                true,
            ),
        ] {
            let address = Address::read(text).unwrap();
            assert_eq!(address.to_string(), shown);
            let key = check_key("coursecat_a_b".into(), &address, false);
            assert_eq!(key.is_ok(), gets_key, "{text}");
            assert!(check_key("coursecat_a_b".into(), &address, true).is_ok());
            assert!(check_key("a b".into(), &address, true).is_err());
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_no_password_is_shown() {
        for text in [
            "",
            "127.0.0.1:8787",
            "ftp://example.org",
            "http://",
            "http:///path",
            "http://me:secret@example.org",
            "http://example.org?a=b",
            "http://example.org/#a",
            "http://exa mple.org",
        ] {
            let failure = format!("{:?}", Address::read(text).unwrap_err());
            assert!(!failure.contains("secret"), "{failure}");
        }
    }
}
