//! What is measured in processes of its own: opening, and memory, so that no peer's caches and no
//! allocator's leftovers mix with another's; and being killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::args::Child;
use crate::data::Data;
use crate::peer::Durability;
use crate::subject::{Role, Subject};

/// What a process that opened a store found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// Until the store could be used, and one run had been looked up.
    pub(crate) open_ns: u64,
    /// By how much the process has grown, in bytes, once each run has been looked up.
    pub(crate) memory: u64,
}

/// The part of a process that [`open`] and [`kill_after_filling`] start.
pub(crate) fn run(child: Child, mut subject: Box<dyn Subject>, folder: &Path, data: Data) {
    match child {
        Child::Open => {
            let before = resident();
            let start = Instant::now();
            subject.open(folder, Durability::Durable);
            if subject.role() == Role::MemoryCeiling {
                subject.import(data);
            }
            let mut open_ns = 0;
            subject.look_up(data, 0..1, &mut || {
                open_ns = start.elapsed().as_nanos() as u64
            });
            let mut memory = 0;
            subject.look_up(data, 0..data.runs, &mut || {
                memory = resident().saturating_sub(before);
            });
            let opened = Opened { open_ns, memory };
            println!("{}", serde_json::to_string(&opened).expect("JSON"));
        }
        Child::Fill => {
            subject.open(folder, Durability::Durable);
            subject.import(data);
            println!("filled");
            std::io::stdout().flush().expect("said");
            std::thread::park();
        }
    }
}

/// Opens a store in a process of its own.
pub(crate) fn open(name: &str, folder: &Path, data: Data) -> Opened {
    let output = command(Child::Open, name, folder, data).output();
    let output = output.expect("a process");
    assert!(
        output.status.success(),
        "{name} in {}: {output:?}",
        folder.display()
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Fills a store in a process of its own, and kills that with SIGKILL.
pub(crate) fn kill_after_filling(name: &str, folder: &Path, data: Data) {
    let mut process = command(Child::Fill, name, folder, data)
        .spawn()
        .expect("a process");
    let output = process.stdout.take().expect("it is piped");
    let mut said = String::new();
    BufReader::new(output)
        .read_line(&mut said)
        .expect("it speaks");
    assert_eq!(said, "filled\n", "{name}");
    process.kill().expect("killed");
    process.wait().expect("ended");
}

fn command(child: Child, name: &str, folder: &Path, data: Data) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let role = match child {
        Child::Open => "open",
        Child::Fill => "fill",
    };
    command
        .args([
            "--child",
            role,
            "--only",
            name,
            "--n",
            &data.runs.to_string(),
        ])
        .arg("--folder")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// The memory of this process, in bytes, with the pages of files that it has mapped.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        << 10
}

/// The bytes that the files of a folder take on the disk, holes not counted.
pub(crate) fn size_on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("metadata");
            if metadata.is_dir() {
                size_on_disk(&path)
            } else {
                metadata.blocks() * 512
            }
        })
        .sum()
}

/// Copies a folder, as whoever opens it changes it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("copied");
        }
    }
}
