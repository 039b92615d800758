//! `coursecat demo`, and the man pages.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use super::args::Arguments;
use super::failure::{Failure, exit};
use super::output::{printable_path, quoted, say};
use super::session::Session;
use crate::{Catalog, CreateModulestoreRun, CreateOrganization, Timestamp};

/// The courses of the demo, one a line: key, language, created, title.
const COURSES: &str = include_str!("demo.txt");
/// Its organizations: short name and name.
const ORGANIZATIONS: &str = include_str!("demo_organizations.txt");

pub(super) fn demo(session: &Session) -> Result<(), Failure> {
    let data = printable_path(&session.global.data);
    let catalog = session.open_or_create()?;
    if catalog.stats().organizations > 0 {
        let what = format!("{data} holds a catalog already.");
        return Err(
            Failure::with_code(exit::ALREADY_EXISTS, what).advise("Name a new folder with --data.")
        );
    }
    fill(&catalog)?;
    say(&format!("{data} now holds {}. Try:\n", catalog.stats()));
    let option = match session.global.data.to_str() {
        Some("coursecat-data") => String::new(),
        _ => format!(" --data {}", quoted(&session.global.data)),
    };
    for command in [
        "course list --order key",
        "course list --language es",
        "search computer science",
        "run list --org MITx",
        "course delete catalog-course:HarvardX:CS50",
        "verify",
    ] {
        say(&format!("  coursecat {command}{option}"));
    }
    say("");
    let query = crate::CourseQuery::new().limit(10);
    let snapshot = catalog.snapshot();
    let newest = snapshot.list_catalog_courses(&query)?;
    let views: Vec<_> = newest
        .items
        .iter()
        .map(|course| super::view::CourseView::of(course, &snapshot))
        .collect();
    session.output.list(&views)
}

/// Stores the courses of the demo.
pub(super) fn fill(catalog: &Catalog) -> Result<(), Failure> {
    let created = |text: &str| text.parse::<Timestamp>().map_err(crate::Error::from);
    let mut pending = Vec::new();
    for row in rows(ORGANIZATIONS) {
        if let [short_name, name] = row[..] {
            let first = created("2012-05-02T00:00:00Z")?;
            let request = CreateOrganization::new(short_name)
                .name(name)
                .imported(first);
            catalog.call(request)?;
        }
    }
    for row in rows(COURSES) {
        if let [key, language, day, title] = row[..] {
            let run = CreateModulestoreRun::new(key)
                .title(title)
                .language_short(language)
                .imported(created(&format!("{day}T09:00:00Z"))?);
            pending.push(catalog.submit(run));
        }
    }
    for answer in pending {
        answer.wait()?;
    }
    Ok(())
}

/// The rows of a bundled file: fields between vertical bars.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').map(str::trim).collect())
}

pub(super) fn man_pages(folder: &Path) -> Result<(), Failure> {
    let written = fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    written.map_err(|error| {
        Failure::other(format!(
            "Writing man pages into {} failed: {error}.",
            folder.display()
        ))
    })
}
