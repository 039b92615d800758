//! Exports and backups of the catalog behind a server.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::args::{BackupArguments, ExportArguments};
use super::export::{backup_failure, export_failure, unwritable};
use super::failure::Failure;
use super::place::{Place, Server, with_parameters};
use super::remote::{Remote, Stream};
use crate::transfer::{
    BackupOptions, BackupReport, ExportError, ExportReport, Filter, export as write_export,
    receive_backup,
};
use crate::{Catalog, Stats};

/// Writes an export, as it comes from the server.
pub(super) fn export(
    remote: &Remote,
    arguments: &ExportArguments,
    mut out: impl Write,
) -> Result<ExportReport, Failure> {
    let format = arguments.format;
    if !format.can_export() {
        return Err(export_failure(ExportError::ImportOnly(format)));
    }
    let server = Server(remote);
    let (org, language) = (arguments.org.as_deref(), arguments.language.as_deref());
    if org == Some("") || language == Some("") {
        // The server would take it for no filter. Nothing has no name, and nothing no language.
        let org = org.map(|org| [org.to_owned()]);
        org.map_or(Ok(Vec::new()), |org| server.organizations(&org))?;
        let nothing = Catalog::temporary()?.snapshot();
        return write_export(&nothing, format, &Filter::new(), out).map_err(export_failure);
    }
    let parameters = [
        ("format", Cow::from(format.to_string())),
        ("org", org.unwrap_or_default().into()),
        ("language", language.unwrap_or_default().into()),
    ];
    let stream = remote.stream(&with_parameters("/v1/export", parameters));
    let mut stream = stream.map_err(|refusal| server.failed(refusal))?;
    let counts = stream.header("coursecat-records").and_then(read_counts);
    let counts = counts.ok_or_else(|| remote.stranger("does not tell what it exports"))?;
    let bytes = copy(&mut stream, &mut out)?;
    Ok(ExportReport { counts, bytes })
}

/// Passes everything on, and tells how many bytes there were.
fn copy(stream: &mut Stream<'_>, out: &mut impl Write) -> Result<u64, Failure> {
    let mut bytes = 0;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let length = match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let failure = stream.broken();
                let failure = failure.unwrap_or_else(|| Failure::other(error.to_string()));
                return Err(failure.advise("What is there of it is not whole."));
            }
        };
        let chunk = chunk.get(..length).unwrap_or_default();
        out.write_all(chunk).map_err(unwritable)?;
        bytes += length as u64;
    }
    out.flush().map_err(unwritable)?;
    Ok(bytes)
}

/// Reads `organizations=1, catalog_courses=2, course_runs=3, references=0`.
fn read_counts(text: &str) -> Option<Stats> {
    let of = |name: &str| {
        text.split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, _)| *found == name)
            .and_then(|(_, count)| count.parse().ok())
    };
    Some(Stats {
        organizations: of("organizations")?,
        catalog_courses: of("catalog_courses")?,
        course_runs: of("course_runs")?,
        references: of("references")?,
    })
}

/// Takes a backup from the server, and makes a file of it once it is whole.
pub(super) fn backup(
    remote: &Remote,
    arguments: &BackupArguments,
    options: &BackupOptions,
) -> Result<BackupReport, Failure> {
    let stream = remote.stream("/v1/backup");
    let mut stream = stream.map_err(|refusal| Server(remote).failed(refusal))?;
    receive_backup(&mut stream, &arguments.file, options).map_err(|error| match stream.broken() {
        Some(failure) => failure.advise("Nothing is left of it."),
        None => backup_failure(error),
    })
}
