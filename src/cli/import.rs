//! `coursecat import`

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::json;

use super::args::{ConflictArgument, ImportArguments};
use super::failure::{Failure, exit};
use super::import_server;
use super::input::{Input, check_readable, unreadable};
use super::output::{Output, json_path, line, printable, printable_path, say};
use super::progress::{self, StopFlag};
use super::reach::Target;
use super::rejects::Rejects;
use super::session::Session;
use crate::Catalog;
use crate::transfer::{
    Format, Import, ImportProblem, ImportReport, OnConflict, Progress, Reject, Tally, Watch,
};
use crate::view::RejectView;

/// Rejects that are shown; all of them go into the file of `--rejects`.
pub(super) const SHOWN_REJECTS: u64 = 20;

pub(super) fn import(session: &Session, arguments: &ImportArguments) -> Result<(), Failure> {
    let import = Import::new()
        .on_conflict(match arguments.on_conflict {
            ConflictArgument::Skip => OnConflict::Skip,
            ConflictArgument::Update => OnConflict::Update,
            ConflictArgument::Fail => OnConflict::Fail,
        })
        .strict(arguments.strict)
        .dry_run(arguments.dry_run);
    for path in arguments
        .files
        .iter()
        .filter(|path| *path != Path::new("-"))
    {
        check_readable(path)?;
    }
    let stop = StopFlag::on_signal();
    let mut watcher = Watcher {
        file: PathBuf::new(),
        name: String::new(),
        is_strict: arguments.strict,
        bar: ProgressBar::hidden(),
        rejects: Rejects::create(arguments)?,
        shown: 0,
        stop,
        is_patient: false,
    };
    // Not before there is something to put into it.
    let mut catalog = None;
    let mut rejected = 0;
    for path in &arguments.files {
        let shown = printable_path(path);
        watcher.file.clone_from(path);
        watcher.name = match arguments.files.len() {
            1 => String::new(),
            _ => format!("{shown}: "),
        };
        let mut input = Input::open(path, &watcher.stop)?;
        let report = match format_of(&mut input, path, arguments.format, &watcher.stop)? {
            None => ImportReport {
                stopped: true,
                ..ImportReport::default()
            },
            Some(format) => {
                watcher.start(input.bytes());
                let imported = match &session.target {
                    Target::Server(remote) => import_server::import(
                        remote,
                        arguments,
                        (path, format),
                        input,
                        &mut watcher,
                    ),
                    Target::Folder => {
                        let catalog = match &mut catalog {
                            Some(catalog) => catalog,
                            None => catalog.insert(open(session, arguments.dry_run)?),
                        };
                        import_file(catalog, &import, (path, format), input, &mut watcher)
                    }
                };
                watcher.bar.finish_and_clear();
                imported?
            }
        };
        print_report(session, path, &report)?;
        rejected += report.rejected();
        if report.stopped {
            watcher.rejects.finish()?;
            return Err(stopped(&shown, &report));
        }
    }
    watcher.rejects.finish()?;
    if arguments.strict && rejected > 0 {
        return Err(Failure::with_code(
            exit::INVALID,
            match rejected {
                1 => "A row was refused, so nothing of its file was stored.".to_owned(),
                n => format!("{n} rows were refused, so nothing of their file was stored."),
            },
        )
        .advise("Correct what was refused, or leave out --strict to take the rest."));
    }
    Ok(())
}

fn stopped(file: &str, report: &ImportReport) -> Failure {
    let rows = report.rows;
    let failure = |what: &str| {
        Failure::other(format!(
            "The import of {file} was stopped after {rows} rows; {what}."
        ))
    };
    match report.written {
        true => failure("what was read before is stored")
            .advise("Run the same command again to complete it."),
        false => failure("nothing of it was stored").advise("Run the same command again."),
    }
}

fn open(session: &Session, dry_run: bool) -> Result<Catalog, Failure> {
    match dry_run {
        true => session.open_to_rehearse(),
        false => session.open_or_create(),
    }
}

/// The format of an input; nothing if it was stopped while it was waited for.
fn format_of(
    input: &mut Input,
    path: &Path,
    given: Option<Format>,
    stop: &StopFlag,
) -> Result<Option<Format>, Failure> {
    let head = match input.head() {
        Ok(head) => head,
        Err(_) if stop.is_set() => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    match given {
        Some(format) => Ok(Some(format)),
        None => recognise(head, path).map(Some),
    }
}

fn import_file(
    catalog: &Catalog,
    import: &Import,
    (path, format): (&Path, Format),
    input: Input,
    watcher: &mut Watcher,
) -> Result<ImportReport, Failure> {
    let result = match input {
        Input::File(file, _) => import.run_seekable(catalog, format, file, watcher),
        Input::Stream(stream) => import.run(catalog, format, stream, watcher),
    };
    result.or_else(|error| {
        if matches!(error.problem, ImportProblem::Read(_)) && watcher.stop.is_set() {
            // It was stopped while it waited for more.
            let mut report = *error.report;
            report.stopped = true;
            return Ok(report);
        }
        let failure = match &error.problem {
            ImportProblem::Catalog(error) => Failure::from(error.clone()),
            problem => whole(path, problem),
        };
        Err(if error.report.written && error.report.rows > 0 {
            failure.advise(format!(
                "{} rows before that are stored; a corrected file can be imported as a whole.",
                error.report.rows
            ))
        } else {
            failure.advise("Nothing of it was stored.")
        })
    })
}

/// A problem of an input as a whole.
fn whole(path: &Path, problem: &ImportProblem) -> Failure {
    let what = format!("{}: {problem}", printable_path(path));
    Failure::with_code(exit::INVALID, what)
}

fn recognise(head: &[u8], path: &Path) -> Result<Format, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    if let Some(format) = Format::recognise(head, name) {
        return Ok(format);
    }
    let failure = match ImportProblem::of_first_bytes(head) {
        Some(problem) => return Err(whole(path, &problem).advise("Nothing of it was stored.")),
        None => format!("The format of {} is not clear.", printable_path(path)),
    };
    Err(Failure::with_code(exit::INVALID, failure)
        .advise("Name it with --format: coursecat, jsonl, csv, django or courses-api."))
}

/// Tells a person how far an import is, and keeps the rejects.
pub(super) struct Watcher {
    /// The file that is being imported.
    file: PathBuf,
    /// Its name for people, where there are several.
    name: String,
    /// Whether it is all or nothing.
    is_strict: bool,
    bar: ProgressBar,
    pub(super) rejects: Rejects,
    shown: u64,
    pub(super) stop: StopFlag,
    /// Whether it has been said that what was asked to stop goes on for a while.
    is_patient: bool,
}

impl Watcher {
    /// Begins a file of so many bytes; 0 if that is not known.
    fn start(&mut self, bytes: u64) {
        self.shown = 0;
        self.bar = progress::of_bytes(bytes);
    }

    /// Hears how many bytes have been sent elsewhere.
    pub(super) fn sent(&self, bytes: u64) {
        self.bar.set_position(bytes);
        self.bar.set_message("sent");
    }

    /// Hears of each row that does not go in.
    pub(super) fn refused(&mut self, reject: &RejectView) {
        self.shown += 1;
        match self.shown {
            ..=SHOWN_REJECTS => {
                let reject = printable(&reject.to_string());
                self.tell(&format!("rejected: {}{reject}", self.name));
            }
            n if n == SHOWN_REJECTS + 1 => self.tell("rejected: … more; see the counts at the end"),
            _ => {}
        }
        self.rejects.write(&self.file, reject);
    }

    fn tell(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }
}

impl Watch for Watcher {
    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position(progress.bytes);
        if self.stop.is_set() && self.is_strict && !progress.rehearsing && !self.is_patient {
            self.is_patient = true;
            self.tell("All or nothing is being stored: this cannot be stopped any more.");
        }
        let what = if progress.rehearsing {
            "checked"
        } else {
            "imported"
        };
        self.bar
            .set_message(format!("{} rows {what}", progress.rows));
    }

    fn rejected(&mut self, reject: &Reject) {
        self.refused(&RejectView::of(reject));
    }

    fn should_stop(&mut self) -> bool {
        self.stop.is_set()
    }
}

fn print_report(session: &Session, path: &Path, report: &ImportReport) -> Result<(), Failure> {
    if session.output == Output::Table {
        return line(&format!("{}: {report}", printable_path(path)));
    }
    let tally = |tally: &Tally| {
        json!({
            "created": tally.created, "updated": tally.updated, "unchanged": tally.unchanged,
            "skipped": tally.skipped, "rejected": tally.rejected,
        })
    };
    session.output.object(&json!({
        "file": json_path(path),
        "rows": report.rows,
        "bytes": report.bytes,
        "seconds": report.elapsed.as_secs_f64(),
        "stopped": report.stopped,
        "written": report.written,
        "organizations": tally(&report.organizations),
        "catalog_courses": tally(&report.catalog_courses),
        "course_runs": tally(&report.course_runs),
        "references": tally(&report.references),
        "unreadable": report.unreadable,
        "warnings": report.warnings,
        "skipped_models": report.skipped_models,
        "dropped_values": report.dropped_values,
    }))
}
