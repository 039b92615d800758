//! Printing: tables for people, JSON for programs.
//!
//! A reader that goes away (`| head`) ends the program quietly and is no failure.

use std::io::{self, Write};
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::failure::Failure;
use super::view::View;

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Table,
    Json,
}

impl Output {
    /// Prints a list.
    pub(super) fn list<V: View>(self, items: &[V]) -> Result<(), Failure> {
        match self {
            Self::Json => items.iter().try_for_each(|item| self.object(item)),
            Self::Table if items.is_empty() => Ok(()),
            Self::Table => {
                let mut table = Table::new();
                table
                    .load_style(presets::NOTHING)
                    .set_header(V::HEADINGS.to_vec());
                for item in items {
                    table.add_row(item.cells().iter().map(|cell| printable(cell)));
                }
                for (n, column) in table.column_iter_mut().enumerate() {
                    column.set_padding((0, 2));
                    if n >= V::NUMBERS_FROM {
                        column.set_cell_alignment(CellAlignment::Right);
                    }
                }
                line(&trimmed(&table.to_string()))
            }
        }
    }

    /// Prints one record.
    pub(super) fn one<V: View>(self, item: &V) -> Result<(), Failure> {
        self.list(std::slice::from_ref(item))
    }

    /// Prints one JSON object on a line.
    pub(super) fn object(self, item: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(item)
            .map_err(|error| Failure::other(format!("The answer cannot be printed: {error}.")))?;
        line(&text)
    }
}

/// A path for JSON, which knows Unicode only.
pub(super) fn json_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Prints a line on stdout.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    written(|out| writeln!(out, "{text}"))
}

/// Prints on stdout.
pub(super) fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::quiet()),
        Err(error) => {
            let what = format!("Writing to stdout failed: {error}.");
            Err(Failure::other(what).advise("See to where it is written."))
        }
    }
}

/// Says something to the person, on stderr.
pub(super) fn say(text: &str) {
    // A stderr that is closed has nobody to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A text in which no character moves the cursor, hides another, or changes the direction of what
/// follows.
pub(super) fn printable(text: &str) -> String {
    let moves =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if moves(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A path as it is typed in a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = printable_path(path);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A path in such a text.
pub(super) fn printable_path(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A table without blanks at the ends of its lines.
fn trimmed(table: &str) -> String {
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    lines.join("\n")
}
