//! A ceiling for lookups: plain hash maps of shared records, in memory, that nobody writes to.
//!
//! It knows no rules, folds nothing and is on no disk. No catalog can be faster than the map it is
//! looked up in; this is the standard library's with the hasher that coursecat uses.

use std::collections::HashMap;
use std::sync::Arc;

use crate::peer::Lookups;
use crate::record::{Course, KeyParts, NewRun, Run};

#[derive(Default)]
pub(crate) struct HashMapOfRecords {
    runs: HashMap<Arc<str>, Arc<Run>, foldhash::fast::RandomState>,
    courses: HashMap<Arc<str>, Arc<Course>, foldhash::fast::RandomState>,
}

impl HashMapOfRecords {
    pub(crate) const NAME: &'static str = "HashMap";

    pub(crate) fn of(runs: impl Iterator<Item = NewRun>) -> Self {
        let mut map = Self::default();
        for new in runs {
            let parts = KeyParts::of(&new.key);
            let course_key = format!("catalog-course:{}:{}", parts.org, parts.code);
            map.courses
                .entry(course_key.into())
                .or_insert_with(|| Arc::new(new.course(parts)));
            map.runs
                .insert(new.key.as_str().into(), Arc::new(new.run()));
        }
        map
    }
}

impl Lookups for &HashMapOfRecords {
    type Run = Arc<Run>;
    type Course = Arc<Course>;

    fn run(&mut self, key: &str) -> Option<Arc<Run>> {
        self.runs.get(key).map(Arc::clone)
    }

    fn runs(&mut self, keys: &[String]) -> Vec<Option<Arc<Run>>> {
        keys.iter().map(|key| self.run(key)).collect()
    }

    fn course(&mut self, key_str: &str) -> Option<Arc<Course>> {
        self.courses.get(key_str).map(Arc::clone)
    }

    fn course_coded(&mut self, org: &str, code: &str) -> Option<Arc<Course>> {
        self.course(&format!("catalog-course:{org}:{code}"))
    }
}
