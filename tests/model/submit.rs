//! Handing over writes: each as the request that it stands for.

use coursecat::{
    AddReference, Catalog, CreateCatalogCourse, CreateCourseRun, CreateModulestoreRun,
    CreateOrganization, DeleteCatalogCourse, DeleteCourseRun, DeleteOrganization,
    EnsureOrganization, Error, Pending, RemoveReference, SyncCourseRun, Timestamp,
    UpdateCatalogCourse, UpdateOrganization,
};

use crate::compare::{Known, subject_text};
use crate::model::Model;
use crate::steps::{GivenLanguage, Write};
use crate::views::Answer;

/// An answer on its way, of any kind.
pub struct Sent(Box<dyn FnOnce() -> Result<Answer, Error>>);

impl Sent {
    fn new<T>(pending: Pending<T>) -> Self
    where
        T: 'static,
        Answer: From<T>,
    {
        Self(Box::new(|| pending.wait().map(Answer::from)))
    }

    pub fn wait(self) -> Result<Answer, Error> {
        (self.0)()
    }
}

/// Hands over a write. What it names by number is looked up in the model as it is before.
pub fn submit(catalog: &Catalog, model: &Model, known: &Known, write: &Write) -> Sent {
    let time = |micros: &i64| Timestamp::from_micros(*micros).unwrap();
    match write {
        Write::EnsureOrganization(short_name) => {
            Sent::new(catalog.submit(EnsureOrganization::new(short_name)))
        }
        Write::CreateOrganization {
            short_name,
            name,
            active,
            imported,
        } => {
            let mut request = CreateOrganization::new(short_name)
                .name(name)
                .active(*active);
            if let Some(created) = imported {
                request = request.imported(time(created));
            }
            Sent::new(catalog.submit(request))
        }
        Write::UpdateOrganization {
            org,
            short_name,
            name,
            active,
        } => {
            let mut request = UpdateOrganization::new(model.org_name(org))
                .short_name(short_name)
                .name(name);
            if let Some(active) = active {
                request = request.active(*active);
            }
            Sent::new(catalog.submit(request))
        }
        Write::DeleteOrganization(org) => {
            Sent::new(catalog.submit(DeleteOrganization::new(model.org_name(org))))
        }
        Write::CreateCourse {
            org,
            code,
            title,
            language,
            imported,
        } => {
            let mut request = CreateCatalogCourse::new(model.org_name(org), code).title(title);
            request = match language {
                GivenLanguage::None => request,
                GivenLanguage::Full(code) => request.language(code),
                GivenLanguage::Short(code) => request.language_short(code),
            };
            if let Some(created) = imported {
                request = request.imported(time(created));
            }
            Sent::new(catalog.submit(request))
        }
        Write::UpdateCourse {
            course,
            title,
            language_short,
        } => {
            let request = UpdateCatalogCourse::new(known.selector(model, course));
            Sent::new(catalog.submit(request.title(title).language_short(language_short)))
        }
        Write::DeleteCourse(course) => {
            let course = known.selector(model, course);
            Sent::new(catalog.submit(DeleteCatalogCourse::new(course)))
        }
        Write::CreateRun {
            course,
            run_code,
            key,
            title,
            imported,
        } => {
            let found = model.select(course, &|n| known.nth_course(n).0).ok();
            let key = found.and_then(|found| model.own_key(&found, run_code, key));
            let course = known.selector(model, course);
            let mut request = CreateCourseRun::new(course, run_code).title(title);
            if let Some(key) = key {
                request = request.course_key(key.text);
            }
            if let Some(created) = imported {
                request = request.imported(time(created));
            }
            Sent::new(catalog.submit(request))
        }
        Write::CreateModulestoreRun {
            key,
            title,
            language_short,
            imported,
        } => {
            let key = model.given(key).text;
            let mut request = CreateModulestoreRun::new(key);
            request = request.title(title).language_short(language_short);
            if let Some(created) = imported {
                request = request.imported(time(created));
            }
            Sent::new(catalog.submit(request))
        }
        Write::SyncRun { key, title } => {
            let key = model.given(key).text;
            Sent::new(catalog.submit(SyncCourseRun::new(key).title(title)))
        }
        Write::DeleteRun(key) => {
            let key = model.given(key).text;
            Sent::new(catalog.submit(DeleteCourseRun::new(key)))
        }
        Write::AddReference { subject, referrer } => {
            let key = subject_text(model, subject);
            Sent::new(catalog.submit(AddReference::new(key, referrer)))
        }
        Write::RemoveReference { subject, referrer } => {
            let key = subject_text(model, subject);
            Sent::new(catalog.submit(RemoveReference::new(key, referrer)))
        }
        Write::EndReference(nth) => {
            let (subject, referrer) = model.reference(*nth);
            let key = subject_text(model, &subject);
            Sent::new(catalog.submit(RemoveReference::new(key, referrer)))
        }
    }
}
