//! Names to generate: few of them, so that requests meet each other's records often.
//!
//! Course keys are put together from parts, so that what a key means is known without a parser.

use proptest::prelude::*;
use proptest::sample::select;

/// Ignoring case, as the rules have it: each character by itself in lower case.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

// What stands in a list twice is twice as likely.
const ORGS: [&str; 17] = [
    "MITx", "MITx", "MITx", "MITx", "mitx", "mitx", "MITX", "École", "École", "école", "ÉCOLE",
    "İ", "i\u{307}", "ccxO", "CCXo", "a", "a:b",
];
const CODES: [&str; 14] = [
    "Math",
    "Math",
    "Math",
    "Math",
    "math",
    "MATH",
    "Phys",
    "Phys",
    "Ünï",
    "ünÏ",
    "b:C",
    "C",
    "two words",
    "c%d",
];
const RUNS: [&str; 9] = ["R1", "R1", "R1", "r1", "R2", "R2", "_", "r:2", "%"];

pub fn short_name() -> impl Strategy<Value = String> {
    prop_oneof![
        30 => select(&ORGS[..]).prop_map(str::to_owned),
        1 => select(vec![String::new(), "two words".into(), "é".repeat(255), "é".repeat(256)]),
    ]
}

pub fn course_code() -> impl Strategy<Value = String> {
    prop_oneof![
        30 => select(&CODES[..]).prop_map(str::to_owned),
        1 => select(vec![String::new(), "ç".repeat(255), "ç".repeat(256)]),
    ]
}

pub fn run_code() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(&RUNS[..]).prop_map(str::to_owned),
        1 => select(vec![String::new(), "a+b".into(), "a b".into(), "x@y".into()]),
        1 => select(vec!["ř".repeat(128), "ř".repeat(129)]),
    ]
}

pub fn title() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just(String::new()),
        12 => select(vec!["Calculus", "calculus two", "École d'été", " "]).prop_map(str::to_owned),
        1 => select(vec!["é".repeat(255), "é".repeat(256)]),
    ]
}

pub fn language() -> impl Strategy<Value = String> {
    let good = vec!["", "", "en", "en-us", "fr", "fr-ca", "zh-hans", "zh_HANT", "zh-cn", "zh_HANS"];
    let odd = vec!["EN", "e", "en_us", "en-", "zh-hant", "fr-é"];
    prop_oneof![8 => select(good), 1 => select(odd)].prop_map(str::to_owned)
}

pub fn referrer() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(vec!["enrollments", "Enrollments", "certificates"]).prop_map(str::to_owned),
        1 => select(vec![String::new(), "é".repeat(255), "é".repeat(256)]),
    ]
}

/// A few words to search for, or none.
pub fn search() -> impl Strategy<Value = String> {
    let texts = vec![
        "", "", "", "math", "mATH mitx", "école", "É", "calculus", "two  calculus", "i\u{307}", "İ",
        "r1", "r1 phys", "course-v1:", "ccx", " ", "nothing",
    ];
    select(texts).prop_map(str::to_owned)
}

/// The text of a catalog course's key, or something like one.
pub fn key_str() -> impl Strategy<Value = String> {
    let wrong = vec!["", "catalog-course:MITx", "Catalog-Course:MITx:Math", "MITx:Math"];
    prop_oneof![
        12 => (short_name(), course_code()).prop_map(|(org, code)| format!("catalog-course:{org}:{code}")),
        1 => select(wrong).prop_map(str::to_owned),
    ]
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
    /// The key that a plain run gets which is given none, if one can be made.
    pub fn made_of(org: &str, course: &str, run: &str) -> Option<Self> {
        let parts = Parts {
            org: org.to_owned(),
            course: course.to_owned(),
            run: run.to_owned(),
            ..Parts::default()
        };
        parts.given().run
    }

    /// Whether the rule of one run for each run code looks at it.
    pub fn counts_for_run_code(&self) -> bool {
        !fold(&self.stored).starts_with("ccx")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    CourseV1,
    Ccx,
    Legacy,
}

#[derive(Clone, Debug, Default)]
struct Parts {
    kind: Kind,
    org: String,
    course: String,
    run: String,
    branch: Option<String>,
    has_version: bool,
    ccx: &'static str,
    /// Spells what can be spelled otherwise without meaning anything else.
    otherwise: bool,
}

const VERSION: &str = "519665f6223ebd6980884f2b";

impl Parts {
    fn given(&self) -> GivenKey {
        if self.kind == Kind::Legacy {
            return self.legacy();
        }
        let (prefix, other_prefix) = match self.kind {
            Kind::Ccx => ("ccx-v1:", "ccx-v1:"),
            _ => ("course-v1:", "slashes:"),
        };
        let base = format!("{}+{}+{}", self.org, self.course, self.run);
        let mut located = String::new();
        if let Some(branch) = &self.branch {
            located += &format!("+branch@{branch}");
        }
        if self.has_version {
            located += &format!("+version@{VERSION}");
        }
        let ccx = match self.kind {
            Kind::Ccx => format!("+ccx@{}", self.ccx),
            _ => String::new(),
        };
        // What is measured is the key as it prints, whatever it looked like.
        let given_chars = format!("{prefix}{base}{located}{ccx}").chars().count();
        let text = if self.otherwise {
            // Which block of a course is meant says nothing of the course.
            let ccx = ccx.replace("ccx", "CCX");
            format!("{other_prefix}{base}{located}{ccx}+type@problem+block@b1")
        } else {
            format!("{prefix}{base}{located}{ccx}")
        };
        let stored = format!("{prefix}{base}{ccx}");
        self.meaning(text, stored, given_chars, "_-~.:")
    }

    fn legacy(&self) -> GivenKey {
        let text = format!("{}/{}/{}", self.org, self.course, self.run);
        let chars = text.chars().count();
        self.meaning(text.clone(), text, chars, "_-.%")
    }

    fn meaning(&self, text: String, stored: String, given_chars: usize, marks: &str) -> GivenKey {
        let fits = |part: &String| {
            !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || marks.contains(c))
        };
        let run = [&self.org, &self.course, &self.run].into_iter().all(fits).then(|| RunName {
            stored,
            org: self.org.clone(),
            course: self.course.clone(),
            run: self.run.clone(),
            given_chars,
        });
        GivenKey { text, run }
    }
}

/// A course key of any kind; now and then one that is too long, names no run, or is none.
pub fn course_key() -> impl Strategy<Value = GivenKey> {
    let kind = prop_oneof![7 => Just(Kind::CourseV1), 2 => Just(Kind::Ccx), 2 => Just(Kind::Legacy)];
    let branch = prop_oneof![
        14 => Just(None),
        2 => Just(Some("draft".to_owned())),
        1 => Just(Some("b".repeat(250))),
    ];
    let ccx = select(vec!["1", "001", "٣"]);
    let rest = (branch, prop::bool::weighted(0.1), ccx, prop::bool::weighted(0.1));
    let made = (kind, short_name(), course_code(), run_code(), rest).prop_map(
        |(kind, org, course, run, (branch, has_version, ccx, otherwise))| {
            let parts = Parts { kind, org, course, run, branch, has_version, ccx, otherwise };
            parts.given()
        },
    );
    prop_oneof![18 => made, 1 => no_run()]
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
    select(texts).prop_map(|text| GivenKey { text: text.to_owned(), run: None })
}
