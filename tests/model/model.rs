//! The model: the rules of the catalog over plain maps, keyed by folded names.
//!
//! Written from the rules alone. It is slow, knows no ids, and shares no code with the crate.

use std::collections::{BTreeMap, BTreeSet};

use coursecat::{Entity, Field, Warning};

use super::names::{GivenKey, RunName, fold};
use super::steps::{GivenLanguage, Key, Selector, Settings, Subject, Write};
use super::views::{Answer, Expected, Record, Refusal};

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
    last_serial: Serial,
}

impl Model {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            orgs: BTreeMap::new(),
            courses: BTreeMap::new(),
            runs: BTreeMap::new(),
            last_serial: 0,
        }
    }

    pub fn holds_the_same(&self, other: &Self) -> bool {
        (&self.orgs, &self.courses, &self.runs) == (&other.orgs, &other.courses, &other.runs)
    }

    pub fn reference_count(&self) -> usize {
        let courses = self.courses.values().map(|course| course.referrers.len());
        let runs = self.runs.values().map(|run| run.referrers.len());
        courses.chain(runs).sum()
    }

    /// Carries out a write at this time. `nth` tells which course [`Selector::Nth`] is about.
    pub fn carry_out(
        &mut self,
        write: &Write,
        now: i64,
        nth: &dyn Fn(usize) -> Serial,
    ) -> Expected<Answer> {
        // What is refused must leave nothing behind: it happens to a copy first.
        let mut after = self.clone();
        let answer = after.apply(write, now, nth)?;
        *self = after;
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
                Ok(Answer::Record(self.organization_record(&name)))
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
            } => self.update_organization(org, short_name, name, *active),
            Write::DeleteOrganization(short_name) => self.delete_organization(short_name),
            Write::CreateCourse {
                org,
                code,
                title,
                language,
                imported,
            } => {
                let created = imported.unwrap_or(now);
                self.create_course(org, code, title, language, created)
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
                let key = key.as_ref().map(|key| self.given(key));
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
        }
    }

    // Organizations.

    /// Gives the folded name of the active organization of this short name.
    fn ensure_organization(&mut self, short_name: &str, now: i64) -> Expected<String> {
        let name = fold(short_name);
        let found = self.orgs.get_mut(&name);
        match found {
            Some(org) if org.active => {}
            _ if !self.settings.auto_create => {
                return Err(vec![Refusal::UnknownOrganization {
                    short_name: short_name.to_owned(),
                    inactive: found.is_some(),
                }]);
            }
            Some(org) => org.active = true,
            None => {
                refuse_unless(has_length(short_name, 255), Refusal::Invalid(Field::ShortName))?;
                self.add_organization(short_name, short_name, true, now);
            }
        }
        Ok(name)
    }

    fn add_organization(&mut self, short_name: &str, name: &str, active: bool, created: i64) {
        let org = Org {
            serial: self.next_serial(),
            short_name: short_name.to_owned(),
            name: name.to_owned(),
            active,
            created,
        };
        self.orgs.insert(fold(short_name), org);
    }

    fn create_organization(
        &mut self,
        short_name: &str,
        name: &str,
        active: bool,
        imported: Option<i64>,
        now: i64,
    ) -> Expected<Answer> {
        let mut broken = Vec::new();
        let may_be_typed = imported.is_some() || is_typed(short_name);
        if !has_length(short_name, 255) || !may_be_typed {
            broken.push(Refusal::Invalid(Field::ShortName));
        }
        let name = or(name, short_name);
        if !has_length(name, 255) {
            broken.push(Refusal::Invalid(Field::Name));
        }
        broken.extend(self.taken_by(short_name));
        refuse(broken)?;
        self.add_organization(short_name, name, active, imported.unwrap_or(now));
        Ok(Answer::Record(self.organization_record(&fold(short_name))))
    }

    /// That an organization has this short name, if one has.
    fn taken_by(&self, short_name: &str) -> Option<Refusal> {
        let org = self.orgs.get(&fold(short_name))?;
        Some(Refusal::AlreadyExists {
            entity: Entity::Organization,
            existing: org.short_name.clone(),
        })
    }

    fn update_organization(
        &mut self,
        org: &str,
        short_name: &str,
        name: &str,
        active: Option<bool>,
    ) -> Expected<Answer> {
        let before = fold(org);
        let found = self.orgs.contains_key(&before);
        refuse_unless(found, Refusal::NotFound(Entity::Organization))?;
        let mut broken = Vec::new();
        let after = fold(or(short_name, org));
        if !short_name.is_empty() {
            if !has_length(short_name, 255) {
                broken.push(Refusal::Invalid(Field::ShortName));
            }
            if after != before {
                broken.extend(self.forbids_rename(&before, short_name));
            }
        }
        if !has_length(name, 255) && !name.is_empty() {
            broken.push(Refusal::Invalid(Field::Name));
        }
        refuse(broken)?;
        self.rekey_organization(&before, &after);
        let org = self.orgs.get_mut(&after).unwrap();
        org.short_name = or(short_name, &org.short_name).to_owned();
        org.name = or(name, &org.name).to_owned();
        org.active = active.unwrap_or(org.active);
        Ok(Answer::Record(self.organization_record(&after)))
    }

    /// What stands in the way of another name, not merely another capitalisation.
    fn forbids_rename(&self, before: &str, short_name: &str) -> Vec<Refusal> {
        let mut broken = Vec::new();
        if !is_typed(short_name) {
            broken.push(Refusal::Invalid(Field::ShortName));
        }
        broken.extend(self.taken_by(short_name));
        let runs = self.runs.values().filter(|run| run.course.0 == before);
        let runs: Vec<_> = runs.map(|run| run.name.stored.clone()).collect();
        if !runs.is_empty() {
            broken.push(Refusal::Disagrees(runs));
        }
        broken
    }

    fn rekey_organization(&mut self, before: &str, after: &str) {
        let org = self.orgs.remove(before).unwrap();
        self.orgs.insert(after.to_owned(), org);
        for (name, course) in std::mem::take(&mut self.courses) {
            let org = if name.0 == before { after.to_owned() } else { name.0 };
            self.courses.insert((org, name.1), course);
        }
    }

    fn delete_organization(&mut self, short_name: &str) -> Expected<Answer> {
        let name = fold(short_name);
        let found = self.orgs.get(&name);
        let org = found.ok_or_else(|| vec![Refusal::NotFound(Entity::Organization)])?;
        let courses = self.courses.keys().filter(|course| course.0 == name);
        refuse(protected(
            Entity::Organization,
            &org.short_name,
            Entity::CatalogCourse,
            courses.map(|course| self.key_str(course)),
        ))?;
        self.orgs.remove(&name);
        Ok(Answer::Done)
    }

    pub fn organization_record(&self, name: &str) -> Record {
        let org = &self.orgs[name];
        Record::Organization {
            short_name: org.short_name.clone(),
            name: org.name.clone(),
            active: org.active,
            created: org.created,
        }
    }

    // Catalog courses.

    /// Finds a catalog course: the organization ignoring case, the code exactly.
    pub fn select(&self, course: &Selector, nth: &dyn Fn(usize) -> Serial) -> Expected<CourseName> {
        match course {
            Selector::Nth(n) => {
                let serial = nth(*n);
                let found = self.courses.iter().find(|(_, course)| course.serial == serial);
                let name = found.map(|(name, _)| name.clone());
                name.ok_or_else(|| vec![Refusal::NotFound(Entity::CatalogCourse)])
            }
            Selector::KeyStr(text) => {
                let parts = text.strip_prefix("catalog-course:");
                let parts = parts.and_then(|parts| parts.split_once(':'));
                let (org, code) = parts.ok_or_else(|| vec![Refusal::InvalidKey])?;
                self.coded(org, code)
            }
            Selector::Codes(org, code) => self.coded(org, code),
        }
    }

    fn coded(&self, org: &str, code: &str) -> Expected<CourseName> {
        let name = (fold(org), fold(code));
        let found = self.courses.get(&name).is_some_and(|course| course.code == code);
        refuse_unless(found, Refusal::NotFound(Entity::CatalogCourse))?;
        Ok(name)
    }

    fn create_course(
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
        Ok(Answer::Record(self.course_record(&name)))
    }

    fn course_exists(&self, name: &CourseName) -> Refusal {
        Refusal::AlreadyExists {
            entity: Entity::CatalogCourse,
            existing: self.key_str(name),
        }
    }

    fn forbids_course(&self, code: &str, title: &str, language: &GivenLanguage) -> Vec<Refusal> {
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

    fn add_course(
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

    fn update_course(
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
        Ok(Answer::Record(self.course_record(name)))
    }

    fn delete_course(&mut self, name: &CourseName) -> Expected<Answer> {
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
            // Only the short code can be empty.
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

    // Course runs.

    /// The course key that a step is about.
    pub fn given(&self, key: &Key) -> GivenKey {
        match key {
            Key::Made(key) => key.clone(),
            Key::OfRun(n) => {
                let run = self.runs.values().nth(n % self.runs.len().max(1));
                let missing = || RunName::made_of("Nobody", "Nothing", "Never").unwrap();
                let run = run.map_or_else(missing, |run| run.name.clone());
                GivenKey {
                    text: run.stored.clone(),
                    run: Some(run),
                }
            }
        }
    }

    /// Finds a run by its key, exactly; gives its folded key.
    pub fn find_run(&self, key: &Key) -> Expected<String> {
        let given = self.given(key).run;
        let stored = given.ok_or_else(|| vec![Refusal::InvalidKey])?.stored;
        let name = fold(&stored);
        let found = self.runs.get(&name).is_some_and(|run| run.name.stored == stored);
        refuse_unless(found, Refusal::NotFound(Entity::CourseRun))?;
        Ok(name)
    }

    fn create_modulestore_run(
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
            return Ok(Answer::Run(self.run_record(&run), vec![warning]));
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

    fn create_run(
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
                let made = RunName::made_of(org, code, run_code);
                made.ok_or(Refusal::Invalid(Field::RunCode))
            }
            Some(key) => key.run.ok_or(Refusal::InvalidKey).and_then(|run| {
                let agrees = fold(&run.org) == course.0
                    && (run.course.as_str(), run.run.as_str()) == (code, run_code);
                if agrees { Ok(run) } else { Err(Refusal::Invalid(Field::CourseKey)) }
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
        Answer::Run(self.run_record(&key), self.org_case_mismatch(&key))
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

    fn sync_run(&mut self, key: &Key, title: &str) -> Expected<Answer> {
        let name = self.find_run(key)?;
        if title.is_empty() {
            return Ok(Answer::Run(self.run_record(&name), Vec::new()));
        }
        refuse_unless(has_length(title, 255), Refusal::Invalid(Field::Title))?;
        self.runs.get_mut(&name).unwrap().title = title.to_owned();
        let warnings = self.org_case_mismatch(&name);
        Ok(Answer::Run(self.run_record(&name), warnings))
    }

    fn delete_run(&mut self, key: &Key) -> Expected<Answer> {
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

    // References.

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
            Subject::Course(key_str) => {
                let name = self.select_by_key_str(key_str)?;
                &mut self.courses.get_mut(&name).unwrap().referrers
            }
            Subject::Run(key) => {
                let name = self.find_run(key)?;
                &mut self.runs.get_mut(&name).unwrap().referrers
            }
        })
    }

    pub fn referrers(&self, subject: &Subject) -> Expected<&BTreeSet<String>> {
        Ok(match subject {
            Subject::Course(key_str) => &self.courses[&self.select_by_key_str(key_str)?].referrers,
            Subject::Run(key) => &self.runs[&self.find_run(key)?].referrers,
        })
    }

    fn select_by_key_str(&self, key_str: &str) -> Expected<CourseName> {
        self.select(&Selector::KeyStr(key_str.to_owned()), &|_| 0)
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

fn is_typed(short_name: &str) -> bool {
    let typed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    short_name.chars().all(typed)
}

/// Whether a code is two letters and any number of further parts.
fn is_language(code: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase();
    let mut parts = code.split('-');
    let first = parts.next().unwrap();
    first.len() == 2
        && first.chars().all(lower)
        && parts.all(|part| {
            !part.is_empty() && part.chars().all(|c| lower(c) || c.is_ascii_digit())
        })
}

fn stored_language(code: &str) -> &str {
    match code {
        "zh-hans" | "zh_HANS" => "zh-cn",
        "zh-hant" | "zh_HANT" => "zh-hk",
        code => code,
    }
}

pub fn language_short(language: &str) -> &str {
    match language {
        "zh-cn" => "zh_HANS",
        "zh-hk" => "zh_HANT",
        language => language.get(..2).unwrap_or(language),
    }
}
