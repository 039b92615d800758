//! Imports into the catalog behind a server: it is sent what is in a file, and tells what came of it.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::Path;

use super::args::{ConflictArgument, ImportArguments};
use super::failure::{Failure, exit};
use super::import::{SHOWN_REJECTS, Watcher};
use super::input::Input;
use super::output::printable_path;
use super::place::{Server, with_parameters};
use super::remote::{Refusal, Remote};
use crate::transfer::{Format, ImportReport};
use crate::view::ImportView;

/// The most refused rows that a server lists.
const MOST_REJECTS: u64 = 100_000;

/// Sends a file, and gives what came of it.
pub(super) fn import(
    remote: &Remote,
    arguments: &ImportArguments,
    (path, format): (&Path, Format),
    input: Input,
    watcher: &mut Watcher,
) -> Result<ImportReport, Failure> {
    let on_conflict = match arguments.on_conflict {
        ConflictArgument::Skip => "skip",
        ConflictArgument::Update => "update",
        ConflictArgument::Fail => "fail",
    };
    let rejects = match arguments.rejects {
        Some(_) => MOST_REJECTS,
        // One more than are shown, so that it is told that there are more.
        None => SHOWN_REJECTS + 1,
    };
    let address = with_parameters(
        "/v1/import",
        [
            ("format", Cow::from(format.to_string())),
            ("on_conflict", on_conflict.into()),
            ("strict", arguments.strict.to_string().into()),
            ("dry_run", arguments.dry_run.to_string().into()),
            ("rejects", rejects.to_string().into()),
        ],
    );
    let length = match &input {
        Input::File(_, bytes) => Some(*bytes),
        Input::Stream(_) => None,
    };
    let stop = watcher.stop.clone();
    let mut data = Sending {
        left: length,
        input,
        watcher,
        sent: 0,
    };
    let answer = remote.upload(&address, length, &mut data, || stop.is_set());
    let watcher = data.watcher;
    let view: ImportView = match answer {
        Ok(view) => view,
        Err(_) if stop.is_set() => return Err(stopped(path, arguments)),
        Err(refusal) => return Err(failed(remote, path, refusal)),
    };
    for reject in &view.rejects {
        watcher.refused(reject);
    }
    watcher
        .rejects
        .miss(view.rejected.saturating_sub(view.rejects.len() as u64));
    Ok(view.into_report())
}

fn stopped(path: &Path, arguments: &ImportArguments) -> Failure {
    let stored = match arguments.strict || arguments.dry_run {
        true => "nothing of it was stored, unless the server had all of it",
        false => "what the server has read of it is stored",
    };
    let what = format!(
        "The import of {} was stopped; {stored}.",
        printable_path(path)
    );
    Failure::other(what).advise("Run the same command again to complete it.")
}

fn failed(remote: &Remote, path: &Path, refusal: Refusal) -> Failure {
    match refusal {
        // Something is wrong with the input as a whole, and with what is stored of it.
        Refusal::Problem(problem) if problem.code == "bad_request" && problem.advice.is_some() => {
            let what = format!("{}: {}", printable_path(path), problem.what());
            let advice = problem.advice.as_deref().unwrap_or_default();
            Failure::with_code(exit::INVALID, what).advise(advice)
        }
        refusal => Server(remote).failed(refusal),
    }
}

/// Reads what is sent, no more than was said, and ends when the program shall stop.
struct Sending<'a> {
    input: Input,
    left: Option<u64>,
    watcher: &'a mut Watcher,
    sent: u64,
}

impl Read for Sending<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watcher.stop.is_set() {
            return Err(io::Error::other("it was stopped"));
        }
        let most = self.left.map_or(buffer.len(), |left| {
            usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()))
        });
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let length = match &mut self.input {
            Input::File(file, _) => file.read(buffer)?,
            Input::Stream(stream) => stream.read(buffer)?,
        };
        self.left = self.left.map(|left| left.saturating_sub(length as u64));
        self.sent += length as u64;
        self.watcher.sent(self.sent);
        Ok(length)
    }
}
