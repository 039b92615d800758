//! `coursecat import`

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::json;

use super::args::{ConflictArgument, ImportArguments};
use super::failure::{Failure, exit};
use super::output::{Output, line, printable, say};
use super::progress::{self, StopFlag};
use super::session::Session;
use crate::Catalog;
use crate::transfer::{Format, Import, ImportReport, OnConflict, Progress, Reject, Tally, Watch};

/// Rejects that are shown; all of them go into the file of `--rejects`.
const SHOWN_REJECTS: u64 = 20;

pub(super) fn import(session: &Session, arguments: &ImportArguments) -> Result<(), Failure> {
    let import = Import::new()
        .on_conflict(match arguments.on_conflict {
            ConflictArgument::Skip => OnConflict::Skip,
            ConflictArgument::Update => OnConflict::Update,
            ConflictArgument::Fail => OnConflict::Fail,
        })
        .strict(arguments.strict)
        .dry_run(arguments.dry_run);
    let rejects = match &arguments.rejects {
        Some(path) => Some(File::create(path).map_err(|error| {
            Failure::other(format!("{} cannot be written: {error}.", path.display()))
        })?),
        None => None,
    };
    let stop = StopFlag::on_signal();
    let catalog = session.open_or_create()?;
    let mut watcher = Watcher {
        bar: ProgressBar::hidden(),
        rejects,
        shown: 0,
        stop,
    };
    let mut rejected = 0;
    for path in &arguments.files {
        let report = import_file(&catalog, &import, path, arguments.format, &mut watcher)?;
        print_report(session, path, &report)?;
        rejected += report.rejected();
        if report.stopped {
            return Err(Failure::other(format!(
                "The import of {} was stopped after {} rows; what was read before is stored.",
                path.display(),
                report.rows
            ))
            .advise("Run the same command again to complete it."));
        }
    }
    if arguments.strict && rejected > 0 {
        return Err(Failure::with_code(
            exit::INVALID,
            format!("{rejected} rows were refused, so nothing of their file was stored."),
        )
        .advise("Correct them, or leave out --strict to take the others."));
    }
    Ok(())
}

fn import_file(
    catalog: &Catalog,
    import: &Import,
    path: &Path,
    format: Option<Format>,
    watcher: &mut Watcher,
) -> Result<ImportReport, Failure> {
    let unreadable = |error: io::Error| {
        Failure::with_code(
            exit::INVALID,
            format!("{} cannot be read: {error}.", path.display()),
        )
    };
    let (input, bytes): (Box<dyn Read>, u64) = if path == Path::new("-") {
        (Box::new(io::stdin()), 0)
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::with_code(
                exit::INVALID,
                format!("{} is a folder, not a file.", path.display()),
            ));
        }
        (Box::new(file), metadata.len())
    };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let format = match format {
        Some(format) => format,
        None => recognise(&mut input, path)
            .map_err(unreadable)?
            .ok_or_else(|| {
                Failure::with_code(
                    exit::INVALID,
                    format!(
                        "The format of {} is not clear, or it is empty.",
                        path.display()
                    ),
                )
                .advise("Name it with --format: coursecat, jsonl, csv, django or courses-api.")
            })?,
    };
    watcher.start(bytes);
    let result = import.run(catalog, format, input, watcher);
    watcher.bar.finish_and_clear();
    result.map_err(|error| {
        let failure = match &error.problem {
            crate::transfer::ImportProblem::Catalog(error) => Failure::from(error.clone()),
            problem => Failure::with_code(exit::INVALID, format!("{}: {problem}", path.display())),
        };
        if error.report.written && error.report.rows > 0 {
            failure.advise(format!(
                "{} rows before that are stored; a corrected file can be imported as a whole.",
                error.report.rows
            ))
        } else {
            failure.advise("Nothing of it was stored.")
        }
    })
}

fn recognise(input: &mut BufReader<Box<dyn Read>>, path: &Path) -> io::Result<Option<Format>> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(Format::recognise(input.fill_buf()?, name))
}

/// Tells a person how far an import is, and keeps the rejects.
struct Watcher {
    bar: ProgressBar,
    rejects: Option<File>,
    shown: u64,
    stop: StopFlag,
}

impl Watcher {
    /// Begins a file of so many bytes; 0 if that is not known.
    fn start(&mut self, bytes: u64) {
        self.shown = 0;
        self.bar = progress::of_bytes(bytes);
    }

    fn tell(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }
}

impl Watch for Watcher {
    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position(progress.bytes);
        let what = if progress.rehearsing {
            "checked"
        } else {
            "imported"
        };
        self.bar
            .set_message(format!("{} rows {what}", progress.rows));
    }

    fn rejected(&mut self, reject: &Reject) {
        self.shown += 1;
        match self.shown {
            ..=SHOWN_REJECTS => self.tell(&format!("rejected: {}", printable(&reject.to_string()))),
            n if n == SHOWN_REJECTS + 1 => self.tell("rejected: … more; see the counts at the end"),
            _ => {}
        }
        let Some(file) = &mut self.rejects else {
            return;
        };
        let row = json!({
            "line": reject.place.line,
            "row": reject.place.row,
            "key": reject.key,
            "code": reject.error.code(),
            "reason": reject.error.to_string(),
        });
        if let Err(error) = writeln!(file, "{row}") {
            self.rejects = None;
            self.tell(&format!("The rejects can no longer be written: {error}."));
        }
    }

    fn should_stop(&mut self) -> bool {
        self.stop.is_set()
    }
}

fn print_report(session: &Session, path: &Path, report: &ImportReport) -> Result<(), Failure> {
    if session.output == Output::Table {
        return line(&format!("{}: {report}", path.display()));
    }
    let tally = |tally: &Tally| {
        json!({
            "created": tally.created, "updated": tally.updated, "unchanged": tally.unchanged,
            "skipped": tally.skipped, "rejected": tally.rejected,
        })
    };
    session.output.object(&json!({
        "file": path,
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
    }))
}
