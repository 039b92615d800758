//! coursecat itself, with its defaults.
//!
//! It groups the commits of concurrent callers by itself, so it has no second way of being run.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use coursecat::{
    Catalog, CatalogCourse, CourseQuery, CourseRun, CourseRuns, CreateCatalogCourse,
    CreateModulestoreRun, Error, Options, Order, RunKey, Timestamp, WriteDurability,
};

use crate::peer::{Creates, Durability, Listings, Lookups, Peer, RELAXED_FOR};
use crate::record::{Answer, Course, Deletion, NewRun, Run};

/// How many requests of an import are on their way at once, as in `coursecat import`.
const WINDOW: usize = 8_192;

pub(crate) struct Coursecat(Catalog);

fn request(new: &NewRun) -> CreateModulestoreRun {
    CreateModulestoreRun::new(new.key.as_str())
        .title(new.title.as_str())
        .language_short(new.language)
        .imported(Timestamp::from_micros(new.created).expect("a time of our days"))
}

impl Creates for Coursecat {
    fn create(&self, runs: &[NewRun]) -> usize {
        let pending: Vec<_> = runs.iter().map(|new| self.0.submit(request(new))).collect();
        let created = pending
            .into_iter()
            .map(|answer| answer.wait().expect("created"))
            .filter(|outcome| !outcome.already_existed());
        created.count()
    }

    fn import(&self, runs: &mut dyn Iterator<Item = NewRun>) {
        let mut pending = VecDeque::with_capacity(WINDOW);
        for new in runs {
            if pending.len() == WINDOW
                && let Some(oldest) = pending.pop_front()
            {
                wait(oldest);
            }
            pending.push_back(self.0.submit(request(&new)));
        }
        pending.into_iter().for_each(wait);
    }
}

fn wait<T>(pending: coursecat::Pending<T>) {
    pending.wait().expect("created");
}

impl Peer for Coursecat {
    const NAME: &'static str = "coursecat";

    type Reader<'peer> = Reader;

    fn open(folder: &Path, durability: Durability) -> Self {
        let durability = match durability {
            Durability::Durable => WriteDurability::EveryCommit,
            Durability::Relaxed => WriteDurability::Every(RELAXED_FOR),
        };
        let opened = Options::new().durability(durability).open(folder);
        Self(opened.expect("a catalog"))
    }

    fn reader(&self) -> Reader {
        Reader(self.0.reader())
    }

    fn create_courses(&self, courses: &[Course]) {
        let pending: Vec<_> = courses
            .iter()
            .map(|course| {
                let request = CreateCatalogCourse::new(course.org.as_str(), course.code.as_str());
                self.0.submit(request.title(course.title.as_str()))
            })
            .collect();
        pending.into_iter().for_each(wait);
    }

    fn sync_title(&self, key: &str, title: &str) {
        let synced = self.0.sync_course_run_details(key, title);
        synced.expect("it exists");
    }

    fn delete_course(&self, org: &str, code: &str) -> Deletion {
        match self.0.delete_catalog_course((org, code)) {
            Ok(()) => Deletion::Done,
            Err(Error::Protected { .. }) => Deletion::Protected,
            Err(error) => panic!("{error}"),
        }
    }

    fn compact(folder: &Path) -> bool {
        coursecat::compact(folder).expect("compacted");
        true
    }
}

/// A [`coursecat::Reader`], which a thread has for its own.
pub(crate) struct Reader(coursecat::Reader);

impl Lookups for Reader {
    type Run = Arc<CourseRun>;
    type Course = Arc<CatalogCourse>;

    fn run(&mut self, key: &str) -> Option<Self::Run> {
        self.0.get_course_run(key).ok()
    }

    fn run_parsed(&mut self, key: &RunKey) -> Option<Self::Run> {
        self.0.get_course_run(key).ok()
    }

    fn runs(&mut self, keys: &[String]) -> Vec<Option<Self::Run>> {
        self.0.get_course_runs(keys).expect("they are keys")
    }

    fn course(&mut self, key_str: &str) -> Option<Self::Course> {
        self.0.get_catalog_course(key_str).ok()
    }

    fn course_coded(&mut self, org: &str, code: &str) -> Option<Self::Course> {
        self.0.get_catalog_course((org, code)).ok()
    }
}

impl Listings for Reader {
    type Runs = CourseRuns;

    fn runs_of(&mut self, org: &str, code: &str) -> CourseRuns {
        self.0.list_runs((org, code)).unwrap_or_default()
    }

    fn courses_of(&mut self, org: &str, limit: usize) -> Vec<Self::Course> {
        let query = CourseQuery::new().org(org).order(Order::Key).limit(limit);
        self.0.list_catalog_courses(&query).expect("a page").items
    }

    fn search(&mut self, text: &str, limit: usize) -> (Vec<Self::Course>, Vec<Self::Run>) {
        let found = self.0.search(text, limit).expect("a page");
        (found.catalog_courses.items, found.course_runs.items)
    }
}

impl Answer<Run> for Arc<CourseRun> {
    fn record(&self) -> Run {
        Run {
            key: self.course_key.to_string(),
            title: self.title.to_string(),
            created: self.created.as_micros(),
        }
    }
}

impl Answer<Course> for Arc<CatalogCourse> {
    fn record(&self) -> Course {
        Course {
            org: self.org.to_string(),
            code: self.course_code.to_string(),
            title: self.title.to_string(),
            language: self.language.to_string(),
            created: self.created.as_micros(),
        }
    }
}
