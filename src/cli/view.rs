//! Records as tables show them: their headings and cells. Their JSON is that of [`crate::view`].

use serde::Serialize;

use crate::Timestamp;
pub(super) use crate::view::{CourseView, OrganizationView, ReferenceView, RunView};

/// Something that can be a JSON object and a row of a table.
pub(super) trait View: Serialize {
    /// The headings of its table.
    const HEADINGS: &'static [&'static str];

    /// The first of the columns that are numbers, to be read below each other.
    const NUMBERS_FROM: usize = usize::MAX;

    /// Its cells, one for each heading.
    fn cells(&self) -> Vec<String>;
}

impl View for OrganizationView<'_> {
    const HEADINGS: &'static [&'static str] =
        &["SHORT NAME", "NAME", "ACTIVE", "COURSES", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.short_name.to_string(),
            self.name.to_string(),
            if self.active { "yes" } else { "no" }.to_owned(),
            count(self.courses),
            day(self.created),
        ]
    }
}

impl View for CourseView<'_> {
    const HEADINGS: &'static [&'static str] = &["KEY", "TITLE", "LANGUAGE", "RUNS", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.key.to_string(),
            self.title.to_string(),
            self.language.to_string(),
            count(self.runs),
            day(self.created),
        ]
    }
}

impl View for RunView<'_> {
    const HEADINGS: &'static [&'static str] = &["COURSE KEY", "TITLE", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.course_key.to_string(),
            self.title.to_string(),
            day(self.created),
        ]
    }
}

impl View for ReferenceView {
    const HEADINGS: &'static [&'static str] = &["REFERRER"];

    fn cells(&self) -> Vec<String> {
        vec![self.referrer.clone()]
    }
}

fn count(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// The day of a moment, for people.
fn day(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.split_once('T')
        .map_or(text.clone(), |(day, _)| day.to_owned())
}
