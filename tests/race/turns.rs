//! Turns: operations on one organization, a plain model of the rules that answers them one after
//! another, and a judge that looks for the order in which it gives the answers of a history.

use std::collections::{BTreeMap, HashSet};

use coursecat::{
    Catalog, CourseQuery, CourseRun, CreateCourseRun, Error, RunQuery, Snapshot,
    UpdateOrganization, Warning, fold,
};

/// What a thread asks for. Every operation is about one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Create(Key),
    /// Creates a run of a course that exists, without a key of its own.
    CreatePlain(String, &'static str, &'static str),
    /// Creates a run whose code is too long, in this organization and course.
    CreateTooLong(String, &'static str),
    DeleteRun(Key),
    DeleteCourse(String, &'static str),
    DeleteOrganization(String),
    Rename(String, String),
    Deactivate(String),
    Refer(Key),
    Unrefer(Key),
    GetRun(Key),
    ListRuns(String, &'static str),
    GetOrganization(String),
}

/// A course key, in the parts that the model looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) form: Form,
    pub(super) org: String,
    pub(super) course: &'static str,
    pub(super) run: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    V1,
    Legacy,
    Ccx,
}

impl Key {
    pub(super) fn text(&self) -> String {
        let Self {
            org, course, run, ..
        } = self;
        match self.form {
            Form::V1 => format!("course-v1:{org}+{course}+{run}"),
            Form::Legacy => format!("{org}/{course}/{run}"),
            Form::Ccx => format!("ccx-v1:{org}+{course}+{run}+ccx@1"),
        }
    }
}

/// What it is answered, as far as an order of turns decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Run {
        key: String,
        id: u64,
        course: u64,
        warnings: Vec<&'static str>,
    },
    Keys(Vec<String>),
    Organization(String, bool),
    Whether(bool),
    Done,
    /// The error's code, and the keys that it names.
    Refused(&'static str, Vec<String>),
}

pub(super) fn perform(catalog: &Catalog, op: &Op) -> Answer {
    carry_out(catalog, op).unwrap_or_else(|error| match &error {
        Error::Protected { blocking, .. } => {
            assert_eq!(blocking.count, blocking.first().len() as u64);
            Answer::Refused(error.code(), blocking.first())
        }
        Error::AlreadyExists { existing, .. } => {
            Answer::Refused(error.code(), vec![existing.clone()])
        }
        Error::NotFound { .. } | Error::Invalid(_) => Answer::Refused(error.code(), Vec::new()),
        _ => panic!("{op:?} was answered: {error}"),
    })
}

fn carry_out(catalog: &Catalog, op: &Op) -> Result<Answer, Error> {
    Ok(match op {
        Op::Create(key) => {
            let made = catalog.create_course_run_for_modulestore_course_with(key.text(), "", "")?;
            answer_of(&made.value, &made.warnings)
        }
        Op::CreatePlain(org, course, run) => {
            let course = (org.as_str(), *course);
            let made = catalog.create_course_run(CreateCourseRun::new(course, *run))?;
            answer_of(&made.value, &made.warnings)
        }
        Op::CreateTooLong(org, course) => {
            // By then its plan has made what is missing of the organization and the course.
            let key = format!("course-v1:{org}+{course}+{}", "r".repeat(129));
            catalog.create_course_run_for_modulestore_course_with(key, "", "")?;
            Answer::Done
        }
        Op::DeleteRun(key) => {
            catalog.delete_course_run(key.text())?;
            Answer::Done
        }
        Op::DeleteCourse(org, course) => {
            catalog.delete_catalog_course((org.as_str(), *course))?;
            Answer::Done
        }
        Op::DeleteOrganization(org) => {
            catalog.delete_organization(org)?;
            Answer::Done
        }
        Op::Rename(org, spelling) => {
            let organization = catalog.rename_organization(org, spelling)?;
            Answer::Organization(organization.short_name.to_string(), organization.active)
        }
        Op::Deactivate(org) => {
            let request = UpdateOrganization::new(org).active(false);
            let organization = catalog.update_organization(request)?;
            Answer::Organization(organization.short_name.to_string(), organization.active)
        }
        Op::Refer(key) => Answer::Whether(catalog.add_reference(key.text(), "lms")?),
        Op::Unrefer(key) => {
            catalog.remove_reference(key.text(), "lms")?;
            Answer::Done
        }
        Op::GetRun(key) => {
            let run = catalog.get_course_run(key.text())?;
            answer_of(&run, &[])
        }
        Op::ListRuns(org, course) => {
            let runs = catalog.list_runs((org.as_str(), *course))?;
            let mut keys: Vec<_> = runs.iter().map(|run| run.course_key.to_string()).collect();
            keys.sort_by_key(|key| fold(key).into_owned());
            Answer::Keys(keys)
        }
        Op::GetOrganization(org) => {
            let organization = catalog.get_organization(org)?;
            Answer::Organization(organization.short_name.to_string(), organization.active)
        }
    })
}

fn answer_of(run: &CourseRun, warnings: &[Warning]) -> Answer {
    Answer::Run {
        key: run.course_key.to_string(),
        id: run.id.get(),
        course: run.catalog_course_id.get(),
        warnings: warnings.iter().map(Warning::code).collect(),
    }
}

/// One organization by the rules, and nothing else: what the judge plays the turns on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Model {
    /// Its spelling, and whether it is active.
    organization: Option<(String, bool)>,
    /// The courses' ids and codes, by folded code.
    courses: BTreeMap<String, (u64, String)>,
    /// The runs, by folded key.
    pub(super) runs: BTreeMap<String, ModelRun>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ModelRun {
    id: u64,
    pub(super) key: String,
    course: u64,
    code: String,
    is_ccx: bool,
    is_referred_to: bool,
}

impl Model {
    /// The organization as a snapshot has it.
    pub(super) fn of(snapshot: &Snapshot, org: &str) -> Self {
        let courses = CourseQuery::new().org(org).limit(1000);
        let courses = snapshot.list_catalog_courses(&courses).unwrap().items;
        let runs = RunQuery::new().org(org).limit(1000);
        let runs = snapshot.list_course_runs(&runs).unwrap().items;
        let organization = snapshot.get_organization(org).ok();
        Self {
            organization: organization.map(|o| (o.short_name.to_string(), o.active)),
            courses: courses
                .iter()
                .map(|course| {
                    let code = course.course_code.to_string();
                    (fold(&code).into_owned(), (course.id.get(), code))
                })
                .collect(),
            runs: runs
                .iter()
                .map(|run| {
                    let key = run.course_key.to_string();
                    let model = ModelRun {
                        id: run.id.get(),
                        course: run.catalog_course_id.get(),
                        code: run.run_code().to_owned(),
                        is_ccx: run.course_key.is_ccx(),
                        is_referred_to: !snapshot.list_references(&key).unwrap().is_empty(),
                        key: key.clone(),
                    };
                    (fold(&key).into_owned(), model)
                })
                .collect(),
        }
    }

    /// What `op` is to be answered on this, and what it makes of it, if anything. The ids of new
    /// records are those of the answer that was given, since no rule says which they are.
    pub(super) fn turn(&self, op: &Op, given: &Answer) -> (Answer, Option<Self>) {
        let not_found = || (Answer::Refused("not_found", Vec::new()), None);
        let organization =
            |(spelling, active): &(String, bool)| Answer::Organization(spelling.clone(), *active);
        match op {
            Op::Create(key) => self.create(key, given),
            Op::CreatePlain(_, code, run) => match (&self.organization, self.course(code)) {
                (Some((spelling, _)), Some(course)) => {
                    let key = Key {
                        form: Form::V1,
                        org: spelling.clone(),
                        course: code,
                        run,
                    };
                    self.clone().with_run(&key, course, given)
                }
                _ => not_found(),
            },
            Op::CreateTooLong(_, course) => {
                let refused = match self.in_other_case(course) {
                    Some(existing) => Answer::Refused("already_exists", vec![existing]),
                    None => Answer::Refused("invalid", Vec::new()),
                };
                (refused, None)
            }
            Op::DeleteRun(key) => match self.run(key) {
                None => not_found(),
                Some(run) if run.is_referred_to => {
                    (Answer::Refused("protected", vec!["lms".to_owned()]), None)
                }
                Some(_) => {
                    let mut after = self.clone();
                    after.runs.remove(&*fold(&key.text()));
                    (Answer::Done, Some(after))
                }
            },
            Op::DeleteCourse(_, code) => match self.course(code) {
                None => not_found(),
                Some(id) => {
                    let runs = self.runs_of(id);
                    if !runs.is_empty() {
                        return (Answer::Refused("protected", runs), None);
                    }
                    let mut after = self.clone();
                    after.courses.remove(&*fold(code));
                    (Answer::Done, Some(after))
                }
            },
            Op::DeleteOrganization(_) => match &self.organization {
                None => not_found(),
                Some(_) if self.courses.is_empty() => (Answer::Done, Some(Self::default())),
                Some((spelling, _)) => {
                    let courses = self.courses.values();
                    let keys = courses.map(|(_, code)| format!("catalog-course:{spelling}:{code}"));
                    (Answer::Refused("protected", keys.collect()), None)
                }
            },
            Op::Rename(..) | Op::Deactivate(_) | Op::GetOrganization(_) => {
                let Some(before) = &self.organization else {
                    return not_found();
                };
                let after = match op {
                    Op::Rename(_, spelling) => (spelling.clone(), before.1),
                    Op::Deactivate(_) => (before.0.clone(), false),
                    _ => before.clone(),
                };
                let changed = (after != *before).then(|| Self {
                    organization: Some(after.clone()),
                    ..self.clone()
                });
                (organization(&after), changed)
            }
            Op::Refer(key) | Op::Unrefer(key) => {
                let refer = matches!(op, Op::Refer(_));
                match self.run(key) {
                    None => not_found(),
                    Some(run) if run.is_referred_to == refer => {
                        let answer = if refer {
                            Answer::Whether(false)
                        } else {
                            Answer::Refused("not_found", Vec::new())
                        };
                        (answer, None)
                    }
                    Some(_) => {
                        let mut after = self.clone();
                        let run = after.runs.get_mut(&*fold(&key.text())).unwrap();
                        run.is_referred_to = refer;
                        let answer = if refer {
                            Answer::Whether(true)
                        } else {
                            Answer::Done
                        };
                        (answer, Some(after))
                    }
                }
            }
            Op::GetRun(key) => match self.run(key) {
                None => not_found(),
                Some(run) => (run.answer(&[]), None),
            },
            Op::ListRuns(_, code) => match self.course(code) {
                None => not_found(),
                Some(id) => (Answer::Keys(self.runs_of(id)), None),
            },
        }
    }

    fn create(&self, key: &Key, given: &Answer) -> (Answer, Option<Self>) {
        if let Some(run) = self.run(key) {
            return (run.answer(&["already_existed"]), None);
        }
        if let Some(existing) = self.in_other_case(key.course) {
            return (Answer::Refused("already_exists", vec![existing]), None);
        }
        if let Some(course) = self.course(key.course) {
            return self.clone().with_run(key, course, given);
        }
        let mut after = self.clone();
        let spelling = match &self.organization {
            Some((spelling, _)) => spelling,
            None => &key.org,
        };
        after.organization = Some((spelling.clone(), true));
        let id = match given {
            Answer::Run { course, .. } => *course,
            _ => 0,
        };
        let folded = fold(key.course).into_owned();
        after.courses.insert(folded, (id, key.course.to_owned()));
        after.with_run(key, id, given)
    }

    /// Adds a run to a course, unless its key or its code is taken.
    fn with_run(mut self, key: &Key, course: u64, given: &Answer) -> (Answer, Option<Self>) {
        let text = key.text();
        let is_ccx = key.form == Form::Ccx;
        let same_code =
            |run: &&ModelRun| run.course == course && run.code == key.run && !run.is_ccx && !is_ccx;
        let same_key = self.runs.get(&*fold(&text));
        if let Some(run) = same_key.or_else(|| self.runs.values().find(same_code)) {
            return (
                Answer::Refused("already_exists", vec![run.key.clone()]),
                None,
            );
        }
        let run = ModelRun {
            id: match given {
                Answer::Run { id, .. } => *id,
                _ => 0,
            },
            key: text.clone(),
            course,
            code: key.run.to_owned(),
            is_ccx,
            is_referred_to: false,
        };
        let agrees = self.organization.as_ref().is_some_and(|o| o.0 == key.org);
        let answer = run.answer(if agrees { &[] } else { &["org_case_mismatch"] });
        self.runs.insert(fold(&text).into_owned(), run);
        (answer, Some(self))
    }

    /// The key of the course that has this code in another case.
    fn in_other_case(&self, course: &str) -> Option<String> {
        let (_, code) = self.courses.get(&*fold(course))?;
        let spelling = self.organization.as_ref().map_or("", |(s, _)| s);
        (code != course).then(|| format!("catalog-course:{spelling}:{code}"))
    }

    /// The run of exactly this key.
    fn run(&self, key: &Key) -> Option<&ModelRun> {
        let text = key.text();
        self.runs.get(&*fold(&text)).filter(|run| run.key == text)
    }

    /// The course of exactly this code.
    fn course(&self, code: &str) -> Option<u64> {
        let found = self.courses.get(&*fold(code));
        found.filter(|(_, found)| found == code).map(|(id, _)| *id)
    }

    fn runs_of(&self, course: u64) -> Vec<String> {
        let runs = self.runs.values().filter(|run| run.course == course);
        runs.map(|run| run.key.clone()).collect()
    }
}

impl ModelRun {
    fn answer(&self, warnings: &[&'static str]) -> Answer {
        Answer::Run {
            key: self.key.clone(),
            id: self.id,
            course: self.course,
            warnings: warnings.to_vec(),
        }
    }
}

/// An operation with its answer, and the ticks between which it happened.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) op: Op,
    pub(super) answer: Answer,
}

impl Entry {
    /// Whether the answer tells that nothing was changed. A renaming does not tell: it may have
    /// found the spelling that it asked for.
    fn only_looked(&self) -> bool {
        match (&self.op, &self.answer) {
            (Op::GetRun(_) | Op::ListRuns(..) | Op::GetOrganization(_), _) => true,
            (_, Answer::Refused(..) | Answer::Whether(false)) => true,
            (Op::Create(_), Answer::Run { warnings, .. }) => warnings.contains(&"already_existed"),
            _ => false,
        }
    }
}

/// Looks for an order of turns that explains a history (the search of Wing and Gong).
pub(super) struct Judge<'a> {
    log: &'a [Entry],
    last: &'a Model,
    /// Where the search has been in vain: which turns were over, and what they led to.
    seen: HashSet<(u128, Model)>,
}

impl Judge<'_> {
    pub(super) fn explains(log: &[Entry], first: Model, last: &Model) -> bool {
        assert!(log.len() <= 128, "a history is too long to be judged");
        let seen = HashSet::new();
        Judge { log, last, seen }.search(first, 0)
    }

    fn search(&mut self, now: Model, mut over: u128) -> bool {
        // A turn whose answer says that it changed nothing, and that would be answered so now, may
        // as well come now: any order stays one when this turn is moved to the front.
        let is_free = |i: &usize| self.log[*i].only_looked() && self.play(&now, *i).is_some();
        while let Some(i) = self.next(over).find(is_free) {
            over |= 1 << i;
        }
        if over.count_ones() as usize == self.log.len() {
            return now == *self.last;
        }
        if !self.seen.insert((over, now.clone())) {
            return false;
        }
        let candidates: Vec<_> = self.next(over).collect();
        candidates.into_iter().any(|i| match self.play(&now, i) {
            Some(after) => self.search(after, over | 1 << i),
            None => false,
        })
    }

    /// The turns that may come next: none that is left has ended before they began.
    fn next(&self, over: u128) -> impl Iterator<Item = usize> + use<'_> {
        let left = move |i: &usize| over & (1 << i) == 0;
        let ends = (0..self.log.len()).filter(left).map(|i| self.log[i].end);
        let first_end = ends.min().unwrap_or(0);
        (0..self.log.len())
            .filter(left)
            .filter(move |&i| self.log[i].start < first_end)
    }

    /// What a turn makes of the model; `None` if it would have been answered otherwise.
    fn play(&self, now: &Model, i: usize) -> Option<Model> {
        let Entry { op, answer, .. } = &self.log[i];
        let (expected, after) = now.turn(op, answer);
        (expected == *answer).then(|| after.unwrap_or_else(|| now.clone()))
    }
}
