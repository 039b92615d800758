//! Import: rows of any format become requests to a catalog, a window of them at a time.
//!
//! Each row stands for itself: one that the rules refuse is told and counted, and the others go
//! in. Nothing here holds a whole file, or knows a rule.

mod conflict;
mod courses_api;
mod django;
mod input;
mod json;
mod lines;
mod lossless;
mod plain;
mod record;
mod sink;
mod spool;
mod table;

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Instant;

use super::{Format, ImportError, ImportProblem, ImportReport, Watch};
use crate::catalog::Catalog;
use input::Input;
use sink::{Mode, Sink};
use spool::Spool;

/// The most bytes that one row may have: far more than any that a catalog would take.
const MOST_ROW_BYTES: usize = 1 << 20;

/// What is done with a row whose record exists already and says something else.
///
/// A record that says the same is unchanged in any case. The time of creation does not count: it
/// never changes once a record is stored. A key that differs from an existing one in case only is
/// no conflict but against the rules, and always refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnConflict {
    /// The record stays as it is.
    #[default]
    Skip,
    /// The record takes what may change of it: an organization its name and whether it is active,
    /// a catalog course its title and language, a run its title.
    Update,
    /// The row is refused as `already_exists`.
    Fail,
}

/// An import: what is chosen for it, before it [runs](Import::run).
///
/// ```
/// use coursecat::Catalog;
/// use coursecat::transfer::{Format, Import, OnConflict, Unwatched};
///
/// let catalog = Catalog::temporary()?;
/// let row = |title: &str| format!(r#"{{"course_key": "MITx/6.00x/2012", "title": "{title}"}}"#);
/// let import = Import::new().on_conflict(OnConflict::Update);
/// for title in ["Python", "Introduction to Python"] {
///     import.run(&catalog, Format::PlainLines, row(title).as_bytes(), &mut Unwatched)?;
/// }
/// assert_eq!(catalog.get_course_run("MITx/6.00x/2012")?.title, "Introduction to Python");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Import {
    on_conflict: OnConflict,
    strict: bool,
    dry_run: bool,
    spool_in: Option<PathBuf>,
}

impl Import {
    /// Takes what the rules allow, and leaves existing records as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses what is done with rows whose record exists and says something else.
    #[must_use]
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Makes it all or nothing: it is rehearsed first, and done only if no row was refused.
    ///
    /// It can be stopped while it is rehearsed, not after. Rows can still be refused after the
    /// rehearsal if someone else writes to the catalog meanwhile.
    #[must_use]
    pub fn strict(mut self, on: bool) -> Self {
        self.strict = on;
        self
    }

    /// Does everything but write: it is a [rehearsal](Catalog::rehearse).
    #[must_use]
    pub fn dry_run(mut self, on: bool) -> Self {
        self.dry_run = on;
        self
    }

    /// Where a strict import keeps an input that can be read only once; the system's folder for
    /// temporary files unless told otherwise.
    #[must_use]
    pub fn spool_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool_in = Some(folder.into());
        self
    }

    /// Runs it on an input that can be read once.
    ///
    /// A strict import copies the input to a temporary file first, which has no name and goes when
    /// the import ends; [`run_seekable`](Import::run_seekable) needs none.
    ///
    /// # Errors
    /// [`ImportError`] if the input as a whole is not of the format, cannot be read or is cut off,
    /// or if the catalog fails. A row that is refused is no error.
    pub fn run(
        &self,
        catalog: &Catalog,
        format: Format,
        mut input: impl BufRead,
        watch: &mut dyn Watch,
    ) -> Result<ImportReport, ImportError> {
        if !self.needs_two_readings() {
            return self.run_once(catalog, format, &mut input, watch);
        }
        let start = Instant::now();
        let spool = Spool::fill(self.spool_in.as_deref(), &mut input, watch);
        match spool.map_err(failed_to_read)? {
            Some(spool) => self.run_twice(catalog, format, BufReader::new(spool), watch),
            None => Ok(ImportReport {
                stopped: true,
                elapsed: start.elapsed(),
                ..ImportReport::default()
            }),
        }
    }

    /// Runs it on an input that can be read again, such as a file.
    ///
    /// # Errors
    /// Those of [`run`](Import::run).
    pub fn run_seekable(
        &self,
        catalog: &Catalog,
        format: Format,
        mut input: impl BufRead + Seek,
        watch: &mut dyn Watch,
    ) -> Result<ImportReport, ImportError> {
        if self.needs_two_readings() {
            self.run_twice(catalog, format, input, watch)
        } else {
            self.run_once(catalog, format, &mut input, watch)
        }
    }

    /// A dry run is a rehearsal already.
    fn needs_two_readings(&self) -> bool {
        self.strict && !self.dry_run
    }

    fn run_once(
        &self,
        catalog: &Catalog,
        format: Format,
        input: &mut dyn BufRead,
        watch: &mut dyn Watch,
    ) -> Result<ImportReport, ImportError> {
        if self.dry_run {
            self.rehearse(catalog, format, input, watch)
        } else {
            self.pass(catalog, format, input, watch, Mode::Import)
        }
    }

    fn run_twice(
        &self,
        catalog: &Catalog,
        format: Format,
        mut input: impl BufRead + Seek,
        watch: &mut dyn Watch,
    ) -> Result<ImportReport, ImportError> {
        let start = Instant::now();
        let begin = input.stream_position().map_err(failed_to_read)?;
        let rehearsed = self.rehearse(catalog, format, &mut input, watch)?;
        if rehearsed.stopped || rehearsed.rejected() > 0 {
            return Ok(rehearsed);
        }
        input.seek(SeekFrom::Start(begin)).map_err(failed_to_read)?;
        let mut report = self.pass(catalog, format, &mut input, watch, Mode::SecondReading)?;
        report.elapsed = start.elapsed();
        Ok(report)
    }

    fn rehearse(
        &self,
        catalog: &Catalog,
        format: Format,
        input: &mut dyn BufRead,
        watch: &mut dyn Watch,
    ) -> Result<ImportReport, ImportError> {
        let rehearsal = catalog.rehearse().map_err(|error| ImportError {
            problem: error.into(),
            report: Box::default(),
        })?;
        self.pass(&rehearsal, format, input, watch, Mode::Rehearsal)
    }

    /// Reads the input once and hands its rows to a catalog.
    fn pass(
        &self,
        catalog: &Catalog,
        format: Format,
        input: &mut dyn BufRead,
        watch: &mut dyn Watch,
        mode: Mode,
    ) -> Result<ImportReport, ImportError> {
        let bytes = Cell::new(0);
        let mut sink = Sink::new(catalog, self.on_conflict, watch, &bytes, mode);
        let read = Input::open(input, &bytes).and_then(|input| match format {
            Format::Lines => lossless::read(input, &mut sink),
            Format::PlainLines => plain::read(input, &mut sink),
            Format::Csv => table::read(input, &mut sink),
            Format::Fixture | Format::NewSiteFixture => django::read(input, &mut sink),
            Format::CoursesApi => courses_api::read(input, &mut sink),
        });
        // Whatever came of the reading, what was handed over is waited for.
        let finished = sink.finish();
        let report = sink.into_report(format);
        match read.and(finished.map_err(ImportProblem::from)) {
            Ok(()) => Ok(report),
            Err(problem) => Err(ImportError {
                problem,
                report: Box::new(report),
            }),
        }
    }
}

fn failed_to_read(error: io::Error) -> ImportError {
    ImportError {
        problem: error.into(),
        report: Box::default(),
    }
}
