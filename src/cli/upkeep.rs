//! `coursecat verify`, `repair` and `compact`: the store itself.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::RepairArguments;
use super::failure::Failure;
use super::output::{Output, json_path, line, printable_path, quoted, say};
use super::progress::of_work;
use super::reach::Target;
use super::session::{Session, is_interactive};
use crate::view::VerifyView;
use crate::{Error, Finding, Timestamp};

pub(super) fn verify(session: &Session) -> Result<(), Failure> {
    let working = of_work("Verifying every row");
    let report = match &session.target {
        Target::Folder => crate::verify(&session.global.data)?,
        Target::Server(remote) => {
            let found: VerifyView = remote.get_patiently("/v1/verify")?;
            found.into_report()
        }
    };
    drop(working);
    if session.output == Output::Json {
        session.output.object(&VerifyView::of(&report))?;
    } else {
        line(&report.to_string())?;
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(match &session.target {
        Target::Folder => {
            let data = &session.global.data;
            let what = format!("The catalog in {} is damaged.", printable_path(data));
            Failure::corrupt(what).advise(format!(
                "Save what can be saved with: coursecat repair --data {}",
                quoted(data)
            ))
        }
        Target::Server(remote) => {
            let what = format!("The catalog of {} is damaged.", remote.address());
            Failure::corrupt(what)
                .advise("Stop the server, and save what can be saved where its folder is, with: coursecat repair")
        }
    })
}

pub(super) fn repair(session: &Session, arguments: &RepairArguments) -> Result<(), Failure> {
    let data = &session.global.data;
    let working = of_work("Verifying every row");
    let wrong = match crate::verify(data) {
        Ok(report) if report.is_clean() => {
            drop(working);
            session.done("Nothing is wrong; there is nothing to repair.");
            if session.output == Output::Json {
                return session.output.object(&json!({
                    "rows_changed": 0,
                    "rebuilt": [],
                    "lost": [],
                    "feed": null,
                    "records": report.stats,
                    "copy": null,
                }));
            }
            return Ok(());
        }
        Ok(report) => format!(
            "{} things are wrong in {}.",
            report.findings.len(),
            printable_path(data)
        ),
        Err(error @ Error::Corrupt { .. }) => format!(
            "{error} What can be read of its log will take its place; what was written after the damage will be lost."
        ),
        Err(error) => return Err(error.into()),
    };
    drop(working);
    let copy = copy_name(data);
    say(&format!(
        "{wrong} It will be copied to {}, then its indexes, counts and digest are rebuilt from the records that are intact; what cannot be saved is listed.",
        printable_path(&copy)
    ));
    if !arguments.yes && !asked("Go on?")? {
        return Err(Failure::other("Nothing was changed.")
            .advise("To go on without being asked, add --yes."));
    }
    let working = of_work("Copying and repairing");
    copy_folder(data, &copy).map_err(|error| {
        Failure::other(format!(
            "Copying to {} failed: {error}. Nothing was changed.",
            printable_path(&copy)
        ))
    })?;
    let report = crate::repair(data)?;
    drop(working);
    if session.output == Output::Json {
        return session.output.object(&json!({
            "rows_changed": report.rows_changed,
            "rebuilt": report.rebuilt,
            "lost": findings(&report.lost),
            "feed": report.feed,
            "records": report.stats,
            "copy": json_path(&copy),
        }));
    }
    line(&report.to_string())
}

pub(super) fn compact(session: &Session) -> Result<(), Failure> {
    let working = of_work("Writing the store anew");
    let report = crate::compact(&session.global.data)?;
    drop(working);
    if session.output == Output::Json {
        return session.output.object(&json!({
            "rows": report.rows,
            "bytes_before": report.bytes_before,
            "bytes_after": report.bytes_after,
            "seconds": report.elapsed.as_secs_f64(),
        }));
    }
    line(&report.to_string())
}

fn findings(findings: &[Finding]) -> Vec<serde_json::Value> {
    findings
        .iter()
        .map(|f| json!({ "tree": f.tree, "row": f.row, "problem": f.problem }))
        .collect()
}

/// Asks a person. Where there is none, the answer is no.
fn asked(question: &str) -> Result<bool, Failure> {
    if !is_interactive() {
        return Ok(false);
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::other(format!("Reading the answer failed: {error}.")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A name beside the folder that is free.
fn copy_name(data: &Path) -> PathBuf {
    let now: String = Timestamp::now()
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let mut name = data.as_os_str().to_owned();
    name.push(format!(".before-repair-{now}"));
    let name = PathBuf::from(name);
    // A repair that was interrupted may have been in this very second.
    let others = (2..).map(|n| {
        let mut other = name.clone().into_os_string();
        other.push(format!("-{n}"));
        PathBuf::from(other)
    });
    let mut names = std::iter::once(name.clone()).chain(others);
    names.find(|name| !name.exists()).unwrap_or(name)
}

/// Copies a catalog's folder, durably.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    fs::File::open(to)?.sync_all()
}
