//! What all requests share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::config::Config;
use super::disk::Disk;
use super::guard::Guard;
use super::keys::{KeyFile, Ring};
use super::problem::{Code, Problem};
use super::routes::Index;
use super::server::ServeError;
use super::{docs, openapi};
use crate::{Catalog, Timestamp};

/// What all requests share. Cloning it copies a pointer.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

pub(super) struct Shared {
    pub(super) catalog: Catalog,
    pub(super) config: Config,
    pub(super) guard: Guard,
    pub(super) routes: Index,
    /// The OpenAPI document.
    pub(super) openapi: Bytes,
    /// The same as a page.
    pub(super) docs: Bytes,
    pub(super) disk: Disk,
    /// When the service began.
    pub(super) started: Started,
    /// How many connections there are.
    pub(super) connections: watch::Sender<usize>,
    /// Places for exports and imports, each of which takes a thread.
    long_work: Arc<Semaphore>,
    /// Places for those who follow the feed.
    streams: Arc<Semaphore>,
    /// Turns true when the service is told to stop.
    pub(super) stopping: watch::Sender<bool>,
}

impl App {
    pub(super) fn new(catalog: Catalog, config: Config) -> Result<Self, ServeError> {
        let file = catalog.path().map(KeyFile::of);
        let keys = file.as_ref().map_or(Ok(Vec::new()), KeyFile::list)?;
        config.check(!keys.is_empty())?;
        let streams = config.max_streams.min(Semaphore::MAX_PERMITS);
        let guard = Guard::new(&config, file);
        guard.set(Ring::new(keys));
        let document = openapi::document();
        Ok(Self(Arc::new(Shared {
            catalog,
            config,
            guard,
            routes: Index::new(),
            openapi: document.to_string().into(),
            docs: docs::page(&document).into(),
            disk: Disk::new(),
            started: Started::now(),
            connections: watch::Sender::new(0),
            long_work: Arc::new(Semaphore::new(MOST_LONG_WORK)),
            streams: Arc::new(Semaphore::new(streams)),
            stopping: watch::Sender::new(false),
        })))
    }

    /// A place for one who follows the feed, if there is one.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| {
            let detail = format!(
                "{} clients follow the feed, which is as many as may; ask for changes instead, or try again.",
                self.config.max_streams
            );
            Problem::new(Code::Unavailable, detail)
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("10"))
        })
    }

    /// How many clients follow the feed.
    pub(super) fn open_streams(&self) -> usize {
        let places = self.config.max_streams.min(Semaphore::MAX_PERMITS);
        places.saturating_sub(self.streams.available_permits())
    }

    /// A place for an export or an import, if there is one.
    pub(super) fn long_work(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.long_work).try_acquire_owned();
        place.map_err(|_| {
            let detail = format!(
                "{MOST_LONG_WORK} exports and imports are on their way; try again when one is done."
            );
            Problem::new(Code::Unavailable, detail)
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("10"))
        })
    }
}

/// A moment, by the calendar and by a clock that nobody sets.
pub(super) struct Started {
    pub(super) time: Timestamp,
    pub(super) instant: Instant,
}

impl Started {
    fn now() -> Self {
        Self {
            time: Timestamp::now(),
            instant: Instant::now(),
        }
    }
}

/// The most exports and imports at a time.
const MOST_LONG_WORK: usize = 16;

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
