//! What keys, codes and names look like, as regular expressions (ECMA 262), for the documentation.
//!
//! A regular expression that counts letters of all scripts is more than validators take, so lengths
//! stand beside them.
//!
//! Nothing is checked with them: the rules are where the values are. The tests here hold the two
//! against each other, so that the document says what the service does.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The key of a course run, written in any of the three ways. A branch and a version may follow, and
/// are dropped; to say so exactly would help no reader.
pub(super) const COURSE_KEY: &str = concat!(
    r"^((course-v1|slashes):[\p{L}\p{N}_~.:-]+\+[\p{L}\p{N}_~.:-]+\+[\p{L}\p{N}_~.:-]+",
    r"|ccx-v1:[\p{L}\p{N}_~.:-]+\+[\p{L}\p{N}_~.:-]+\+[\p{L}\p{N}_~.:-]+\+ccx@\p{Nd}+",
    r"|[\p{L}\p{N}_.%-]+/[\p{L}\p{N}_.%-]+/[\p{L}\p{N}_.%-]+)$",
);

/// The key of a course run, looking at the length of its last part only.
const SHORT_RUN: &str = r"^[^+/]+[+/][^+/]+[+/][^+/]{1,128}(\+ccx@[^+/]+)?$";

/// The most characters that the key of a course run may have.
const COURSE_KEY_MAX: usize = 255;

/// The schema of the key of a course run.
pub(super) struct CourseKeyText;

impl JsonSchema for CourseKeyText {
    fn schema_name() -> Cow<'static, str> {
        "CourseKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The key of a course run. A branch and a version in it are dropped.",
            "pattern": COURSE_KEY,
            "maxLength": COURSE_KEY_MAX,
            "allOf": [{ "pattern": SHORT_RUN }],
        })
    }
}

/// The key of a course run, or an empty text, which is as good as none.
pub(super) struct CourseKeyIfAny;

impl JsonSchema for CourseKeyIfAny {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CourseKeyIfAny".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                generator.subschema_for::<CourseKeyText>(),
                { "type": "string", "maxLength": 0 },
            ],
        })
    }
}

/// The key of a catalog course.
pub(super) const CATALOG_COURSE_KEY: &str = r"^catalog-course:[^:]{1,255}:[\s\S]{1,255}$";

/// A run code that a key can be made of.
pub(super) const RUN_CODE: &str = r"^[\p{L}\p{N}_~.:-]+$";

/// A short name that people may type.
pub(super) const SHORT_NAME: &str = "^[A-Za-z0-9._-]+$";

/// A full language code.
pub(super) const LANGUAGE: &str = "^[a-z][a-z](-[a-z0-9]+)*$";

/// A short (legacy) language code, or nothing.
pub(super) const LANGUAGE_SHORT: &str = "^(zh_HAN[ST]|[a-z][a-z](-[a-z0-9]+)*)?$";

/// The name of a key of the service.
pub(super) const KEY_NAME: &str = "^[A-Za-z0-9._-]+$";

/// A cursor. It comes from the page before; whoever makes one up is refused.
pub(super) const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// Entity tags.
pub(super) const TAGS: &str = r#"^(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*$"#;

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::key::{CatalogCourseKey, CourseKey};
    use crate::model::{CourseCode, Language, RunCode, ShortName};

    /// Texts that are valid in some way, and each of them with something amiss.
    fn texts() -> Vec<String> {
        let good = [
            "course-v1:MITx+8.01x+2026_T1",
            "course-v1:a:b+c~d+e-f",
            "slashes:Org+Course+Run",
            "course-v1:МГУ+課程+ñ１²",
            "ccx-v1:a+b+c+ccx@1",
            "ccx-v1:a+b+c+ccx@٣٤",
            "MITx/8.01x/2026_T1",
            "Org%20x/a-b/c.d",
            "catalog-course:MITx:8.01x",
            "catalog-course:МГУ: a:b\n",
            "library-v1:a+b",
            "en",
            "en-us",
            "zh-hans-1x",
            "zh_HANS",
            "zh_HANT",
            "MITx",
            "2026_T1",
        ];
        let amiss = [
            "", " ", "\n", "\0", "+", "+x", "/", ":", "@", "%", "~", "-", "é", "\u{301}", "_",
        ];
        let mut texts = vec![String::new(), "x".repeat(300)];
        for text in good {
            for amiss in amiss {
                texts.push(format!("{text}{amiss}"));
                texts.push(format!("{amiss}{text}"));
                let middle = text.len() / 2;
                if text.is_char_boundary(middle) {
                    texts.push(format!("{}{amiss}{}", &text[..middle], &text[middle..]));
                }
            }
            texts.push(text.to_uppercase());
            texts.push(text.repeat(40));
            let (start, end) =
                text.split_at(text.len() - text.chars().next_back().unwrap().len_utf8());
            texts.push(format!("{start}{}", end.repeat(128)));
            texts.push(format!("{start}{}", end.repeat(129)));
        }
        texts
    }

    /// Patterns together say what the rule says, of each text that is not too long.
    fn agree(patterns: &[&str], most: usize, rule: impl Fn(&str) -> bool) {
        let regexes: Vec<_> = patterns
            .iter()
            .map(|pattern| Regex::new(pattern).unwrap())
            .collect();
        let (mut taken, mut refused) = (0, 0);
        let texts = texts().into_iter();
        for text in texts.filter(|text| text.chars().count() <= most) {
            let says = regexes.iter().all(|regex| regex.is_match(&text));
            assert_eq!(says, rule(&text), "{patterns:?} of {text:?}");
            if says { taken += 1 } else { refused += 1 }
        }
        assert!(taken > 0 && refused > 0, "{patterns:?}: {taken} {refused}");
    }

    #[test]
    fn keys_look_as_the_documentation_says() {
        agree(&[COURSE_KEY, SHORT_RUN], COURSE_KEY_MAX, |text| {
            let key = text.parse::<CourseKey>();
            key.is_ok_and(|key| key.run().is_some_and(|run| RunCode::new(run).is_ok()))
        });
        agree(&[CATALOG_COURSE_KEY], usize::MAX, |text| {
            let key = text.parse::<CatalogCourseKey>();
            key.is_ok_and(|key| {
                ShortName::new(key.org()).is_ok() && CourseCode::new(key.course_code()).is_ok()
            })
        });
        agree(&[RUN_CODE], RunCode::MAX_CHARS, |text| {
            format!("course-v1:a+b+{text}").parse::<CourseKey>().is_ok() && !text.contains('+')
        });
    }

    #[test]
    fn languages_look_as_the_documentation_says() {
        let most = Language::MAX_CHARS;
        agree(&[LANGUAGE], most, |text| Language::new(text).is_ok());
        agree(&[LANGUAGE_SHORT], most, |text| {
            text.is_empty() || Language::from_short(text).is_ok()
        });
    }

    #[test]
    fn short_names_look_as_the_documentation_says() {
        let most = ShortName::MAX_CHARS;
        let typed = |text: &str| ShortName::new(text).is_ok_and(|name| name.check_typed().is_ok());
        agree(&[SHORT_NAME], most, typed);
    }
}
