//! A sequence with more records than chance brings together: more block a deletion than its refusal
//! names.

use crate::names::Shape;
use crate::steps::{
    GivenLanguage, Key, OrgName, Selector, Settings, Step, Subject, Submitted, Write,
};

/// Fewer than a refusal names, and more.
const FEW: u32 = 100;
const MANY: u32 = 130;

pub fn sequence() -> (Settings, Vec<Step>) {
    let settings = Settings {
        auto_create: true,
        default_language: "en-us",
        allowed: None,
        deferred: false,
        // Less than it tells, by many rows.
        kept: 50,
    };
    let delete_course = || Write::DeleteCourse(Selector::Nth(0));
    let delete_organization = || Write::DeleteOrganization(OrgName::Made("mitx".to_owned()));
    let delete_run = || Write::DeleteRun(Key::OfRun(0));
    let steps = [
        blocked(create_run, delete_course),
        blocked(create_course, delete_organization),
        blocked(add_reference, delete_run),
    ];
    (settings, steps.concat())
}

/// Tries a deletion when a few block it, and again when many do.
fn blocked(block: fn(u32) -> Write, delete: impl Fn() -> Write) -> Vec<Step> {
    let delete = || Step::Write {
        handle: 0,
        ticks: true,
        write: delete(),
    };
    vec![
        group((0..FEW).map(block)),
        delete(),
        group((FEW..MANY).map(block)),
        delete(),
    ]
}

fn group(writes: impl Iterator<Item = Write>) -> Step {
    let submitted = writes.enumerate().map(|(handle, write)| Submitted {
        handle,
        forgotten: false,
        write,
    });
    Step::Group {
        ticks: true,
        writes: submitted.collect(),
    }
}

/// Ignoring case, these names have another order than byte by byte.
fn name(letters: [&str; 2], n: u32) -> String {
    let letter = letters[n as usize % 2];
    format!("{letter}{n}")
}

fn create_run(n: u32) -> Write {
    let key = Shape::default().name("MITx", "Math", &name(["R", "r"], n));
    Write::CreateModulestoreRun {
        key: Key::Made(key),
        title: String::new(),
        language_short: String::new(),
        imported: None,
    }
}

fn create_course(n: u32) -> Write {
    Write::CreateCourse {
        org: OrgName::Made("MITx".to_owned()),
        code: name(["C", "c"], n),
        title: String::new(),
        language: GivenLanguage::None,
        imported: None,
    }
}

fn add_reference(n: u32) -> Write {
    Write::AddReference {
        subject: Subject::Run(Key::OfRun(0)),
        referrer: name(["system ", "System "], n),
    }
}
