//! A disk with a cache that a power cut takes: what a recorded process asked for, and what of it may
//! be found afterwards. Pessimistic: only a sync makes anything certain.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::dice::Dice;
use crate::trace::{Kind, Record};

/// Disks write pages, whole or not at all.
const PAGE: usize = 4096;

/// What becomes of all that was not synced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    /// It is lost.
    Nothing,
    /// It is there.
    Everything,
    /// Each page, each change of a name and of a length is there or not, whatever came before it;
    /// there with this chance in a hundred.
    Pages(u64),
    /// What came first is there, up to some moment.
    Ordered,
    /// Names and lengths are there, but not the data: zeros are in their place.
    Zeros,
}

impl Cut {
    pub(crate) fn any(dice: &mut Dice) -> Self {
        match dice.below(7) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Ordered,
            3 => Self::Zeros,
            4 => Self::Pages(10),
            5 => Self::Pages(50),
            _ => Self::Pages(90),
        }
    }
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A change of names that happens as a whole.
type Names = Vec<(String, Option<usize>)>;

/// Changes that no sync has made certain, each with its place in the order of all.
type Unsynced<T> = Vec<(usize, T)>;

enum Node {
    File {
        certain: Vec<u8>,
        unsynced: Unsynced<Change>,
    },
    Folder {
        certain: BTreeMap<String, usize>,
        now: BTreeMap<String, usize>,
        unsynced: Unsynced<Names>,
    },
}

/// See the [module](self). Node 0 is the folder that was watched.
pub(crate) struct Disk {
    nodes: Vec<Node>,
    changes: usize,
}

impl Disk {
    /// A disk on which all that a folder holds is certain.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut disk = Self {
            nodes: Vec::new(),
            changes: 0,
        };
        disk.take_in(folder);
        disk
    }

    fn take_in(&mut self, path: &Path) -> usize {
        let id = self.nodes.len();
        if path.is_file() {
            self.nodes.push(Node::File {
                certain: fs::read(path).unwrap(),
                unsynced: Vec::new(),
            });
            return id;
        }
        self.nodes.push(Node::folder());
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let child = self.take_in(&entry.path());
            let name = entry.file_name().into_string().unwrap();
            let Node::Folder { certain, now, .. } = &mut self.nodes[id] else {
                unreachable!("a folder was just made");
            };
            certain.insert(name.clone(), child);
            now.insert(name, child);
        }
        id
    }

    /// Takes note of what the process asked for.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.changes += 1;
        let place = self.changes;
        match record.kind {
            Kind::Mark => {}
            Kind::CreateFile => self.add(
                &record.path,
                Node::File {
                    certain: Vec::new(),
                    unsynced: Vec::new(),
                },
            ),
            Kind::CreateFolder => self.add(&record.path, Node::folder()),
            Kind::Write => {
                let at = usize::try_from(record.number).unwrap();
                let write = Change::Write(at, record.data.clone());
                self.file(&record.path).push((place, write));
            }
            Kind::Truncate => {
                let length = usize::try_from(record.number).unwrap();
                self.file(&record.path)
                    .push((place, Change::Length(length)));
            }
            Kind::Sync | Kind::SyncFolder => {
                let id = self.find(&record.path);
                self.nodes[id].sync();
            }
            Kind::Rename => {
                let id = self.find(&record.path);
                let target = String::from_utf8(record.data.clone()).unwrap();
                let (from, to) = (split(&record.path), split(&target));
                assert_eq!(from.0, to.0, "renamed into another folder");
                self.rename(from.0, vec![(from.1.into(), None), (to.1.into(), Some(id))]);
            }
            Kind::Link => {
                let id = self.find(&record.path);
                let target = String::from_utf8(record.data.clone()).unwrap();
                let (folder, name) = split(&target);
                self.rename(folder, vec![(name.into(), Some(id))]);
            }
            Kind::Remove => {
                let (folder, name) = split(&record.path);
                self.rename(folder, vec![(name.into(), None)]);
            }
        }
    }

    fn add(&mut self, path: &str, node: Node) {
        let id = self.nodes.len();
        self.nodes.push(node);
        let (folder, name) = split(path);
        self.rename(folder, vec![(name.into(), Some(id))]);
    }

    fn rename(&mut self, folder: &str, names: Names) {
        let place = self.changes;
        let id = self.find(folder);
        let Node::Folder { now, unsynced, .. } = &mut self.nodes[id] else {
            panic!("{folder} is a file");
        };
        give(now, &names);
        unsynced.push((place, names));
    }

    fn file(&mut self, path: &str) -> &mut Unsynced<Change> {
        let id = self.find(path);
        match &mut self.nodes[id] {
            Node::File { unsynced, .. } => unsynced,
            Node::Folder { .. } => panic!("{path} is a folder"),
        }
    }

    fn find(&self, path: &str) -> usize {
        path.split('/')
            .filter(|name| !name.is_empty())
            .fold(0, |id, name| match &self.nodes[id] {
                Node::Folder { now, .. } => now[name],
                Node::File { .. } => panic!("{path} goes through a file"),
            })
    }

    /// Writes what is found after a power cut into a new folder.
    pub(crate) fn after(&self, cut: Cut, dice: &mut Dice, into: &Path) {
        let oldest = self.nodes.iter().filter_map(Node::oldest).min();
        let oldest = oldest.unwrap_or(self.changes);
        let span = u64::try_from(self.changes - oldest + 1).unwrap();
        let until = oldest + usize::try_from(dice.below(span)).unwrap();
        self.write(0, cut, until, dice, into);
    }

    fn write(&self, id: usize, cut: Cut, until: usize, dice: &mut Dice, path: &Path) {
        let mut survives = |place| match cut {
            Cut::Nothing => false,
            Cut::Everything | Cut::Zeros => true,
            Cut::Pages(chance) => dice.below(100) < chance,
            Cut::Ordered => place < until,
        };
        match &self.nodes[id] {
            Node::File { certain, unsynced } => {
                let mut bytes = certain.clone();
                for (place, change) in unsynced {
                    for part in change.parts() {
                        if survives(*place) {
                            let part = if cut == Cut::Zeros {
                                part.zeros()
                            } else {
                                part
                            };
                            part.apply(&mut bytes);
                        }
                    }
                }
                fs::write(path, bytes).unwrap();
            }
            Node::Folder {
                certain, unsynced, ..
            } => {
                let mut names = certain.clone();
                for (place, change) in unsynced {
                    if survives(*place) {
                        give(&mut names, change);
                    }
                }
                fs::create_dir_all(path).unwrap();
                for (name, id) in names {
                    self.write(id, cut, until, dice, &path.join(name));
                }
            }
        }
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder {
            certain: BTreeMap::new(),
            now: BTreeMap::new(),
            unsynced: Vec::new(),
        }
    }

    fn sync(&mut self) {
        match self {
            Self::File { certain, unsynced } => {
                for (_, change) in unsynced.drain(..) {
                    change.apply(certain);
                }
            }
            Self::Folder {
                certain,
                now,
                unsynced,
            } => {
                unsynced.clear();
                certain.clone_from(now);
            }
        }
    }

    /// The place of the first change that is not certain.
    fn oldest(&self) -> Option<usize> {
        match self {
            Self::File { unsynced, .. } => unsynced.first().map(|(place, _)| *place),
            Self::Folder { unsynced, .. } => unsynced.first().map(|(place, _)| *place),
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => {
                let end = at + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(data);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }

    /// A write as the pages of the file that it touches.
    fn parts(&self) -> Vec<Self> {
        let Self::Write(at, data) = self else {
            return vec![self.clone()];
        };
        let mut parts = Vec::new();
        let mut from = 0;
        while from < data.len() {
            let to = data.len().min(from + PAGE - (at + from) % PAGE);
            parts.push(Self::Write(at + from, data[from..to].to_vec()));
            from = to;
        }
        parts
    }

    /// The same length without the data.
    fn zeros(self) -> Self {
        match self {
            Self::Write(at, data) => Self::Write(at, vec![0; data.len()]),
            other => other,
        }
    }
}

fn give(names: &mut BTreeMap<String, usize>, change: &Names) {
    for (name, id) in change {
        match id {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
