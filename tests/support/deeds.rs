//! What each thread of a child does: a sequence of requests that follows from the thread's number
//! alone, so that whoever knows how far it came knows what there must be.

use std::collections::BTreeMap;

use coursecat::{Catalog, Error, Snapshot, UpdateOrganization};

/// How many deeds make one round.
const ROUND: u64 = 12;

/// The organization that belongs to a thread alone.
pub(crate) fn org(thread: u64) -> String {
    format!("Thread{thread}")
}

struct Names {
    run: String,
    other_run: String,
    run_before: String,
    course: String,
    course_before: String,
    round: u64,
    step: u64,
}

fn names(thread: u64, n: u64) -> Names {
    let (org, round) = (org(thread), n / ROUND);
    let run = |letter: &str, round: u64| format!("course-v1:{org}+C{}+{letter}{round}", round % 4);
    let before = round.saturating_sub(1);
    Names {
        run: run("R", round),
        other_run: run("X", round),
        run_before: run("R", before),
        course: format!("catalog-course:{org}:P{round}"),
        course_before: format!("catalog-course:{org}:P{before}"),
        round,
        step: n % ROUND,
    }
}

/// Does deed number `n` of a thread, and waits for the answer: the time of creation, if something
/// was created.
pub(crate) fn carry_out(catalog: &Catalog, thread: u64, n: u64) -> Result<Option<String>, Error> {
    let names = names(thread, n);
    let round = names.round;
    let create = |key: &str| {
        let title = format!("title {round}");
        let run = catalog.create_course_run_for_modulestore_course_with(key, &title, "en")?;
        Ok(Some(format!("{key} {}", run.value.created)))
    };
    match names.step {
        0 | 11 => return create(&names.run),
        1 => return create(&names.other_run),
        2 => catalog
            .sync_course_run_details(&names.run, &format!("synced {round}"))
            .map(drop)?,
        3 => catalog.add_reference(&names.run, "lms").map(drop)?,
        4 => match catalog.delete_course_run(&names.run) {
            Err(Error::Protected { .. }) => {}
            Err(error) => return Err(error),
            Ok(()) => panic!("{} is deleted, which is in use", names.run),
        },
        5 => {
            let course = coursecat::CreateCatalogCourse::new(org(thread), format!("P{round}"));
            let course = catalog.create_catalog_course(course.title("plain"))?;
            return Ok(Some(format!("{} {}", names.course, course.created)));
        }
        6 => {
            let update = coursecat::UpdateCatalogCourse::new(names.course.as_str());
            catalog
                .call(update.title(format!("plain {round}")))
                .map(drop)?;
        }
        7 if round > 0 => catalog.remove_reference(&names.run_before, "lms")?,
        7 => {}
        8 => catalog.delete_course_run(&names.other_run)?,
        9 if round > 0 => catalog.delete_catalog_course(names.course_before.as_str())?,
        9 => {}
        _ => {
            let update = UpdateOrganization::new(org(thread)).name(format!("name {round}"));
            catalog.update_organization(update).map(drop)?;
        }
    }
    Ok(None)
}

/// What a thread's organization holds: its keys, and what is said of each.
pub(crate) type Content = BTreeMap<String, String>;

/// Changes what there must be as deed number `n` does.
pub(crate) fn follow(content: &mut Content, thread: u64, n: u64) {
    let names = names(thread, n);
    let (org, round) = (org(thread), names.round);
    match names.step {
        0 => {
            content.entry(org.clone()).or_insert_with(|| org.clone());
            content
                .entry(format!("catalog-course:{org}:C{}", round % 4))
                .or_insert(format!("title {round}"));
            content.insert(names.run, format!("title {round}"));
        }
        1 => drop(content.insert(names.other_run, format!("title {round}"))),
        2 => drop(content.insert(names.run, format!("synced {round}"))),
        3 => drop(content.insert(format!("lms to {}", names.run), String::new())),
        5 => drop(content.insert(names.course, "plain".to_owned())),
        6 => drop(content.insert(names.course, format!("plain {round}"))),
        7 if round > 0 => drop(content.remove(&format!("lms to {}", names.run_before))),
        8 => drop(content.remove(&names.other_run)),
        9 if round > 0 => drop(content.remove(&names.course_before)),
        10 => drop(content.insert(org, format!("name {round}"))),
        _ => {}
    }
}

/// What a catalog holds of a thread's organization.
pub(crate) fn found(snapshot: &Snapshot, thread: u64) -> Content {
    let name = org(thread);
    let mut content = Content::new();
    if let Ok(organization) = snapshot.get_organization(&name) {
        content.insert(name.clone(), organization.name.to_string());
    }
    for course in snapshot
        .catalog_courses()
        .filter(|c| c.org.as_str() == name)
    {
        content.insert(course.key().to_string(), course.title.to_string());
    }
    for run in snapshot
        .course_runs()
        .filter(|run| run.course_key.org() == name)
    {
        let key = run.course_key.to_string();
        for referrer in snapshot.list_references(&key).unwrap() {
            content.insert(format!("{referrer} to {key}"), String::new());
        }
        content.insert(key, run.title.to_string());
    }
    content
}
