//! The page of curl examples does what it prints.

use std::process::Command;

use crate::server::Server;

#[test]
fn the_page_of_examples_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/HTTP.md");
    let page = std::fs::read_to_string(path).unwrap();
    let server = Server::start(&["--demo"]);
    let mut examples = 0;
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("\n```").unwrap();
        for example in format!("\n{block}").split("\n$ ").skip(1) {
            let (command, expected) = split(example);
            if !command.contains("curl ") {
                continue;
            }
            examples += 1;
            let here = command.replace("127.0.0.1:8787", &server.address);
            let output = Command::new("sh").args(["-c", &here]).output().unwrap();
            let found = String::from_utf8(output.stdout).unwrap().replace('\r', "");
            assert!(
                matches(expected.trim(), found.trim()),
                "$ {command}\nprints\n{found}\nand not\n{expected}"
            );
        }
    }
    assert!(examples > 10, "only {examples} examples were found");
}

/// A command, which may go on over several lines, and what it prints.
fn split(example: &str) -> (String, String) {
    let mut lines = example.lines();
    let mut command = String::new();
    for line in lines.by_ref() {
        // A shell shows "> " where a command goes on.
        command += line.strip_prefix("> ").unwrap_or(line);
        if !line.ends_with('\\') {
            break;
        }
        command += "\n";
    }
    (command, lines.collect::<Vec<_>>().join("\n"))
}

/// Whether a text is as expected, where `[..]` stands for anything.
fn matches(expected: &str, found: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut ends_open = false;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        ends_open = part.is_empty();
    }
    rest.is_empty() || ends_open
}
