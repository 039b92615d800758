//! Promise: whatever is wrong with an input, the answer says what and where; rows that can be read
//! go in, and nothing panics.

use coursecat::Catalog;
use coursecat::transfer::{Format, Import};
use proptest::prelude::*;

use crate::support::{exported_text, import_with, sample};

const HEADER: &str = "{\"type\":\"coursecat\",\"version\":1}\n";
const GOOD: &str = "{\"course_key\": \"MITx/C/r\", \"title\": \"T\"}\n";
const API: &str = "{\"course_id\": \"MITx/C/r\", \"name\": \"T\"}";
const ORG: &str = "{\"model\": \"organizations.organization\", \"pk\": 1, \"fields\": {\"short_name\": \"MITx\", \"name\": \"MIT\", \"active\": true, \"created\": \"2026-01-01T00:00:00Z\"}}";

struct Case {
    format: Format,
    input: Vec<u8>,
    /// The beginnings of the rejects.
    rejects: &'static [&'static str],
    /// The error as a whole, if the import fails.
    error: Option<&'static str>,
    /// How many organizations and runs get in all the same.
    stored: [u64; 2],
}

fn case(
    format: Format,
    input: impl Into<Vec<u8>>,
    rejects: &'static [&'static str],
    error: Option<&'static str>,
    stored: [u64; 2],
) -> Case {
    Case {
        format,
        input: input.into(),
        rejects,
        error,
        stored,
    }
}

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn lines_of_coursecat() -> Vec<Case> {
    use Format::Lines;
    let org = "{\"type\":\"organization\",\"short_name\":\"MITx\",\"name\":\"MIT\",\"active\":true,\"created\":\"2026-01-01T00:00:00Z\"}\n";
    let end = "{\"type\":\"end\",\"organizations\":1,\"catalog_courses\":0,\"course_runs\":0,\"references\":0}\n";
    let no_header = Some(
        "Line 1 is not as the format coursecat has it: the file does not begin with {\"type\":\"coursecat\",\"version\":1}.",
    );
    vec![
        case(Lines, format!("{HEADER}{org}{end}"), &[], None, [1, 0]),
        case(
            Lines,
            format!("{HEADER}{org}{end}\n\r\n"),
            &[],
            None,
            [1, 0],
        ),
        case(Lines, "", &[], Some("The input is empty."), [0, 0]),
        case(Lines, "\u{feff}", &[], Some("The input is empty."), [0, 0]),
        case(Lines, "\n", &[], no_header, [0, 0]),
        case(Lines, GOOD, &[], no_header, [0, 0]),
        case(Lines, "{\"type\":\"coursecat\"}\n", &[], no_header, [0, 0]),
        case(
            Lines,
            "{\"type\":\"coursecat\",\"version\":\"1\"}\n",
            &[],
            no_header,
            [0, 0],
        ),
        case(
            Lines,
            "{\"type\":\"coursecat\",\"version\":0}\n",
            &[],
            no_header,
            [0, 0],
        ),
        case(
            Lines,
            "{\"type\":\"coursecat\",\"version\":1",
            &[],
            no_header,
            [0, 0],
        ),
        case(Lines, vec![b'x'; 3 << 20], &[], no_header, [0, 0]),
        case(
            Lines,
            "{\"type\":\"coursecat\",\"version\":2,\"new\":1}\n",
            &[],
            Some(
                "The input has version 2 of the coursecat format, and this program reads up to 1. Use a newer coursecat.",
            ),
            [0, 0],
        ),
        case(
            Lines,
            format!("{HEADER}{org}"),
            &[],
            Some("The input is cut off or damaged (it ends at line 2): its end line is missing."),
            [1, 0],
        ),
        case(
            Lines,
            format!("{HEADER}{end}"),
            &[],
            Some(
                "The input is cut off or damaged (it ends at line 2): its end line counts 1 organizations, and there are 0.",
            ),
            [0, 0],
        ),
        case(
            Lines,
            format!("{HEADER}{org}{}", end.replace("}\n", ",\"xxh3\":\"00\"}\n")),
            &[],
            Some(
                "The input is cut off or damaged (it ends at line 3): its checksum is cdeb26de807866c6560ad8dd148e52da, and its end line says 00.",
            ),
            [1, 0],
        ),
        case(
            Lines,
            format!("{HEADER}{org}{end}{org}"),
            &[],
            Some("Line 4 is not as the format coursecat has it: something follows the end line."),
            [1, 0],
        ),
        // A line of a known kind that cannot be read is refused, and counts all the same.
        case(
            Lines,
            format!("{HEADER}{}{end}", org.replace("true", "\"yes\"")),
            &[
                "line 2: MITx: The row cannot be read: invalid type: string \"yes\", expected a boolean, at column ",
            ],
            None,
            [0, 0],
        ),
        case(
            Lines,
            format!(
                "{HEADER}{}{end}",
                org.replace("\"active\"", "\"colour\":1,\"active\"")
            ),
            &["line 2: MITx: The row cannot be read: unknown field `colour`"],
            None,
            [0, 0],
        ),
        case(
            Lines,
            format!(
                "{HEADER}{}{end}",
                org.replace("\"active\"", "\"name\":\"x\",\"active\"")
            ),
            &["line 2: MITx: The row cannot be read: duplicate field `name`"],
            None,
            [0, 0],
        ),
        case(
            Lines,
            format!("{HEADER}{org}{}\n{end}", "{\"type\":\"program\"}"),
            &["line 3: The row cannot be read: \"program\" is not a type of row."],
            None,
            [1, 0],
        ),
        case(
            Lines,
            format!(
                "{HEADER}{org}{}\n{}",
                "{\"type\":\"course_run\",\"course_key\":\"course-v1:a+b\",\"catalog_course\":{\"org\":\"a\",\"course_code\":\"b\"},\"title\":\"\",\"created\":\"2026-01-01T00:00:00Z\",\"references\":[\"x\"]}",
                end.replace("runs\":0,\"references\":0", "runs\":1,\"references\":1"),
            ),
            &["line 3: course-v1:a+b: The course key \"course-v1:a+b\" "],
            None,
            [1, 0],
        ),
        case(
            Lines,
            format!(
                "{HEADER}{org}{}\n{}",
                "{\"type\":\"catalog_course\",\"key\":\"catalog-course:MITx:D\",\"org\":\"MITx\",\"course_code\":\"C\",\"title\":\"T\",\"language\":\"en\",\"created\":\"2026-01-01T00:00:00Z\"}",
                end.replace("courses\":0", "courses\":1"),
            ),
            &[
                "line 3: catalog-course:MITx:D: The row cannot be read: its key \"catalog-course:MITx:D\" is not that of its org and course_code",
            ],
            None,
            [1, 0],
        ),
    ]
}

fn plain_lines() -> Vec<Case> {
    use Format::PlainLines;
    let deep = format!(
        "{{\"course_key\": {}1{}}}\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let huge = format!(
        "{{\"course_key\": \"MITx/C/r\", \"x\": \"{}\"}}\n",
        "y".repeat(3 << 20)
    );
    vec![
        case(PlainLines, "", &[], Some("The input is empty."), [0, 0]),
        case(
            PlainLines,
            "\u{feff}\r\n \n",
            &[],
            Some("The input is empty."),
            [0, 0],
        ),
        case(
            PlainLines,
            format!("\u{feff}{GOOD}").replace('\n', "\r\n"),
            &[],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            "{\"course_key\": \"MITx/C/r\"",
            &["line 1: The row cannot be read: EOF while parsing an object, at column "],
            None,
            [0, 0],
        ),
        case(
            PlainLines,
            format!("[]\n{GOOD}"),
            &["line 1: The row cannot be read: "],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("nonsense\n{GOOD}"),
            &["line 1: The row cannot be read: expected ident"],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{}}\n{GOOD}"),
            &["line 1: The row cannot be read: missing field `course_key`"],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{\"course_key\": 5}}\n{GOOD}"),
            &["line 1: The row cannot be read: invalid type: integer `5`, expected a string"],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{\"course_key\": \"MITx/D/r\", \"title\": [1]}}\n{GOOD}"),
            &[
                "line 1: MITx/D/r: The row cannot be read: invalid type: sequence, expected a string",
            ],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{\"course_key\": null}}\n{GOOD}"),
            &["line 1: The row cannot be read: invalid type: null"],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{\"course_key\": \"a/b/c\", \"course_key\": \"a/b/d\"}}\n{GOOD}"),
            &["line 1: a/b/d: The row cannot be read: duplicate field `course_key`"],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{GOOD}{GOOD}").replacen('\n', "", 1),
            &["line 1: The row cannot be read: trailing characters"],
            None,
            [0, 0],
        ),
        case(
            PlainLines,
            bytes(&[b"{\"course_key\": \"a/b/\xff\"}\n", GOOD.as_bytes()]),
            &["line 1: The row cannot be read: byte 21 of it is not UTF-8."],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{{\"course_key\": \"\\ud800\"}}\n{GOOD}"),
            &["line 1: The row cannot be read: "],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{deep}{GOOD}"),
            &["line 1: The row cannot be read: "],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!("{huge}{GOOD}{huge}"),
            &[
                "line 1: The row has more than 1048576 bytes",
                "line 3: The row has more than 1048576 bytes",
            ],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            format!(
                "{{\"course_key\": \"a/b/c\", \"title\": \"{}\"}}\n{GOOD}",
                "t".repeat(256)
            ),
            &["line 1: a/b/c: The title "],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            bytes(&[b"\x7fELF\x02\n\x00\x01\n", GOOD.as_bytes()]),
            &[
                "line 1: The row cannot be read: expected value",
                "line 2: The row cannot be read: expected value",
            ],
            None,
            [1, 1],
        ),
        case(
            PlainLines,
            b"\0binary".to_vec(),
            &[],
            Some("The input is no text."),
            [0, 0],
        ),
        case(
            PlainLines,
            b"\xff\xfe{\0".to_vec(),
            &[],
            Some("The input is UTF-16 text; save it as UTF-8."),
            [0, 0],
        ),
        case(
            PlainLines,
            b"\x28\xb5\x2f\xfdxyz".to_vec(),
            &[],
            Some(
                "The input is compressed with zstd; restore it if it is a backup, or decompress it first.",
            ),
            [0, 0],
        ),
        case(
            PlainLines,
            b"PK\x03\x04xlsx".to_vec(),
            &[],
            Some("The input is compressed; decompress it first."),
            [0, 0],
        ),
    ]
}

fn tables() -> Vec<Case> {
    use Format::Csv;
    let open = format!(
        "course_key,title\nMITx/C/r,T\nMITx/D/r,\"open\n{}",
        "MITx/E/r,T\n".repeat(10)
    );
    let huge = format!(
        "course_key,title\nMITx/C/r,T\nMITx/D/r,\"{}",
        "MITx/E/r,T\n".repeat(200_000)
    );
    vec![
        case(Csv, "", &[], Some("The input is empty."), [0, 0]),
        case(Csv, "\n\n", &[], Some("The input is empty."), [0, 0]),
        case(Csv, "course_key,title\n", &[], None, [0, 0]),
        case(
            Csv,
            "course_key\nMITx/C/r\n",
            &[],
            Some(
                "Line 1 is not as the format csv has it: there is no column title in the first line, which has: course_key.",
            ),
            [0, 0],
        ),
        case(
            Csv,
            "MITx/C/r,T\n",
            &[],
            Some(
                "Line 1 is not as the format csv has it: there is no column course_key in the first line, which has: mitx/c/r, t.",
            ),
            [0, 0],
        ),
        case(
            Csv,
            "course_key;title\nMITx/C/r;T\n",
            &[],
            Some(
                "Line 1 is not as the format csv has it: there is no column course_key in the first line, which has: course_key;title; separate them with commas.",
            ),
            [0, 0],
        ),
        case(
            Csv,
            "course_key,title,Title\nMITx/C/r,T,U\n",
            &[],
            Some("Line 1 is not as the format csv has it: there are two columns title."),
            [0, 0],
        ),
        case(
            Csv,
            "course_key,title,x,x\nMITx/C/r,T,1,2\n",
            &[],
            None,
            [1, 1],
        ),
        case(
            Csv,
            "course_key,title\nMITx/D/r\nMITx/C/r,T\nMITx/E/r,T,U\n",
            &[
                "line 2: MITx/D/r: The row cannot be read: it has 1 cells where the first line has 2.",
                "line 4: MITx/E/r: The row cannot be read: it has 3 cells where the first line has 2.",
            ],
            None,
            [1, 1],
        ),
        case(
            Csv,
            b"course_key,title\nMITx/D/r,caf\xe9\nMITx/C/r,T\n".to_vec(),
            &["line 2: MITx/D/r: The row cannot be read: byte 4 of cell 2 is not UTF-8."],
            None,
            [1, 1],
        ),
        case(
            Csv,
            "course_key,title\n,T\nMITx/C/r,T\n",
            &["line 2: The course key \"\" "],
            None,
            [1, 1],
        ),
        case(
            Csv,
            "course_key,title,created\nMITx/D/r,T,2026-01-01\nMITx/C/r,T,\n",
            &["line 2: MITx/D/r: \"2026-01-01\" is not a time such as"],
            None,
            [1, 1],
        ),
        case(
            Csv,
            open,
            &[],
            Some(
                "Line 3 is not as the format csv has it: the record that begins there has a quote that is never closed.",
            ),
            [1, 1],
        ),
        case(
            Csv,
            huge,
            &[],
            Some(
                "Line 3 is not as the format csv has it: the record that begins there has more than 1048576 bytes; a quote may be open.",
            ),
            [1, 1],
        ),
        // A quote within a cell is only a quote.
        case(
            Csv,
            "course_key,title\nMITx/C/r,a 5\" disk\n",
            &[],
            None,
            [1, 1],
        ),
        case(
            Csv,
            b"course_key,title\nMITx/\0/r,T\nMITx/C/r,T\n".to_vec(),
            &["line 2: MITx/\u{0}/r: The course key "],
            None,
            [1, 1],
        ),
    ]
}

fn arrays() -> Vec<Case> {
    use Format::{CoursesApi, Fixture};
    let cut_off =
        "The input is cut off or damaged (it ends at line 1): the JSON in it is not closed.";
    let huge = format!("{{\"model\": \"{}\"}}", "m".repeat(3 << 20));
    let deep = "[".repeat(100_000);
    vec![
        case(Fixture, "", &[], Some("The input is empty."), [0, 0]),
        case(Fixture, " \n\t", &[], Some("The input is empty."), [0, 0]),
        case(
            Fixture,
            "{}",
            &[],
            Some(
                "Line 1 is not as the format django has it: '{' stands where the '[' of an array is expected.",
            ),
            [0, 0],
        ),
        case(Fixture, format!("\u{feff}[{ORG}]"), &[], None, [1, 0]),
        case(Fixture, format!("[{ORG}"), &[], Some(cut_off), [1, 0]),
        case(Fixture, format!("[{ORG},"), &[], Some(cut_off), [1, 0]),
        case(
            Fixture,
            format!("[{ORG},]"),
            &[],
            Some("Line 1 is not as the format django has it: a value is missing."),
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{ORG}, {{\"model\": \"organ"),
            &[],
            Some(cut_off),
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{ORG}] x"),
            &[],
            Some("Line 1 is not as the format django has it: something follows the array."),
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{ORG} {ORG}]"),
            &[],
            Some(
                "Line 1 is not as the format django has it: '{' stands where ',' or ']' is expected.",
            ),
            [1, 0],
        ),
        case(
            Fixture,
            format!("[1, null, \"x\", [], {{}},\n{ORG}]"),
            &[
                "row 1 (line 1): The row cannot be read: ",
                "row 2 (line 1): ",
                "row 3 (line 1): ",
                "row 4 (line 1): ",
                "row 5 (line 1): The row cannot be read: missing field `model`",
            ],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{}, {ORG}]", ORG.replace("\"pk\": 1", "\"pk\": \"1\"")),
            &[
                "row 1 (line 1): MITx: The row cannot be read: invalid type: string \"1\", expected i64",
            ],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{}, {ORG}]", ORG.replace("\"MIT\"", "7")),
            &[
                "row 1 (line 1): MITx: The row cannot be read: invalid type: integer `7`, expected a string",
            ],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            format!(
                "[{}, {ORG}]",
                ORG.replace("\"pk\": 1", "\"pk\": 1, \"pk\": 2")
            ),
            &["row 1 (line 1): MITx: The row cannot be read: duplicate field `pk`"],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{}, {ORG}]", ORG.replace("}}", "]}")),
            &["row 1 (line 1): The row cannot be read: "],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            format!("[{huge}, {ORG}]"),
            &["row 1 (line 1): The row has more than 1048576 bytes"],
            None,
            [1, 0],
        ),
        case(Fixture, format!("[{deep}"), &[], Some(cut_off), [0, 0]),
        case(
            Fixture,
            format!("[{}{},{ORG}]", "[".repeat(5000), "]".repeat(5000)),
            &["row 1 (line 1): The row cannot be read: "],
            None,
            [1, 0],
        ),
        case(
            Fixture,
            bytes(&[b"[{\"model\": \"\xff\"},", ORG.as_bytes(), b"]"]),
            &["row 1 (line 1): The row cannot be read: byte 12 of it is not UTF-8."],
            None,
            [1, 0],
        ),
        case(CoursesApi, "", &[], Some("The input is empty."), [0, 0]),
        case(
            CoursesApi,
            "nonsense",
            &[],
            Some(
                "Line 1 is not as the format courses-api has it: 'n' stands where a '{' or '[' is expected.",
            ),
            [0, 0],
        ),
        case(
            CoursesApi,
            "{\"detail\": \"Authentication credentials were not provided.\"}",
            &["row 1 (line 1): The row cannot be read: it has neither a course_id nor an id."],
            None,
            [0, 0],
        ),
        case(
            CoursesApi,
            "{\"results\": null}",
            &["row 1 (line 1): The row cannot be read: it has neither"],
            None,
            [0, 0],
        ),
        case(CoursesApi, "{\"results\": []}", &[], None, [0, 0]),
        case(
            CoursesApi,
            "{}",
            &["row 1 (line 1): The row cannot be read: it has neither"],
            None,
            [0, 0],
        ),
        case(
            CoursesApi,
            format!("{{\"results\": [{API}"),
            &[],
            Some(cut_off),
            [1, 1],
        ),
        case(
            CoursesApi,
            format!("{{\"results\": [{API}], \"next\""),
            &[],
            Some(cut_off),
            [1, 1],
        ),
        case(
            CoursesApi,
            format!("{{\"results\": [{API}], 5: 6}}"),
            &[],
            Some(
                "Line 1 is not as the format courses-api has it: '5' stands where the name of a member is expected.",
            ),
            [1, 1],
        ),
        case(
            CoursesApi,
            format!("{{\"results\": [{API},]}}"),
            &[],
            Some("Line 1 is not as the format courses-api has it: a value is missing."),
            [1, 1],
        ),
        case(
            CoursesApi,
            format!("[{{\"course_id\": 5}}, {API}]"),
            &["row 1 (line 1): The row cannot be read: invalid type: integer `5`"],
            None,
            [1, 1],
        ),
        case(
            CoursesApi,
            format!("[{{\"id\": \"a/b/c\", \"id\": \"a/b/d\"}}, {API}]"),
            &["row 1 (line 1): a/b/d: The row cannot be read: duplicate field `id`"],
            None,
            [1, 1],
        ),
        case(
            CoursesApi,
            format!(
                "[{{\"id\": \"a/b/c\", \"overview\": \"{}\"}}, {API}]",
                "o".repeat(2 << 20)
            ),
            &["row 1 (line 1): The row has more than 1048576 bytes"],
            None,
            [1, 1],
        ),
        case(
            CoursesApi,
            format!(
                "{{\"results\": [{{\"id\": \"a/b/c\", \"overview\": \"{}\"}}, {API}]}}",
                "o".repeat(2 << 20)
            ),
            &["row 1 (line 1): The row has more than 1048576 bytes"],
            None,
            [1, 1],
        ),
    ]
}

#[test]
fn every_fault_is_told_and_costs_no_other_row() {
    let cases = [lines_of_coursecat(), plain_lines(), tables(), arrays()];
    for case in cases.into_iter().flatten() {
        let catalog = Catalog::temporary().unwrap();
        let (report, kept) = import_with(&Import::new(), &catalog, case.format, &case.input);
        let start = String::from_utf8_lossy(&case.input[..case.input.len().min(300)]).into_owned();
        let error = report.as_ref().err().map(ToString::to_string);
        match (&error, case.error) {
            (Some(found), Some(expected)) => {
                assert!(found.starts_with(expected), "{start}: {found}");
            }
            (found, expected) => assert_eq!(found.as_deref(), expected, "{start}"),
        }
        assert_eq!(
            kept.rejects.len(),
            case.rejects.len(),
            "{start}: {:#?}",
            kept.rejects
        );
        for (found, expected) in kept.rejects.iter().zip(case.rejects) {
            assert!(found.starts_with(expected), "{start}: {found}");
            assert!(found.len() < 1000, "{found}");
        }
        let stats = catalog.stats();
        let stored = [stats.organizations, stats.course_runs];
        assert_eq!(stored, case.stored, "{start}");
        let report = match report {
            Ok(report) => report,
            Err(error) => *error.report,
        };
        assert_eq!(report.rejected(), case.rejects.len() as u64, "{start}");
    }
}

/// Two good rows in each format that can be told from what stands between them, and how many runs
/// or organizations they are.
struct Pair {
    format: Format,
    before: String,
    after: String,
}

fn pairs() -> Vec<Pair> {
    let pair = |format, before: &str, after: &str| Pair {
        format,
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let org = |name: &str| {
        format!(
            "{{\"type\":\"organization\",\"short_name\":\"{name}\",\"name\":\"MIT\",\"active\":true,\"created\":\"2026-01-01T00:00:00Z\"}}\n"
        )
    };
    let end = "{\"type\":\"end\",\"organizations\":3,\"catalog_courses\":0,\"course_runs\":0,\"references\":0}\n";
    let other = ORG
        .replace("MITx", "Other")
        .replace("\"pk\": 1", "\"pk\": 2");
    vec![
        pair(
            Format::Lines,
            &format!("{HEADER}{}", org("MITx")),
            &format!("{}{end}", org("Other")),
        ),
        pair(
            Format::PlainLines,
            GOOD,
            "{\"course_key\": \"Other/C/r\"}\n",
        ),
        pair(
            Format::Csv,
            "course_key,title,created\nMITx/C/r,T,\n",
            "Other/C/r,T,\n",
        ),
        pair(
            Format::Fixture,
            &format!("[\n{ORG},\n"),
            &format!(",\n{other}\n]\n"),
        ),
        pair(
            Format::CoursesApi,
            &format!("{{\"results\": [\n{API},\n"),
            ",\n{\"course_id\": \"Other/C/r\"}\n], \"next\": null}\n",
        ),
    ]
}

/// A row of a format in which one text is replaced, to put between the two.
fn third(format: Format, fault: &[u8]) -> Vec<u8> {
    let around = match format {
        Format::Lines => (
            "{\"type\":\"organization\",\"short_name\":\"Third\",\"active\":true,\"created\":\"2026-01-01T00:00:00Z\",\"name\":",
            "}\n",
        ),
        Format::PlainLines => ("{\"course_key\": \"Third/C/r\", \"title\": ", "}\n"),
        Format::Csv => ("Third/C/r,", ",\n"),
        Format::Fixture => (
            "{\"model\": \"organizations.organization\", \"pk\": 3, \"fields\": {\"short_name\": \"Third\", \"active\": true, \"created\": \"2026-01-01T00:00:00Z\", \"name\": ",
            "}}",
        ),
        _ => ("{\"course_id\": \"Third/C/r\", \"name\": ", "}"),
    };
    bytes(&[around.0.as_bytes(), fault, around.1.as_bytes()])
}

fn organizations_after(format: Format, input: &[u8]) -> (Vec<String>, Option<String>, u64) {
    let catalog = Catalog::temporary().unwrap();
    let (report, kept) = import_with(&Import::new(), &catalog, format, input);
    let error = report.err().map(|error| error.to_string());
    (kept.rejects, error, catalog.stats().organizations)
}

#[test]
fn each_format_meets_each_fault_and_keeps_the_rows_around_it() {
    for pair in pairs() {
        let format = pair.format;
        let with = |row: &[u8]| bytes(&[pair.before.as_bytes(), row, pair.after.as_bytes()]);
        let good = with(&third(format, b"\"T\""));
        assert_eq!(organizations_after(format, &good), (vec![], None, 3));

        // A byte order mark, and lines that end as on Windows.
        let marked = bytes(&[b"\xef\xbb\xbf", &good]);
        assert_eq!(organizations_after(format, &marked), (vec![], None, 3));
        let windows = String::from_utf8(good.clone())
            .unwrap()
            .replace('\n', "\r\n");
        let windows = organizations_after(format, windows.as_bytes());
        assert_eq!(windows, (vec![], None, 3), "{format}");

        // A value of the wrong type, or one that is not UTF-8: that row is refused.
        let wrong: &[u8] = match format {
            Format::Csv => b"T,yesterday", // With one cell too many.
            _ => b"[7]",
        };
        let huge = [b"\"", &vec![b'x'; 2 << 20][..], b"\""].concat();
        for (fault, reason) in [
            (wrong, "The row cannot be read: "),
            (b"\"caf\xe9\"", "is not UTF-8."),
            (&huge, "The row has more than 1048576 bytes"),
        ] {
            let (rejects, error, stored) =
                organizations_after(format, &with(&third(format, fault)));
            if format == Format::Csv && fault.len() > 1 << 20 {
                // A quote that is never closed looks like this, so nothing after it is believed.
                let error = error.unwrap();
                assert!(
                    error.starts_with("Line 3 is not as the format csv has it: "),
                    "{error}"
                );
                assert_eq!(stored, 1);
                continue;
            }
            assert_eq!((rejects.len(), stored), (1, 2), "{format}: {rejects:?}");
            // Where not even the kind of a row can be read, it is missing in the counts at the end.
            let counts = "The input is cut off or damaged (it ends at line 5): its end line counts";
            let is_counted = error.as_ref().is_none_or(|error| {
                format == Format::Lines && fault != wrong && error.starts_with(counts)
            });
            assert!(is_counted, "{format}: {error:?}");
            assert!(
                rejects[0].contains("line 3") || format == Format::PlainLines,
                "{rejects:?}"
            );
            assert!(rejects[0].contains(reason), "{format}: {rejects:?}");
        }

        // Cut off in the middle of a row: what came before is in, and it is told.
        let cut = pair.before.len() + 12;
        let (rejects, error, stored) = organizations_after(format, &good[..cut]);
        assert!(rejects.len() == 1 || error.is_some(), "{format}");
        assert_eq!(stored, 1, "{format}");

        // Nothing, and what is no text.
        assert_eq!(
            organizations_after(format, b"").1.unwrap(),
            "The input is empty."
        );
        let elf = b"\x7fELF\x02\x01\x01\0\0\0\xff\xfe\n\0\0".repeat(50);
        let (rejects, error, stored) = organizations_after(format, &elf);
        assert!(!rejects.is_empty() || error.is_some(), "{format}");
        assert_eq!(stored, 0, "{format}");
    }
}

#[test]
fn a_reference_to_a_course_whose_key_is_ambiguous_is_refused() {
    let lines = format!(
        "{HEADER}{}\n{}\n{}\n",
        r#"{"type":"organization","short_name":"a:b","name":"n","active":true,"created":"2026-01-01T00:00:00Z"}"#,
        r#"{"type":"catalog_course","org":"a:b","course_code":"c","title":"T","language":"en","created":"2026-01-01T00:00:00Z","references":["x"]}"#,
        r#"{"type":"end","organizations":1,"catalog_courses":1,"course_runs":0,"references":1}"#,
    );
    let catalog = Catalog::temporary().unwrap();
    let (report, kept) = import_with(&Import::new(), &catalog, Format::Lines, lines);
    assert_eq!(report.unwrap().references.rejects(), 1);
    assert_eq!(
        kept.rejects,
        [
            "line 3: catalog-course:a:b:c: The row cannot be read: references to \"catalog-course:a:b:c\" cannot be kept, since its organization has a colon."
        ]
    );
    assert_eq!(catalog.stats().catalog_courses, 1);
}

/// Good inputs, to be spoiled.
fn good_input() -> impl Strategy<Value = (Format, Vec<u8>)> {
    prop::sample::select(vec![
        (
            Format::Lines,
            exported_text(&sample(), Format::Lines).into_bytes(),
        ),
        (Format::PlainLines, GOOD.repeat(3).into_bytes()),
        (
            Format::Csv,
            exported_text(&sample(), Format::Csv).into_bytes(),
        ),
        (
            Format::Fixture,
            exported_text(&sample(), Format::Fixture).into_bytes(),
        ),
        (
            Format::CoursesApi,
            format!("{{\"results\": [{API}, {API}], \"next\": null}}\n[{API}]").into_bytes(),
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spoiled_inputs_never_panic(
        (format, mut input) in good_input(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..4),
    ) {
        for (at, byte, how) in spoils {
            if input.is_empty() {
                break;
            }
            let at = at.index(input.len());
            match how {
                0 => input.truncate(at),
                1 => input[at] = byte,
                2 => drop(input.remove(at)),
                _ => input.insert(at, b"[]{}\",:\\\n\0"[usize::from(byte) % 10]),
            }
        }
        let catalog = Catalog::temporary().unwrap();
        let (report, kept) = import_with(&Import::new(), &catalog, format, &input);
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                *error.report
            }
        };
        prop_assert_eq!(report.rejected(), kept.rejects.len() as u64);
        // What was counted as created is there.
        prop_assert_eq!(report.course_runs.created, catalog.stats().course_runs);
    }

    #[test]
    fn any_bytes_never_panic(
        format in prop::sample::select(Format::ALL.to_vec()),
        input in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let catalog = Catalog::temporary().unwrap();
        let _ = import_with(&Import::new(), &catalog, format, &input);
        let _ = Format::recognise(&input, Some("x.csv"));
    }
}
