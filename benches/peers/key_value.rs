//! A catalog in an ordered key-value store: what redb, LMDB, fjall and sled have in common.
//!
//! Three trees, keyed so that each question is one lookup or one short range, and uniqueness
//! ignoring case comes for nothing:
//!
//! | tree | key | value |
//! |---|---|---|
//! | organizations | folded short name | `Organization` |
//! | courses | folded short name, 0, folded code | [`Course`] |
//! | runs | folded course key | [`Run`] |
//!
//! The runs of a course share the prefix `course-v1:org+code+`. Names are repeated in the records,
//! so no read needs a second lookup; renaming an organization, which is not measured, would be
//! slow. Values are bincode.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;

use bincode::config;
use coursecat::fold;

use crate::peer::{Creates, Durability, IMPORT_BATCH, Listings, Lookups, Peer};
use crate::record::{Course, CourseView, Deletion, KeyParts, NewRun, Run, RunView};

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Organizations,
    Courses,
    Runs,
}

impl Tree {
    pub(crate) const ALL: [Self; 3] = [Self::Organizations, Self::Courses, Self::Runs];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Courses => "courses",
            Self::Runs => "runs",
        }
    }
}

/// One tree, as of the newest commit when the view was made.
pub(crate) trait View {
    /// Hands over the value of a key.
    fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T>;

    /// Hands over the values of all keys with this prefix, in key order, until told to stop.
    fn scan(&self, prefix: &[u8], visit: impl FnMut(&[u8]) -> ControlFlow<()>);
}

/// A transaction that changes things. It sees its own changes.
pub(crate) trait Change {
    fn get<T>(&self, tree: Tree, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T>;
    fn has_prefix(&self, tree: Tree, prefix: &[u8]) -> bool;
    fn put(&mut self, tree: Tree, key: &[u8], value: &[u8]);
    fn delete(&mut self, tree: Tree, key: &[u8]);
}

/// An ordered key-value store with transactions.
pub(crate) trait Store: Send + Sync + Sized {
    const NAME: &'static str;

    type View<'store>: View
    where
        Self: 'store;
    type Change<'store>: Change
    where
        Self: 'store;

    fn open(folder: &Path, durability: Durability) -> Self;

    fn view(&self, tree: Tree) -> Self::View<'_>;

    /// Runs a transaction, and commits it as durably as the store was opened; or abandons it, if
    /// it fails.
    fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Self::Change<'_>) -> Result<T, E>,
    ) -> Result<T, E>;

    /// Makes all that was committed durable.
    fn sync(&self);

    /// See [`Peer::compact`].
    fn compact(_folder: &Path) -> bool {
        false
    }
}

/// A catalog in such a store.
pub(crate) struct KeyValue<S>(S);

fn encode(record: &impl bincode::Encode) -> Vec<u8> {
    bincode::encode_to_vec(record, config::standard()).expect("memory is enough")
}

fn decode<R: bincode::Decode<()>>(bytes: &[u8]) -> R {
    let decoded = bincode::decode_from_slice(bytes, config::standard());
    decoded.expect("it was encoded here").0
}

fn view<'row, V: bincode::BorrowDecode<'row, ()>>(bytes: &'row [u8]) -> V {
    let decoded = bincode::borrow_decode_from_slice(bytes, config::standard());
    decoded.expect("it was encoded here").0
}

/// The key of a course; with an empty code, the prefix of all courses of an organization.
fn course_key(org: &str, code: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(org.len() + 1 + code.len());
    key.extend_from_slice(fold(org).as_bytes());
    key.push(0);
    key.extend_from_slice(fold(code).as_bytes());
    key
}

/// The prefix of the keys of all runs of a course.
fn runs_prefix(org: &str, code: &str) -> String {
    fold(&format!("course-v1:{org}+{code}+")).into_owned()
}

impl<S: Store> KeyValue<S> {
    /// A transaction that does not fail.
    fn change<T>(&self, change: impl FnOnce(&mut S::Change<'_>) -> T) -> T {
        let Ok(changed) = self.0.change(|rows| Ok::<_, Infallible>(change(rows)));
        changed
    }

    fn create_in(change: &mut S::Change<'_>, new: &NewRun) -> bool {
        let key = fold(&new.key);
        if change.get(Tree::Runs, key.as_bytes(), |_| ()).is_some() {
            return false;
        }
        let parts = KeyParts::of(&new.key);
        let course_key = course_key(parts.org, parts.code);
        match change.get(Tree::Courses, &course_key, decode::<Course>) {
            Some(course) => assert_eq!(course.code, parts.code, "only the case differs"),
            None => {
                let org_key = fold(parts.org);
                if change
                    .get(Tree::Organizations, org_key.as_bytes(), |_| ())
                    .is_none()
                {
                    let organization = encode(&new.organization(parts));
                    change.put(Tree::Organizations, org_key.as_bytes(), &organization);
                }
                change.put(Tree::Courses, &course_key, &encode(&new.course(parts)));
            }
        }
        change.put(Tree::Runs, key.as_bytes(), &encode(&new.run()));
        true
    }
}

impl<S: Store> Creates for KeyValue<S> {
    fn create(&self, runs: &[NewRun]) -> usize {
        self.change(|change| {
            let created = runs.iter().filter(|new| Self::create_in(change, new));
            created.count()
        })
    }

    /// In large transactions, each sorted: neighbours in a tree are then written together.
    fn import(&self, runs: &mut dyn Iterator<Item = NewRun>) {
        loop {
            let mut batch: Vec<NewRun> = runs.take(IMPORT_BATCH).collect();
            if batch.is_empty() {
                return self.0.sync();
            }
            batch.sort_by(|a, b| a.key.cmp(&b.key));
            self.create(&batch);
        }
    }
}

impl<S: Store> Peer for KeyValue<S> {
    const NAME: &'static str = S::NAME;

    type Reader<'peer>
        = &'peer Self
    where
        S: 'peer;

    fn open(folder: &Path, durability: Durability) -> Self {
        Self(S::open(folder, durability))
    }

    fn reader(&self) -> Self::Reader<'_> {
        self
    }

    fn create_courses(&self, courses: &[Course]) {
        self.change(|change| {
            for course in courses {
                let key = course_key(&course.org, &course.code);
                change.put(Tree::Courses, &key, &encode(course));
            }
        });
    }

    fn sync_title(&self, key: &str, title: &str) {
        self.change(|change| {
            let folded = fold(key);
            let run = change.get(Tree::Runs, folded.as_bytes(), decode::<Run>);
            let mut run = run.expect("it exists");
            title.clone_into(&mut run.title);
            change.put(Tree::Runs, folded.as_bytes(), &encode(&run));
        });
    }

    fn delete_course(&self, org: &str, code: &str) -> Deletion {
        let deleted = self.0.change(|change| {
            if change.has_prefix(Tree::Runs, runs_prefix(org, code).as_bytes()) {
                return Err(Deletion::Protected);
            }
            change.delete(Tree::Courses, &course_key(org, code));
            Ok(Deletion::Done)
        });
        deleted.unwrap_or_else(|refused| refused)
    }

    fn compact(folder: &Path) -> bool {
        S::compact(folder)
    }
}

fn find_run(runs: &impl View, key: &str) -> Option<Run> {
    let run: Run = runs.get(fold(key).as_bytes(), decode)?;
    (run.key == key).then_some(run)
}

impl<S: Store> Lookups for &KeyValue<S> {
    type Run = Run;
    type Course = Course;

    fn run(&mut self, key: &str) -> Option<Run> {
        find_run(&self.0.view(Tree::Runs), key)
    }

    fn runs(&mut self, keys: &[String]) -> Vec<Option<Run>> {
        let runs = self.0.view(Tree::Runs);
        keys.iter().map(|key| find_run(&runs, key)).collect()
    }

    fn course(&mut self, key_str: &str) -> Option<Course> {
        let parts = KeyParts::of_course(key_str)?;
        self.course_coded(parts.org, parts.code)
    }

    fn course_coded(&mut self, org: &str, code: &str) -> Option<Course> {
        let courses = self.0.view(Tree::Courses);
        let course: Course = courses.get(&course_key(org, code), decode)?;
        (course.code == code).then_some(course)
    }
}

impl<S: Store> Listings for &KeyValue<S> {
    type Runs = Vec<Run>;

    fn runs_of(&mut self, org: &str, code: &str) -> Vec<Run> {
        let mut found: Vec<Run> = Vec::new();
        let prefix = runs_prefix(org, code);
        self.0.view(Tree::Runs).scan(prefix.as_bytes(), |row| {
            found.push(decode(row));
            ControlFlow::Continue(())
        });
        found.sort_by_key(|run| std::cmp::Reverse(run.created));
        found
    }

    fn courses_of(&mut self, org: &str, limit: usize) -> Vec<Course> {
        let mut found = Vec::with_capacity(limit);
        let prefix = course_key(org, "");
        self.0.view(Tree::Courses).scan(&prefix, |row| {
            found.push(decode(row));
            go_on(found.len() < limit)
        });
        found
    }

    fn search(&mut self, text: &str, limit: usize) -> (Vec<Course>, Vec<Run>) {
        let words: Vec<_> = text.split_whitespace().map(fold).collect();
        let matches = |texts: &[&str]| {
            words
                .iter()
                .all(|word| texts.iter().any(|text| fold(text).contains(word.as_ref())))
        };
        let mut courses = Vec::new();
        self.0.view(Tree::Courses).scan(&[], |row| {
            let course: CourseView<'_> = view(row);
            if matches(&[course.title, course.code, course.org]) {
                courses.push(decode(row));
            }
            go_on(courses.len() < limit)
        });
        let mut runs = Vec::new();
        self.0.view(Tree::Runs).scan(&[], |row| {
            let run: RunView<'_> = view(row);
            // The codes are looked for in the key; a word has none of its separators.
            if matches(&[run.title, run.key]) {
                runs.push(decode(row));
            }
            go_on(runs.len() < limit)
        });
        (courses, runs)
    }
}

fn go_on(wanted: bool) -> ControlFlow<()> {
    if wanted {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}
