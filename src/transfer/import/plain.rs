//! Plain JSON Lines: one run a line, by its key, with what else is known of it.
//!
//! Members that are not known here are ignored. Each line stands for itself, so one that cannot be
//! read costs no other.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::input::Input;
use super::lines::{Line, Lines};
use super::record::{Record, Row};
use super::sink::Sink;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::error::{Entity, Error};
use crate::model::Timestamp;
use crate::transfer::{Place, RowError};

/// A run as plain formats have it.
#[derive(Debug, Deserialize)]
pub(super) struct PlainRun {
    pub(super) course_key: String,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) language: Option<String>,
    #[serde(default)]
    pub(super) created: Option<String>,
}

impl PlainRun {
    /// The record that it stands for.
    pub(super) fn record(self) -> Result<Record, (String, RowError)> {
        let created = match self.created.filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => match text.parse::<Timestamp>() {
                Ok(created) => Some(created),
                Err(invalid) => return Err((self.course_key, Error::from(invalid).into())),
            },
        };
        Ok(Record::ModulestoreRun {
            course_key: self.course_key,
            title: self.title.unwrap_or_default(),
            language: self.language.unwrap_or_default(),
            created,
        })
    }

    /// Hands it to the sink.
    pub(super) fn hand_over(self, place: Place, sink: &mut Sink<'_>) -> Result<(), Error> {
        match self.record() {
            Ok(record) => sink.row(Row {
                place,
                record,
                references: Vec::new(),
            }),
            Err((key, error)) => sink.refuse(place, Some(Entity::CourseRun), key, error),
        }
    }
}

pub(super) fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), ImportProblem> {
    let mut lines = Lines::new(input);
    let mut has_rows = false;
    while sink.goes_on() {
        let number = lines.number + 1;
        let place = Place {
            line: number,
            row: None,
        };
        match lines.next()? {
            None if has_rows => return Ok(()),
            None => return Err(ImportProblem::Empty),
            Some(Line::Bytes(bytes)) if bytes.trim_ascii().is_empty() => continue,
            Some(Line::TooLong) => {
                let limit = MOST_ROW_BYTES;
                let entity = Some(Entity::CourseRun);
                sink.refuse(place, entity, String::new(), RowError::TooLarge { limit })?;
            }
            Some(Line::Bytes(bytes)) => match parse::<PlainRun>(bytes) {
                Ok(run) => run.hand_over(place, sink)?,
                Err(error) => {
                    let key = given_key(bytes);
                    sink.refuse(place, Some(Entity::CourseRun), key, error)?;
                }
            },
        }
        has_rows = true;
    }
    Ok(())
}

/// Reads one JSON value.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to() + 1;
        return Err(RowError::Malformed(format!("byte {at} of it is not UTF-8")));
    }
    serde_json::from_slice(bytes).map_err(|error| RowError::json(&error))
}

/// The key of a row that is not as it should be, if it has one all the same: it helps to find the
/// row.
pub(super) fn given_key(bytes: &[u8]) -> String {
    const NAMES: [&str; 6] = [
        "course_key",
        "course_id",
        "id",
        "key",
        "short_name",
        "course_code",
    ];
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return String::new();
    };
    let fields = value.get("fields").unwrap_or(&value);
    NAMES
        .iter()
        .find_map(|name| fields.get(name)?.as_str())
        .map(|key| key.chars().take(300).collect())
        .unwrap_or_default()
}
