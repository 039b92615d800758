//! The coursecat format: a header, organizations, catalog courses and runs, and an end with the
//! counts.
//!
//! What the header and the end say is checked: a file that was cut off or altered is noticed, if
//! only at its end. Use a strict import where that is too late.

use xxhash_rust::xxh3::Xxh3;

use super::input::Input;
use super::lines::{Line, Lines};
use super::plain::{given_key, parse};
use super::record::{Record, Row};
use super::sink::Sink;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::error::{Entity, Error};
use crate::key::{CatalogCourseKey, CourseKey};
use crate::model::Timestamp;
use crate::transfer::digest::digits;
use crate::transfer::lossless::{
    CATALOG_COURSE, COURSE_RUN, CatalogCourseLine, CourseRunLine, END, EndLine, HEADER, HeaderLine,
    Kind, ORGANIZATION, OrganizationLine, VERSION,
};
use crate::transfer::{Format, Place, RowError};

pub(super) fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), ImportProblem> {
    let mut lines = Lines::new(input);
    let mut seen = EndLine::default();
    let mut hash = Xxh3::new();
    let mut ended = false;
    while sink.goes_on() {
        let number = lines.number + 1;
        let place = Place {
            line: number,
            row: None,
        };
        let bytes = match lines.next()? {
            None if ended => return Ok(()),
            None if number == 1 => return Err(ImportProblem::Empty),
            None => {
                return Err(ImportProblem::Incomplete {
                    line: number - 1,
                    why: "its end line is missing".to_owned(),
                });
            }
            Some(Line::Bytes(bytes)) => bytes,
            Some(Line::TooLong) if number == 1 => return Err(malformed(1, NO_HEADER)),
            Some(Line::TooLong) => {
                let limit = MOST_ROW_BYTES;
                sink.refuse(place, None, String::new(), RowError::TooLarge { limit })?;
                continue;
            }
        };
        if number == 1 {
            check_header(bytes)?;
        } else if bytes.trim_ascii().is_empty() {
            continue;
        } else if ended {
            return Err(malformed(number, "something follows the end line"));
        } else {
            match read_line(bytes) {
                Ok(What::Row(record, references)) => {
                    count(&mut seen, record.entity(), references.len());
                    sink.row(Row {
                        place,
                        record,
                        references,
                    })?;
                }
                Ok(What::End(end)) => {
                    check_end(&end, &seen, &hash, number)?;
                    ended = true;
                }
                Err(Refused { entity, error }) => {
                    // A line of a known kind counts, readable or not.
                    if let Some(entity) = entity {
                        count(&mut seen, entity, given_references(bytes));
                    }
                    sink.refuse(place, entity, given_key(bytes), error)?;
                }
            }
        }
        hash.update(bytes);
        hash.update(b"\n");
    }
    Ok(())
}

/// What a line holds.
enum What {
    Row(Record, Vec<String>),
    End(EndLine),
}

struct Refused {
    entity: Option<Entity>,
    error: RowError,
}

const NO_HEADER: &str = "the file does not begin with {\"type\":\"coursecat\",\"version\":1}";

fn check_header(bytes: &[u8]) -> Result<(), ImportProblem> {
    let header: HeaderLine<'_> = parse(bytes).map_err(|_| malformed(1, NO_HEADER))?;
    if header.kind != HEADER || header.version == 0 {
        return Err(malformed(1, NO_HEADER));
    }
    if header.version > VERSION {
        return Err(ImportProblem::NewerVersion {
            found: header.version,
            supported: VERSION,
        });
    }
    Ok(())
}

fn read_line(bytes: &[u8]) -> Result<What, Refused> {
    let unknown = |error| Refused {
        entity: None,
        error,
    };
    let kind = parse::<Kind>(bytes).map_err(unknown)?.kind;
    let of = |entity| {
        move |error| Refused {
            entity: Some(entity),
            error,
        }
    };
    let row = |(record, references)| What::Row(record, references);
    match kind.as_str() {
        ORGANIZATION => organization(bytes)
            .map(row)
            .map_err(of(Entity::Organization)),
        CATALOG_COURSE => catalog_course(bytes)
            .map(row)
            .map_err(of(Entity::CatalogCourse)),
        COURSE_RUN => course_run(bytes).map(row).map_err(of(Entity::CourseRun)),
        END => parse(bytes).map(What::End).map_err(unknown),
        _ => Err(unknown(RowError::Malformed(format!(
            "{kind:?} is not a type of row"
        )))),
    }
}

fn organization(bytes: &[u8]) -> Result<(Record, Vec<String>), RowError> {
    let line: OrganizationLine<'_> = parse(bytes)?;
    let record = Record::Organization {
        short_name: line.short_name.into_owned(),
        name: line.name.into_owned(),
        active: line.active,
        created: time(&line.created)?,
    };
    Ok((record, Vec::new()))
}

fn catalog_course(bytes: &[u8]) -> Result<(Record, Vec<String>), RowError> {
    let line: CatalogCourseLine<'_> = parse(bytes)?;
    let key = CatalogCourseKey::new(&*line.org, &*line.course_code).to_string();
    if let Some(given) = line.key.filter(|given| *given != key) {
        return Err(RowError::Malformed(format!(
            "its key {given:?} is not that of its org and course_code, {key:?}"
        )));
    }
    let record = Record::CatalogCourse {
        org: line.org.into_owned(),
        course_code: line.course_code.into_owned(),
        title: line.title.into_owned(),
        language: line.language.into_owned(),
        created: time(&line.created)?,
    };
    Ok((record, line.references))
}

fn course_run(bytes: &[u8]) -> Result<(Record, Vec<String>), RowError> {
    let line: CourseRunLine<'_> = parse(bytes)?;
    let record = Record::CourseRun {
        org: line.catalog_course.org.into_owned(),
        course_code: line.catalog_course.course_code.into_owned(),
        run_code: run_of(&line.course_key)?,
        course_key: line.course_key.into_owned(),
        title: line.title.into_owned(),
        created: time(&line.created)?,
    };
    Ok((record, line.references))
}

/// The run code that a key names.
fn run_of(course_key: &str) -> Result<String, Error> {
    let key: CourseKey = course_key.parse()?;
    Ok(key.run_key()?.run().to_owned())
}

fn time(text: &str) -> Result<Timestamp, Error> {
    Ok(text.parse::<Timestamp>()?)
}

fn count(seen: &mut EndLine, entity: Entity, references: usize) {
    match entity {
        Entity::Organization => seen.organizations += 1,
        Entity::CatalogCourse => seen.catalog_courses += 1,
        Entity::CourseRun => seen.course_runs += 1,
        Entity::Reference => {}
    }
    seen.references += references as u64;
}

/// How many references a line has that is not as it should be.
fn given_references(bytes: &[u8]) -> usize {
    serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|line| Some(line.get("references")?.as_array()?.len()))
        .unwrap_or_default()
}

fn check_end(end: &EndLine, seen: &EndLine, hash: &Xxh3, line: u64) -> Result<(), ImportProblem> {
    let incomplete = |why| Err(ImportProblem::Incomplete { line, why });
    for (what, said, found) in [
        ("organizations", end.organizations, seen.organizations),
        ("catalog courses", end.catalog_courses, seen.catalog_courses),
        ("course runs", end.course_runs, seen.course_runs),
        ("references", end.references, seen.references),
    ] {
        if said != found {
            return incomplete(format!(
                "its end line counts {said} {what}, and there are {found}"
            ));
        }
    }
    match &end.xxh3 {
        Some(said) if *said != digits(hash) => incomplete(format!(
            "its checksum is {}, and its end line says {said}",
            digits(hash)
        )),
        _ => Ok(()),
    }
}

fn malformed(line: u64, why: &str) -> ImportProblem {
    ImportProblem::Malformed {
        format: Format::Lines,
        line,
        why: why.to_owned(),
    }
}
