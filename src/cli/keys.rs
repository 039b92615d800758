//! `coursecat key …`

use serde_json::json;

use super::failure::{Failure, exit};
use super::key_args::KeyVerb;
use super::output::{Output, line, say};
use super::session::Session;
use crate::http::keys::{Key, KeyError, KeyFile};
use crate::{Error, Timestamp};

pub(super) fn run(session: &Session, verb: KeyVerb) -> Result<(), Failure> {
    let file = KeyFile::of(&session.global.data);
    match verb {
        KeyVerb::Create {
            name,
            scope,
            expires,
        } => {
            have_catalog(session)?;
            let (key, secret) = file.create(&name, scope, expires).map_err(failure)?;
            if session.output == Output::Json {
                let mut object = described(&key);
                object["key"] = secret.show_once().into();
                return session.output.object(&object);
            }
            say(&format!(
                "The key {name}, with the scope {scope}. It is shown this once:"
            ));
            line(secret.show_once())
        }
        KeyVerb::List => {
            let keys = file.list().map_err(failure)?;
            if session.output == Output::Json {
                return keys
                    .iter()
                    .try_for_each(|key| session.output.object(&described(key)));
            }
            if keys.is_empty() {
                session.done("There are no keys.");
            }
            let now = Timestamp::now();
            keys.iter().try_for_each(|key| {
                let end = match key.expires {
                    None => String::new(),
                    Some(end) if key.is_expired(now) => format!("  expired {end}"),
                    Some(end) => format!("  expires {end}"),
                };
                line(&format!(
                    "{}  {}  created {}{end}",
                    key.name, key.scope, key.created
                ))
            })
        }
        KeyVerb::Revoke { name } => {
            file.revoke(&name).map_err(failure)?;
            session.done(&format!(
                "Revoked the key {name}; a service that runs knows within a second."
            ));
            Ok(())
        }
    }
}

fn described(key: &Key) -> serde_json::Value {
    json!({
        "name": key.name, "scope": key.scope, "created": key.created, "expires": key.expires,
    })
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

/// Reads when a key ends: a moment, a day, or so many days from now.
pub(super) fn expiry(text: &str) -> Result<Timestamp, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let moment = match days {
        Some(days) => {
            let days: u32 = days;
            let micros = i64::from(days) * 24 * 60 * 60 * 1_000_000;
            Timestamp::from_micros(Timestamp::now().as_micros().saturating_add(micros))
        }
        None if text.len() == "2027-01-01".len() => format!("{text}T00:00:00Z").parse(),
        None => text.parse(),
    };
    moment
        .map_err(|_| format!("{text:?} is no end such as 90d, 2027-01-01 or 2027-01-01T12:00:00Z"))
}
