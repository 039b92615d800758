//! SQLite by rusqlite: normalised tables, UNIQUE indexes over folded texts, foreign keys RESTRICT.
//!
//! Write-ahead log; `synchronous=FULL` where durable (one fsync of the log for each commit),
//! `NORMAL` where not (synced at checkpoints). One connection writes, behind a lock, which is
//! kinder to many callers than SQLite's own way of waiting; every reader has a connection. All
//! statements are prepared once and cached. The page cache and the memory map are larger than the data.
//!
//! A row is found ignoring case by a folded column: SQLite's NOCASE knows ASCII only.

use std::path::{Path, PathBuf};

use coursecat::fold;
use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use crate::peer::{Creates, Durability, IMPORT_BATCH, Listings, Lookups, Peer};
use crate::record::{Course, Deletion, KeyParts, NewRun, Run};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS organization (
    id INTEGER PRIMARY KEY,
    short_name TEXT NOT NULL,
    short_name_folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS course (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization ON DELETE RESTRICT,
    code TEXT NOT NULL,
    code_folded TEXT NOT NULL,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (organization_id, code_folded)
) STRICT;
CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY,
    course_id INTEGER NOT NULL REFERENCES course ON DELETE RESTRICT,
    course_key TEXT NOT NULL,
    course_key_folded TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS run_by_course ON run (course_id, created);
";

const GET_RUN: &str = "SELECT course_key, title, created FROM run WHERE course_key_folded = ?1";
const GET_COURSE: &str = "
SELECT short_name, code, title, language, course.created
FROM organization JOIN course ON organization_id = organization.id
WHERE short_name_folded = ?1 AND code_folded = ?2";
const RUNS_OF: &str = "
SELECT course_key, run.title, run.created
FROM organization
JOIN course ON organization_id = organization.id
JOIN run ON course_id = course.id
WHERE short_name_folded = ?1 AND code_folded = ?2
ORDER BY run.created DESC, course_key_folded";
const COURSES_OF: &str = "
SELECT short_name, code, title, language, course.created
FROM organization JOIN course ON organization_id = organization.id
WHERE short_name_folded = ?1
ORDER BY code_folded LIMIT ?2";
// For a search of two words.
const SEARCH_COURSES: &str = "
SELECT short_name, code, title, language, course.created
FROM organization CROSS JOIN course ON organization_id = organization.id
WHERE (instr(code_folded, ?1) OR instr(short_name_folded, ?1) OR instr(fold(title), ?1))
  AND (instr(code_folded, ?2) OR instr(short_name_folded, ?2) OR instr(fold(title), ?2))
ORDER BY short_name_folded, code_folded LIMIT ?3";
const SEARCH_RUNS: &str = "
SELECT course_key, title, created FROM run
WHERE (instr(course_key_folded, ?1) OR instr(fold(title), ?1))
  AND (instr(course_key_folded, ?2) OR instr(fold(title), ?2))
ORDER BY course_key_folded LIMIT ?3";

const FIND_COURSE: &str = "
SELECT course.id, code
FROM organization JOIN course ON organization_id = organization.id
WHERE short_name_folded = ?1 AND code_folded = ?2";
const HAS_RUN: &str = "SELECT 1 FROM run WHERE course_key_folded = ?1";
const FIND_ORGANIZATION: &str = "SELECT id FROM organization WHERE short_name_folded = ?1";
const ADD_ORGANIZATION: &str = "
INSERT INTO organization (short_name, short_name_folded, name, active, created)
VALUES (?1, ?2, ?3, ?4, ?5)";
const ADD_COURSE: &str = "
INSERT INTO course (organization_id, code, code_folded, title, language, created)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const ADD_RUN: &str = "
INSERT INTO run (course_id, course_key, course_key_folded, title, created)
VALUES (?1, ?2, ?3, ?4, ?5)";
const SET_TITLE: &str = "UPDATE run SET title = ?2 WHERE course_key_folded = ?1";
const DELETE_COURSE: &str = "
DELETE FROM course WHERE code_folded = ?2
AND organization_id = (SELECT id FROM organization WHERE short_name_folded = ?1)";

pub(crate) struct Sqlite {
    path: PathBuf,
    durability: Durability,
    writer: Mutex<Connection>,
}

fn connect(path: &Path, durability: Durability) -> Connection {
    let connection = Connection::open(path).expect("a database");
    let synchronous = match durability {
        Durability::Durable => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    for (pragma, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", synchronous),
        ("foreign_keys", "ON"),
        ("cache_size", "-1048576"),
        ("mmap_size", "17179869184"),
        ("temp_store", "MEMORY"),
    ] {
        connection.pragma_update(None, pragma, value).expect("set");
    }
    // Without this, a statement is prepared again for every other value that is bound to it.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .expect("set");
    connection.set_prepared_statement_cache_capacity(64);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let fold_text = connection.create_scalar_function("fold", 1, flags, |call| {
        let ValueRef::Text(text) = call.get_raw(0) else {
            return Ok(String::new());
        };
        Ok(fold(&String::from_utf8_lossy(text)).into_owned())
    });
    fold_text.expect("a function");
    connection
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        key: row.get(0)?,
        title: row.get(1)?,
        created: row.get(2)?,
    })
}

fn course(row: &Row<'_>) -> rusqlite::Result<Course> {
    Ok(Course {
        org: row.get(0)?,
        code: row.get(1)?,
        title: row.get(2)?,
        language: row.get(3)?,
        created: row.get(4)?,
    })
}

fn create_in(connection: &Connection, new: &NewRun) -> rusqlite::Result<bool> {
    let key = fold(&new.key);
    if connection.prepare_cached(HAS_RUN)?.exists([&key])? {
        return Ok(false);
    }
    let parts = KeyParts::of(&new.key);
    let found = connection
        .prepare_cached(FIND_COURSE)?
        .query_row([fold(parts.org), fold(parts.code)], |row| {
            let same = row.get_ref(1)?.as_str()? == parts.code;
            Ok((row.get::<_, i64>(0)?, same))
        })
        .optional()?;
    let course_id = match found {
        Some((id, same)) => {
            assert!(same, "only the case differs");
            id
        }
        None => add_course(connection, &new.course(parts))?,
    };
    connection.prepare_cached(ADD_RUN)?.execute(params![
        course_id,
        new.key,
        key,
        new.title,
        new.created
    ])?;
    Ok(true)
}

fn add_course(connection: &Connection, course: &Course) -> rusqlite::Result<i64> {
    let folded = fold(&course.org);
    let organization = connection
        .prepare_cached(FIND_ORGANIZATION)?
        .query_row([&folded], |row| row.get::<_, i64>(0))
        .optional()?;
    let organization = match organization {
        Some(id) => id,
        None => connection
            .prepare_cached(ADD_ORGANIZATION)?
            .insert(params![
                course.org,
                folded,
                course.org,
                true,
                course.created
            ])?,
    };
    connection.prepare_cached(ADD_COURSE)?.insert(params![
        organization,
        course.code,
        fold(&course.code),
        course.title,
        course.language,
        course.created
    ])
}

impl Sqlite {
    /// A transaction of the one connection that writes.
    fn change<T>(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> T {
        let mut writer = self.writer.lock();
        let begun = writer.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.expect("a transaction");
        let changed = change(&transaction).expect("changed");
        transaction.commit().expect("committed");
        changed
    }
}

impl Creates for Sqlite {
    fn create(&self, runs: &[NewRun]) -> usize {
        self.change(|transaction| {
            let mut created = 0;
            for new in runs {
                created += usize::from(create_in(transaction, new)?);
            }
            Ok(created)
        })
    }

    /// In large transactions, each sorted: neighbours in an index are then written together.
    fn import(&self, runs: &mut dyn Iterator<Item = NewRun>) {
        loop {
            let mut batch: Vec<NewRun> = runs.take(IMPORT_BATCH).collect();
            if batch.is_empty() {
                return;
            }
            batch.sort_by(|a, b| a.key.cmp(&b.key));
            self.create(&batch);
        }
    }
}

impl Peer for Sqlite {
    const NAME: &'static str = "SQLite";

    type Reader<'peer> = Connection;

    fn open(folder: &Path, durability: Durability) -> Self {
        let path = folder.join("catalog.sqlite");
        let writer = connect(&path, durability);
        writer.execute_batch(SCHEMA).expect("a schema");
        Self {
            path,
            durability,
            writer: Mutex::new(writer),
        }
    }

    fn reader(&self) -> Connection {
        connect(&self.path, self.durability)
    }

    fn create_courses(&self, courses: &[Course]) {
        self.change(|transaction| {
            courses
                .iter()
                .try_for_each(|course| add_course(transaction, course).map(drop))
        });
    }

    fn sync_title(&self, key: &str, title: &str) {
        let writer = self.writer.lock();
        let mut update = writer.prepare_cached(SET_TITLE).expect("a statement");
        let updated = update.execute([&fold(key), title]);
        assert_eq!(updated.expect("updated"), 1, "it exists");
    }

    fn delete_course(&self, org: &str, code: &str) -> Deletion {
        let writer = self.writer.lock();
        let mut delete = writer.prepare_cached(DELETE_COURSE).expect("a statement");
        match delete.execute([fold(org), fold(code)]) {
            Ok(1) => Deletion::Done,
            Err(error) if is_restricted(&error) => Deletion::Protected,
            other => panic!("{other:?}"),
        }
    }

    fn compact(folder: &Path) -> bool {
        let connection = connect(&folder.join("catalog.sqlite"), Durability::Durable);
        connection.execute_batch("VACUUM").expect("compacted");
        true
    }
}

/// Whether a foreign key is what an error is about.
fn is_restricted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

impl Lookups for Connection {
    type Run = Run;
    type Course = Course;

    fn run(&mut self, key: &str) -> Option<Run> {
        let mut get = self.prepare_cached(GET_RUN).expect("a statement");
        let found = get.query_row([fold(key)], run).optional();
        found.expect("read").filter(|run| run.key == key)
    }

    fn runs(&mut self, keys: &[String]) -> Vec<Option<Run>> {
        let mut get = self.prepare_cached(GET_RUN).expect("a statement");
        let snapshot = self.unchecked_transaction().expect("a transaction");
        let found = keys
            .iter()
            .map(|key| {
                let found = get.query_row([fold(key)], run).optional();
                found.expect("read").filter(|run| run.key == *key)
            })
            .collect();
        snapshot.finish().expect("read");
        found
    }

    fn course(&mut self, key_str: &str) -> Option<Course> {
        let parts = KeyParts::of_course(key_str)?;
        self.course_coded(parts.org, parts.code)
    }

    fn course_coded(&mut self, org: &str, code: &str) -> Option<Course> {
        let mut get = self.prepare_cached(GET_COURSE).expect("a statement");
        let found = get.query_row([fold(org), fold(code)], course).optional();
        found.expect("read").filter(|course| course.code == code)
    }
}

impl Listings for Connection {
    type Runs = Vec<Run>;

    fn runs_of(&mut self, org: &str, code: &str) -> Vec<Run> {
        let mut list = self.prepare_cached(RUNS_OF).expect("a statement");
        let rows = list.query_map([fold(org), fold(code)], run).expect("read");
        rows.collect::<Result<_, _>>().expect("read")
    }

    fn courses_of(&mut self, org: &str, limit: usize) -> Vec<Course> {
        let mut list = self.prepare_cached(COURSES_OF).expect("a statement");
        let rows = list.query_map(params![fold(org), limit as i64], course);
        rows.expect("read").collect::<Result<_, _>>().expect("read")
    }

    fn search(&mut self, text: &str, limit: usize) -> (Vec<Course>, Vec<Run>) {
        let (first, second) = text.split_once(' ').expect("two words");
        let words = params![fold(first), fold(second), limit as i64];
        let mut list = self.prepare_cached(SEARCH_COURSES).expect("a statement");
        let courses = list.query_map(words, course).expect("read");
        let courses = courses.collect::<Result<_, _>>().expect("read");
        let mut list = self.prepare_cached(SEARCH_RUNS).expect("a statement");
        let runs = list.query_map(words, run).expect("read");
        (courses, runs.collect::<Result<_, _>>().expect("read"))
    }
}
