//! `coursecat serve`: the service from its options to its end.
//!
//! What the service does is in [`crate::http`]; here it is started, announced and stopped.

mod banner;
mod log;
mod settings;
mod signals;

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub(super) use settings::{HELP, Settings};

use super::data;
use super::failure::{Failure, exit};
use super::holder::{Holder, Notice};
use super::output::say;
use super::session::Session;
use crate::Catalog;
use crate::Error;
use crate::http::{Reserved, ServeError};
use signals::Signals;

pub(super) fn serve(session: &Session, settings: Settings) -> Result<(), Failure> {
    let chosen = settings.choose(session)?;
    if chosen.check_only {
        session.done("The options are good.");
        return Ok(());
    }
    let _written_at_the_end = log::start(chosen.log, chosen.log_format);
    raise_file_limit();
    let session = Session::new(chosen.global.clone());
    // Before there is a catalog: a service that cannot begin leaves nothing behind.
    let reserved = Reserved::of(chosen.config).map_err(|error| taken(&session, error))?;
    let catalog = session.open_or_create()?;
    if chosen.demo {
        if catalog.stats().organizations == 0 {
            data::fill(&catalog)?;
        } else {
            say("The folder holds a catalog already, which is served as it is.");
        }
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("coursecat-http")
        .build()
        .map_err(|error| Failure::other(format!("The service cannot start: {error}.")))?;
    let served = runtime.block_on(run(&session, &catalog, reserved));
    close(runtime, catalog);
    served
}

async fn run(session: &Session, catalog: &Catalog, reserved: Reserved) -> Result<(), Failure> {
    let signals = Signals::listen()
        .map_err(|error| Failure::other(format!("Signals cannot be heard: {error}.")))?;
    let server = reserved.serve(catalog.clone()).await.map_err(failure)?;
    let told = Notice::put(&session.global.data, server.address());
    let _notice = told
        .inspect_err(|error| tracing::warn!("the address cannot be left in the folder: {error}"));
    banner::show(session, catalog, &server)?;
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    tracing::info!(address = %server.address(), "serving");
    let (stop, end) = signals.split();
    let stopping = async {
        stop.await;
        tracing::info!("stopping");
        tell_systemd(&[sd_notify::NotifyState::Stopping]);
    };
    tokio::select! {
        () = server.run(stopping) => {}
        // Who asks twice does not want to wait for others.
        () = end => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// Ends what still runs and closes the store, which the last handle of the catalog does.
fn close(runtime: Runtime, catalog: Catalog) {
    // Threads that import or export see for themselves that their client has gone.
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(catalog);
    tracing::info!("stopped");
}

/// Why an address cannot be had. Where a server holds the folder, too, that is what to hear of: it may
/// well be the same one.
fn taken(session: &Session, error: ServeError) -> Failure {
    let path = &session.global.data;
    match Holder::of(path) {
        Some(_) => Error::Locked { path: path.clone() }.into(),
        None => failure(error),
    }
}

fn failure(error: ServeError) -> Failure {
    let what = error.to_string();
    match error {
        ServeError::Config(_) => Failure::with_code(exit::INVALID, what),
        ServeError::Keys(_) => Failure::corrupt(what),
        _ => Failure::other(what)
            .advise("Choose another address with --listen, or end the program that has this one."),
    }
}

fn tell_systemd(states: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd cannot be told: {error}");
    }
}

/// Allows as many open files as the system lets a program have: every connection is one.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}
