//! The options of a catalog, and the rules of a site that follow from them.
//!
//! Every option has a default; [`Catalog::open`] needs none.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Catalog;
use crate::engine::{self, SledOptions};
use crate::error::Result;
use crate::image::Retention;
use crate::model::{Field, Invalid, Language, Timestamp};

/// How a catalog is opened.
///
/// ```
/// use coursecat::{Catalog, Options};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// let catalog = Options::new()
///     .auto_create_organizations(false)
///     .default_language("fr-ca")?
///     .allowed_languages(["en", "fr"])?
///     .open(path)?;
/// assert_eq!(catalog.stats().course_runs, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) rules: Rules,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
    pub(super) retention: Retention,
    pub(super) engine: SledOptions,
    pub(super) create: bool,
}

/// When a write is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// When it is on the disk: a power cut loses nothing that was answered.
    #[default]
    EveryCommit,
    /// As soon as it is in memory, and behind that it is stored. A power cut loses at most what was
    /// answered within this time; a crash of the process may, too, mostly of the last milliseconds.
    /// Whatever is lost is the newest, and nothing is half there. Should the store fail, the next
    /// write and [`Catalog::sync`] say so, and what was answered is readable until the catalog is
    /// opened again.
    Every(Duration),
}

impl Durability {
    /// What the engine is asked for at each commit.
    pub(super) const fn of_commits(self) -> engine::Durability {
        match self {
            Self::EveryCommit => engine::Durability::Durable,
            Self::Every(_) => engine::Durability::Deferred,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// How many changes the feed keeps unless told otherwise.
    pub const CHANGES_KEPT: u64 = 10_000;

    /// The defaults: organizations are created as needed, new courses are in `en-us`, every
    /// language code is allowed, the time is the system's, every commit is durable, the feed keeps
    /// the newest 10,000 changes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: Rules::default(),
            clock: Clock(Arc::new(Timestamp::now)),
            durability: Durability::default(),
            retention: Retention {
                events: Self::CHANGES_KEPT,
                micros: None,
            },
            engine: SledOptions::default(),
            create: true,
        }
    }

    /// Whether a course key that names a missing organization creates it, and one that names an
    /// inactive organization activates it. On unless told otherwise.
    #[must_use]
    pub fn auto_create_organizations(mut self, on: bool) -> Self {
        self.rules.auto_create_organizations = on;
        self
    }

    /// The language of new catalog courses that come without one; `en-us` unless told otherwise.
    ///
    /// # Errors
    /// [`Invalid`] if it is not a full language code.
    pub fn default_language(mut self, code: &str) -> Result<Self, Invalid> {
        self.rules.default_language = Language::new(code)?;
        Ok(self)
    }

    /// The language codes that may be given, in the spelling of `language_short`; every code
    /// unless told otherwise. The default language need not be among them.
    ///
    /// # Errors
    /// [`Invalid`] if one of them is no language code, and so could never be given.
    pub fn allowed_languages<C: Into<String>>(
        mut self,
        codes: impl IntoIterator<Item = C>,
    ) -> Result<Self, Invalid> {
        let codes: BTreeSet<String> = codes.into_iter().map(Into::into).collect();
        for code in &codes {
            Language::from_short(code)?;
        }
        self.rules.allowed_languages = Some(codes);
        Ok(self)
    }

    /// Where the time of creation of new records comes from; the system's clock unless told
    /// otherwise. It is asked on the writer's thread, at most once for each request, and must not
    /// write to the catalog that asks it: it would wait for itself.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Clock(Arc::new(clock));
        self
    }

    /// When a write is answered; when it is on the disk, unless told otherwise.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many of the newest changes the [feed](Catalog::changes_since) keeps, at least;
    /// [`CHANGES_KEPT`](Self::CHANGES_KEPT) unless told otherwise.
    ///
    /// They are kept in memory, with the records as they were, and a little longer than asked for.
    /// What need not be kept goes with the next writes, and the changes of the newest commit stay
    /// in any case.
    #[must_use]
    pub fn keep_changes(mut self, changes: u64) -> Self {
        self.retention.events = changes;
        self
    }

    /// For how long the [feed](Catalog::changes_since) keeps a change, at most, by the catalog's
    /// clock. As long as their number allows unless told otherwise.
    ///
    /// What is older goes with the next write, and so stays where nothing is written.
    #[must_use]
    pub fn keep_changes_for(mut self, age: Duration) -> Self {
        self.retention.micros = Some(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        self
    }

    /// How many bytes of its own pages the store may keep in memory; 16 MiB unless told
    /// otherwise. Reads are never answered from there, so more only helps writers, a little. Up to 16
    /// MiB, it also decides how much waits in the store's journal, and in memory: up to twelve times
    /// as much, where commits follow each other without a pause.
    #[must_use]
    pub fn store_cache_bytes(mut self, bytes: u64) -> Self {
        self.engine.cache_bytes = bytes;
        self
    }

    /// Whether to make a catalog where there is none yet. On unless told otherwise; without it,
    /// opening a folder in which there is no catalog is an error, and nothing is made.
    #[must_use]
    pub fn create_if_missing(mut self, on: bool) -> Self {
        self.create = on;
        self
    }

    /// Opens the catalog in a folder, or makes one there if the folder is empty or missing.
    ///
    /// # Errors
    /// [`Error::Locked`](crate::Error::Locked) while it is open elsewhere;
    /// [`Error::Corrupt`](crate::Error::Corrupt) if what is stored does not add up;
    /// [`Error::NewerFormat`](crate::Error::NewerFormat) if a newer coursecat wrote it;
    /// [`Error::Invalid`](crate::Error::Invalid) if the path is a file or another program's
    /// folder; [`Error::Storage`](crate::Error::Storage) if the disk fails.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Catalog> {
        Catalog::open_folder(path.as_ref(), self)
    }

    /// Makes a catalog that lives in memory alone and ends with its last handle.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage) if the system has no thread left for the writer.
    pub fn temporary(self) -> Result<Catalog> {
        Catalog::open_memory(&crate::engine::MemoryStore::new(), self)
    }
}

/// Tells the time.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The rules of a site.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) auto_create_organizations: bool,
    default_language: Language,
    allowed_languages: Option<BTreeSet<String>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            auto_create_organizations: true,
            default_language: Language::default(),
            allowed_languages: None,
        }
    }
}

impl Rules {
    pub(super) fn default_language(&self) -> Language {
        self.default_language.clone()
    }

    /// Reads a short code that was given: it must be in the list as it stands.
    pub(super) fn language_short(&self, code: &str) -> Result<Language, Invalid> {
        if self.allows(code) {
            Language::from_short(code)
        } else {
            Err(self.not_allowed(Field::LanguageShort, code))
        }
    }

    /// Reads a full code that was given: it, or its short form, must be in the list.
    pub(super) fn language(&self, code: &str) -> Result<Language, Invalid> {
        let language = Language::new(code)?;
        if self.allows(code) || self.allows(language.short()) {
            Ok(language)
        } else {
            Err(self.not_allowed(Field::Language, code))
        }
    }

    fn allows(&self, code: &str) -> bool {
        self.allowed_languages
            .as_ref()
            .is_none_or(|codes| codes.contains(code))
    }

    fn not_allowed(&self, field: Field, code: &str) -> Invalid {
        let allowed: Vec<&str> = self
            .allowed_languages
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        Invalid::new(
            field,
            format!(
                "The language code {code:?} is not one that this catalog allows: {}.",
                allowed.join(", ")
            ),
        )
    }
}
