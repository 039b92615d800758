//! Catalog courses: found, created, updated, deleted; and their languages.

use std::collections::BTreeSet;

use coursecat::{Entity, Field};

use super::{Course, CourseName, Model, Serial, has_length, or, protected, refuse, refuse_unless};
use crate::names::{fold, respell};
use crate::steps::{Codes, GivenLanguage, Selector};
use crate::views::{Answer, Expected, Record, Refusal};

impl Model {
    /// Finds a catalog course: the organization ignoring case, the code exactly.
    pub fn select(&self, course: &Selector, nth: &dyn Fn(usize) -> Serial) -> Expected<CourseName> {
        match course {
            Selector::Nth(n) => {
                let serial = nth(*n);
                let found = self
                    .courses
                    .iter()
                    .find(|(_, course)| course.serial == serial);
                let name = found.map(|(name, _)| name.clone());
                name.ok_or_else(|| vec![Refusal::NotFound(Entity::CatalogCourse)])
            }
            Selector::KeyStr(codes) => self.select_by_key_str(codes),
            Selector::Codes(codes) => {
                let (org, code) = self.codes(codes);
                self.coded(&org, &code)
            }
            Selector::NoKey(_) => Err(vec![Refusal::InvalidKey]),
        }
    }

    /// The organization and the code that a step is about.
    pub fn codes(&self, codes: &Codes) -> CourseName {
        match codes {
            Codes::Made(org, code) => (org.clone(), code.clone()),
            Codes::OfCourse { nth, respells } => {
                let course = self.courses.iter().nth(nth % self.courses.len().max(1));
                let Some((name, course)) = course else {
                    return ("Nobody".to_owned(), "Nothing".to_owned());
                };
                let org = &self.orgs[&name.0].short_name;
                let org = if *respells { respell(org) } else { org.clone() };
                (org, course.code.clone())
            }
        }
    }

    /// The same as a key, which is cut at its second colon wherever that stands.
    pub(super) fn select_by_key_str(&self, codes: &Codes) -> Expected<CourseName> {
        let (org, code) = self.codes(codes);
        let text = format!("{org}:{code}");
        let (org, code) = text.split_once(':').unwrap();
        self.coded(org, code)
    }

    fn coded(&self, org: &str, code: &str) -> Expected<CourseName> {
        let name = (fold(org), fold(code));
        let found = self
            .courses
            .get(&name)
            .is_some_and(|course| course.code == code);
        refuse_unless(found, Refusal::NotFound(Entity::CatalogCourse))?;
        Ok(name)
    }

    pub(super) fn create_course(
        &mut self,
        org: &str,
        code: &str,
        title: &str,
        language: &GivenLanguage,
        created: i64,
    ) -> Expected<Answer> {
        let name = (fold(org), fold(code));
        let found = self.orgs.contains_key(&name.0);
        refuse_unless(found, Refusal::NotFound(Entity::Organization))?;
        let mut broken = self.forbids_course(code, title, language);
        if self.courses.contains_key(&name) {
            broken.push(self.course_exists(&name));
        }
        refuse(broken)?;
        self.add_course(&name, code, title, language, created);
        Ok(self.course_answer(&name))
    }

    pub(super) fn course_exists(&self, name: &CourseName) -> Refusal {
        Refusal::AlreadyExists {
            entity: Entity::CatalogCourse,
            existing: self.key_str(name),
        }
    }

    pub(super) fn forbids_course(
        &self,
        code: &str,
        title: &str,
        language: &GivenLanguage,
    ) -> Vec<Refusal> {
        let mut broken = Vec::new();
        if !has_length(code, 255) {
            broken.push(Refusal::Invalid(Field::CourseCode));
        }
        if !has_length(title, 255) && !title.is_empty() {
            broken.push(Refusal::Invalid(Field::Title));
        }
        broken.extend(self.language(language).err());
        broken
    }

    pub(super) fn add_course(
        &mut self,
        name: &CourseName,
        code: &str,
        title: &str,
        language: &GivenLanguage,
        created: i64,
    ) {
        let course = Course {
            serial: self.next_serial(),
            code: code.to_owned(),
            title: or(title, code).to_owned(),
            language: self.language(language).unwrap(),
            created,
            referrers: BTreeSet::new(),
        };
        self.courses.insert(name.clone(), course);
    }

    pub(super) fn update_course(
        &mut self,
        name: &CourseName,
        title: &str,
        language_short: &str,
    ) -> Expected<Answer> {
        let mut broken = Vec::new();
        if !has_length(title, 255) && !title.is_empty() {
            broken.push(Refusal::Invalid(Field::Title));
        }
        let language = GivenLanguage::Short(language_short.to_owned());
        broken.extend(self.language(&language).err());
        refuse(broken)?;
        let language = self.language(&language).unwrap();
        let course = self.courses.get_mut(name).unwrap();
        course.title = or(title, &course.title).to_owned();
        if !language_short.is_empty() {
            course.language = language;
        }
        Ok(self.course_answer(name))
    }

    pub(super) fn delete_course(&mut self, name: &CourseName) -> Expected<Answer> {
        let key = self.key_str(name);
        let runs = self.runs.values().filter(|run| run.course == *name);
        let runs = runs.map(|run| run.name.stored.clone());
        let mut broken = protected(Entity::CatalogCourse, &key, Entity::CourseRun, runs);
        let referrers = self.courses[name].referrers.iter().cloned();
        broken.extend(protected(
            Entity::CatalogCourse,
            &key,
            Entity::Reference,
            referrers,
        ));
        refuse(broken)?;
        self.courses.remove(name);
        Ok(Answer::Done)
    }

    pub fn key_str(&self, name: &CourseName) -> String {
        let (org, code) = (&self.orgs[&name.0].short_name, &self.courses[name].code);
        format!("catalog-course:{org}:{code}")
    }

    fn course_answer(&self, name: &CourseName) -> Answer {
        Answer::Record(self.courses[name].serial, self.course_record(name))
    }

    pub fn course_record(&self, name: &CourseName) -> Record {
        let (org, course) = (&self.orgs[&name.0].short_name, &self.courses[name]);
        Record::Course {
            key_str: self.key_str(name),
            org: org.clone(),
            code: course.code.clone(),
            title: course.title.clone(),
            language: course.language.clone(),
            language_short: language_short(&course.language).to_owned(),
            created: course.created,
            prints: format!("{} ({org} {})", course.title, course.code),
        }
    }

    /// The full code that is stored for a language that is given, or the default.
    fn language(&self, given: &GivenLanguage) -> Result<String, Refusal> {
        let (code, field) = match given {
            GivenLanguage::Full(code) => (code.as_str(), Field::Language),
            GivenLanguage::Short(code) if !code.is_empty() => (code.as_str(), Field::LanguageShort),
            // An empty short code is none; an empty full one would be a wrong one.
            _ => return Ok(stored_language(self.settings.default_language).to_owned()),
        };
        let chinese = ["zh_HANS", "zh_HANT"].contains(&code) && field == Field::LanguageShort;
        let allowed = self.settings.allowed.as_ref().is_none_or(|allowed| {
            // The list has short codes; a full one is in it by what it reads as, too.
            allowed.contains(&code)
                || (field == Field::Language
                    && allowed.contains(&language_short(stored_language(code))))
        });
        if allowed && (chinese || is_language(code)) {
            Ok(stored_language(code).to_owned())
        } else {
            Err(Refusal::Invalid(field))
        }
    }
}

/// Whether a code is two letters and any number of further parts.
fn is_language(code: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase();
    let mut parts = code.split('-');
    let first = parts.next().unwrap();
    first.len() == 2
        && first.chars().all(lower)
        && parts
            .all(|part| !part.is_empty() && part.chars().all(|c| lower(c) || c.is_ascii_digit()))
}

fn stored_language(code: &str) -> &str {
    match code {
        "zh-hans" | "zh_HANS" => "zh-cn",
        "zh-hant" | "zh_HANT" => "zh-hk",
        code => code,
    }
}

pub(super) fn language_short(language: &str) -> &str {
    match language {
        "zh-cn" => "zh_HANS",
        "zh-hk" => "zh_HANT",
        language => language.get(..2).unwrap_or(language),
    }
}
