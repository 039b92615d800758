//! Promise: an import that is rehearsed writes nothing, a strict one all or nothing, and one that
//! is stopped can be run again.

use std::io::{self, BufReader, Cursor, Read};

use coursecat::transfer::{Format, Import, Progress, Reject, Watch};
use coursecat::{Catalog, Options};

use crate::support::{Kept, exported_text, import_with, sample};

fn rows(count: usize) -> String {
    (0..count)
        .map(|n| format!("{{\"course_key\": \"course-v1:Org{}+C{n}+r\"}}\n", n % 7))
        .collect()
}

#[test]
fn a_dry_run_tells_everything_and_writes_nothing() {
    let catalog = sample();
    let before = exported_text(&catalog, Format::Lines);
    let text = format!("{}{{\"course_key\": \"nonsense\"}}\n", rows(3000));
    for strict in [false, true] {
        let import = Import::new().dry_run(true).strict(strict);
        let (report, kept) = import_with(&import, &catalog, Format::PlainLines, &text);
        let report = report.unwrap();
        assert!(!report.written && !report.stopped);
        assert_eq!(report.course_runs.created, 3000);
        assert_eq!(report.catalog_courses.created, 3000);
        assert_eq!(kept.codes, ["invalid_key"]);
        assert!(kept.last.rehearsing);
        assert_eq!(kept.last.rows, 3001);
        assert_eq!(kept.last.bytes, text.len() as u64);
        assert_eq!(exported_text(&catalog, Format::Lines), before);
    }
}

#[test]
fn a_strict_import_is_all_or_nothing() {
    let import = Import::new().strict(true);
    let good = rows(2500);
    let bad = format!("{good}{{\"course_key\": \"course-v1:org0+c0+R\"}}\n{good}");
    for seekable in [false, true] {
        let catalog = Catalog::temporary().unwrap();
        let run = |text: &str, kept: &mut Kept| {
            if seekable {
                // What was read before is none of the import's business.
                let mut input = Cursor::new(format!("before\n{text}"));
                input.set_position(7);
                import.run_seekable(&catalog, Format::PlainLines, input, kept)
            } else {
                import.run(&catalog, Format::PlainLines, text.as_bytes(), kept)
            }
        };
        let mut kept = Kept::default();
        let report = run(&bad, &mut kept).unwrap();
        assert!(!report.written);
        assert_eq!(kept.rejects.len(), 1);
        assert!(kept.rejects[0].starts_with("line 2501: course-v1:org0+c0+R: "));
        assert_eq!(catalog.stats().organizations, 0);

        let mut kept = Kept::default();
        let report = run(&good, &mut kept).unwrap();
        assert!(report.written && !kept.last.rehearsing);
        assert_eq!(report.course_runs.created, 2500);
        assert_eq!(catalog.stats().course_runs, 2500);
        assert_eq!(report.bytes, good.len() as u64);
    }
    // A file that turns out to be cut off at its end has written nothing, either.
    let catalog = Catalog::temporary().unwrap();
    let lines = exported_text(&sample(), Format::Lines);
    let cut = lines.rsplit_once("{\"type\":\"end\"").unwrap().0;
    let (report, _) = import_with(&import, &catalog, Format::Lines, cut);
    let error = report.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The input is cut off or damaged (it ends at line 7): its end line is missing."
    );
    assert_eq!(error.problem.code(), "incomplete");
    assert!(!error.report.written);
    assert_eq!(catalog.stats().organizations, 0);
    // Without it, the rows before the end are in, and the error says how many.
    let (report, _) = import_with(&Import::new(), &catalog, Format::Lines, cut);
    assert_eq!(report.unwrap_err().report.rows, 6);
    assert_eq!(catalog.stats().course_runs, 2);
}

#[test]
fn what_was_stopped_is_completed_by_running_it_again() {
    let sources = [
        (Format::PlainLines, rows(4000)),
        (Format::Lines, {
            let catalog = Catalog::temporary().unwrap();
            let rows = rows(2000);
            Import::new()
                .run(
                    &catalog,
                    Format::PlainLines,
                    rows.as_bytes(),
                    &mut Kept::default(),
                )
                .unwrap();
            exported_text(&catalog, Format::Lines)
        }),
    ];
    for (format, text) in sources {
        let catalog = Catalog::temporary().unwrap();
        let mut done = 0;
        let mut stops = 0;
        loop {
            let mut kept = Kept {
                stop_after: Some(done + 1500),
                ..Kept::default()
            };
            let report = Import::new()
                .run(&catalog, format, text.as_bytes(), &mut kept)
                .unwrap();
            assert_eq!(report.rejected(), 0);
            // Whatever was handed over has been waited for and is counted.
            let created = report.course_runs.created;
            let known = catalog.stats().course_runs;
            assert_eq!(created + report.course_runs.unchanged, known);
            if !report.stopped {
                break;
            }
            assert!(report.bytes < text.len() as u64);
            assert_eq!(kept.last.rows, report.rows);
            done += 1500;
            stops += 1;
        }
        assert!(stops >= 2, "{format}: {stops}");
        let whole = Catalog::temporary().unwrap();
        Import::new()
            .run(&whole, format, text.as_bytes(), &mut Kept::default())
            .unwrap();
        assert_eq!(catalog.stats(), whole.stats());
    }
}

#[test]
fn rejects_are_told_in_the_order_of_the_file() {
    let text: String = (0..3000)
        .map(|n| match n % 3 {
            0 => format!("{{\"course_key\": \"MITx/C{n}/r\"}}\n"),
            1 => "nonsense\n".to_owned(),
            _ => "{\"course_key\": \"nonsense\"}\n".to_owned(),
        })
        .collect();
    let catalog = Catalog::temporary().unwrap();
    let (report, kept) = import_with(&Import::new(), &catalog, Format::PlainLines, text);
    assert_eq!(report.unwrap().rejected(), 2000);
    let lines: Vec<u64> = kept
        .rejects
        .iter()
        .map(|reject| reject[5..].split_once(':').unwrap().0.parse().unwrap())
        .collect();
    assert!(lines.is_sorted());
}

#[test]
fn a_strict_import_that_cannot_keep_its_input_says_so() {
    let catalog = Catalog::temporary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let import = Import::new().strict(true);
    let (report, _) = import_with(
        &import.clone().spool_in(folder.path().join("missing")),
        &catalog,
        Format::PlainLines,
        rows(1),
    );
    let error = report.unwrap_err().to_string();
    assert!(
        error.starts_with("The input cannot be read: a copy of it cannot be kept in "),
        "{error}"
    );
    let (report, _) = import_with(
        &import.spool_in(folder.path()),
        &catalog,
        Format::PlainLines,
        rows(1),
    );
    assert!(report.unwrap().written);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_strict_import_can_be_stopped_until_it_writes() {
    for stop_after in [0, 10, 2000] {
        let catalog = Catalog::temporary().unwrap();
        let mut kept = Kept {
            stop_after: Some(stop_after),
            ..Kept::default()
        };
        let report = Import::new()
            .strict(true)
            .run(
                &catalog,
                Format::PlainLines,
                rows(2500).as_bytes(),
                &mut kept,
            )
            .unwrap();
        assert!(report.stopped && !report.written);
        assert_eq!(catalog.stats().course_runs, 0);
    }
}

#[test]
fn an_input_that_fails_says_so_and_keeps_what_was_read() {
    /// Gives some bytes in small pieces, with interruptions, and then fails.
    struct Failing(Cursor<Vec<u8>>, bool);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer.len().min(7);
            match self.0.read(&mut buffer[..most])? {
                0 => Err(io::Error::other("the cable was pulled")),
                length => Ok(length),
            }
        }
    }
    let text = rows(100);
    for (format, text, stored) in [
        (Format::PlainLines, text.clone(), 100),
        (
            Format::Csv,
            format!("course_key,title\n{}", "MITx/C/r,T\n"),
            1,
        ),
        (Format::Fixture, "[ ".to_owned(), 0),
        (Format::CoursesApi, "[{\"id\": \"MITx/C/r\"}".to_owned(), 1),
    ] {
        let catalog = Catalog::temporary().unwrap();
        let input = BufReader::new(Failing(Cursor::new(text.into_bytes()), false));
        let error = Import::new()
            .run(&catalog, format, input, &mut Kept::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "The input cannot be read: the cable was pulled."
        );
        assert_eq!(error.report.course_runs.created, stored, "{format}");
        assert_eq!(catalog.stats().course_runs, stored);
    }
}

#[test]
fn a_watch_may_do_nothing() {
    struct Nothing;
    impl Watch for Nothing {}
    let mut nothing = Nothing;
    nothing.progress(&Progress::default());
    let report = Import::new()
        .run(
            &Options::new().temporary().unwrap(),
            Format::PlainLines,
            rows(10).as_bytes(),
            &mut nothing,
        )
        .unwrap();
    let text = report.to_string();
    assert!(text.starts_with("10 rows read in "), "{text}");
    assert!(
        text.ends_with("course runs: 10 created, 0 updated, 0 unchanged, 0 skipped, 0 rejected"),
        "{text}"
    );
    let _: fn(&mut Nothing, &Reject) = Nothing::rejected;
}
