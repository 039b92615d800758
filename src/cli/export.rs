//! `coursecat export`, `backup` and `restore`

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::args::{BackupArguments, ExportArguments};
use super::failure::{Failure, exit};
use super::output::{Output, line};
use super::progress::{StopFlag, Working, of_work};
use super::session::Session;
use crate::transfer::{
    BackupError, BackupOptions, ExportError, Filter, Progress, Watch, backup as write_backup,
    export as write_export, restore as read_backup,
};

pub(super) fn export(session: &Session, arguments: &ExportArguments) -> Result<(), Failure> {
    let snapshot = session.open()?.snapshot();
    let mut filter = Filter::new();
    if let Some(org) = &arguments.org {
        filter = filter.org(org);
    }
    if let Some(code) = &arguments.language {
        filter = filter.language(code);
    }
    let failed = |error| match error {
        ExportError::Catalog(error) => Failure::from(error),
        ExportError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Failure::quiet(),
        ExportError::ImportOnly(_) => Failure::with_code(exit::INVALID, error.to_string()),
        ExportError::Write(_) => Failure::other(error.to_string()),
    };
    let report = match &arguments.output {
        None => write_export(&snapshot, arguments.format, &filter, io::stdout().lock()),
        Some(path) => {
            let mut file = File::create_new(path).map_err(|error| cannot_write(path, &error))?;
            let report = write_export(&snapshot, arguments.format, &filter, &mut file);
            file.flush()
                .and_then(|()| file.sync_all())
                .map_err(|error| cannot_write(path, &error))?;
            report
        }
    };
    let report = report.map_err(failed)?;
    session.done(&format!("Exported {}.", report.counts));
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::other(format!("{} cannot be written: {error}.", path.display()));
    if error.kind() == io::ErrorKind::AlreadyExists {
        return failure.advise("Choose another name, or remove the file first.");
    }
    failure
}

pub(super) fn backup(session: &Session, arguments: &BackupArguments) -> Result<(), Failure> {
    let snapshot = session.open()?.snapshot();
    let options = BackupOptions::new().overwrite(arguments.overwrite);
    let working = of_work("Writing the backup");
    let report = write_backup(&snapshot, &arguments.file, &options).map_err(backup_failure)?;
    drop(working);
    if session.output == Output::Json {
        return session.output.object(&json!({
            "file": arguments.file,
            "records": report.counts,
            "file_bytes": report.file_bytes,
            "seconds": report.elapsed.as_secs_f64(),
        }));
    }
    line(&format!(
        "{}: {} bytes with {}, written in {:.1?}.",
        arguments.file.display(),
        report.file_bytes,
        report.counts,
        report.elapsed
    ))
}

pub(super) fn restore(session: &Session, file: &Path) -> Result<(), Failure> {
    let folder = &session.global.data;
    let mut watcher = RestoreWatcher {
        working: of_work("Restoring"),
        stop: StopFlag::on_signal(),
    };
    let report = read_backup(file, folder, &mut watcher).map_err(backup_failure)?;
    drop(watcher);
    if session.output == Output::Json {
        return session.output.object(&json!({
            "folder": folder,
            "records": report.counts,
            "seconds": report.elapsed.as_secs_f64(),
        }));
    }
    line(&format!(
        "{} now holds {}, restored and verified in {:.1?}.",
        folder.display(),
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

fn backup_failure(error: BackupError) -> Failure {
    let what = error.to_string();
    match error {
        BackupError::Catalog(error) => error.into(),
        BackupError::Exists { .. } => Failure::with_code(exit::ALREADY_EXISTS, what)
            .advise("Choose another name, or add --overwrite."),
        BackupError::NotEmpty { .. } => {
            Failure::with_code(exit::ALREADY_EXISTS, what).advise("Name a new folder with --data.")
        }
        BackupError::Damaged { .. } | BackupError::NotTheSame { .. } => Failure::corrupt(what),
        _ => Failure::other(what),
    }
}
