//! The key of one run: the form of a course key that a run is stored and looked up under.
//!
//! Whether there is such a run is never asked, nor whether the key is short enough for a record.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::course_key::{CourseKey, CourseKeyKind};
use super::error::{InvalidKey, KeyPart, Reason, Subject};
use super::fold::eq_ignoring_case;
use super::in_place::InPlace;
use super::text::key_as_text;

/// Nearly all real keys are shorter, and a run that is counted by pointer then takes two lines of a
/// processor's cache, key and all.
const IN_PLACE: usize = 56;

/// The key of a run: a [`CourseKey`] with org, course and run, none of them empty, and with neither
/// branch nor version.
///
/// It is its canonical text: comparing, ordering and hashing are those of [`as_str`](Self::as_str),
/// byte by byte and case for case. The same run written as `org/course/run` is another key.
///
/// ```
/// use coursecat::key::RunKey;
///
/// let key: RunKey = "course-v1:edX+DemoX+2014".parse()?;
/// assert_eq!(key.org(), "edX");
/// assert_eq!(key.course(), "DemoX");
/// assert_eq!(key.run(), "2014");
/// # Ok::<_, coursecat::key::InvalidKey>(())
/// ```
///
/// [`CourseKey::run_key`] makes one from any key that names a run.
#[derive(Clone)]
pub struct RunKey {
    text: InPlace<IN_PLACE>,
    kind: CourseKeyKind,
    /// Where org, course and run end in `text`.
    ends: [u16; 3],
}

impl RunKey {
    /// The most bytes a run's key can have. Catalogs store far shorter ones; this only keeps a key
    /// small in memory.
    pub const MAX_BYTES: usize = u16::MAX as usize;

    /// The key with this canonical text, in which org, course and run end where `ends` says.
    pub(super) fn new(kind: CourseKeyKind, text: &str, ends: [usize; 3]) -> Result<Self, Reason> {
        // No part ends after the text does, so all fit if its length does.
        let [Ok(org), Ok(course), Ok(run), Ok(_)] =
            [ends[0], ends[1], ends[2], text.len()].map(u16::try_from)
        else {
            let (bytes, most) = (text.len(), Self::MAX_BYTES);
            return Err(Reason::TooLong { bytes, most });
        };
        Ok(Self {
            text: text.into(),
            kind,
            ends: [org, course, run],
        })
    }

    /// The key's canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the key is written.
    #[must_use]
    pub fn kind(&self) -> CourseKeyKind {
        self.kind
    }

    /// The org.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.text[self.kind.prefix().len()..usize::from(self.ends[0])]
    }

    /// The course, also called the course code.
    #[must_use]
    pub fn course(&self) -> &str {
        &self.text[usize::from(self.ends[0]) + 1..usize::from(self.ends[1])]
    }

    /// The run, also called the run code.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.text[usize::from(self.ends[1]) + 1..usize::from(self.ends[2])]
    }

    /// Org, course and run as they are in the text, with what is between them.
    pub(crate) fn names(&self) -> &str {
        &self.text[self.kind.prefix().len()..usize::from(self.ends[2])]
    }

    /// The number of the custom course, if this is one. It is a text of digits of any script: `1`
    /// and `001` are two numbers.
    #[must_use]
    pub fn ccx(&self) -> Option<&str> {
        self.text[usize::from(self.ends[2])..].strip_prefix("+ccx@")
    }

    /// Whether this is the key of a custom course, made from a run whose org, course and run it
    /// has.
    #[must_use]
    pub fn is_ccx(&self) -> bool {
        self.kind == CourseKeyKind::CcxV1
    }

    /// Whether the rule that a course has each run code only once looks at this key.
    ///
    /// It looks away from custom courses, and tells them by the first three letters of the key,
    /// whatever their case: so a legacy key whose org begins with `ccx` goes free too.
    ///
    /// ```
    /// # use coursecat::key::RunKey;
    /// let counts = |key: &str| key.parse().map(|key: RunKey| key.counts_for_run_code());
    /// assert_eq!(counts("course-v1:ccxOrg+c+r"), Ok(true));
    /// assert_eq!(counts("ccx-v1:org+c+r+ccx@1"), Ok(false));
    /// assert_eq!(counts("CCXorg/c/r"), Ok(false));
    /// ```
    #[must_use]
    pub fn counts_for_run_code(&self) -> bool {
        let start = self.text.as_bytes().first_chunk::<3>();
        !start.is_some_and(|start| start.eq_ignore_ascii_case(b"ccx"))
    }

    /// How many characters the key has: what rules about its length look at.
    #[must_use]
    pub fn char_count(&self) -> usize {
        self.text.chars().count()
    }

    /// Whether the two keys are the same when case is ignored, as [`fold`](super::fold()) does.
    #[must_use]
    pub fn eq_ignoring_case(&self, other: &Self) -> bool {
        eq_ignoring_case(&self.text, &other.text)
    }

    pub(super) fn ends(&self) -> [usize; 3] {
        self.ends.map(usize::from)
    }

    pub(super) fn into_text(self) -> Box<str> {
        self.as_str().into()
    }
}

impl FromStr for RunKey {
    type Err = InvalidKey;

    /// Reads a course key that is one of a run.
    ///
    /// # Errors
    ///
    /// The text is not a course key, or it has a branch or a version, or it names no run, or it is
    /// longer than [`RunKey::MAX_BYTES`].
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let key: CourseKey = text.parse()?;
        let part = match (key.branch(), key.version()) {
            (Some(_), _) => KeyPart::Branch,
            (None, Some(_)) => KeyPart::Version,
            (None, None) => return key.run_key(),
        };
        // Org, course and run have no "@": the first one ends the keyword of that part.
        let keyword = text.find('@').and_then(|at| text[..at].rfind(['+', ':']));
        let at = keyword.map_or(0, |before| before + 1);
        Err(InvalidKey::new(
            Subject::CourseKey,
            text,
            part,
            at,
            Reason::NotStored,
        ))
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunKey").field(&self.as_str()).finish()
    }
}

impl AsRef<str> for RunKey {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Maps by run key can be searched with the text of one.
impl Borrow<str> for RunKey {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl PartialEq for RunKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RunKey {}

impl Hash for RunKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Ord for RunKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for RunKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

key_as_text!(
    RunKey,
    "the key of a course run such as \"course-v1:ORG+COURSE+RUN\""
);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> RunKey {
        text.parse().unwrap()
    }

    #[test]
    fn parts_of_each_kind() {
        let parts = |text: &str| {
            let key = key(text);
            let ids = [key.org(), key.course(), key.run()].map(str::to_owned);
            (ids, key.ccx().map(str::to_owned))
        };
        let ids = ["o", "c", "r"].map(str::to_owned);
        assert_eq!(parts("course-v1:o+c+r"), (ids.clone(), None));
        assert_eq!(
            parts("ccx-v1:o+c+r+ccx@٣"),
            (ids.clone(), Some("٣".to_owned()))
        );
        assert_eq!(parts("o/c/r"), (ids, None));
    }

    #[test]
    fn only_so_long() {
        let text = |bytes: usize| format!("course-v1:o+c+{}", "r".repeat(bytes - 14));
        let longest = text(RunKey::MAX_BYTES);
        assert_eq!(key(&longest).run().len(), RunKey::MAX_BYTES - 14);
        let longer = text(RunKey::MAX_BYTES + 1);
        assert!(longer.parse::<RunKey>().is_err());
        let longer: CourseKey = longer.parse().unwrap();
        assert!(longer.run_key().is_err());
    }

    #[test]
    fn neither_branch_nor_version_when_parsed() {
        let version = "version@519665f6223ebd6980884f2b";
        for (text, part, at) in [
            ("course-v1:o+c+r+branch@b".to_owned(), KeyPart::Branch, 17),
            (
                format!("ccx-v1:o+c+r+{version}+ccx@1"),
                KeyPart::Version,
                14,
            ),
            (format!("slashes:branch@b+{version}"), KeyPart::Branch, 9),
            (format!("course-v1:{version}"), KeyPart::Version, 11),
        ] {
            let error = text.parse::<RunKey>().unwrap_err();
            assert_eq!(
                (error.part(), error.at(), error.input()),
                (part, at, text.as_str())
            );
        }
    }

    #[test]
    fn run_codes_of_what_starts_with_ccx_do_not_count() {
        for text in ["ccx-v1:o+c+r+ccx@1", "ccxo/c/r", "CcX/c/r"] {
            assert!(!key(text).counts_for_run_code(), "{text}");
        }
        for text in ["course-v1:ccx+c+r", "o/ccx/r", "cc/x/r", "c/c/x"] {
            assert!(key(text).counts_for_run_code(), "{text}");
        }
    }

    #[test]
    fn maps_can_be_searched_with_text() {
        let set = std::collections::HashSet::from([key("o/c/r")]);
        assert!(set.contains("o/c/r"));
        assert!(!set.contains("O/c/r"));
        let set = std::collections::BTreeSet::from([key("o/c/r")]);
        assert!(set.contains("o/c/r"));
    }
}
