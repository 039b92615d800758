//! `/v1/keys`: keys made, listed and revoked by those who run the service.
//!
//! The file of keys is the one place where they are; the service looks at it anew after each change,
//! and every second for changes that others make.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, done, json};
use super::body::{Fields, Json};
use super::guard::LOOKS_EVERY;
use super::keys::{Key, KeyError, KeyFile, Ring, Scope};
use super::paging::Results;
use super::path;
use super::patterns;
use super::problem::{Code, Problem};
use super::state::App;
use crate::Timestamp;
use crate::view::Moment;

/// What is known of a key: everything but the key itself.
#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(crate) struct KeyView {
    /// Its name, by which it is revoked.
    pub(crate) name: String,
    /// What it allows; each scope includes those before it.
    pub(crate) scope: Scope,
    #[schemars(with = "Moment")]
    pub(crate) created: Timestamp,
    /// When it ends to be one; null if it does not.
    #[schemars(with = "Option<Moment>")]
    pub(crate) expires: Option<Timestamp>,
    /// The key itself, shown this once, in the answer that it is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

impl KeyView {
    pub(crate) fn of(key: Key) -> Self {
        Self {
            name: key.name,
            scope: key.scope,
            created: key.created,
            expires: key.expires,
            key: None,
        }
    }
}

pub(super) async fn list(State(app): State<App>) -> Answer {
    let keys = with_file(&app, |file| file.list()).await?;
    let results = keys.into_iter().map(KeyView::of).collect();
    Results {
        results,
        next: None,
    }
    .answer()
}

/// A new key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyCreate")]
pub(super) struct Create {
    /// Its name: 1 to 100 letters, digits, '.', '_' and '-'.
    #[schemars(regex(pattern = patterns::KEY_NAME), length(max = 100))]
    name: String,
    /// What it allows.
    scope: Scope,
    /// When it ends to be one, such as 2027-01-01T00:00:00Z.
    #[schemars(extend("format" = "date-time"))]
    expires: Option<String>,
}

impl Fields for Create {
    const NAMES: &'static [&'static str] = &["name", "scope", "expires"];
}

pub(super) async fn create(State(app): State<App>, Json(body): Json<Create>) -> Answer {
    let expires = body.expires.map(|text| text.parse()).transpose();
    let expires: Option<Timestamp> =
        expires.map_err(|error: crate::Invalid| Problem::invalid("expires", error.to_string()))?;
    let (key, secret) = with_file(&app, move |file| {
        file.create(&body.name, body.scope, expires)
    })
    .await?;
    look(&app).await;
    let mut view = KeyView::of(key);
    view.key = Some(secret.show_once().to_owned());
    let mut answer = json(StatusCode::CREATED, &view)?;
    let never = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(answer)
}

pub(super) async fn revoke(State(app): State<App>, path::Key(name): path::Key) -> Answer {
    with_file(&app, move |file| file.revoke(&name)).await?;
    look(&app).await;
    done()
}

/// Does something with the file of keys, on a thread that may wait.
async fn with_file<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&KeyFile) -> Result<T, KeyError> + Send + 'static,
) -> Result<T, Problem> {
    let Some(file) = app.guard.file.clone() else {
        return Err(Problem::new(
            Code::NotFound,
            "A catalog in memory has no keys.",
        ));
    };
    tokio::task::spawn_blocking(move || work(&file))
        .await
        .map_err(|_| Problem::new(Code::Unavailable, Code::Unavailable.advice()))?
        .map_err(Problem::from)
}

/// Takes the keys that the file has now.
async fn look(app: &App) {
    let _turn = app.guard.looking.lock().await;
    match with_file(app, |file| file.list()).await {
        Ok(keys) => app.guard.set(Ring::new(keys)),
        // Those that were known stay.
        Err(_) => tracing::error!("the file of keys cannot be read; the keys stay as they were"),
    }
}

/// Looks at the file of keys from time to time, if it has changed, and forgets who has not come for
/// long.
pub(super) async fn keep_fresh(app: App) {
    let mut seen = None;
    let mut beat = tokio::time::interval(LOOKS_EVERY);
    loop {
        beat.tick().await;
        app.guard.tidy();
        let changed = with_file(&app, |file| Ok(file.changed())).await;
        if let Ok(now) = changed
            && seen.as_ref() != Some(&now)
        {
            look(&app).await;
            seen = Some(now);
        }
    }
}

/// What a problem of a key is about.
const KEY: &str = "key";

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let detail = error.to_string();
        match error {
            KeyError::Name(_) => Self::invalid("name", detail),
            KeyError::Exists(name) => Self::new(Code::AlreadyExists, detail)
                .about(KEY, name.as_str())
                .existing(name),
            KeyError::NotFound(name) => Self::new(Code::NotFound, detail).about(KEY, name),
            _ => {
                tracing::error!("{detail}");
                Self::new(Code::Unavailable, "The keys cannot be read or written now.")
            }
        }
    }
}
