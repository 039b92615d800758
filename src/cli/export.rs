//! `coursecat export`, `backup` and `restore`

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::args::{BackupArguments, ExportArguments};
use super::export_server;
use super::failure::{Failure, exit};
use super::input::check_readable;
use super::output::{Output, json_path, line, printable_path};
use super::progress::{StopFlag, Working, of_work};
use super::reach::Target;
use super::remote::Remote;
use super::session::Session;
use super::suggest::suggest;
use crate::transfer::{
    BackupError, BackupOptions, ExportError, ExportReport, Filter, Progress, Watch,
    backup as write_backup, export as write_export, note_backup, restore as read_backup,
};
use crate::{Snapshot, Timestamp};

pub(super) fn export(session: &Session, arguments: &ExportArguments) -> Result<(), Failure> {
    let source = match &session.target {
        Target::Folder => Source::Folder(session.open()?.snapshot()),
        Target::Server(remote) => Source::Server(remote),
    };
    let output = arguments.output.as_deref();
    let Some(path) = output.filter(|path| *path != Path::new("-")) else {
        let report = source.write(arguments, io::stdout().lock())?;
        session.done(&format!("Exported {}.", report.counts));
        return Ok(());
    };
    let file = File::create_new(path).map_err(|error| cannot_write(path, &error))?;
    let written = source.write(arguments, &file).and_then(|report| {
        file.sync_all()
            .map_err(|error| cannot_write(path, &error))?;
        Ok(report)
    });
    let report = written.inspect_err(|_| {
        // Half an export could be taken for a whole one.
        let _ = std::fs::remove_file(path);
    })?;
    if session.output == Output::Json {
        return session.output.object(&json!({
            "file": json_path(path),
            "records": report.counts,
            "bytes": report.bytes,
        }));
    }
    session.done(&format!("Exported {}.", report.counts));
    Ok(())
}

/// Where what is exported comes from.
enum Source<'a> {
    Folder(Snapshot),
    Server(&'a Remote),
}

impl Source<'_> {
    fn write(&self, arguments: &ExportArguments, out: impl Write) -> Result<ExportReport, Failure> {
        let snapshot = match self {
            Self::Folder(snapshot) => snapshot,
            Self::Server(remote) => return export_server::export(remote, arguments, out),
        };
        let mut filter = Filter::new();
        if let Some(org) = &arguments.org {
            filter = filter.org(org);
        }
        if let Some(code) = &arguments.language {
            filter = filter.language(code);
        }
        let written = write_export(snapshot, arguments.format, &filter, out);
        written.map_err(|error| match error {
            ExportError::Catalog(error) => suggest(error, snapshot),
            error => export_failure(error),
        })
    }
}

pub(super) fn export_failure(error: ExportError) -> Failure {
    match error {
        ExportError::Catalog(error) => error.into(),
        ExportError::Write(error) => unwritable(error),
        ExportError::ImportOnly(format) => {
            let what = format!("The format {format} can be imported, not exported.");
            Failure::with_code(exit::INVALID, what)
                .advise("Use coursecat, csv, django or django-new-site.")
        }
    }
}

/// A place that takes no more of an export.
pub(super) fn unwritable(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::quiet(),
        _ => Failure::other(ExportError::Write(error).to_string())
            .advise("See to where it is written; what is there of it is not whole."),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let what = format!("{} exists already.", printable_path(path));
        return Failure::with_code(exit::ALREADY_EXISTS, what)
            .advise("Choose another name, or remove the file first.");
    }
    let what = format!("{} cannot be written: {error}.", printable_path(path));
    Failure::other(what).advise("Choose another place.")
}

pub(super) fn backup(session: &Session, arguments: &BackupArguments) -> Result<(), Failure> {
    let options = BackupOptions::new().overwrite(arguments.overwrite);
    let file = &arguments.file;
    let report = match &session.target {
        Target::Server(_) if !arguments.overwrite && file.symlink_metadata().is_ok() => {
            // The server would think that it has been backed up.
            return Err(backup_failure(BackupError::Exists { path: file.clone() }));
        }
        Target::Server(remote) => {
            let _working = of_work("Receiving the backup");
            export_server::backup(remote, arguments, &options)?
        }
        Target::Folder => {
            let time = Timestamp::now();
            let snapshot = session.open()?.snapshot();
            let working = of_work("Writing the backup");
            let report = write_backup(&snapshot, file, &options).map_err(backup_failure)?;
            drop(working);
            if let Err(error) = note_backup(&session.global.data, time) {
                tracing::warn!("the time of the backup was not noted: {error}");
            }
            report
        }
    };
    if session.output == Output::Json {
        return session.output.object(&json!({
            "file": json_path(&arguments.file),
            "records": report.counts,
            "file_bytes": report.file_bytes,
            "seconds": report.elapsed.as_secs_f64(),
        }));
    }
    line(&format!(
        "{}: {} bytes with {}, written in {:.1?}.",
        printable_path(&arguments.file),
        report.file_bytes,
        report.counts,
        report.elapsed
    ))
}

pub(super) fn restore(session: &Session, file: &Path) -> Result<(), Failure> {
    let folder = &session.global.data;
    check_readable(file)?;
    let mut watcher = RestoreWatcher {
        working: of_work("Restoring"),
        stop: StopFlag::on_signal(),
    };
    let report = read_backup(file, folder, &mut watcher).map_err(backup_failure)?;
    drop(watcher);
    if session.output == Output::Json {
        return session.output.object(&json!({
            "folder": json_path(folder),
            "records": report.counts,
            "seconds": report.elapsed.as_secs_f64(),
        }));
    }
    line(&format!(
        "{} now holds {}, restored and verified in {:.1?}.",
        printable_path(folder),
        report.counts,
        report.elapsed
    ))
}

/// Tells a person how far a restore is.
struct RestoreWatcher {
    working: Working,
    stop: StopFlag,
}

impl Watch for RestoreWatcher {
    fn progress(&mut self, progress: &Progress) {
        self.working
            .say(format!("Restoring: {} rows", progress.rows));
    }

    fn should_stop(&mut self) -> bool {
        self.stop.is_set()
    }
}

pub(super) fn backup_failure(error: BackupError) -> Failure {
    let what = error.to_string();
    match error {
        BackupError::Catalog(error) => error.into(),
        BackupError::Exists { path } => Failure::with_code(
            exit::ALREADY_EXISTS,
            format!("{} exists already.", printable_path(&path)),
        )
        .advise("Choose another name, or add --overwrite."),
        BackupError::NotEmpty { path } => Failure::with_code(
            exit::ALREADY_EXISTS,
            format!("The folder {} is not empty.", printable_path(&path)),
        )
        .advise("A backup is restored into a new or an empty folder: name one with --data."),
        BackupError::Damaged { .. } => Failure::corrupt(what).advise(
            "Restore another backup. What is none, such as an export, is taken in by coursecat import.",
        ),
        BackupError::NotTheSame { .. } => Failure::corrupt(what),
        BackupError::Io { .. } => Failure::other(what).advise("Nothing is left of it. See to the disk, or choose another place."),
        BackupError::Stopped => Failure::other(what).advise("Run the same command again."),
        _ => Failure::other(what),
    }
}
