//! Suggestions: the key that was perhaps meant, beside an error about one that is not found.

use super::failure::Failure;
use super::session::Session;
use crate::{Entity, Error, Snapshot, eq_ignoring_case};

/// Of so many characters that are asked for, one may be wrong in a key that is suggested; one
/// always may.
const CHARS_PER_SLIP: usize = 5;
/// A larger catalog is not looked through for a suggestion.
const MOST_KEYS: usize = 200_000;

/// Makes a failure of an error. If it is about a key that is not found, it shows the key that
/// differs in case only, or is the most similar, or says where to look.
pub(super) fn suggest(error: Error, snapshot: &Snapshot) -> Failure {
    let Error::NotFound { entity, key } = &error else {
        return error.into();
    };
    let (entity, key) = (*entity, key.clone());
    hint(Failure::from(error), entity, &key, || -> Keys<'_> {
        match entity {
            Entity::Organization => Box::new(
                snapshot
                    .organizations()
                    .map(|org| org.short_name.to_string()),
            ),
            Entity::CatalogCourse => {
                let courses = snapshot.catalog_courses();
                Box::new(courses.map(|course| course.key().to_string()))
            }
            Entity::CourseRun => {
                Box::new(snapshot.course_runs().map(|run| run.course_key.to_string()))
            }
            Entity::Reference => Box::new(std::iter::empty()),
        }
    })
}

/// Keys of one kind of record.
pub(super) type Keys<'a> = Box<dyn Iterator<Item = String> + 'a>;

/// Adds to a failure about a key that is not found which of all keys may have been meant.
pub(super) fn hint<'a>(
    failure: Failure,
    entity: Entity,
    asked: &str,
    keys: impl Fn() -> Keys<'a>,
) -> Failure {
    match entity {
        Entity::Organization => alike(failure, asked, "org list", keys),
        Entity::CatalogCourse | Entity::CourseRun => alike(failure, asked, "search WORDS", keys),
        Entity::Reference => failure.advise("See who refers to it with: coursecat ref list KEY"),
    }
}

/// Tells a person to whom an empty list was shown that what it was asked of is not there.
pub(super) fn explain_empty<T>(session: &Session, found: Result<T, Failure>) {
    if let Err(failure) = found {
        for text in failure.into_lines() {
            session.done(&text);
        }
    }
}

fn alike<'a>(failure: Failure, asked: &str, look: &str, keys: impl Fn() -> Keys<'a>) -> Failure {
    let keys = || keys().take(MOST_KEYS);
    let asked_part = telling_part(asked);
    let length = asked_part.chars().count();
    let most = (length / CHARS_PER_SLIP).max(1);
    if let Some(same) = keys().find(|key| eq_ignoring_case(key, asked)) {
        return failure.advise(format!("There is {same:?}, in another capitalisation."));
    }
    let best = keys()
        .filter_map(|key| {
            let part = telling_part(&key);
            // Most keys need no closer look.
            let near = part.chars().count().abs_diff(length) <= most;
            let slips = near.then(|| strsim::osa_distance(&part, &asked_part));
            Some((slips.filter(|slips| *slips <= most)?, key))
        })
        .min_by_key(|(slips, _)| *slips);
    match best {
        Some((_, key)) => failure.advise(format!("Did you mean {key:?}?")),
        None => failure.advise(format!("Look for it with: coursecat {look}")),
    }
}

/// A key without the namespace, which says nothing of how alike two are, and without case.
fn telling_part(key: &str) -> String {
    let part = ["catalog-course:", "course-v1:", "ccx-v1:"]
        .iter()
        .find_map(|namespace| key.strip_prefix(namespace));
    part.unwrap_or(key).to_lowercase()
}
