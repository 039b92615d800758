//! What the recorder wrote: the calls of a process, in their order.

use std::fs;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    CreateFile,
    CreateFolder,
    Write,
    Truncate,
    Sync,
    SyncFolder,
    Rename,
    Link,
    Remove,
    /// Not a call, but a message of the process to whoever reads this.
    Mark,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// Below the folder that was watched.
    pub(crate) path: String,
    pub(crate) number: u64,
    pub(crate) data: Vec<u8>,
}

/// Reads a trace of a process that watched a folder.
pub(crate) fn read(trace: &Path, watched: &Path) -> Vec<Record> {
    let bytes = fs::read(trace).unwrap();
    let mut rest = &bytes[..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let kind = take(&mut rest, 1)[0];
        let path = number(&mut rest, 4);
        let data = number(&mut rest, 4);
        let number = number(&mut rest, 8);
        let path = take(&mut rest, path);
        let data = take(&mut rest, data).to_vec();
        let below = |path: &[u8]| {
            let path = String::from_utf8(path.to_vec()).unwrap();
            let watched = watched.to_str().unwrap();
            path.strip_prefix(watched).unwrap_or(&path).to_owned()
        };
        let kind = match kind {
            b'C' => Kind::CreateFile,
            b'M' => Kind::CreateFolder,
            b'W' => Kind::Write,
            b'T' => Kind::Truncate,
            b'S' => Kind::Sync,
            b'D' => Kind::SyncFolder,
            b'R' => Kind::Rename,
            b'L' => Kind::Link,
            b'U' => Kind::Remove,
            b'!' => Kind::Mark,
            other => panic!("a record of kind {other}"),
        };
        let data = match kind {
            Kind::Rename | Kind::Link => below(&data).into_bytes(),
            _ => data,
        };
        records.push(Record {
            kind,
            path: below(path),
            number: u64::try_from(number).unwrap(),
            data,
        });
    }
    records
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(n);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8], n: usize) -> usize {
    let mut bytes = [0; 8];
    bytes[..n].copy_from_slice(take(rest, n));
    usize::try_from(u64::from_le_bytes(bytes)).unwrap()
}
