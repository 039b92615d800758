//! The formats: their names, and which one a file has.
//!
//! Recognising looks at the first bytes only and reads nothing by itself.

use std::fmt;
use std::str::FromStr;

/// A format that catalogs come and go in.
///
/// ```
/// use coursecat::transfer::Format;
///
/// assert_eq!("csv".parse::<Format>()?, Format::Csv);
/// let first = br#"[{"model": "openedx_catalog.courserun", "pk": 1"#;
/// assert_eq!(Format::recognise(first, None), Some(Format::Fixture));
/// # Ok::<(), coursecat::transfer::UnknownFormat>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `coursecat`: JSON Lines with everything that a catalog holds, versioned, with counts at the
    /// end. The one format that loses nothing.
    Lines,
    /// `jsonl`: JSON Lines with `course_key`, `title`, `language` and perhaps `created`.
    PlainLines,
    /// `csv`: the same as a table, with a line of column names.
    Csv,
    /// `django`: what `manage.py dumpdata openedx_catalog organizations` writes.
    Fixture,
    /// `django-new-site`: the same for `manage.py loaddata` into a site that has never had an
    /// organization. `openedx_catalog` refuses to make an organization whose primary key is given,
    /// so they come without; the site numbers them from 1, as the courses expect.
    NewSiteFixture,
    /// `courses-api`: what the Courses API of an Open edX site answers.
    CoursesApi,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Lines,
        Self::PlainLines,
        Self::Csv,
        Self::Fixture,
        Self::NewSiteFixture,
        Self::CoursesApi,
    ];

    /// The format's name, as it is given on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lines => "coursecat",
            Self::PlainLines => "jsonl",
            Self::Csv => "csv",
            Self::Fixture => "django",
            Self::NewSiteFixture => "django-new-site",
            Self::CoursesApi => "courses-api",
        }
    }

    /// Whether a catalog can be exported in it; every format can be imported.
    #[must_use]
    pub const fn can_export(self) -> bool {
        matches!(
            self,
            Self::Lines | Self::Csv | Self::Fixture | Self::NewSiteFixture
        )
    }

    /// The format of a file, by its first bytes (a few kilobytes are plenty) and, where they do
    /// not tell, by its name.
    #[must_use]
    pub fn recognise(first_bytes: &[u8], file_name: Option<&str>) -> Option<Self> {
        let bytes = first_bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(first_bytes)
            .trim_ascii_start();
        if bytes.contains(&0) {
            return None; // Neither JSON nor CSV: some binary file.
        }
        let by_name = || by_extension(file_name?);
        match bytes.first()? {
            b'{' => first_member(
                bytes,
                &[
                    ("type", Self::Lines),
                    ("course_key", Self::PlainLines),
                    ("results", Self::CoursesApi),
                    ("pagination", Self::CoursesApi),
                    ("course_id", Self::CoursesApi),
                    ("blocks_url", Self::CoursesApi),
                ],
            )
            .or_else(by_name),
            b'[' => first_member(
                bytes,
                &[
                    ("model", Self::Fixture),
                    ("results", Self::CoursesApi),
                    ("pagination", Self::CoursesApi),
                    ("course_id", Self::CoursesApi),
                    ("blocks_url", Self::CoursesApi),
                ],
            )
            .or_else(by_name),
            _ => {
                let header = bytes.split(|b| matches!(b, b'\n' | b'\r')).next()?;
                let header = header.to_ascii_lowercase();
                let is_csv = header
                    .windows(b"course_key".len())
                    .any(|part| part == b"course_key");
                if is_csv { Some(Self::Csv) } else { by_name() }
            }
        }
    }
}

/// The format whose member name, in quotes and with a colon after it, comes first.
fn first_member(bytes: &[u8], names: &[(&str, Format)]) -> Option<Format> {
    let place = |name: &str| {
        let quoted = format!("\"{name}\"");
        let mut from = 0;
        loop {
            let rest = bytes.get(from..)?;
            let at = rest
                .windows(quoted.len())
                .position(|part| part == quoted.as_bytes())?;
            let after = rest.get(at + quoted.len()..).unwrap_or_default();
            if after.trim_ascii_start().first() == Some(&b':') {
                return Some(from + at);
            }
            from += at + 1;
        }
    };
    names
        .iter()
        .filter_map(|(name, format)| Some((place(name)?, *format)))
        .min_by_key(|(at, _)| *at)
        .map(|(_, format)| format)
}

fn by_extension(file_name: &str) -> Option<Format> {
    let (_, extension) = file_name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" => Some(Format::PlainLines),
        _ => None,
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that no [`Format`] has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a format; there are coursecat, jsonl, csv, django, django-new-site and courses-api."
)]
pub struct UnknownFormat(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        assert_eq!(
            "xml".parse::<Format>().unwrap_err().to_string(),
            "\"xml\" is not a format; there are coursecat, jsonl, csv, django, django-new-site and courses-api."
        );
    }

    #[test]
    fn files_are_recognised() {
        use Format::{CoursesApi, Csv, Fixture, Lines, PlainLines};
        for (first, name, format) in [
            (
                "{\"type\":\"coursecat\",\"version\":1}\n",
                None,
                Some(Lines),
            ),
            (
                "\u{feff}{\"course_key\": \"a/b/c\"}",
                None,
                Some(PlainLines),
            ),
            (
                "{\"title\": \"\\\"type\\\"\", \"course_key\": 1}",
                None,
                Some(PlainLines),
            ),
            ("\u{feff}course_key,title\r\n", None, Some(Csv)),
            ("title;Course_Key\n", Some("x.txt"), Some(Csv)),
            ("\n [\n {\n \"model\" : \"a.b\"", None, Some(Fixture)),
            (
                "{\"pagination\": {}, \"results\": [",
                None,
                Some(CoursesApi),
            ),
            (
                "[{\"blocks_url\": \"x\", \"course_id\": ",
                None,
                Some(CoursesApi),
            ),
            ("title\n", Some("a.CSV"), Some(Csv)),
            ("{}", Some("a.jsonl"), Some(PlainLines)),
            ("{}", Some("a.json"), None),
            ("", Some("a.csv"), None),
            ("\u{0}\u{1}binary course_key", Some("a.csv"), None),
            ("<html>", None, None),
        ] {
            assert_eq!(
                Format::recognise(first.as_bytes(), name),
                format,
                "{first:?}"
            );
        }
    }
}
