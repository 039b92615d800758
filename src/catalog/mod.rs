//! The catalog: a handle to it, its operations, and the writer behind them.
//!
//! Reads are answered from the published image and never wait. Writes are requests to the one
//! [writer] and are answered when they are durable. Rules are in the plans of requests,
//! one file an entity; nothing here knows how rows look.

mod at_once;
mod audience;
mod awake;
mod changes;
mod committer;
mod courses;
mod group;
mod modulestore;
mod only_if;
mod options;
mod organizations;
mod published;
mod queue;
mod reader;
mod references;
mod request;
mod runs;
mod selector;
mod snapshot;
#[cfg(test)]
mod tests;
mod unapplied;
mod watch;
mod writer;
mod writer_stats;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use arc_swap::Guard;

use crate::engine::{Durability, Engine, ForgetfulEngine, MemoryStore};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::integrity::{self, Report};
use crate::schema::folder::{Folder, engine_error, size_of_store};
use crate::schema::{Ledger, TREES, is_folded_elsewhere, load_checked, renew_ledger};
use audience::Audience;
use committer::Committer;
use options::Rules;
use queue::{Message, Queued};
use request::writer_is_gone;
use watch::EndOfWatching;
use writer::{Work, Writer, in_memory};

pub use changes::Changes;
pub use courses::{CreateCatalogCourse, DeleteCatalogCourse, UpdateCatalogCourse};
pub use modulestore::CreateModulestoreRun;
pub use only_if::OnlyIf;
pub use options::{Durability as WriteDurability, Options};
pub use organizations::{
    CreateOrganization, DeleteOrganization, EnsureOrganization, UpdateOrganization,
};
pub use reader::Reader;
pub use references::{AddReference, RemoveReference};
pub use request::{Outcome, Pending, Request, Warning};
pub use runs::{CreateCourseRun, DeleteCourseRun, SyncCourseRun};
pub use selector::CourseSelector;
pub use snapshot::{Found, Snapshot};
pub use watch::Watch;
pub use writer_stats::WriterStats;

/// A course catalog.
///
/// This is a handle: cloning it is cheap, and all clones, on any thread, are of the same catalog.
/// When the last is dropped, what is queued is finished and the store is closed.
///
/// Every reading method is on [`Snapshot`] too; here, each call reads the newest state.
#[derive(Clone, Debug)]
pub struct Catalog {
    shared: Arc<Shared>,
}

struct Shared {
    audience: Audience,
    /// `None` only while the last handle is being dropped.
    queue: Option<Sender<Message>>,
    writer: Option<JoinHandle<()>>,
    path: Option<PathBuf>,
    options: Options,
}

impl Catalog {
    /// Opens the catalog in a folder with the default [`Options`], or makes one there if the
    /// folder is empty or missing.
    ///
    /// # Errors
    /// Those of [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(path)
    }

    /// A catalog with the default [`Options`] that lives in memory alone, for tests.
    ///
    /// # Errors
    /// [`Error::Storage`] if the system has no thread left for the writer.
    pub fn temporary() -> Result<Self> {
        Options::new().temporary()
    }

    /// The options to open a catalog with.
    #[must_use]
    pub fn options() -> Options {
        Options::new()
    }

    /// The catalog as it is now, to be read from for as long as one likes.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.shared.audience.published.load_full())
    }

    /// The folder that the catalog is kept in; `None` if it is in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    /// Carries out a request, and waits until it is durable.
    ///
    /// # Errors
    /// Those of the request; [`Error::Storage`] if it cannot be stored.
    pub fn call<R: Request>(&self, request: R) -> Result<R::Answer> {
        self.submit(request).wait()
    }

    /// Hands over a request to be carried out, and does not wait.
    ///
    /// Requests are carried out in the order in which they are handed over. The queue has no end:
    /// who hands over much should wait for some of it from time to time.
    ///
    /// ```
    /// use coursecat::{Catalog, CreateModulestoreRun};
    ///
    /// let catalog = Catalog::temporary()?;
    /// let pending: Vec<_> = (1..=1000)
    ///     .map(|n| format!("course-v1:MITx+Math100+{n}"))
    ///     .map(|key| catalog.submit(CreateModulestoreRun::new(key)))
    ///     .collect();
    /// for answer in pending {
    ///     answer.wait()?; // or .await it
    /// }
    /// assert_eq!(catalog.stats().course_runs, 1000);
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    pub fn submit<R: Request>(&self, request: R) -> Pending<R::Answer> {
        let alone = self.shared.audience.progress.is_idle();
        if alone && let Some(answer) = at_once::answer(&request, &self.image(), self.rules()) {
            return Pending::here(answer);
        }
        let (caller, pending) = Pending::new(alone);
        let job = Queued::new(request, caller);
        self.shared.audience.progress.hand_over();
        // A message that cannot be sent is dropped with its sender: the caller hears of that.
        let _ = self.send(Message::Request(Box::new(job)));
        pending
    }

    /// Makes everything durable that has been answered. Only of use with
    /// [`Durability::Every`](WriteDurability::Every): otherwise it is already.
    ///
    /// # Errors
    /// [`Error::Storage`] if the disk fails.
    pub fn sync(&self) -> Result<()> {
        self.ask(Message::Sync)
    }

    /// Checks the whole store: every row, every index against its records, counts and digest.
    ///
    /// Writes wait until it is done, reads do not. To check a catalog that cannot be opened, use
    /// [`verify`](crate::verify).
    ///
    /// # Errors
    /// [`Error::Storage`] if the store cannot be read. What is wrong with the data is no error
    /// here but a finding in the report.
    pub fn verify(&self) -> Result<Report> {
        self.ask(Message::Verify)
    }

    /// The bytes that the store's files have on the disk; 0 in memory. The writer goes on meanwhile,
    /// so the number may be of a moment between two commits.
    ///
    /// # Errors
    /// [`Error::Storage`] if they cannot be measured.
    pub fn size_on_disk(&self) -> Result<u64> {
        let size = self.path().map_or(Ok(0), size_of_store);
        size.inspect_err(|_| self.shared.audience.counts.store_error())
    }

    /// How the writer is doing: how much waits for it, how long commits take, how many requests share
    /// one, whether the store has failed.
    ///
    /// ```
    /// let catalog = coursecat::Catalog::temporary()?;
    /// catalog.ensure_organization("MITx")?;
    /// let stats = catalog.writer_stats();
    /// assert_eq!((stats.commit_nanos.count(), stats.group_requests.sum), (1, 1));
    /// assert!(!stats.has_ended);
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    #[must_use]
    pub fn writer_stats(&self) -> WriterStats {
        self.shared
            .audience
            .counts
            .read(&self.shared.audience.progress)
    }

    /// A catalog in memory that begins as this one is now, with the same options, and keeps
    /// nothing: to try out writes and see how each is answered.
    ///
    /// It has no store, so there is nothing in it to [verify](Catalog::verify); the ids of its new
    /// records are not those that this catalog will give.
    ///
    /// ```
    /// use coursecat::Catalog;
    ///
    /// let catalog = Catalog::temporary()?;
    /// let rehearsal = catalog.rehearse()?;
    /// rehearsal.ensure_organization("MITx")?;
    /// assert_eq!(rehearsal.stats().organizations, 1);
    /// assert_eq!(catalog.stats().organizations, 0);
    /// # Ok::<(), coursecat::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`] if the system has no thread left for its writer.
    pub fn rehearse(&self) -> Result<Self> {
        let image = Image::clone(&self.image());
        let next_event = image.feed.newest() + 1;
        Self::start_with(
            Box::new(ForgetfulEngine),
            image,
            Ledger::of_a_rehearsal(next_event),
            None,
            in_memory().to_owned(),
            self.shared.options.clone(),
        )
    }

    /// Waits for changes after number `since`, and reads them: see [`Watch`].
    ///
    /// # Errors
    /// Those of [`changes_since`](Catalog::changes_since), at once; [`Error::Storage`] if the system
    /// has no thread left for waking whoever waits.
    pub fn watch(&self, since: u64) -> Result<Watch> {
        self.shared.audience.bell.hang_up()?;
        let watch = Watch::new(
            &self.shared.audience.published,
            &self.shared.audience.bell,
            since,
        );
        watch.check()?;
        Ok(watch)
    }

    fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<Result<T>>) -> Message) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        self.send(question(caller))?;
        answer.recv().unwrap_or_else(|_| Err(writer_is_gone()))
    }

    fn send(&self, message: Message) -> Result<()> {
        let queue = self.shared.queue.as_ref().ok_or_else(writer_is_gone)?;
        queue.send(message).map_err(|_| writer_is_gone())
    }

    fn rules(&self) -> &Rules {
        &self.shared.options.rules
    }

    /// The newest image, for one read.
    fn image(&self) -> Guard<Arc<Image>> {
        self.shared.audience.published.load()
    }

    fn open_folder(path: &Path, options: Options) -> Result<Self> {
        let (folder, engine) = if options.create {
            Folder::open_or_create(path, &options.engine)?
        } else {
            Folder::open(path, &options.engine)?
        };
        let path = folder.path().to_owned();
        Self::start(Some(folder), Box::new(engine), path, options)
    }

    pub(crate) fn open_memory(store: &MemoryStore, options: Options) -> Result<Self> {
        let path = in_memory().to_owned();
        let mut engine = store.open(&TREES);
        let mut has_rows = false;
        let found = engine.load(crate::schema::META, &mut |_, _| {
            has_rows = true;
            std::ops::ControlFlow::Break(())
        });
        let prepared = found.and_then(|()| match has_rows {
            true => Ok(()),
            false => engine.commit(Ledger::new().first_batch(), Durability::Durable),
        });
        prepared.map_err(|error| engine_error(&path, "preparing memory", error))?;
        Self::start(None, Box::new(engine), path, options)
    }

    /// Loads what a store holds and starts its writer.
    // On an error, the store is closed before its folder is let go: arguments are dropped from the
    // last to the first.
    fn start(
        folder: Option<Folder>,
        mut engine: Box<dyn Engine>,
        path: PathBuf,
        options: Options,
    ) -> Result<Self> {
        let (image, ledger) = match load_checked(&*engine, &path) {
            Ok((image, ledger)) if ledger.is_folded_as_here() => (image, ledger),
            // A store of other letters that does not add up may be one whose indexes were being
            // made again when the process ended; that refuses what is damaged otherwise.
            Err(error) if !is_folded_elsewhere(&*engine) => return Err(error),
            _ => {
                folder.as_ref().map_or(Ok(()), Folder::raise_format)?;
                integrity::refold(&mut *engine, &path)?;
                load_checked(&*engine, &path)?
            }
        };
        if let Some(folder) = &folder {
            folder.check_mark(&ledger)?;
            folder.raise_format()?;
            // All that was found is durable: opening an engine sees to that.
            folder.set_mark(ledger.sequence)?;
        }
        renew_ledger(&mut *engine, &path, &ledger)?;
        Self::start_with(engine, image, ledger, folder, path, options)
    }

    /// Starts the writer of a store that holds what this image shows.
    fn start_with(
        engine: Box<dyn Engine>,
        image: Image,
        ledger: Ledger,
        folder: Option<Folder>,
        path: PathBuf,
        options: Options,
    ) -> Result<Self> {
        let audience = Audience::of(image);
        let (sender, queue) = mpsc::channel();
        let durability = options.durability.of_commits();
        let committer = Committer::new(engine, durability, audience.clone(), sender.clone());
        let writer = Writer {
            committer,
            audience: audience.clone(),
            ledger,
            rules: options.rules.clone(),
            clock: options.clock.clone(),
            durability: options.durability,
            retention: options.retention,
            path: path.clone(),
            failure: None,
            deferred_since: None,
            work: Work::default(),
        };
        let in_folder = folder.is_some();
        let thread = thread::Builder::new()
            .name("coursecat-writer".to_owned())
            .spawn(move || {
                let _end = EndOfWatching(Arc::clone(&writer.audience.bell));
                let closed = writer.run(&queue);
                // The folder is let go only when the store in it is closed.
                if let (Some(folder), Some(commits)) = (folder, closed)
                    && let Err(error) = folder.set_mark(commits)
                {
                    tracing::warn!("the catalog was closed without a mark: {error}");
                }
            })
            .map_err(|error| Error::Storage {
                doing: "starting the writer".to_owned(),
                source: Arc::new(error),
            })?;
        Ok(Self {
            shared: Arc::new(Shared {
                audience,
                queue: Some(sender),
                writer: Some(thread),
                path: in_folder.then_some(path),
                options,
            }),
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            // It comes after all that was handed over. A writer that is gone needs it no more.
            let _ = queue.send(Message::Close(thread::current().id()));
        }
        let Some(writer) = self.writer.take() else {
            return;
        };
        // A waker may drop the last handle on the writer's own thread, which cannot wait for
        // itself; it closes the store all the same.
        if writer.thread().id() != thread::current().id() && writer.join().is_err() {
            tracing::error!("the catalog's writer panicked; please report this");
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
