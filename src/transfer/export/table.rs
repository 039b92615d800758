//! Writes CSV: one run a record, guarded against spreadsheets that see formulas in it.
//!
//! Organizations and catalog courses without runs are not in it.

use std::io::Write;

use super::Part;
use crate::model::Stats;
use crate::transfer::ExportError;
use crate::transfer::guard::guarded;

const COLUMNS: [&str; 7] = [
    "course_key",
    "title",
    "language",
    "created",
    "org",
    "course_code",
    "run_code",
];

pub(super) fn write(part: &Part<'_>, out: &mut dyn Write) -> Result<Stats, ExportError> {
    let mut table = csv::Writer::from_writer(out);
    let mut counts = Stats::default();
    table.write_record(COLUMNS)?;
    for (run, course) in part.runs() {
        counts.course_runs += 1;
        let created = run.created.to_string();
        let cells = [
            run.course_key.as_str(),
            run.title.as_str(),
            course.language.as_str(),
            &created,
            course.org.as_str(),
            course.course_code.as_str(),
            run.run_code(),
        ];
        table.write_record(cells.map(guarded).iter().map(|cell| cell.as_bytes()))?;
    }
    table.flush()?;
    Ok(counts)
}
