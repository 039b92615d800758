//! Course runs: found, created, synchronised, deleted.

use std::collections::BTreeSet;

use coursecat::{Entity, Field, Warning};

use super::{CourseName, Model, Run, has_length, or, protected, refuse, refuse_unless};
use crate::names::{GivenKey, RunName, Shape, fold};
use crate::steps::{GivenLanguage, Key, OwnKey};
use crate::views::{Answer, Expected, Record, Refusal};

impl Model {
    /// The course key that a step is about.
    pub fn given(&self, key: &Key) -> GivenKey {
        let (nth, shape) = match key {
            Key::Made(key) => return key.clone(),
            Key::OfRun(nth) => (nth, None),
            Key::LikeRun(nth, shape) => (nth, Some(shape)),
        };
        let run = self.runs.values().nth(nth % self.runs.len().max(1));
        match (run.map(|run| &run.name), shape) {
            (None, _) => Shape::default().name("Nobody", "Nothing", "Never"),
            (Some(run), Some(shape)) => shape.name(&run.org, &run.course, &run.run),
            (Some(run), None) => GivenKey {
                text: run.stored.clone(),
                run: Some(run.clone()),
            },
        }
    }

    /// The key that a step gives to a plain run of this course.
    pub fn own_key(&self, course: &CourseName, run_code: &str, key: &OwnKey) -> Option<GivenKey> {
        match key {
            OwnKey::None => None,
            OwnKey::Agreeing(shape) => {
                let org = &self.orgs[&course.0].short_name;
                Some(shape.name(org, &self.courses[course].code, run_code))
            }
            OwnKey::Any(key) => Some(self.given(key)),
        }
    }

    /// Finds a run by its key, exactly; gives its folded key.
    pub fn find_run(&self, key: &Key) -> Expected<String> {
        let given = self.given(key).run;
        let stored = given.ok_or_else(|| vec![Refusal::InvalidKey])?.stored;
        let name = fold(&stored);
        let found = self
            .runs
            .get(&name)
            .is_some_and(|run| run.name.stored == stored);
        refuse_unless(found, Refusal::NotFound(Entity::CourseRun))?;
        Ok(name)
    }

    pub(super) fn create_modulestore_run(
        &mut self,
        key: &Key,
        title: &str,
        language_short: &str,
        imported: Option<i64>,
        now: i64,
    ) -> Expected<Answer> {
        if let Ok(run) = self.find_run(key) {
            let warning = Warning::AlreadyExisted {
                course_key: self.runs[&run].name.stored.clone(),
            };
            return Ok(self.run_answer(&run, vec![warning]));
        }
        let run = self.given(key).run;
        let run = run.ok_or_else(|| vec![Refusal::InvalidKey])?;
        let created = imported.unwrap_or(now);
        let course = (fold(&run.org), fold(&run.course));
        let language = GivenLanguage::Short(language_short.to_owned());
        let mut broken = self.forbids_run(&course, &run, title);
        let existing = self.courses.get(&course);
        let is_new = existing.is_none();
        if existing.is_some_and(|existing| existing.code != run.course) {
            broken.push(self.course_exists(&course));
        }
        if is_new {
            broken.extend(self.forbids_course(&run.course, title, &language));
            // An organization that comes with a run was not imported itself.
            let organization = self.ensure_organization(&run.org, now);
            broken.extend(organization.err().unwrap_or_default());
        }
        refuse(broken)?;
        if is_new {
            self.add_course(&course, &run.course, title, &language, created);
        }
        Ok(self.add_run(course, run, title, created))
    }

    pub(super) fn create_run(
        &mut self,
        course: CourseName,
        run_code: &str,
        key: Option<GivenKey>,
        title: &str,
        created: i64,
    ) -> Expected<Answer> {
        let mut broken = Vec::new();
        if !has_length(run_code, 128) {
            broken.push(Refusal::Invalid(Field::RunCode));
        }
        let (org, code) = (
            &self.orgs[&course.0].short_name,
            &self.courses[&course].code,
        );
        let run = match key {
            None => {
                let made = Shape::default().name(org, code, run_code).run;
                made.ok_or(Refusal::Invalid(Field::RunCode))
            }
            Some(key) => key.run.ok_or(Refusal::InvalidKey).and_then(|run| {
                let agrees = fold(&run.org) == course.0
                    && (run.course.as_str(), run.run.as_str()) == (code, run_code);
                if agrees {
                    Ok(run)
                } else {
                    Err(Refusal::Invalid(Field::CourseKey))
                }
            }),
        };
        let run = run.map_err(|refusal| [broken.clone(), vec![refusal]].concat())?;
        broken.extend(self.forbids_run(&course, &run, title));
        refuse(broken)?;
        Ok(self.add_run(course, run, title, created))
    }

    fn forbids_run(&self, course: &CourseName, run: &RunName, title: &str) -> Vec<Refusal> {
        let mut broken = Vec::new();
        if !has_length(&run.run, 128) {
            broken.push(Refusal::Invalid(Field::RunCode));
        }
        if run.given_chars > 255 {
            broken.push(Refusal::Invalid(Field::CourseKey));
        }
        if !has_length(title, 255) && !title.is_empty() {
            broken.push(Refusal::Invalid(Field::Title));
        }
        let clash = |(key, other): &(&String, &Run)| {
            let same_code = other.course == *course
                && other.name.run == run.run
                && other.name.counts_for_run_code()
                && run.counts_for_run_code();
            **key == fold(&run.stored) || same_code
        };
        let clashes = self.runs.iter().filter(clash);
        broken.extend(clashes.map(|(_, other)| Refusal::AlreadyExists {
            entity: Entity::CourseRun,
            existing: other.name.stored.clone(),
        }));
        broken
    }

    fn add_run(&mut self, course: CourseName, name: RunName, title: &str, created: i64) -> Answer {
        let key = fold(&name.stored);
        let run = Run {
            serial: self.next_serial(),
            title: or(title, &self.courses[&course].title).to_owned(),
            name,
            course,
            created,
            referrers: BTreeSet::new(),
        };
        self.runs.insert(key.clone(), run);
        self.run_answer(&key, self.org_case_mismatch(&key))
    }

    fn org_case_mismatch(&self, run: &str) -> Vec<Warning> {
        let run = &self.runs[run];
        let short_name = &self.orgs[&run.course.0].short_name;
        if run.name.org == *short_name {
            return Vec::new();
        }
        vec![Warning::OrgCaseMismatch {
            course_key: run.name.stored.clone(),
            short_name: short_name.clone(),
        }]
    }

    pub(super) fn sync_run(&mut self, key: &Key, title: &str) -> Expected<Answer> {
        let name = self.find_run(key)?;
        if title.is_empty() {
            return Ok(self.run_answer(&name, Vec::new()));
        }
        refuse_unless(has_length(title, 255), Refusal::Invalid(Field::Title))?;
        self.runs.get_mut(&name).unwrap().title = title.to_owned();
        let warnings = self.org_case_mismatch(&name);
        Ok(self.run_answer(&name, warnings))
    }

    pub(super) fn delete_run(&mut self, key: &Key) -> Expected<Answer> {
        let name = self.find_run(key)?;
        let run = &self.runs[&name];
        let referrers = run.referrers.iter().cloned();
        refuse(protected(
            Entity::CourseRun,
            &run.name.stored,
            Entity::Reference,
            referrers,
        ))?;
        self.runs.remove(&name);
        Ok(Answer::Done)
    }

    fn run_answer(&self, key: &str, warnings: Vec<Warning>) -> Answer {
        Answer::Run(self.runs[key].serial, self.run_record(key), warnings)
    }

    pub fn run_record(&self, key: &str) -> Record {
        let run = &self.runs[key];
        let RunName {
            stored,
            org,
            course,
            run: code,
            ..
        } = &run.name;
        Record::Run {
            key: stored.clone(),
            run_code: code.clone(),
            title: run.title.clone(),
            created: run.created,
            prints: format!("{} ({org} {course} {code})", run.title),
        }
    }
}
