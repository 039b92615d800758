//! Organizations: ensured, created, renamed, updated, deleted.

use coursecat::{Entity, Field};

use super::{Model, Org, has_length, or, protected, refuse, refuse_unless};
use crate::names::{comes_with_a_key, fold, respell};
use crate::steps::OrgName;
use crate::views::{Answer, Expected, Record, Refusal};

impl Model {
    /// The short name that a step is about.
    pub fn org_name(&self, org: &OrgName) -> String {
        match org {
            OrgName::Made(short_name) => short_name.clone(),
            OrgName::OfOrg { nth, respells } => {
                let org = self.orgs.values().nth(nth % self.orgs.len().max(1));
                let short_name = org.map_or("Nobody", |org| &org.short_name);
                if *respells {
                    respell(short_name)
                } else {
                    short_name.to_owned()
                }
            }
        }
    }

    /// Gives the folded name of the active organization of this short name.
    pub(super) fn ensure_organization(&mut self, short_name: &str, now: i64) -> Expected<String> {
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
                let fits = has_length(short_name, 255) && comes_with_a_key(short_name);
                refuse_unless(fits, Refusal::Invalid(Field::ShortName))?;
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

    pub(super) fn create_organization(
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
        Ok(self.organization_answer(&fold(short_name)))
    }

    /// That an organization has this short name, if one has.
    fn taken_by(&self, short_name: &str) -> Option<Refusal> {
        let org = self.orgs.get(&fold(short_name))?;
        Some(Refusal::AlreadyExists {
            entity: Entity::Organization,
            existing: org.short_name.clone(),
        })
    }

    pub(super) fn update_organization(
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
        Ok(self.organization_answer(&after))
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
            let org = if name.0 == before {
                after.to_owned()
            } else {
                name.0
            };
            self.courses.insert((org, name.1), course);
        }
    }

    pub(super) fn delete_organization(&mut self, short_name: &str) -> Expected<Answer> {
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

    pub(super) fn organization_answer(&self, name: &str) -> Answer {
        Answer::Record(self.orgs[name].serial, self.organization_record(name))
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
}

fn is_typed(short_name: &str) -> bool {
    let typed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    short_name.chars().all(typed)
}
