//! Course keys, as people write them.
//!
//! A key is read once and then only taken apart; whether there is such a course is never asked.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::error::{InvalidKey, KeyPart, Reason, Subject};
use super::fold::eq_ignoring_case;
use super::parse::{Parsed, parse};
use super::run_key::RunKey;
use super::text::key_as_text;

/// A course key: what people write to name a course run, or a version of one.
///
/// It prints in its canonical form. There it starts with `course-v1:` where it was written with the
/// older `slashes:`, what named a block inside the course is gone, and keywords and hexadecimal
/// digits are in lower case. Nothing else is changed: no trimming, no decoding, no normalisation,
/// and no limit to its length.
///
/// ```
/// use coursecat::key::{CourseKey, CourseKeyKind};
///
/// let key: CourseKey = "course-v1:edX+DemoX+2014+branch@draft".parse()?;
/// assert_eq!(key.kind(), CourseKeyKind::CourseV1);
/// assert_eq!(key.org(), Some("edX"));
/// assert_eq!(key.course(), Some("DemoX"));
/// assert_eq!(key.run(), Some("2014"));
/// assert_eq!(key.branch(), Some("draft"));
/// assert_eq!(key.run_key()?.as_str(), "course-v1:edX+DemoX+2014");
///
/// let old: CourseKey = "edX/DemoX/2014".parse()?;
/// assert_eq!(old.run(), Some("2014"));
/// assert_ne!(old.run_key()?, key.run_key()?);
/// # Ok::<_, coursecat::key::InvalidKey>(())
/// ```
///
/// # Keys without a run
///
/// A key with a version needs no org, course and run. Such a key prints as its version alone, even
/// where it was written with an org and a course, or with a branch: the fields keep these, and two
/// keys that differ in them are different, but they do not survive printing and parsing (nor, as
/// serialization is printing, serialization).
///
/// ```
/// # use coursecat::key::CourseKey;
/// let key: CourseKey = "course-v1:edX+DemoX+version@519665f6223ebd6980884f2b".parse()?;
/// assert_eq!(key.org(), Some("edX"));
/// assert_eq!(key.run(), None);
/// assert_eq!(key.to_string(), "course-v1:version@519665f6223ebd6980884f2b");
/// assert!(key.run_key().is_err());
/// # Ok::<_, coursecat::key::InvalidKey>(())
/// ```
///
/// # Order
///
/// Keys are ordered by how they print, byte by byte; those that print the same, by what does not
/// print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CourseKey {
    /// All parts in the order they are printed in, those that are not printed among them. It can be
    /// parsed to the same key again, so two keys are equal exactly if these are.
    text: Box<str>,
    kind: CourseKeyKind,
    /// Where each part ends in `text`; a part that is not there ends where the one before it does.
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    org: usize,
    course: usize,
    run: usize,
    branch: usize,
    version: usize,
}

/// How a course key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CourseKeyKind {
    /// `course-v1:ORG+COURSE+RUN`.
    CourseV1,
    /// `ccx-v1:ORG+COURSE+RUN+ccx@1`: a custom course made from a run, whose org, course and run it
    /// has.
    CcxV1,
    /// `ORG/COURSE/RUN`, as all keys were once.
    Legacy,
}

impl CourseKeyKind {
    /// What keys of this kind start with when they are printed.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::CourseV1 => "course-v1:",
            Self::CcxV1 => "ccx-v1:",
            Self::Legacy => "",
        }
    }

    /// What stands between the org, the course and the run.
    const fn separator(self) -> char {
        match self {
            Self::CourseV1 | Self::CcxV1 => '+',
            Self::Legacy => '/',
        }
    }
}

impl CourseKey {
    /// How the key is written.
    #[must_use]
    pub fn kind(&self) -> CourseKeyKind {
        self.kind
    }

    /// The org. Without one there is neither a course nor a run, only a version.
    #[must_use]
    pub fn org(&self) -> Option<&str> {
        self.part(self.prefix(), self.ends.org, "")
    }

    /// The course, also called the course code.
    #[must_use]
    pub fn course(&self) -> Option<&str> {
        self.part(self.ends.org, self.ends.course, "")
    }

    /// The run. In a [`Legacy`](CourseKeyKind::Legacy) key it may be empty.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        self.part(self.ends.course, self.ends.run, "")
    }

    /// The branch, such as `draft`.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.part(self.ends.run, self.ends.branch, BRANCH)
    }

    /// The version: 24 hexadecimal digits in lower case.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.part(self.ends.branch, self.ends.version, VERSION)
    }

    /// The number of the custom course, which every [`CcxV1`](CourseKeyKind::CcxV1) key has and no
    /// other. It is a text of digits of any script: `1` and `001` are two numbers.
    #[must_use]
    pub fn ccx(&self) -> Option<&str> {
        self.part(self.ends.version, self.text.len(), CCX)
    }

    /// How many characters the key has when it is printed: what rules about its length look at.
    ///
    /// ```
    /// # use coursecat::key::CourseKey;
    /// assert_eq!("大学/课程/运行".parse::<CourseKey>()?.char_count(), 8);
    /// # Ok::<_, coursecat::key::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn char_count(&self) -> usize {
        let (start, rest) = self.printed();
        start.chars().count() + rest.chars().count()
    }

    /// Whether the two keys are the same when case is ignored, as [`fold`](super::fold()) does.
    ///
    /// ```
    /// # use coursecat::key::CourseKey;
    /// let key: CourseKey = "course-v1:MITx+6.00x+T1".parse()?;
    /// assert!(key.eq_ignoring_case(&"course-v1:mitx+6.00X+t1".parse()?));
    /// # Ok::<_, coursecat::key::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn eq_ignoring_case(&self, other: &Self) -> bool {
        eq_ignoring_case(&self.text, &other.text)
    }

    /// The key without branch and version: what the run is stored and looked up under.
    ///
    /// # Errors
    ///
    /// The key names no run: it has none, or an empty one. Or it is longer than a [`RunKey`] can
    /// be, which is far beyond what a catalog stores.
    ///
    /// ```
    /// # use coursecat::key::CourseKey;
    /// let key: CourseKey = "ccx-v1:a+b+c+branch@draft+ccx@1".parse()?;
    /// assert_eq!(key.run_key()?.as_str(), "ccx-v1:a+b+c+ccx@1");
    ///
    /// let key: CourseKey = "a/b/".parse()?;
    /// assert_eq!(
    ///     key.run_key().unwrap_err().to_string(),
    ///     "The course key \"a/b/\" is invalid: it names no run."
    /// );
    /// # Ok::<_, coursecat::key::InvalidKey>(())
    /// ```
    pub fn run_key(&self) -> Result<RunKey, InvalidKey> {
        let fault = |part, at, reason| {
            InvalidKey::new(Subject::CourseKey, &self.to_string(), part, at, reason)
        };
        let Ends {
            org, course, run, ..
        } = self.ends;
        match self.run() {
            None => return Err(fault(KeyPart::Run, self.prefix(), Reason::NoRun)),
            Some("") => return Err(fault(KeyPart::Run, run, Reason::NoRun)),
            Some(_) => {}
        }
        let text = [&self.text[..run], &self.text[self.ends.version..]].concat();
        RunKey::new(self.kind, &text, [org, course, run])
            .map_err(|reason| fault(KeyPart::Whole, 0, reason))
    }

    fn prefix(&self) -> usize {
        self.kind.prefix().len()
    }

    /// The part after `keyword` that begins where the one before it ended.
    fn part(&self, before: usize, end: usize, keyword: &str) -> Option<&str> {
        if before == end {
            return None;
        }
        let separator = usize::from(before > self.prefix());
        Some(&self.text[before + separator + keyword.len()..end])
    }

    /// What is printed, in two pieces: without a run, all between namespace and version is left
    /// out.
    fn printed(&self) -> (&str, &str) {
        if self.run().is_some() {
            return (&self.text, "");
        }
        let separator = usize::from(self.ends.branch > self.prefix());
        (
            self.kind.prefix(),
            &self.text[self.ends.branch + separator..],
        )
    }
}

const BRANCH: &str = "branch@";
const VERSION: &str = "version@";
const CCX: &str = "ccx@";

impl CourseKey {
    fn assemble(parsed: &Parsed<'_>) -> Self {
        let kind = parsed.kind;
        let prefix = kind.prefix();
        let mut text = String::with_capacity(capacity(parsed));
        text.push_str(prefix);
        let mut push = |keyword: &str, part: Option<&str>| {
            if let Some(part) = part {
                if text.len() > prefix.len() {
                    text.push(kind.separator());
                }
                text.push_str(keyword);
                text.push_str(part);
            }
            text.len()
        };
        let ends = Ends {
            org: push("", parsed.org),
            course: push("", parsed.course),
            run: push("", parsed.run),
            branch: push(BRANCH, parsed.branch),
            version: push(VERSION, parsed.version),
        };
        push(CCX, parsed.ccx);
        if let Some(version) = text.get_mut(ends.branch..ends.version) {
            // Hexadecimal digits and the keyword, which is in lower case already.
            version.make_ascii_lowercase();
        }
        Self {
            text: text.into_boxed_str(),
            kind,
            ends,
        }
    }
}

/// How long the text will be, exactly, so that boxing it does not copy it.
///
/// No key is without any part, so there is one separator less than parts.
fn capacity(parsed: &Parsed<'_>) -> usize {
    let parts = [
        ("", parsed.org),
        ("", parsed.course),
        ("", parsed.run),
        (BRANCH, parsed.branch),
        (VERSION, parsed.version),
        (CCX, parsed.ccx),
    ];
    let lengths = parts
        .iter()
        .filter_map(|(keyword, part)| Some(keyword.len() + part.as_ref()?.len()));
    let (count, sum) = lengths.fold((0, 0), |(count, sum), length| (count + 1, sum + length));
    parsed.kind.prefix().len() + sum + (count - 1)
}

impl From<RunKey> for CourseKey {
    fn from(key: RunKey) -> Self {
        let kind = key.kind();
        let [org, course, run] = key.ends();
        Self {
            text: key.into_text(),
            kind,
            ends: Ends {
                org,
                course,
                run,
                branch: run,
                version: run,
            },
        }
    }
}

impl FromStr for CourseKey {
    type Err = InvalidKey;

    /// Reads a course key.
    ///
    /// # Errors
    ///
    /// The text is not a course key. A library, `library-v1:ORG+NAME`, is not one.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        parse(text).map(|parsed| Self::assemble(&parsed))
    }
}

impl fmt::Display for CourseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, rest) = self.printed();
        f.write_str(start)?;
        f.write_str(rest)
    }
}

impl fmt::Debug for CourseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CourseKey").field(&self.text).finish()
    }
}

impl Ord for CourseKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.printed(), other.printed());
        let a = a.0.bytes().chain(a.1.bytes());
        let b = b.0.bytes().chain(b.1.bytes());
        a.cmp(b).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for CourseKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

key_as_text!(
    CourseKey,
    "a course key such as \"course-v1:ORG+COURSE+RUN\""
);

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str = "519665f6223ebd6980884f2b";

    fn key(text: &str) -> CourseKey {
        text.parse().unwrap()
    }

    fn parts(key: &CourseKey) -> [Option<&str>; 6] {
        [
            key.org(),
            key.course(),
            key.run(),
            key.branch(),
            key.version(),
            key.ccx(),
        ]
    }

    #[test]
    fn every_part_is_where_it_was_written() {
        let full = key(&format!("ccx-v1:o:x+c+r+branch@b+version@{V}+ccx@001"));
        assert_eq!(
            parts(&full),
            [
                Some("o:x"),
                Some("c"),
                Some("r"),
                Some("b"),
                Some(V),
                Some("001")
            ]
        );
        assert_eq!(
            parts(&key("o/c/r")),
            [Some("o"), Some("c"), Some("r"), None, None, None]
        );
        assert_eq!(
            parts(&key("o/c/")),
            [Some("o"), Some("c"), Some(""), None, None, None]
        );
        let version = key(&format!("course-v1:version@{V}"));
        assert_eq!(parts(&version), [None, None, None, None, Some(V), None]);
        let branch = key(&format!("ccx-v1:branch@b+version@{V}+ccx@1"));
        assert_eq!(
            parts(&branch),
            [None, None, None, Some("b"), Some(V), Some("1")]
        );
    }

    #[test]
    fn printing_is_canonical() {
        for (written, printed) in [
            ("slashes:o+c+r".to_owned(), "course-v1:o+c+r".to_owned()),
            (
                "course-v1:o+c+r+type@t+block@a%b".to_owned(),
                "course-v1:o+c+r".to_owned(),
            ),
            (
                format!("ccx-v1:o+c+r+BRANCH@B+VerSion@{}+CCX@1", V.to_uppercase()),
                format!("ccx-v1:o+c+r+branch@B+version@{V}+ccx@1"),
            ),
            (
                format!("course-v1:branch@b+version@{V}"),
                format!("course-v1:version@{V}"),
            ),
            (
                format!("ccx-v1:o+c+branch@b+version@{V}+ccx@1"),
                format!("ccx-v1:version@{V}+ccx@1"),
            ),
            ("o/c/".to_owned(), "o/c/".to_owned()),
        ] {
            let key = key(&written);
            assert_eq!(key.to_string(), printed);
            assert_eq!(key.char_count(), printed.chars().count());
        }
    }

    #[test]
    fn what_does_not_print_still_makes_a_difference() {
        let bare = key(&format!("course-v1:version@{V}"));
        let branch = key(&format!("course-v1:branch@b+version@{V}"));
        assert_eq!(bare.to_string(), branch.to_string());
        assert_ne!(bare, branch);
        assert!(bare.cmp(&branch).is_ne());
        assert_eq!(bare.cmp(&branch), branch.cmp(&bare).reverse());
    }

    #[test]
    fn a_run_key_has_neither_branch_nor_version() {
        for (written, stored) in [
            ("course-v1:o+c+r".to_owned(), "course-v1:o+c+r"),
            (
                format!("course-v1:o+c+r+branch@b+version@{V}"),
                "course-v1:o+c+r",
            ),
            (
                format!("ccx-v1:o+c+r+version@{V}+ccx@1"),
                "ccx-v1:o+c+r+ccx@1",
            ),
            ("o/c/r".to_owned(), "o/c/r"),
        ] {
            let run = key(&written).run_key().unwrap();
            assert_eq!(run.as_str(), stored);
            assert_eq!(CourseKey::from(run), key(stored));
        }
        for text in [
            format!("course-v1:version@{V}"),
            format!("course-v1:o+c+version@{V}"),
            format!("ccx-v1:o+c+branch@b+version@{V}+ccx@1"),
            "o/c/".to_owned(),
        ] {
            assert!(key(&text).run_key().is_err(), "{text}");
        }
    }

    #[test]
    fn the_text_takes_no_more_memory_than_it_needs() {
        for text in [
            "o/c/",
            "course-v1:o+c+r+branch@b+block@b",
            "ccx-v1:o+c+r+ccx@1",
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(capacity(&parsed), CourseKey::assemble(&parsed).text.len());
        }
    }
}
