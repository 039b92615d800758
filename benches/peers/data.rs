//! The catalog that all peers keep: made up, and the same each time.
//!
//! Everything is computed from the number of a run, so that the data need not be in memory while
//! memory is measured.

use coursecat::{CourseKey, RunKey};

use crate::record::NewRun;

/// The runs of a course: two a year, for ten years.
pub(crate) const RUNS_A_COURSE: usize = 20;
/// The courses of an organization, on average. Some have half of that, some many times more.
const COURSES_AN_ORG: usize = 200;

const SCHOOLS: [&str; 16] = [
    "MIT",
    "Harvard",
    "Delft",
    "Berkeley",
    "Kyoto",
    "Tsinghua",
    "EPFL",
    "Toronto",
    "Adelaide",
    "Leuven",
    "Sorbonne",
    "Caltech",
    "Edinburgh",
    "Galileo",
    "Uppsala",
    "Javeriana",
];
const SUBJECTS: [(&str, &str); 16] = [
    ("CS", "Computer Science"),
    ("Math", "Linear Algebra"),
    ("PHYS", "Quantum Mechanics"),
    ("BIO", "Molecular Biology"),
    ("ECON", "Économie du développement"),
    ("HIST", "Modern History"),
    ("EE", "Circuits and Electronics"),
    ("CHEM", "Organic Chemistry"),
    ("LAW", "Constitutional Law"),
    ("STAT", "Statistical Inference"),
    ("PH", "Global Health"),
    ("ARCH", "Sustainable Architecture"),
    ("LING", "Introducción a la lingüística"),
    ("DS", "Machine Learning with Large Datasets"),
    ("EDU", "Teaching with Technology"),
    ("ASTRO", "Astrophysics: The Violent Universe"),
];
const FORMS: [&str; 6] = [
    "Introduction to",
    "Foundations of",
    "Advanced",
    "Principles of",
    "A Short Course on",
    "Applications of",
];
const LANGUAGES: [&str; 8] = ["en", "en", "en", "en", "es", "fr", "zh", "de"];

/// A catalog of so many runs, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    pub(crate) runs: usize,
}

impl Data {
    pub(crate) fn new(runs: usize) -> Self {
        Self { runs }
    }

    pub(crate) fn courses(self) -> usize {
        self.runs.div_ceil(RUNS_A_COURSE)
    }

    fn orgs(self) -> usize {
        self.courses().div_ceil(COURSES_AN_ORG)
    }

    /// All runs, a course after the other, as an export lists them.
    pub(crate) fn all(self) -> impl Iterator<Item = NewRun> {
        (0..self.runs).map(move |n| self.run(n))
    }

    /// The run of this number.
    pub(crate) fn run(self, n: usize) -> NewRun {
        let course = n / RUNS_A_COURSE;
        NewRun {
            key: self.key(n),
            title: title(course),
            language: LANGUAGES[scatter(course, 3) % LANGUAGES.len()],
            created: created(n),
        }
    }

    /// The key of the run of this number.
    pub(crate) fn key(self, n: usize) -> String {
        let (org, code) = self.codes(n / RUNS_A_COURSE);
        let nth = n % RUNS_A_COURSE;
        format!("course-v1:{org}+{code}+{}_T{}", 2016 + nth / 2, 1 + nth % 2)
    }

    /// The organization and the code of the course of this number.
    pub(crate) fn codes(self, course: usize) -> (String, String) {
        let (subject, _) = SUBJECTS[scatter(course, 1) % SUBJECTS.len()];
        let code = format!("{subject}{}.{}x", 100 + course % 900, course / 900);
        (self.org_named(self.org_of(course)), code)
    }

    /// A run that is not in the catalog, of a course that is; newer than all others.
    pub(crate) fn new_run_of(self, course: usize, nonce: usize) -> NewRun {
        let course = course % self.courses();
        let (org, code) = self.codes(course);
        NewRun {
            key: format!("course-v1:{org}+{code}+New_{nonce}"),
            created: self.created_later(nonce),
            ..self.run(course * RUNS_A_COURSE)
        }
    }

    /// A run that is not in the catalog, and neither is its course; newer than all others.
    pub(crate) fn run_of_new_course(self, nonce: usize) -> NewRun {
        let org = self.org_named(scatter(nonce, 5) % self.orgs());
        NewRun {
            key: format!("course-v1:{org}+New{nonce}x+2026_T1"),
            created: self.created_later(nonce),
            ..self.run(scatter(nonce, 6) % self.runs)
        }
    }

    /// A time after that of all runs: a second after the one before it.
    fn created_later(self, nonce: usize) -> i64 {
        created(self.runs) + nonce as i64 * 1_000_000
    }

    /// Squaring makes the first organizations larger than the last.
    fn org_of(self, course: usize) -> usize {
        let uniform = (scatter(course, 2) % (1 << 20)) as f64 / (1 << 20) as f64;
        (uniform * uniform * self.orgs() as f64) as usize
    }

    fn org_named(self, org: usize) -> String {
        let school = SCHOOLS[org % SCHOOLS.len()];
        match org / SCHOOLS.len() {
            0 => format!("{school}x"),
            campus => format!("{school}{campus}X"),
        }
    }
}

/// When a run was created: an hour after the one before it, from 2012 on.
fn created(n: usize) -> i64 {
    1_325_376_000_000_000 + n as i64 * 3_600_000_000
}

fn title(course: usize) -> String {
    let (_, subject) = SUBJECTS[scatter(course, 1) % SUBJECTS.len()];
    let form = FORMS[scatter(course, 4) % FORMS.len()];
    format!("{form} {subject}, Part {}", 1 + course % 12)
}

/// A number that looks random, always the same for the same input (SplitMix64).
fn scatter(n: usize, stream: u64) -> usize {
    let mut z = (n as u64)
        .wrapping_add(stream << 40)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize
}

/// What is asked for: keys in random order, in texts of their own that share no memory with what
/// a peer has stored.
pub(crate) struct Questions {
    pub(crate) keys: Endless<String>,
    pub(crate) parsed: Endless<RunKey>,
    pub(crate) course_keys: Endless<String>,
    pub(crate) codes: Endless<(String, String)>,
    /// Organizations that have a page of courses.
    pub(crate) orgs: Endless<String>,
    /// Two words that occur together in one course and its runs alone.
    pub(crate) searches: Endless<String>,
}

/// More questions than this would only cost memory: they are far more than a cache holds.
const MOST_QUESTIONS: usize = 1 << 20;

impl Questions {
    pub(crate) fn about(data: Data) -> Self {
        let runs = data.runs.next_power_of_two().min(MOST_QUESTIONS);
        let courses = data.courses().next_power_of_two().min(MOST_QUESTIONS);
        let keys: Vec<String> = (0..runs)
            .map(|i| data.key(scatter(i, 7) % data.runs))
            .collect();
        let parse = |key: &String| {
            let key: CourseKey = key.parse().expect("a key");
            key.run_key().expect("a key of a run")
        };
        let codes: Vec<_> = (0..courses)
            .map(|i| data.codes(scatter(i, 8) % data.courses()))
            .collect();
        let course_key = |(org, code): &(String, String)| format!("catalog-course:{org}:{code}");
        let org = |i| data.org_named(scatter(i, 9) % data.orgs());
        let search = |i| {
            let (org, code) = data.codes(scatter(i, 10) % data.courses());
            format!("{} {}", code.to_lowercase(), org.to_uppercase())
        };
        Self {
            parsed: Endless::of(keys.iter().map(parse).collect()),
            keys: Endless::of(keys),
            course_keys: Endless::of(codes.iter().map(course_key).collect()),
            codes: Endless::of(codes),
            orgs: Endless::of((0..64).map(org).collect()),
            searches: Endless::of((0..64).map(search).collect()),
        }
    }
}

/// A list without end: it begins again. As long as a power of two, so that it costs a mask.
pub(crate) struct Endless<T>(Vec<T>);

impl<T> Endless<T> {
    fn of(items: Vec<T>) -> Self {
        assert!(items.len().is_power_of_two(), "{}", items.len());
        Self(items)
    }

    pub(crate) fn nth(&self, n: usize) -> &T {
        &self.0[n & (self.0.len() - 1)]
    }

    pub(crate) fn first(&self, count: usize) -> &[T] {
        &self.0[..count.min(self.0.len())]
    }

    /// So many in a row, the `n`th time.
    pub(crate) fn chunk(&self, n: usize, size: usize) -> &[T] {
        &self.0[(n * size) % (self.0.len() - size)..][..size]
    }
}
