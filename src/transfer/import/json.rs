//! Cuts JSON into the values of an array or an object, one at a time.
//!
//! It finds where each value ends and no more: what is between is for serde_json to read, value by
//! value, so that one that is broken inside costs one row and not the file. A value that is larger
//! than any row is passed over without being held in memory. Nothing here recurses, so nesting
//! cannot exhaust the stack.

use std::io::BufRead;

use super::input::Input;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::transfer::Format;

/// Cuts an input into values.
pub(super) struct Json<'a> {
    input: Input<'a>,
    format: Format,
    /// The line of the next byte; the first is 1.
    pub(super) line: u64,
}

/// Whether a value was small enough to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Kept,
    TooLarge,
}

impl<'a> Json<'a> {
    pub(super) fn new(input: Input<'a>, format: Format) -> Self {
        Self {
            input,
            format,
            line: 1,
        }
    }

    /// The next byte that is no space, which stays where it is; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ImportProblem> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(None);
            }
            let spaces = available
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            let next = available.get(spaces).copied();
            self.line += count_lines(available.get(..spaces).unwrap_or_default());
            self.input.consume(spaces);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// The next byte that is no space, if it is one of these; it is taken.
    pub(super) fn expect(&mut self, wanted: &[u8], what: &str) -> Result<u8, ImportProblem> {
        match self.peek()? {
            Some(byte) if wanted.contains(&byte) => {
                self.input.consume(1);
                Ok(byte)
            }
            Some(byte) => {
                let found = char::from(byte).escape_default();
                Err(self.malformed(format!("'{found}' stands where {what} is expected")))
            }
            None => Err(self.cut_off()),
        }
    }

    /// Takes the next value, and adds its bytes to `kept` unless it is too large.
    pub(super) fn value(&mut self, kept: &mut Vec<u8>) -> Result<Size, ImportProblem> {
        let first = match self.peek()? {
            None => return Err(self.cut_off()),
            Some(b']' | b'}' | b',' | b':') => {
                return Err(self.malformed("a value is missing".to_owned()));
            }
            Some(first) => first,
        };
        let before = kept.len();
        let mut scan = Scan::new(first);
        let mut length = 0;
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                if scan.may_end() {
                    break;
                }
                return Err(self.cut_off());
            }
            let end = available.iter().position(|byte| scan.is_end(*byte));
            // The byte after a number or a word is no part of it.
            let consumed = match end {
                None => available.len(),
                Some(at) if scan.is_bare => at,
                Some(at) => at + 1,
            };
            let part = available.get(..consumed).unwrap_or_default();
            length += part.len();
            if length <= MOST_ROW_BYTES {
                kept.extend_from_slice(part);
            }
            self.line += count_lines(part);
            self.input.consume(consumed);
            if end.is_some() {
                break;
            }
        }
        if length > MOST_ROW_BYTES {
            kept.truncate(before);
            return Ok(Size::TooLarge);
        }
        Ok(Size::Kept)
    }

    /// Whether there is another element, after `[` or an element; `,` and `]` are taken.
    pub(super) fn next_element(&mut self, is_first: bool) -> Result<bool, ImportProblem> {
        if is_first {
            if self.peek()? == Some(b']') {
                self.expect(b"]", "]")?;
                return Ok(false);
            }
            return Ok(true);
        }
        Ok(self.expect(b",]", "',' or ']'")? == b',')
    }

    pub(super) fn malformed(&self, why: String) -> ImportProblem {
        ImportProblem::Malformed {
            format: self.format,
            line: self.line,
            why,
        }
    }

    fn cut_off(&self) -> ImportProblem {
        ImportProblem::Incomplete {
            line: self.line,
            why: "the JSON in it is not closed".to_owned(),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// Finds the end of one value, byte by byte.
struct Scan {
    depth: u64,
    in_text: bool,
    escaped: bool,
    /// It is a number or a word: it ends before a byte that belongs to what is around it.
    is_bare: bool,
}

impl Scan {
    fn new(first: u8) -> Self {
        Self {
            depth: 0,
            in_text: false,
            escaped: false,
            is_bare: !matches!(first, b'{' | b'[' | b'"'),
        }
    }

    /// Whether the input may end here.
    fn may_end(&self) -> bool {
        self.is_bare
    }

    /// Whether the value ends with this byte, or before it if it is bare.
    fn is_end(&mut self, byte: u8) -> bool {
        if self.is_bare {
            return matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        }
        if self.in_text {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
                return self.depth == 0;
            }
            return false;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}
