//! Reads a course key: one pass, no backtracking, whatever the length.
//!
//! ```text
//! word   = a letter, a number or "_"
//! idc    = word | "-" | "~" | "." | ":"        id = idc+
//! v1     = ("course-v1:" | "slashes:") keys ["type@" id] ["block@" (idc|"%")+]
//! ccx    = "ccx-v1:" keys "ccx@" digit+ ["type@" id] ["block@" idc+]
//! keys   = [org "+" course ["+" run]] ["branch@" id] ["version@" 24 hex digits]
//! legacy = org "/" course "/" [run]             each made of word | "." | "%" | "-"
//! ```
//!
//! A `+` stands between any two of these. Because an id has neither `+` nor `@`, cutting at every
//! `+` gives exactly the segments, and a segment is an id or a `keyword@value`, never both.
//!
//! Nothing is trimmed, decoded or normalised here, and no length is refused.

use super::chars::{is_digit, is_word};
use super::course_key::CourseKeyKind;
use super::error::{HexCase, InvalidKey, KeyPart, Reason, Subject};

/// The parts of a course key, as they were written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed<'a> {
    pub(super) kind: CourseKeyKind,
    pub(super) org: Option<&'a str>,
    pub(super) course: Option<&'a str>,
    pub(super) run: Option<&'a str>,
    pub(super) branch: Option<&'a str>,
    pub(super) version: Option<&'a str>,
    pub(super) ccx: Option<&'a str>,
}

impl Parsed<'_> {
    fn new(kind: CourseKeyKind) -> Self {
        Self {
            kind,
            org: None,
            course: None,
            run: None,
            branch: None,
            version: None,
            ccx: None,
        }
    }
}

/// Reads `input` as a course key.
pub(super) fn parse(input: &str) -> Result<Parsed<'_>, InvalidKey> {
    let key = Input(input);
    match input.split_once(':') {
        Some(("course-v1" | "slashes", rest)) => key.located(CourseKeyKind::CourseV1, rest),
        Some(("ccx-v1", rest)) => key.located(CourseKeyKind::CcxV1, rest),
        Some((namespace, _)) => Err(key.foreign(namespace)),
        None => key.legacy(),
    }
}

/// The whole text, which every error quotes.
#[derive(Clone, Copy)]
struct Input<'a>(&'a str);

impl<'a> Input<'a> {
    /// A key with a namespace; `rest` is what follows it.
    fn located(self, kind: CourseKeyKind, rest: &'a str) -> Result<Parsed<'a>, InvalidKey> {
        let start = self.0.len() - rest.len();
        let mut segments = Segment::split(start, rest).peekable();
        let mut key = Parsed::new(kind);

        let mut next_id = |part| {
            let next = segments.next_if(|segment| segment.keyword(kind).is_none());
            let at = segments.peek().map_or(self.0.len(), |segment| segment.at);
            match next {
                Some(segment) => Ok(Some(self.check(segment, part, is_id_char)?)),
                None if part == KeyPart::Course => Err(self.fault(part, at, Reason::Missing)),
                None => Ok(None),
            }
        };
        key.org = next_id(KeyPart::Org)?;
        if key.org.is_some() {
            key.course = next_id(KeyPart::Course)?;
            key.run = next_id(KeyPart::Run)?;
        }
        let after_ids = segments.peek().map_or(self.0.len(), |segment| segment.at);

        let mut last = None;
        for segment in segments {
            let (keyword, value) = match segment.keyword(kind) {
                Some(found) if Some(found.0) > last => found,
                _ => return Err(self.misplaced(segment, kind)),
            };
            last = Some(keyword);
            match keyword {
                Keyword::Branch => {
                    key.branch = Some(self.check(value, KeyPart::Branch, is_id_char)?);
                }
                Keyword::Version => key.version = Some(self.version(value, kind)?),
                Keyword::Ccx => key.ccx = Some(self.ccx(segment, value, kind)?),
                // Which block of the course is meant is checked and forgotten.
                Keyword::Type => {
                    self.check(value, KeyPart::Type, is_id_char)?;
                }
                Keyword::Block => {
                    let percent = kind == CourseKeyKind::CourseV1;
                    let allowed = |c| is_id_char(c) || (percent && c == '%');
                    self.check(value, KeyPart::Block, allowed)?;
                }
            }
        }

        if key.version.is_none() && key.org.is_none() {
            return Err(self.fault(KeyPart::Org, start, Reason::Missing));
        }
        if key.version.is_none() && key.run.is_none() {
            return Err(self.fault(KeyPart::Run, after_ids, Reason::Missing));
        }
        if kind == CourseKeyKind::CcxV1 && key.ccx.is_none() {
            return Err(self.fault(KeyPart::Ccx, self.0.len(), Reason::Missing));
        }
        Ok(key)
    }

    /// A key without a namespace, as they were written before there were any.
    fn legacy(self) -> Result<Parsed<'a>, InvalidKey> {
        if self.0.is_empty() {
            return Err(self.fault(KeyPart::Whole, 0, Reason::Empty));
        }
        let slashes = self.0.bytes().filter(|&byte| byte == b'/').count();
        let ids = self.0.split_once('/').and_then(|(org, rest)| {
            let (course, run) = rest.split_once('/')?;
            Some([org, course, run])
        });
        let [org, course, run] = match ids {
            Some(ids) if slashes == 2 => ids,
            _ => {
                return Err(match self.leading_space() {
                    Some(fault) => fault,
                    None if slashes == 0 => self.fault(KeyPart::Namespace, 0, Reason::NoNamespace),
                    None => self.fault(KeyPart::Whole, 0, Reason::Slashes(slashes)),
                });
            }
        };
        let course_at = org.len() + 1;
        let run_at = course_at + course.len() + 1;
        let mut key = Parsed::new(CourseKeyKind::Legacy);
        key.org = Some(self.check(Segment::new(0, org), KeyPart::Org, is_legacy_char)?);
        key.course = Some(self.check(
            Segment::new(course_at, course),
            KeyPart::Course,
            is_legacy_char,
        )?);
        key.run = if run.is_empty() {
            Some(run)
        } else {
            Some(self.check(Segment::new(run_at, run), KeyPart::Run, is_legacy_char)?)
        };
        Ok(key)
    }

    fn version(self, value: Segment<'a>, kind: CourseKeyKind) -> Result<&'a str, InvalidKey> {
        const DIGITS: usize = 24;
        let (case, is_hex): (_, fn(char) -> bool) = match kind {
            CourseKeyKind::CcxV1 => (HexCase::Any, |c| c.is_ascii_hexdigit()),
            _ => (HexCase::Lower, |c| matches!(c, '0'..='9' | 'a'..='f')),
        };
        let reason = |c| Reason::VersionDigit(c, case);
        let digits = self.check_or(value, KeyPart::Version, is_hex, reason)?;
        if digits.len() == DIGITS {
            Ok(digits)
        } else {
            let reason = Reason::VersionLength(digits.len());
            Err(self.fault(KeyPart::Version, value.at, reason))
        }
    }

    fn ccx(
        self,
        segment: Segment<'a>,
        value: Segment<'a>,
        kind: CourseKeyKind,
    ) -> Result<&'a str, InvalidKey> {
        if kind == CourseKeyKind::CcxV1 {
            self.check_or(value, KeyPart::Ccx, is_digit, Reason::CcxDigit)
        } else {
            Err(self.fault(KeyPart::Ccx, segment.at, Reason::CcxInCourse))
        }
    }

    fn check(
        self,
        segment: Segment<'a>,
        part: KeyPart,
        allowed: impl Fn(char) -> bool,
    ) -> Result<&'a str, InvalidKey> {
        self.check_or(segment, part, allowed, Reason::Character)
    }

    /// Takes the segment as `part` if it is not empty and all its characters are allowed.
    fn check_or(
        self,
        segment: Segment<'a>,
        part: KeyPart,
        allowed: impl Fn(char) -> bool,
        reason: impl Fn(char) -> Reason,
    ) -> Result<&'a str, InvalidKey> {
        if segment.text.is_empty() {
            return Err(self.fault(part, segment.at, Reason::Missing));
        }
        match segment.text.char_indices().find(|&(_, c)| !allowed(c)) {
            None => Ok(segment.text),
            Some((at, c)) => Err(self.bad_char(part, segment.at + at, c, reason(c))),
        }
    }

    /// White space at either end is what it most likely looks like: left over from copying.
    fn bad_char(self, part: KeyPart, at: usize, c: char, reason: Reason) -> InvalidKey {
        let is_space = |c: char| c.is_whitespace() || c.is_control();
        if self.0[at..].chars().all(is_space) {
            self.fault(KeyPart::Whole, at, Reason::TrailingSpace(c))
        } else if at == 0 && is_space(c) {
            self.fault(KeyPart::Whole, at, Reason::LeadingSpace(c))
        } else {
            self.fault(part, at, reason)
        }
    }

    fn leading_space(self) -> Option<InvalidKey> {
        let first = self.0.chars().next().filter(|c| c.is_whitespace())?;
        Some(self.fault(KeyPart::Whole, 0, Reason::LeadingSpace(first)))
    }

    /// A segment after the ids that is unknown, comes twice or comes too late.
    fn misplaced(self, segment: Segment<'a>, kind: CourseKeyKind) -> InvalidKey {
        if segment.text.is_empty() {
            return self.fault(KeyPart::Whole, segment.at - 1, Reason::StrayPlus);
        }
        let reason = Reason::Misplaced {
            segment: segment.text.into(),
            ccx: kind == CourseKeyKind::CcxV1,
        };
        self.fault(KeyPart::Whole, segment.at, reason)
    }

    /// A namespace that is not one of a course.
    fn foreign(self, namespace: &str) -> InvalidKey {
        let same = |known: &&str| namespace.eq_ignore_ascii_case(known);
        let reason = match namespace {
            "library-v1" => Reason::Library,
            "catalog-course" => Reason::CatalogCourse,
            _ if ["course-v1", "slashes", "ccx-v1"].iter().any(same) => Reason::NamespaceCase,
            _ => {
                if let Some(fault) = self.leading_space() {
                    return fault;
                }
                Reason::Namespace
            }
        };
        self.fault(KeyPart::Namespace, 0, reason)
    }

    fn fault(self, part: KeyPart, at: usize, reason: Reason) -> InvalidKey {
        InvalidKey::new(Subject::CourseKey, self.0, part, at, reason)
    }
}

/// What stands between two `+`, and at which byte of the input it starts.
#[derive(Clone, Copy)]
struct Segment<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Segment<'a> {
    fn new(at: usize, text: &'a str) -> Self {
        Self { at, text }
    }

    fn split(start: usize, rest: &'a str) -> impl Iterator<Item = Self> {
        rest.split('+').scan(start, |next, text| {
            let at = *next;
            *next += text.len() + 1;
            Some(Self::new(at, text))
        })
    }

    /// The keyword and the value after it, if this is a `keyword@value`.
    fn keyword(&self, kind: CourseKeyKind) -> Option<(Keyword, Self)> {
        let (name, value) = self.text.split_once('@')?;
        let keyword = Keyword::ALL.into_iter().find(|keyword| match kind {
            CourseKeyKind::CcxV1 => eq_in_any_case(name, keyword.as_str()),
            _ => name == keyword.as_str(),
        })?;
        Some((keyword, Self::new(self.at + name.len() + 1, value)))
    }
}

/// What can follow the ids, in the order it must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keyword {
    Branch,
    Version,
    Ccx,
    Type,
    Block,
}

impl Keyword {
    const ALL: [Self; 5] = [
        Self::Branch,
        Self::Version,
        Self::Ccx,
        Self::Type,
        Self::Block,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Version => "version",
            Self::Ccx => "ccx",
            Self::Type => "type",
            Self::Block => "block",
        }
    }
}

/// Whether `name` is this lower-case ASCII word, whatever its case.
///
/// Not [`fold`](super::fold()): what may be written for a keyword also takes in the characters whose
/// upper or lower case is an ASCII letter, among them `ı` and `İ`.
fn eq_in_any_case(name: &str, word: &str) -> bool {
    let letters = name.chars().map(|c| match c {
        'ı' | 'İ' => 'i',
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    });
    letters.eq(word.chars())
}

fn is_id_char(c: char) -> bool {
    is_word(c) || matches!(c, '-' | '~' | '.' | ':')
}

fn is_legacy_char(c: char) -> bool {
    is_word(c) || matches!(c, '.' | '%' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str = "519665f6223ebd6980884f2b";

    fn is_valid(text: &str) -> bool {
        parse(text).is_ok()
    }

    #[test]
    fn parts_follow_each_other_in_one_order_only() {
        assert!(is_valid(&format!(
            "course-v1:a+b+c+branch@d+version@{V}+type@t+block@k"
        )));
        assert!(is_valid(&format!(
            "ccx-v1:a+b+c+branch@d+version@{V}+ccx@1+type@t+block@k"
        )));
        for text in [
            format!("course-v1:a+b+c+version@{V}+branch@d"),
            format!("ccx-v1:a+b+c+ccx@1+version@{V}"),
            "course-v1:a+b+c+block@k+type@t".to_owned(),
            "course-v1:a+b+c+branch@d+branch@d".to_owned(),
            "course-v1:branch@d+a+b+c".to_owned(),
            "course-v1:a+b+c+d".to_owned(),
        ] {
            assert!(!is_valid(&text), "{text}");
        }
    }

    #[test]
    fn without_a_version_org_course_and_run_are_needed() {
        for ids in ["", "a+b+", "branch@d+", "a+b+branch@d+"] {
            assert!(is_valid(&format!("course-v1:{ids}version@{V}")), "{ids}");
            assert!(is_valid(&format!("ccx-v1:{ids}version@{V}+ccx@1")), "{ids}");
        }
        for text in [
            "course-v1:",
            "course-v1:a",
            "course-v1:a+b",
            "course-v1:branch@d",
        ] {
            assert!(!is_valid(text), "{text}");
        }
        assert!(!is_valid("ccx-v1:ccx@1"));
        assert!(!is_valid("ccx-v1:a+b+ccx@1"));
        assert!(!is_valid(&format!("course-v1:a+version@{V}")));
    }

    #[test]
    fn every_plus_is_followed_by_something() {
        for text in ["a+b+c", "a+b+c+branch@d", "a+b+c+block@k"] {
            assert!(is_valid(&format!("course-v1:{text}")));
            for rest in ["+", "+\n", "\n", "++", "+ "] {
                assert!(
                    !is_valid(&format!("course-v1:{text}{rest}")),
                    "{text}{rest:?}"
                );
            }
        }
    }

    #[test]
    fn only_ccx_keys_ignore_case_in_keywords_and_digits() {
        let upper = V.to_uppercase();
        let wild = format!("+BRANCH@d+verſİon@{upper}+CCx@1+tYpe@t+bloc\u{212a}@k");
        assert!(is_valid(&format!("ccx-v1:a+b+c{wild}")));
        assert!(is_valid(&format!("ccx-v1:version@{upper}+ccx@١٢")));
        assert!(!is_valid("course-v1:a+b+c+BRANCH@d"));
        assert!(!is_valid(&format!("course-v1:version@{upper}")));
        assert!(!is_valid("CCX-v1:a+b+c+ccx@1"));
    }

    #[test]
    fn blocks_may_have_percent_signs_in_course_keys_only() {
        assert!(is_valid("course-v1:a+b+c+block@a%b"));
        assert!(!is_valid("course-v1:a+b+c+type@a%b"));
        assert!(!is_valid("ccx-v1:a+b+c+ccx@1+block@a%b"));
    }

    #[test]
    fn only_text_without_a_colon_is_a_legacy_key() {
        for text in ["a/b/c", "a/b/", "%/%/%", "ccxa/b/c", "МГУ/Алгебра/Осень"] {
            assert!(is_valid(text), "{text}");
        }
        for text in [
            "a/b", "a/b/c/d", "/b/c", "a//c", "//", "a/b/c:d", "a/b~/c", "a/b/c\n",
        ] {
            assert!(!is_valid(text), "{text:?}");
        }
    }

    /// Anything but one pass over the text would not come back from this.
    #[test]
    fn long_texts_take_time_by_their_length_only() {
        const LONG: usize = 100_000;
        for part in [
            "a",
            "+",
            "@",
            "/",
            ":",
            "%",
            "a+",
            "branch@",
            "branch@a+",
            " ",
            "é",
        ] {
            let many = part.repeat(LONG / part.len());
            for start in [
                "course-v1:",
                "course-v1:a+b+c+",
                "ccx-v1:a+b+c+ccx@",
                "a/b/",
                "",
            ] {
                for end in ["", "+", "\n", "!"] {
                    if let Err(error) = parse(&format!("{start}{many}{end}")) {
                        assert!(error.to_string().len() < 2_000);
                    }
                }
            }
        }
    }
}
