//! The records of the catalog that is measured: made up, the same every time.

use serde_json::json;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const RUNS_A_COURSE: usize = 20;
/// At least, so that each organization has a page of courses; fewer if there are fewer in all.
const COURSES_AN_ORGANIZATION: usize = 200;

/// Questions of a kind: more than the caches of a processor hold answers to.
const MOST_QUESTIONS: usize = 1 << 17;

const SUBJECTS: [(&str, &str); 12] = [
    ("Arch", "Architecture"),
    ("Bio", "Biology"),
    ("Chem", "Organic Chemistry"),
    ("CS", "Computer Science"),
    ("Econ", "Economics"),
    ("Hist", "Modern History"),
    ("Ling", "Linguistics"),
    ("Math", "Linear Algebra"),
    ("Med", "Medicine"),
    ("Mus", "Music Theory"),
    ("Phil", "Philosophy"),
    ("Phys", "Quantum Physics"),
];

/// The organization and the course code of a course.
pub(super) struct Course {
    pub(super) org: String,
    pub(super) code: String,
}

impl Course {
    pub(super) fn key(&self) -> String {
        format!("catalog-course:{}:{}", self.org, self.code)
    }

    pub(super) fn run_key(&self, run_code: &str) -> String {
        format!("course-v1:{}+{}+{run_code}", self.org, self.code)
    }
}

/// See the [module](self).
pub(super) struct Data {
    runs: usize,
    /// Keys of runs, in random order.
    pub(super) run_keys: Vec<String>,
    /// Courses with all their runs, in random order.
    pub(super) courses: Vec<Course>,
    /// Their keys.
    pub(super) course_keys: Vec<String>,
}

impl Data {
    pub(super) fn with_runs(runs: usize) -> Self {
        let mut data = Self {
            runs,
            run_keys: Vec::new(),
            courses: Vec::new(),
            course_keys: Vec::new(),
        };
        let questions = 0..runs.min(MOST_QUESTIONS);
        data.run_keys = questions
            .map(|n| data.run_key(scatter(n, 1) % runs))
            .collect();
        let courses = data.course_count();
        let questions = 0..courses.min(MOST_QUESTIONS);
        data.courses = questions
            .map(|n| data.course(scatter(n, 2) % courses))
            .collect();
        data.course_keys = data.courses.iter().map(Course::key).collect();
        data
    }

    /// All runs as JSON Lines, in order.
    pub(super) fn json_lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for run in 0..self.runs {
            let course = run / RUNS_A_COURSE;
            let (_, subject) = SUBJECTS[course % SUBJECTS.len()];
            let row = json!({
                "course_key": self.run_key(run),
                "title": format!("An Introduction to {subject}, Part {}", 1 + course % 9),
                "language": "en",
            });
            lines.extend_from_slice(row.to_string().as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    /// The courses that have all their runs.
    fn course_count(&self) -> usize {
        self.runs / RUNS_A_COURSE
    }

    fn course(&self, course: usize) -> Course {
        let orgs = (self.course_count() / COURSES_AN_ORGANIZATION).max(1);
        let (prefix, _) = SUBJECTS[course % SUBJECTS.len()];
        Course {
            org: format!("University{}X", course % orgs),
            code: format!("{prefix}{course}x"),
        }
    }

    fn run_key(&self, run: usize) -> String {
        let year = 2007 + run % RUNS_A_COURSE;
        let course = self.course(run / RUNS_A_COURSE);
        course.run_key(&format!("{year}_T1"))
    }
}

/// A number that looks random, the same every time.
fn scatter(n: usize, stream: u64) -> usize {
    // Cutting off bits of it leaves it as random as it was.
    xxh3_64_with_seed(&n.to_le_bytes(), stream) as usize
}
