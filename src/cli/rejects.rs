//! The file of `--rejects`: every row that was refused, as JSON Lines.
//!
//! It never takes the place of what is being imported.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::ImportArguments;
use super::failure::{Failure, exit};
use super::output::printable_path;
use crate::view::RejectView;

/// See the [module](self).
pub(super) struct Rejects {
    path: PathBuf,
    /// `None` if none is asked for, or once writing has failed.
    file: Option<BufWriter<File>>,
    failed: Option<io::Error>,
    /// How many were refused of which nobody knows more.
    missing: u64,
}

impl Rejects {
    /// Makes the file, if one is asked for.
    pub(super) fn create(arguments: &ImportArguments) -> Result<Self, Failure> {
        let Some(path) = arguments.rejects.clone() else {
            return Ok(Self {
                path: PathBuf::new(),
                file: None,
                failed: None,
                missing: 0,
            });
        };
        if arguments.files.iter().any(|input| is_same(input, &path)) {
            let what = format!("{} is what is to be imported.", printable_path(&path));
            return Err(Failure::with_code(exit::INVALID, what)
                .advise("Name another file for the rejects."));
        }
        let file = File::create(&path).map_err(|error| {
            Failure::other(format!(
                "{} cannot be written: {error}.",
                printable_path(&path)
            ))
            .advise("Name another file for the rejects.")
        })?;
        Ok(Self {
            path,
            file: Some(BufWriter::new(file)),
            failed: None,
            missing: 0,
        })
    }

    pub(super) fn write(&mut self, input: &Path, reject: &RejectView) {
        let row = json!({
            "file": input.to_string_lossy(),
            "line": reject.line,
            "row": reject.row,
            "key": reject.key,
            "code": reject.code,
            "reason": reject.reason,
        });
        self.attempt(|file| writeln!(file, "{row}"));
    }

    /// Hears that more rows were refused than are told of.
    pub(super) fn miss(&mut self, rows: u64) {
        self.missing += rows;
    }

    /// Fails if one of them could not be written.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.attempt(BufWriter::flush);
        match self.failed.take() {
            None if self.missing == 0 || self.path.as_os_str().is_empty() => Ok(()),
            None => Err(Failure::other(format!(
                "Not all rejects are in {}: the server tells no more of {} of them.",
                printable_path(&self.path),
                self.missing
            ))
            .advise("The other rows are stored. Correct those that are told, and run the import again to have more.")),
            Some(error) => Err(Failure::other(format!(
                "Not all rejects could be written into {}: {error}.",
                printable_path(&self.path)
            ))
            .advise("The other rows are stored; run the import again to have them all.")),
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Some(file) = &mut self.file
            && let Err(error) = write(file)
        {
            self.file = None;
            self.failed = Some(error);
        }
    }
}

/// Whether two names lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (one.canonicalize(), other.canonicalize()) else {
        return false; // One of them is not there.
    };
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
        use std::os::unix::fs::MetadataExt;
        // Devices, such as a terminal, can be read and written at once.
        return one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    one == other
}
