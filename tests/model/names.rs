//! Names to generate: few of them, so that requests meet each other's records often.
//!
//! Course keys are put together from parts, so that what a key means is known without a parser.

use proptest::prelude::*;
use proptest::sample::select;

/// Ignoring case, as the rules have it: each character by itself in lower case.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

// What stands in a list twice is twice as likely. The rare names are there for the rules that
// find them odd: a letter that folds to two characters, a prefix that exempts, separators.
const ORGS: &[&str] = &[
    "MITx", "MITx", "MITx", "MITx", "MITx", "mitx", "MITX", "École", "École", "ÉCOLE", "İ",
    "i\u{307}", "ccxO", "CCXo", "a", "a:b", "Fresh",
];
const CODES: &[&str] = &[
    "Math",
    "Math",
    "Math",
    "Math",
    "Math",
    "math",
    "Phys",
    "Phys",
    "Ünï",
    "ünÏ",
    "b:C",
    "C",
    "two words",
    "c%d",
];
const RUNS: &[&str] = &["R1", "R1", "R1", "r1", "R2", "R2", "R3", "_", "r:2", "%"];

pub fn short_name() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => select(ORGS).prop_map(str::to_owned),
        1 => select(vec![String::new(), "two words".into()]),
        1 => select(vec!["é".repeat(255), "é".repeat(256)]),
    ]
}

/// A name for an organization that has another; often one that is free.
pub fn new_short_name() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just(String::new()),
        4 => select(vec!["Fresh", "Zeno", "0rg"]).prop_map(str::to_owned),
        3 => short_name(),
    ]
}

pub fn course_code() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => select(CODES).prop_map(str::to_owned),
        1 => select(vec![String::new(), "ç".repeat(255), "ç".repeat(256)]),
    ]
}

pub fn run_code() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => select(RUNS).prop_map(str::to_owned),
        1 => select(vec![String::new(), "a+b".into(), "a b".into(), "x@y".into()]),
        1 => select(vec!["ř".repeat(128), "ř".repeat(129)]),
    ]
}

pub fn title() -> impl Strategy<Value = String> {
    let titles = vec!["Calculus", "calculus two", "École d'été", " "];
    prop_oneof![
        8 => Just(String::new()),
        12 => select(titles).prop_map(str::to_owned),
        1 => select(vec!["é".repeat(255), "é".repeat(256)]),
    ]
}

pub fn language() -> impl Strategy<Value = String> {
    let good = vec![
        "", "", "en", "en-us", "fr", "fr-ca", "zh-hans", "zh_HANT", "zh-cn", "zh_HANS",
    ];
    let odd = vec!["EN", "e", "en_us", "en-", "zh-hant", "fr-é"];
    prop_oneof![20 => select(good), 1 => select(odd)].prop_map(str::to_owned)
}

pub fn referrer() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(vec!["enrollments", "Enrollments"]).prop_map(str::to_owned),
        1 => select(vec![String::new(), "é".repeat(255), "é".repeat(256)]),
    ]
}

/// A few words to search for, or none.
pub fn search() -> impl Strategy<Value = String> {
    let texts = vec![
        "",
        "",
        "",
        "math",
        "mATH mitx",
        "école",
        "É",
        "calculus",
        "two  calculus",
        "i\u{307}",
        "İ",
        "r1",
        "r1 phys",
        "course-v1:",
        "course",
        "+r1",
        "@",
        "ccx",
        " ",
        "nothing",
    ];
    select(texts).prop_map(str::to_owned)
}

/// Texts that look like the key of a catalog course and are none.
pub fn no_key_str() -> impl Strategy<Value = String> {
    let texts = vec![
        "",
        "catalog-course:",
        "catalog-course:MITx",
        "Catalog-Course:MITx:Math",
        " catalog-course:MITx:Math",
        "MITx:Math",
    ];
    select(texts).prop_map(str::to_owned)
}

/// The text in another capitalisation, where it has one.
pub fn respell(text: &str) -> String {
    let folded = fold(text);
    if folded == text {
        text.to_uppercase()
    } else {
        folded
    }
}

/// A course key as it is given, and what it means.
#[derive(Clone, Debug)]
pub struct GivenKey {
    pub text: String,
    /// The run that it names; `None` if it is no course key or names no run.
    pub run: Option<RunName>,
}

/// What a key says of the run that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct RunName {
    /// The key that the run is stored under.
    pub stored: String,
    pub org: String,
    pub course: String,
    pub run: String,
    /// The length of the key as it was given, with branch and version, which the rules look at.
    pub given_chars: usize,
}

impl RunName {
    /// Whether the rule of one run for each run code looks at it.
    pub fn counts_for_run_code(&self) -> bool {
        !fold(&self.stored).starts_with("ccx")
    }
}

/// Whether a course key of some kind can name this organization.
pub fn comes_with_a_key(short_name: &str) -> bool {
    let names_it = |kind| {
        let shape = Shape {
            kind,
            ..Shape::default()
        };
        shape.name(short_name, "C", "R").run.is_some()
    };
    names_it(Kind::CourseV1) || names_it(Kind::Legacy)
}

/// How a key is written, whatever it names.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    kind: Kind,
    branch: Option<Branch>,
    has_version: bool,
    ccx: &'static str,
    /// Writes otherwise what can be written otherwise without meaning anything else.
    otherwise: bool,
    /// Whether org, course and run are spelled in another case.
    respells: [bool; 3],
}

#[derive(Clone, Debug)]
enum Branch {
    Draft,
    /// As long as makes the whole key this long, if it is shorter without.
    Filling(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    CourseV1,
    Ccx,
    Legacy,
}

const VERSION: &str = "519665f6223ebd6980884f2b";

impl Shape {
    /// The key of this shape that names org, course and run.
    pub fn name(&self, org: &str, course: &str, run: &str) -> GivenKey {
        let mut parts = [org, course, run].map(str::to_owned);
        for (part, respells) in parts.iter_mut().zip(self.respells) {
            if respells {
                *part = respell(part);
            }
        }
        if self.kind == Kind::Legacy {
            let text = parts.join("/");
            let chars = text.chars().count();
            return meaning(text.clone(), text, parts, chars, "_-.%");
        }
        let (prefix, other_prefix) = match self.kind {
            Kind::Ccx => ("ccx-v1:", "ccx-v1:"),
            _ => ("course-v1:", "slashes:"),
        };
        let base = parts.join("+");
        let version = match self.has_version {
            true => format!("+version@{VERSION}"),
            false => String::new(),
        };
        let ccx = match self.kind {
            Kind::Ccx => format!("+ccx@{}", self.ccx),
            _ => String::new(),
        };
        let unfilled = format!("{prefix}{base}+branch@{version}{ccx}");
        let branch = match self.branch {
            None => String::new(),
            Some(Branch::Draft) => "+branch@draft".to_owned(),
            Some(Branch::Filling(length)) => {
                let missing = length.saturating_sub(unfilled.chars().count());
                format!("+branch@{}", "b".repeat(missing.max(1)))
            }
        };
        let located = format!("{branch}{version}");
        let printed = format!("{prefix}{base}{located}{ccx}");
        let chars = printed.chars().count();
        let text = if self.otherwise {
            // Which block of a course is meant says nothing of the course.
            let ccx = ccx.replace("ccx", "CCX");
            format!("{other_prefix}{base}{located}{ccx}+type@problem+block@b1")
        } else {
            printed
        };
        meaning(text, format!("{prefix}{base}{ccx}"), parts, chars, "_-~.:")
    }
}

/// A key that names a run if each part of it has only letters, numbers and these marks.
fn meaning(
    text: String,
    stored: String,
    parts: [String; 3],
    given_chars: usize,
    marks: &str,
) -> GivenKey {
    let fits = |part: &String| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || marks.contains(c))
    };
    let names_run = parts.iter().all(fits);
    let [org, course, run] = parts;
    let run = RunName {
        stored,
        org,
        course,
        run,
        given_chars,
    };
    GivenKey {
        text,
        run: names_run.then_some(run),
    }
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let kind =
        prop_oneof![7 => Just(Kind::CourseV1), 2 => Just(Kind::Ccx), 2 => Just(Kind::Legacy)];
    let branch = prop_oneof![
        28 => Just(None),
        4 => Just(Some(Branch::Draft)),
        1 => select(vec![255, 256]).prop_map(|length| Some(Branch::Filling(length))),
    ];
    let ccx = select(vec!["1", "001", "٣"]);
    let rarely = || prop::bool::weighted(0.1);
    (
        kind,
        branch,
        rarely(),
        ccx,
        rarely(),
        [rarely(), rarely(), rarely()],
    )
        .prop_map(
            |(kind, branch, has_version, ccx, otherwise, respells)| Shape {
                kind,
                branch,
                has_version,
                ccx,
                otherwise,
                respells,
            },
        )
}

/// A course key of any kind; now and then one that is too long, names no run, or is none.
pub fn course_key() -> impl Strategy<Value = GivenKey> {
    let usual = || select(vec!["Math", "Math", "math", "Phys", "Ünï", "b:C"]);
    let run = || select(vec!["R1", "R1", "r1", "R2", "R3", "_"]);
    let likely = (shape(), select(ORGS), usual(), run())
        .prop_map(|(shape, org, course, run)| shape.name(org, course, run));
    let made = (shape(), short_name(), course_code(), run_code())
        .prop_map(|(shape, org, course, run)| shape.name(&org, &course, &run));
    prop_oneof![16 => likely, 8 => made, 1 => no_run()]
}

/// Texts that name no run, whether they are course keys or not.
fn no_run() -> impl Strategy<Value = GivenKey> {
    let texts = vec![
        "course-v1:version@519665f6223ebd6980884f2b",
        "course-v1:MITx+Math+version@519665f6223ebd6980884f2b",
        "MITx/Math/",
        "",
        "MITx",
        "course-v1:MITx+Math",
        "course-v1:MITx+Math+R1 ",
        "course-v1:MITx+Math+R1\n",
        "course-v1:MITx+Math+R1+branch@",
        "course-v1:MITx+Math+R1+ccx@1",
        "Course-v1:MITx+Math+R1",
        "ccx-v1:MITx+Math+R1",
        "library-v1:MITx+Lib",
        "MITx/Math/R1/x",
    ];
    select(texts).prop_map(|text| GivenKey {
        text: text.to_owned(),
        run: None,
    })
}
