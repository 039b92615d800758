//! Lines of bounded length.
//!
//! A line that is longer than any row is passed over without being held in memory.

use std::io::{self, BufRead};

use super::MOST_ROW_BYTES;
use super::input::Input;

/// Reads an input line by line.
pub(super) struct Lines<'a> {
    input: Input<'a>,
    /// The number of the line that was read last; the first is 1.
    pub(super) number: u64,
    line: Vec<u8>,
}

/// One line.
pub(super) enum Line<'l> {
    /// Its bytes, without the line's end.
    Bytes(&'l [u8]),
    /// It is too long for a row.
    TooLong,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        Self {
            input,
            number: 0,
            line: Vec::new(),
        }
    }

    /// The next line; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut length = 0;
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let end = available.iter().position(|b| *b == b'\n');
            let part = available.get(..end.unwrap_or(available.len()));
            let part = part.unwrap_or_default();
            length += part.len();
            if length <= MOST_ROW_BYTES {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        if length > MOST_ROW_BYTES {
            return Ok(Some(Line::TooLong));
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        Ok(Some(Line::Bytes(line)))
    }
}
