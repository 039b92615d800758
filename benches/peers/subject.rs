//! The peers as the benchmark handles them: opened, filled, measured and closed by name.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::agree::{self, Answers};
use crate::data::Data;
use crate::measure::{self, Bench, Sample, Way};
use crate::operation::{Kind, Operation};
use crate::peer::{Creates as _, Durability, Lookups as _, Peer};
use crate::peers::{Append, Coursecat, Fjall, HashMapOfRecords, Lmdb, Redb, Sled, Sqlite};

pub(crate) trait Subject {
    fn name(&self) -> &'static str;

    /// What this is to the others.
    fn role(&self) -> Role;

    /// Opens what is in a folder, or begins there.
    fn open(&mut self, folder: &Path, durability: Durability);

    fn close(&mut self);

    /// Fills it with a whole catalog, durably.
    fn import(&mut self, data: Data);

    /// The ways in which it can do an operation; none if it cannot.
    fn ways(&self, operation: Operation) -> &'static [Way];

    fn measure(&self, operation: Operation, way: Way, bench: &Bench) -> Option<Sample>;

    /// Looks up runs by their numbers, and does something before the reader is gone.
    fn look_up(&self, data: Data, numbers: Range<usize>, then: &mut dyn FnMut());

    /// Its answers to questions whose answers all agree on.
    fn answers(&self, bench: &Bench) -> Answers;

    /// Makes what is in a folder small, if it has a way.
    fn compact(&self, folder: &Path) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Keeps a catalog on the disk.
    Store,
    /// In memory only: a ceiling for lookups.
    MemoryCeiling,
    /// On the disk, but nothing is found there: a ceiling for writes.
    DiskCeiling,
}

/// All of them, coursecat first.
pub(crate) fn all() -> Vec<Box<dyn Subject>> {
    vec![
        store::<Coursecat>(),
        store::<Sqlite>(),
        store::<Lmdb>(),
        store::<Redb>(),
        store::<Fjall>(),
        store::<Sled>(),
        Box::<InMemory>::default(),
        Box::<OnDisk>::default(),
    ]
}

fn store<P: Peer + 'static>() -> Box<dyn Subject> {
    Box::new(Store::<P> { peer: None })
}

const EACH: &[Way] = &[Way::Each];
const BOTH: &[Way] = &[Way::Each, Way::Grouped];
const NONE: &[Way] = &[];

const IS_OPEN: &str = "it is open";

struct Store<P> {
    peer: Option<P>,
}

impl<P> Store<P> {
    fn peer(&self) -> &P {
        self.peer.as_ref().expect(IS_OPEN)
    }
}

impl<P: Peer> Subject for Store<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn role(&self) -> Role {
        Role::Store
    }

    fn open(&mut self, folder: &Path, durability: Durability) {
        fs::create_dir_all(folder).expect("a folder");
        self.peer = Some(P::open(folder, durability));
    }

    fn close(&mut self) {
        self.peer = None;
    }

    fn import(&mut self, data: Data) {
        self.peer().import(&mut data.all());
    }

    fn ways(&self, operation: Operation) -> &'static [Way] {
        match operation.kind {
            // One caller is no group.
            Kind::CreateRun(..) if operation.threads > 1 => BOTH,
            _ => EACH,
        }
    }

    fn measure(&self, operation: Operation, way: Way, bench: &Bench) -> Option<Sample> {
        // coursecat groups by itself: it is asked the same way beside either.
        let way = match P::NAME {
            Coursecat::NAME => Way::Each,
            _ => way,
        };
        measure::catalog(bench, operation.kind, operation.threads, way, self.peer())
    }

    fn look_up(&self, data: Data, numbers: Range<usize>, then: &mut dyn FnMut()) {
        let mut reader = self.peer().reader();
        for n in numbers {
            assert!(reader.run(&data.key(n)).is_some(), "every run is there");
        }
        then();
    }

    fn answers(&self, bench: &Bench) -> Answers {
        agree::of_catalog(bench, self.peer())
    }

    fn compact(&self, folder: &Path) -> bool {
        P::compact(folder)
    }
}

#[derive(Default)]
struct InMemory {
    map: HashMapOfRecords,
}

impl Subject for InMemory {
    fn name(&self) -> &'static str {
        HashMapOfRecords::NAME
    }

    fn role(&self) -> Role {
        Role::MemoryCeiling
    }

    fn open(&mut self, _folder: &Path, _durability: Durability) {}

    fn close(&mut self) {}

    fn import(&mut self, data: Data) {
        self.map = HashMapOfRecords::of(data.all());
    }

    fn ways(&self, operation: Operation) -> &'static [Way] {
        match operation.kind {
            Kind::GetRun
            | Kind::GetRunParsed
            | Kind::GetRuns
            | Kind::GetCourse
            | Kind::GetCourseByCodes
            | Kind::GetRunEach => EACH,
            _ => NONE,
        }
    }

    fn measure(&self, operation: Operation, _way: Way, bench: &Bench) -> Option<Sample> {
        measure::lookups(bench, operation.kind, operation.threads, &|| &self.map)
    }

    fn look_up(&self, data: Data, numbers: Range<usize>, then: &mut dyn FnMut()) {
        for n in numbers {
            let found = (&self.map).run(&data.key(n));
            assert!(found.is_some(), "every run is there");
        }
        then();
    }

    fn answers(&self, bench: &Bench) -> Answers {
        agree::of_lookups(bench, &mut &self.map)
    }

    fn compact(&self, _folder: &Path) -> bool {
        false
    }
}

#[derive(Default)]
struct OnDisk {
    file: Option<Append>,
}

impl Subject for OnDisk {
    fn name(&self) -> &'static str {
        Append::NAME
    }

    fn role(&self) -> Role {
        Role::DiskCeiling
    }

    fn open(&mut self, folder: &Path, durability: Durability) {
        fs::create_dir_all(folder).expect("a folder");
        self.file = Some(Append::open(folder, durability));
    }

    fn close(&mut self) {
        self.file = None;
    }

    fn import(&mut self, data: Data) {
        self.file.as_ref().expect(IS_OPEN).import(&mut data.all());
    }

    fn ways(&self, operation: Operation) -> &'static [Way] {
        match operation.kind {
            Kind::CreateRun(..) if operation.threads > 1 => BOTH,
            Kind::CreateRun(..) => EACH,
            _ => NONE,
        }
    }

    fn measure(&self, operation: Operation, way: Way, bench: &Bench) -> Option<Sample> {
        let file = self.file.as_ref().expect(IS_OPEN);
        measure::creates(bench, operation.kind, operation.threads, way, file)
    }

    fn look_up(&self, _data: Data, _numbers: Range<usize>, then: &mut dyn FnMut()) {
        then();
    }

    fn answers(&self, _bench: &Bench) -> Answers {
        Answers::default()
    }

    fn compact(&self, _folder: &Path) -> bool {
        false
    }
}
