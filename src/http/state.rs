//! What all requests share.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::watch;

use super::config::Config;
use crate::Catalog;

/// What all requests share. Cloning it copies a pointer.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

pub(super) struct Shared {
    pub(super) catalog: Catalog,
    pub(super) config: Config,
    /// Turns true when the service is told to stop.
    pub(super) stopping: watch::Sender<bool>,
}

impl App {
    pub(super) fn new(catalog: Catalog, config: Config) -> Self {
        Self(Arc::new(Shared {
            catalog,
            config,
            stopping: watch::Sender::new(false),
        }))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
