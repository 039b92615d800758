//! `coursecat key …`

use serde_json::json;
use ureq::http::Method;

use super::failure::{Failure, exit};
use super::key_args::KeyVerb;
use super::output::{Output, line, printable, say};
use super::reach::Target;
use super::remote::{Refusal, Remote};
use super::session::Session;
use super::span::Span;
use crate::http::KeyView;
use crate::http::keys::{KeyError, KeyFile, Scope};
use crate::view::segment;
use crate::{Error, Timestamp};

pub(super) fn run(session: &Session, verb: KeyVerb) -> Result<(), Failure> {
    let keys = match &session.target {
        Target::Folder => Keys::File(KeyFile::of(&session.global.data)),
        Target::Server(remote) => Keys::Server(remote),
    };
    match verb {
        KeyVerb::Create {
            name,
            scope,
            expires,
        } => {
            if let Keys::File(_) = keys {
                have_catalog(session)?;
            }
            let key = keys.create(&name, scope, expires)?;
            if session.output == Output::Json {
                return session.output.object(&key);
            }
            say(&format!(
                "The key {name}, with the scope {scope}. It is shown this once:"
            ));
            line(&key.key.unwrap_or_default())
        }
        KeyVerb::List => {
            let keys = keys.list()?;
            if session.output == Output::Json {
                return keys.iter().try_for_each(|key| session.output.object(key));
            }
            if keys.is_empty() {
                session.done("There are no keys.");
            }
            let now = Timestamp::now();
            keys.iter().try_for_each(|key| {
                let end = match key.expires {
                    None => String::new(),
                    Some(end) if end <= now => format!("  expired {end}"),
                    Some(end) => format!("  expires {end}"),
                };
                let (name, scope) = (printable(&key.name), key.scope);
                line(&format!("{name}  {scope}  created {}{end}", key.created))
            })
        }
        KeyVerb::Revoke { name } => {
            keys.revoke(&name)?;
            session.done(&format!(
                "Revoked the key {name}; a service that runs knows within a second."
            ));
            Ok(())
        }
    }
}

/// Where keys are kept.
enum Keys<'a> {
    File(KeyFile),
    Server(&'a Remote),
}

const KEYS: &str = "/v1/keys";

impl Keys<'_> {
    fn create(
        &self,
        name: &str,
        scope: Scope,
        expires: Option<Timestamp>,
    ) -> Result<KeyView, Failure> {
        match self {
            Self::File(file) => {
                let (key, secret) = file.create(name, scope, expires).map_err(failure)?;
                let mut view = KeyView::of(key);
                view.key = Some(secret.show_once().to_owned());
                Ok(view)
            }
            Self::Server(remote) => {
                let body = json!({ "name": name, "scope": scope, "expires": expires });
                remote.change(&Method::POST, KEYS, &body).map_err(refused)
            }
        }
    }

    fn list(&self) -> Result<Vec<KeyView>, Failure> {
        #[derive(serde::Deserialize)]
        struct Listed {
            results: Vec<KeyView>,
        }
        match self {
            Self::File(file) => {
                let keys = file.list().map_err(failure)?;
                Ok(keys.into_iter().map(KeyView::of).collect())
            }
            Self::Server(remote) => {
                let listed: Listed = remote.get(KEYS)?;
                Ok(listed.results)
            }
        }
    }

    fn revoke(&self, name: &str) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.revoke(name).map_err(failure),
            Self::Server(_) if name.is_empty() => Err(failure(KeyError::NotFound(name.to_owned()))),
            Self::Server(remote) => {
                let address = format!("{KEYS}/{}", segment(name));
                remote.delete(&address).map_err(refused)
            }
        }
    }
}

/// What a server refuses about keys is said as it is.
fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Problem(problem) if problem.entity == "key" || problem.code == "invalid" => {
            problem.plain()
        }
        refusal => refusal.into(),
    }
}

/// Keys are kept beside a catalog, so there must be one. A service may have it open.
fn have_catalog(session: &Session) -> Result<(), Failure> {
    match session.options()?.open(&session.global.data) {
        Ok(_) | Err(Error::Locked { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn failure(error: KeyError) -> Failure {
    let what = error.to_string();
    let code = match error {
        KeyError::Name(_) => exit::INVALID,
        KeyError::Exists(_) => exit::ALREADY_EXISTS,
        KeyError::NotFound(_) => exit::NOT_FOUND,
        KeyError::Damaged { .. } => exit::CORRUPT,
        _ => exit::FAILURE,
    };
    Failure::with_code(code, what)
}

/// Reads when a key ends: a moment, a day, or a length of time from now.
pub(super) fn expiry(text: &str) -> Result<Timestamp, String> {
    let span: Option<Span> = text.parse().ok();
    let moment = match span {
        Some(Span(span)) => {
            let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            Timestamp::from_micros(Timestamp::now().as_micros().saturating_add(micros))
        }
        None if text.len() == "2027-01-01".len() => format!("{text}T00:00:00Z").parse(),
        None => text.parse(),
    };
    moment.map_err(|_| {
        format!("{text:?} is no end such as 90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_on_a_day_at_a_moment_or_after_a_time() {
        let now = Timestamp::now().as_micros();
        for (text, seconds) in [("90d", 90 * 86_400), ("12h", 43_200), ("30s", 30)] {
            let left = expiry(text).unwrap().as_micros() - now - seconds * 1_000_000;
            assert!((0..60_000_000).contains(&left), "{text}: {left}");
        }
        let moment = expiry("2027-01-01T00:00:00Z").unwrap();
        assert_eq!(expiry("2027-01-01").unwrap(), moment);
        for text in ["", "12", "-5d", "soon", "2027-13-01", "9999999999999999d"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
