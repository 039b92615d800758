//! Two catalogs that begin as the same: one in a folder, one behind a server.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::server::{Server, coursecat};

pub struct Pair {
    folder: tempfile::TempDir,
    pub server: Server,
}

/// What a command printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Told {
    /// What it printed, if it succeeded.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Where each place has something of its own: moments, lengths of time, sizes.
    fn without_what_differs(mut self) -> Self {
        for text in [&mut self.stdout, &mut self.stderr] {
            let lines: Vec<String> = text.lines().map(mask).collect();
            *text = lines.join("\n");
        }
        self
    }
}

/// A line without moments of today, lengths of time and numbers of bytes.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    let line = match line.split_once("  created ") {
        // A key in a list.
        Some((before, after)) => &format!("{before}  created {}", &after[27..]),
        None => line,
    };
    for (n, part) in line.split("\"created\":\"").enumerate() {
        if n > 0 {
            masked += "\"created\":\"";
        }
        // The demo's courses come with their moments; what the tests make is of this minute.
        let is_moment = n > 0 && part.as_bytes().get(26) == Some(&b'Z');
        masked += match is_moment && !part[..26].ends_with("00.000000") {
            true => &part[27..],
            false => part,
        };
    }
    // The change feed has as many rows as the demo was stored in commits.
    if masked.contains(" rows read in ") && masked.contains("(commit ") {
        masked = masked
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .to_owned();
    }
    let rows = if masked.contains("\"commit\":") {
        "\"rows\":"
    } else {
        "\"seconds\":"
    };
    for name in [
        rows,
        "\"bytes_on_disk\":",
        "\"seconds\":",
        "bytes on disk",
        "\"commit\":",
    ] {
        if let Some((before, after)) = masked.split_once(name) {
            let number = |c: char| c.is_ascii_digit() || " .e-".contains(c);
            masked = format!("{before}{name}{}", after.trim_start_matches(number));
        }
    }
    for (before, after) in [(" in ", "s"), ("(commit ", ")"), (": ", " bytes")] {
        masked = without_number(&masked, before, after);
    }
    masked
}

/// A text without the number between these two.
fn without_number(text: &str, before: &str, after: &str) -> String {
    for (at, _) in text.match_indices(before) {
        let rest = &text[at + before.len()..];
        let length = rest.find(|c: char| !c.is_ascii_digit() && !".mµ".contains(c));
        let Some(length) = length.filter(|length| *length > 0) else {
            continue;
        };
        if rest[length..].starts_with(after) {
            return format!("{}{before}{}", &text[..at], &rest[length..]);
        }
    }
    text.to_owned()
}

impl Pair {
    /// Both with the courses of the demo.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = Self {
            server: Server::start_on(&folder.path().join("served"), &["--demo"]),
            folder,
        };
        pair.in_folder(&["demo"]).done();
        pair
    }

    /// A file of their own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn served(&self) -> PathBuf {
        self.file("served")
    }

    pub fn in_folder(&self, arguments: &[&str]) -> Told {
        let data = self.file("folder");
        let output = coursecat(arguments).env("COURSECAT_DATA", data).output();
        output.unwrap().into()
    }

    pub fn over_server(&self, arguments: &[&str]) -> Told {
        on(&self.server, arguments)
    }

    /// Runs a command in both places, which must tell the same. Gives what it told.
    #[track_caller]
    pub fn both(&self, arguments: &[&str]) -> Told {
        let (folder, server) = (self.in_folder(arguments), self.over_server(arguments));
        let code = folder.code;
        let (stdout, stderr) = (folder.stdout.clone(), folder.stderr.clone());
        assert_eq!(
            server.without_what_differs(),
            folder.without_what_differs(),
            "{arguments:?}"
        );
        Told {
            code,
            stdout,
            stderr,
        }
    }
}

/// Runs a command over a server.
pub fn on(server: &Server, arguments: &[&str]) -> Told {
    let address = format!("http://{}", server.address);
    let output = coursecat(arguments)
        .env("COURSECAT_SERVER", address)
        .output();
    output.unwrap().into()
}

/// Runs a command on a folder.
pub fn on_folder(data: &Path, arguments: &[&str]) -> Told {
    let output = coursecat(arguments).arg("--data").arg(data).output();
    output.unwrap().into()
}
