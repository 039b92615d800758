//! The model: the rules of the catalog over plain maps, keyed by folded names.
//!
//! Written from the rules alone. It is slow, knows no ids, and shares no code with the crate.

mod courses;
mod listing;
mod organizations;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use coursecat::{Entity, Field};

use crate::names::{GivenKey, RunName};
use crate::steps::{Codes, Key, Settings, Subject, Write};
use crate::told;
use crate::views::{Answer, Expected, Refusal};

pub use listing::Place;

/// A number that a record keeps while it exists, as the catalog's ids do; none is given twice.
pub type Serial = u64;
/// The folded short name and the folded course code.
pub type CourseName = (String, String);

#[derive(Clone, Debug, PartialEq)]
pub struct Org {
    pub serial: Serial,
    pub short_name: String,
    pub name: String,
    pub active: bool,
    pub created: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    pub serial: Serial,
    pub code: String,
    pub title: String,
    pub language: String,
    pub created: i64,
    pub referrers: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub serial: Serial,
    pub name: RunName,
    pub course: CourseName,
    pub title: String,
    pub created: i64,
    pub referrers: BTreeSet<String>,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Model {
    pub settings: Settings,
    pub orgs: BTreeMap<String, Org>,
    pub courses: BTreeMap<CourseName, Course>,
    /// By folded key.
    pub runs: BTreeMap<String, Run>,
    /// All that has ever changed, in words.
    pub told: Vec<String>,
    last_serial: Serial,
}

impl Model {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            orgs: BTreeMap::new(),
            courses: BTreeMap::new(),
            runs: BTreeMap::new(),
            told: Vec::new(),
            last_serial: 0,
        }
    }

    /// Whether the records are the same, whatever the options are.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        (&self.orgs, &self.courses, &self.runs) == (&other.orgs, &other.courses, &other.runs)
    }

    pub fn reference_count(&self) -> usize {
        let courses = self.courses.values().map(|course| course.referrers.len());
        let runs = self.runs.values().map(|run| run.referrers.len());
        courses.chain(runs).sum()
    }

    /// Carries out a write at this time. `nth` tells which course a selector by number is about.
    pub fn carry_out(
        &mut self,
        write: &Write,
        now: i64,
        nth: &dyn Fn(usize) -> Serial,
    ) -> Expected<Answer> {
        // What is refused must leave nothing behind: it happens to a copy first.
        let mut after = self.clone();
        let answer = after.apply(write, now, nth)?;
        let told = told::between(self, &after, now);
        *self = after;
        self.told.extend(told);
        Ok(answer)
    }

    fn apply(
        &mut self,
        write: &Write,
        now: i64,
        nth: &dyn Fn(usize) -> Serial,
    ) -> Expected<Answer> {
        match write {
            Write::EnsureOrganization(short_name) => {
                let name = self.ensure_organization(short_name, now)?;
                Ok(self.organization_answer(&name))
            }
            Write::CreateOrganization {
                short_name,
                name,
                active,
                imported,
            } => self.create_organization(short_name, name, *active, *imported, now),
            Write::UpdateOrganization {
                org,
                short_name,
                name,
                active,
            } => self.update_organization(&self.org_name(org), short_name, name, *active),
            Write::DeleteOrganization(org) => self.delete_organization(&self.org_name(org)),
            Write::CreateCourse {
                org,
                code,
                title,
                language,
                imported,
            } => {
                let created = imported.unwrap_or(now);
                self.create_course(&self.org_name(org), code, title, language, created)
            }
            Write::UpdateCourse {
                course,
                title,
                language_short,
            } => self.update_course(&self.select(course, nth)?, title, language_short),
            Write::DeleteCourse(course) => self.delete_course(&self.select(course, nth)?),
            Write::CreateRun {
                course,
                run_code,
                key,
                title,
                imported,
            } => {
                let course = self.select(course, nth)?;
                let key = self.own_key(&course, run_code, key);
                // Empty is no key.
                let key = key.filter(|key| !key.text.is_empty());
                self.create_run(course, run_code, key, title, imported.unwrap_or(now))
            }
            Write::CreateModulestoreRun {
                key,
                title,
                language_short,
                imported,
            } => self.create_modulestore_run(key, title, language_short, *imported, now),
            Write::SyncRun { key, title } => self.sync_run(key, title),
            Write::DeleteRun(key) => self.delete_run(key),
            Write::AddReference { subject, referrer } => {
                let referrers = self.referrers_for(subject, referrer)?;
                Ok(Answer::Flag(referrers.insert(referrer.clone())))
            }
            Write::RemoveReference { subject, referrer } => {
                let referrers = self.referrers_for(subject, referrer)?;
                let removed = referrers.remove(referrer);
                refuse_unless(removed, Refusal::NotFound(Entity::Reference))?;
                Ok(Answer::Done)
            }
            Write::EndReference(nth) => {
                let (subject, referrer) = self.reference(*nth);
                self.referrers_for(&subject, &referrer)?.remove(&referrer);
                Ok(Answer::Done)
            }
        }
    }

    /// A reference that there is; one that there never was if there is none at all.
    pub fn reference(&self, nth: usize) -> (Subject, String) {
        let courses = self.courses.iter().flat_map(|(name, course)| {
            let codes = (self.orgs[&name.0].short_name.clone(), course.code.clone());
            let referrers = course.referrers.iter();
            referrers.map(move |referrer| {
                let subject = Subject::Course(Codes::Made(codes.0.clone(), codes.1.clone()));
                (subject, referrer)
            })
        });
        let runs = self.runs.values().flat_map(|run| {
            let key = GivenKey {
                text: run.name.stored.clone(),
                run: Some(run.name.clone()),
            };
            let referrers = run.referrers.iter();
            referrers.map(move |referrer| (Subject::Run(Key::Made(key.clone())), referrer))
        });
        let count = self.reference_count().max(1);
        match courses.chain(runs).nth(nth % count) {
            Some((subject, referrer)) => (subject, referrer.clone()),
            None => (Subject::Run(Key::OfRun(0)), String::new()),
        }
    }

    /// The same, to be changed by this referrer.
    fn referrers_for(
        &mut self,
        subject: &Subject,
        referrer: &str,
    ) -> Expected<&mut BTreeSet<String>> {
        let mut broken = Vec::new();
        if !has_length(referrer, 255) {
            broken.push(Refusal::Invalid(Field::Referrer));
        }
        broken.extend(self.referrers(subject).err().unwrap_or_default());
        refuse(broken)?;
        Ok(match subject {
            Subject::Course(codes) => {
                let name = self.select_by_key_str(codes)?;
                &mut self.courses.get_mut(&name).unwrap().referrers
            }
            Subject::Run(key) => {
                let name = self.find_run(key)?;
                &mut self.runs.get_mut(&name).unwrap().referrers
            }
        })
    }

    /// Who refers to a catalog course or a run.
    pub fn referrers(&self, subject: &Subject) -> Expected<&BTreeSet<String>> {
        Ok(match subject {
            Subject::Course(codes) => &self.courses[&self.select_by_key_str(codes)?].referrers,
            Subject::Run(key) => &self.runs[&self.find_run(key)?].referrers,
        })
    }

    fn next_serial(&mut self) -> Serial {
        self.last_serial += 1;
        self.last_serial
    }
}

fn refuse(broken: Vec<Refusal>) -> Expected<()> {
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken)
    }
}

fn refuse_unless(holds: bool, refusal: Refusal) -> Expected<()> {
    if holds { Ok(()) } else { Err(vec![refusal]) }
}

/// That a record cannot be deleted because of others, if there are any; they come in order.
fn protected(
    entity: Entity,
    key: &str,
    by: Entity,
    blocking: impl Iterator<Item = String>,
) -> Vec<Refusal> {
    let mut first: Vec<_> = blocking.collect();
    let count = first.len();
    if count == 0 {
        return Vec::new();
    }
    first.truncate(100);
    let key = key.to_owned();
    vec![Refusal::Protected {
        entity,
        key,
        by,
        count,
        first,
    }]
}

/// The text, or the other one if it is empty.
fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn has_length(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count())
}
