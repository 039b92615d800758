//! The key of a catalog course, `catalog-course:ORG:COURSE`.
//!
//! What an org and a course code may be made of, and how long they may be, is never asked here.

use std::fmt;
use std::str::FromStr;

use super::error::{InvalidKey, KeyPart, Reason, Subject};
use super::fold::eq_ignoring_case;
use super::text::key_as_text;

/// The key of a catalog course: an org and a course code.
///
/// A course code may have colons in it. An org may have them too where it came from a course key,
/// but then what the key prints does not parse back: the text is cut at its first two colons.
///
/// ```
/// use coursecat::key::CatalogCourseKey;
///
/// let key: CatalogCourseKey = "catalog-course:Org1:a:b".parse()?;
/// assert_eq!((key.org(), key.course_code()), ("Org1", "a:b"));
/// assert_eq!(key.to_string(), "catalog-course:Org1:a:b");
///
/// let other = CatalogCourseKey::new("Org1:a", "b");
/// assert_eq!(other.to_string(), key.to_string());
/// assert_ne!(other, key);
/// # Ok::<_, coursecat::key::InvalidKey>(())
/// ```
///
/// Keys are ordered by org, then by course code, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogCourseKey {
    org: Box<str>,
    course_code: Box<str>,
}

const PREFIX: &str = "catalog-course:";

impl CatalogCourseKey {
    /// The key with these parts, as they are.
    #[must_use]
    pub fn new(org: impl Into<Box<str>>, course_code: impl Into<Box<str>>) -> Self {
        Self {
            org: org.into(),
            course_code: course_code.into(),
        }
    }

    /// The org and the course code of a key, without a copy of either.
    pub(crate) fn split(text: &str) -> Result<(&str, &str), InvalidKey> {
        let fault =
            |part, at, reason| InvalidKey::new(Subject::CatalogCourseKey, text, part, at, reason);
        let parts = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| fault(KeyPart::Namespace, 0, Reason::CatalogPrefix))?;
        // An org is short: to look at each byte is faster than to prepare for many.
        let colon = parts.bytes().position(|byte| byte == b':');
        let colon = colon.ok_or_else(|| fault(KeyPart::Course, text.len(), Reason::Missing))?;
        Ok((&parts[..colon], &parts[colon + 1..]))
    }

    /// The org, which may be empty.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The course code, which may be empty.
    #[must_use]
    pub fn course_code(&self) -> &str {
        &self.course_code
    }

    /// Whether both parts are the same when case is ignored, as [`fold`](super::fold()) does.
    #[must_use]
    pub fn eq_ignoring_case(&self, other: &Self) -> bool {
        eq_ignoring_case(&self.org, &other.org)
            && eq_ignoring_case(&self.course_code, &other.course_code)
    }
}

impl FromStr for CatalogCourseKey {
    type Err = InvalidKey;

    /// Reads `catalog-course:ORG:COURSE`. Neither part is checked, and both may be empty.
    ///
    /// # Errors
    ///
    /// The text does not start with `catalog-course:`, or no second colon follows.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let (org, course_code) = Self::split(text)?;
        Ok(Self::new(org, course_code))
    }
}

impl fmt::Display for CatalogCourseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.org, self.course_code)
    }
}

key_as_text!(
    CatalogCourseKey,
    "a catalog course key such as \"catalog-course:ORG:COURSE\""
);

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, String)> {
        let key: CatalogCourseKey = text.parse().ok()?;
        Some((key.org().to_owned(), key.course_code().to_owned()))
    }

    #[test]
    fn cut_at_the_first_two_colons() {
        let of = |org: &str, code: &str| Some((org.to_owned(), code.to_owned()));
        assert_eq!(
            parts("catalog-course:Org1:Python100"),
            of("Org1", "Python100")
        );
        assert_eq!(parts("catalog-course:A:B:C"), of("A", "B:C"));
        assert_eq!(parts("catalog-course::::"), of("", "::"));
        assert_eq!(parts("catalog-course::"), of("", ""));
        assert_eq!(parts("catalog-course: o : c\n"), of(" o ", " c\n"));
    }

    #[test]
    fn neither_trimmed_nor_decoded_nor_in_any_case() {
        for text in [
            "",
            "catalog-course",
            "catalog-course:",
            "catalog-course:Org1",
            "catalog-course:Org1%3APython100",
            " catalog-course:Org1:Python100",
            "Catalog-Course:Org1:Python100",
            "catalog-course-v1:Org1:Python100",
        ] {
            assert_eq!(parts(text), None, "{text:?}");
        }
    }

    #[test]
    fn ignoring_case_looks_at_each_part() {
        let key = CatalogCourseKey::new("a:b", "É");
        assert!(key.eq_ignoring_case(&CatalogCourseKey::new("A:B", "é")));
        assert!(!key.eq_ignoring_case(&CatalogCourseKey::new("a", "b:é")));
    }
}
