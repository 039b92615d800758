//! CSV: one run a record, under a line of column names.
//!
//! The columns `course_key` and `title` are needed, `language` and `created` are read if they are
//! there, and all others are ignored. The guard against formulas that an export puts in front of
//! cells is taken off.

use std::io::{self, BufRead, Read};

use csv::{ByteRecord, ReaderBuilder};

use super::input::Input;
use super::plain::PlainRun;
use super::sink::Sink;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::error::Entity;
use crate::transfer::guard::unguarded;
use crate::transfer::{Format, Place, RowError};

pub(super) fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), ImportProblem> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(Quotes::new(input));
    let mut record = ByteRecord::new();
    if !reader
        .read_byte_record(&mut record)
        .map_err(|error| problem(error, 1))?
    {
        return Err(ImportProblem::Empty);
    }
    let columns = Columns::find(&record, record.position().map_or(1, csv::Position::line))?;
    while sink.goes_on() {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(problem(error, line)),
        }
        let place = Place {
            line: record.position().map_or(line, csv::Position::line),
            row: None,
        };
        match columns.run(&record) {
            Ok(run) => run.hand_over(place, sink)?,
            Err(error) => {
                let key = record.get(columns.course_key).unwrap_or_default();
                let key = String::from_utf8_lossy(key).chars().take(300).collect();
                sink.refuse(place, Some(Entity::CourseRun), key, error)?;
            }
        }
    }
    Ok(())
}

/// Which column is where.
struct Columns {
    course_key: usize,
    title: usize,
    language: Option<usize>,
    created: Option<usize>,
    count: usize,
}

impl Columns {
    fn find(header: &ByteRecord, line: u64) -> Result<Self, ImportProblem> {
        let malformed = |why| ImportProblem::Malformed {
            format: Format::Csv,
            line,
            why,
        };
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .collect();
        let find = |wanted: &str| {
            let mut places = (0..).zip(&names).filter(|(_, name)| *name == wanted);
            match (places.next(), places.next()) {
                (_, Some(_)) => Err(malformed(format!("there are two columns {wanted}"))),
                (found, None) => Ok(found.map(|(place, _)| place)),
            }
        };
        let needed = |wanted: &str| {
            find(wanted)?.ok_or_else(|| {
                let shown: String = names.join(", ").chars().take(200).collect();
                let hint = match names.as_slice() {
                    [one] if one.contains([';', '\t']) => "; separate them with commas",
                    _ => "",
                };
                malformed(format!(
                    "there is no column {wanted} in the first line, which has: {shown}{hint}"
                ))
            })
        };
        Ok(Self {
            course_key: needed("course_key")?,
            title: needed("title")?,
            language: find("language")?,
            created: find("created")?,
            count: names.len(),
        })
    }

    fn run(&self, record: &ByteRecord) -> Result<PlainRun, RowError> {
        if record.len() != self.count {
            return Err(RowError::Malformed(format!(
                "it has {} cells where the first line has {}",
                record.len(),
                self.count
            )));
        }
        let cell = |column: usize| {
            let cell = record.get(column).unwrap_or_default();
            match std::str::from_utf8(cell) {
                Ok(text) => Ok(unguarded(text).to_owned()),
                Err(error) => Err(RowError::Malformed(format!(
                    "byte {} of cell {} is not UTF-8",
                    error.valid_up_to() + 1,
                    column + 1
                ))),
            }
        };
        Ok(PlainRun {
            course_key: cell(self.course_key)?,
            title: Some(cell(self.title)?),
            language: self.language.map(cell).transpose()?,
            created: self.created.map(cell).transpose()?,
        })
    }
}

/// Watches the quotes in what is read, as the CSV reader takes them: one that is never closed must
/// not swallow the rows after it, nor all memory.
struct Quotes<'a> {
    input: Input<'a>,
    state: State,
    record_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote within quotes: the end of the field, or half of a doubled quote.
    QuoteInQuoted,
}

impl<'a> Quotes<'a> {
    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            state: State::FieldStart,
            record_bytes: 0,
        }
    }

    fn see(&mut self, byte: u8) {
        self.record_bytes += 1;
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (State::QuoteInQuoted | State::FieldStart, b'"') => State::Quoted,
            (_, b',') => State::FieldStart,
            (_, b'\n' | b'\r') => {
                self.record_bytes = 0;
                State::FieldStart
            }
            _ => State::Bare,
        };
    }
}

impl Read for Quotes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.fill_buf()?.len().min(buffer.len());
        let length = self
            .input
            .read(buffer.get_mut(..length).unwrap_or_default())?;
        for byte in buffer.get(..length).unwrap_or_default() {
            self.see(*byte);
            if self.record_bytes > MOST_ROW_BYTES {
                return Err(io::Error::other(BadRecord::TooLarge));
            }
        }
        if length == 0 && self.state == State::Quoted {
            return Err(io::Error::other(BadRecord::OpenQuote));
        }
        Ok(length)
    }
}

/// What is wrong with a record so that those after it cannot be told.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum BadRecord {
    #[error(
        "the record that begins there has more than {MOST_ROW_BYTES} bytes; a quote may be open"
    )]
    TooLarge,
    #[error("the record that begins there has a quote that is never closed")]
    OpenQuote,
}

fn problem(error: csv::Error, line: u64) -> ImportProblem {
    let bad = match error.kind() {
        csv::ErrorKind::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<BadRecord>()),
        _ => None,
    };
    match bad {
        Some(bad) => ImportProblem::Malformed {
            format: Format::Csv,
            line,
            why: bad.to_string(),
        },
        None => ImportProblem::Read(error.into()),
    }
}
