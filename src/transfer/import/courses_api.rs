//! What the Courses API of an Open edX site answers: pages of courses, in `results`.
//!
//! A file may hold one page, pages one after another, an array of pages, or courses without pages
//! around them. A course is taken for a run by its `course_id` (or `id`) and `name`; a `language`
//! is taken if there is one. The rest is ignored: organization and number are in the key.

use serde::Deserialize;

use super::input::Input;
use super::json::{Json, Size};
use super::plain::{PlainRun, given_key, parse};
use super::sink::Sink;
use super::{ImportProblem, MOST_ROW_BYTES};
use crate::error::Entity;
use crate::transfer::{Format, Place, RowError};

pub(super) fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), ImportProblem> {
    let mut reader = Reader {
        json: Json::new(input, Format::CoursesApi),
        sink,
        rows: 0,
        bytes: Vec::new(),
    };
    if reader.json.peek()?.is_none() {
        return Err(ImportProblem::Empty);
    }
    while let Some(first) = reader.json.peek()? {
        let goes_on = match first {
            b'{' => reader.object()?,
            b'[' => reader.array(Reader::object_or_refuse)?,
            _ => {
                reader.json.expect(b"{[", "a '{' or '['")?;
                false
            }
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// The members of an API course that are read.
#[derive(Deserialize)]
struct ApiCourse {
    #[serde(default)]
    course_id: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

struct Reader<'a, 'i, 's> {
    json: Json<'i>,
    sink: &'s mut Sink<'a>,
    rows: u64,
    bytes: Vec<u8>,
}

impl Reader<'_, '_, '_> {
    /// Reads an array, element by element. Tells whether the import goes on.
    fn array(
        &mut self,
        element: fn(&mut Self) -> Result<bool, ImportProblem>,
    ) -> Result<bool, ImportProblem> {
        self.json.expect(b"[", "'['")?;
        let mut is_first = true;
        while self.json.next_element(is_first)? {
            is_first = false;
            if !element(self)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn object_or_refuse(&mut self) -> Result<bool, ImportProblem> {
        if self.json.peek()? == Some(b'{') {
            self.object()
        } else {
            self.course()
        }
    }

    /// Reads an object that may be a page, whose results are read one by one, or a course.
    fn object(&mut self) -> Result<bool, ImportProblem> {
        let line = self.json.line;
        self.json.expect(b"{", "'{'")?;
        let mut course = b"{".to_vec();
        let mut is_page = false;
        let mut size = Size::Kept;
        let mut is_first = true;
        loop {
            if is_first && self.json.peek()? == Some(b'}') {
                self.json.expect(b"}", "'}'")?;
                break;
            }
            let start = course.len();
            if !is_first {
                course.push(b',');
            }
            is_first = false;
            let name_at = course.len();
            if self.json.peek()? != Some(b'"') {
                self.json.expect(b"\"", "the name of a member")?;
            }
            if self.json.value(&mut course)? == Size::TooLarge {
                size = Size::TooLarge;
            }
            let is_results = course.get(name_at..) == Some(b"\"results\"");
            self.json.expect(b":", "':'")?;
            course.push(b':');
            if is_results && self.json.peek()? == Some(b'[') {
                is_page = true;
                if !self.array(Self::course)? {
                    return Ok(false);
                }
                course.extend_from_slice(b"[]");
            } else if self.json.value(&mut course)? == Size::TooLarge {
                size = Size::TooLarge;
            }
            if size == Size::TooLarge || course.len() > MOST_ROW_BYTES {
                size = Size::TooLarge;
                course.truncate(start);
            }
            if self.json.expect(b",}", "',' or '}'")? == b'}' {
                break;
            }
        }
        if is_page {
            return Ok(self.sink.goes_on());
        }
        course.push(b'}');
        self.take(line, size, &course)
    }

    /// Reads a course.
    fn course(&mut self) -> Result<bool, ImportProblem> {
        self.json.peek()?;
        let line = self.json.line;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let size = self.json.value(&mut bytes)?;
        let goes_on = self.take(line, size, &bytes);
        self.bytes = bytes;
        goes_on
    }

    fn take(&mut self, line: u64, size: Size, bytes: &[u8]) -> Result<bool, ImportProblem> {
        if !self.sink.goes_on() {
            return Ok(false);
        }
        self.rows += 1;
        let place = Place {
            line,
            row: Some(self.rows),
        };
        let refused = |sink: &mut Sink<'_>, key, error| {
            sink.refuse(place, Some(Entity::CourseRun), key, error)
        };
        match size {
            Size::TooLarge => {
                let limit = MOST_ROW_BYTES;
                refused(self.sink, String::new(), RowError::TooLarge { limit })
            }
            Size::Kept => match run(bytes) {
                Ok(run) => run.hand_over(place, self.sink),
                Err(error) => refused(self.sink, given_key(bytes), error),
            },
        }?;
        Ok(true)
    }
}

fn run(bytes: &[u8]) -> Result<PlainRun, RowError> {
    let course: ApiCourse = parse(bytes)?;
    let course_key = course
        .course_id
        .or(course.id)
        .ok_or_else(|| RowError::Malformed("it has neither a course_id nor an id".to_owned()))?;
    Ok(PlainRun {
        course_key,
        title: course.name,
        language: course.language,
        created: None,
    })
}
