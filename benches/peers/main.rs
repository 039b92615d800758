//! coursecat side by side with what else a catalog could be kept in:
//! `cargo bench --features bench-peers --bench peers`, and `-- --help` for what can be chosen.
//!
//! | file | what it holds |
//! |---|---|
//! | `peer.rs` | what is asked of each |
//! | `peers/` | the peers and the ceilings, with their settings |
//! | `key_value.rs` | a catalog in an ordered key-value store |
//! | `data.rs`, `record.rs` | the data, the same for all |
//! | `agree.rs` | all give the same answers, or nothing is measured |
//! | `operation.rs`, `measure.rs` | what is measured, and one sample of it |
//! | `group.rs` | group commit as an application would write it |
//! | `child.rs` | what needs a process of its own |
//! | `report.rs`, `chart.rs` | medians, ratios, tables |
//!
//! The method is in `benches/README.md`.

mod agree;
mod args;
mod chart;
mod child;
mod data;
mod group;
mod key_value;
mod measure;
mod operation;
mod peer;
mod peers;
mod record;
mod report;
mod subject;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use clap::Parser as _;

use args::Args;
use data::{Data, Questions};
use measure::{Bench, Sample, Way};
use operation::{DISK, DISK_COMPACTED, IMPORT, MEMORY, OPEN, OPEN_KILLED, Operation};
use peer::Durability;
use report::{Outcome, Results, compare};
use subject::{Role, Subject};

/// One for all: the one that the binary of coursecat has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let args = Args::parse();
    let names: Vec<&str> = subject::all()
        .iter()
        .map(|subject| subject.name())
        .collect();
    let mut subjects = subject::all();
    subjects.retain(|subject| args.wants_peer(subject.name()));
    assert!(!subjects.is_empty(), "--only knows {}", names.join(", "));
    if let Some(child) = args.child {
        let subject = subjects.remove(0);
        return child::run(child, subject, &args.folder, Data::new(args.n[0]));
    }
    let folder = args.folder.join("peers");
    if !args.bench && !args.show {
        return Run::new(&args, subjects, &folder, 1_000).check();
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = target.parent().expect("target/tmp is in target");
    let mut results = Results::load(&target.join("peers.json"));
    if args.show {
        for &n in &args.n {
            println!("{}", results.table(n, &names));
        }
        return;
    }
    for &n in &args.n {
        let mut subjects = subject::all();
        subjects.retain(|subject| args.wants_peer(subject.name()));
        let measured = Run::new(&args, subjects, &folder, n).measure();
        println!("{}", measured.table(n, &names));
        results.add(&measured.0);
        results.save(&target.join("peers.json"));
        let svg = chart::draw(&results, n, &names);
        fs::write(target.join("peers.svg"), svg).expect("written");
    }
}

/// All measurements with catalogs of one size.
struct Run<'a> {
    args: &'a Args,
    subjects: Vec<Box<dyn Subject>>,
    folder: PathBuf,
    bench: Bench,
    results: Results,
}

impl<'a> Run<'a> {
    fn new(args: &'a Args, subjects: Vec<Box<dyn Subject>>, folder: &Path, runs: usize) -> Self {
        let data = Data::new(runs);
        Self {
            args,
            subjects,
            folder: folder.join(runs.to_string()),
            bench: Bench {
                data,
                questions: Questions::about(data),
                time: args.sample_time(),
                ops: args.ops,
                nonce: AtomicUsize::new(0),
            },
            results: Results::default(),
        }
    }

    /// Checks that all peers agree.
    fn check(mut self) {
        self.import(1);
        agree::check(&self.subjects, &self.bench);
        self.remove_all();
        println!("All peers agree.");
    }

    fn measure(mut self) -> Results {
        self.stores();
        let open = |run: &mut Self, durability| {
            for i in 0..run.subjects.len() {
                let folder = run.folder_of(i);
                run.subjects[i].open(&folder, durability);
            }
        };
        open(&mut self, Durability::Durable);
        agree::check(&self.subjects, &self.bench);
        for operation in operation::on_durable_store() {
            self.interleaved(operation);
        }
        self.close_all();
        let relaxed = operation::on_relaxed_store();
        if relaxed
            .iter()
            .any(|operation| self.args.wants(operation.name()))
        {
            open(&mut self, Durability::Relaxed);
            for operation in relaxed {
                self.interleaved(operation);
            }
        }
        self.remove_all();
        self.results
    }

    /// Makes the stores, and measures what has to do with a store as a whole. They are closed then.
    fn stores(&mut self) {
        // What takes long is done less often.
        let rounds = self
            .args
            .rounds()
            .min(if self.bench.data.runs > 200_000 { 1 } else { 3 });
        let wants = |operation: Operation| self.args.wants(operation.name());
        let (import, open, killed) = (wants(IMPORT), wants(OPEN), wants(OPEN_KILLED));
        let (memory, disk, compacted) = (wants(MEMORY), wants(DISK), wants(DISK_COMPACTED));
        let imported = self.import(if import { rounds } else { 1 });
        if import {
            self.keep(IMPORT, Way::Each, imported);
        }
        self.close_all();
        if disk {
            self.each_store(
                DISK,
                1,
                |_, folder| Some(child::size_on_disk(folder) as f64),
            );
        }
        if open || memory {
            self.open(rounds, open, memory);
        }
        if killed {
            self.open_killed(rounds);
        }
        if compacted {
            self.each_store(DISK_COMPACTED, 1, |subject, folder| {
                let copy = folder.with_extension("copy");
                child::copy(folder, &copy);
                let size = subject
                    .compact(&copy)
                    .then(|| child::size_on_disk(&copy) as f64);
                fs::remove_dir_all(copy).expect("removed");
                size
            });
        }
    }

    /// Fills new stores, a number of times; the last ones stay, open.
    fn import(&mut self, rounds: usize) -> Vec<Vec<Sample>> {
        let mut samples = vec![Vec::new(); self.subjects.len()];
        for round in 0..rounds {
            for i in self.order(round) {
                let folder = self.folder_of(i);
                let subject = &mut self.subjects[i];
                subject.close();
                let _ = fs::remove_dir_all(&folder);
                subject.open(&folder, Durability::Durable);
                let start = Instant::now();
                subject.import(self.bench.data);
                let each = start.elapsed().as_nanos() as f64 / self.bench.data.runs as f64;
                eprintln!("{}: import, {} a run", subject.name(), report::time(each));
                if subject.role() != Role::MemoryCeiling {
                    samples[i].push(Sample::of(each));
                }
            }
        }
        samples
    }

    /// Opens closed stores in processes of their own, and measures time and memory there.
    fn open(&mut self, rounds: usize, open: bool, memory: bool) {
        let data = self.bench.data;
        let mut times = vec![Vec::new(); self.subjects.len()];
        let mut memories = vec![Vec::new(); self.subjects.len()];
        for round in 0..rounds {
            for i in self.order(round) {
                let role = self.subjects[i].role();
                if role == Role::DiskCeiling {
                    continue;
                }
                let opened = child::open(self.subjects[i].name(), &self.folder_of(i), data);
                if role == Role::Store {
                    times[i].push(Sample::of(opened.open_ns as f64));
                }
                memories[i].push(Sample::of(opened.memory as f64 / data.runs as f64));
            }
        }
        if open {
            self.keep(OPEN, Way::Each, times);
        }
        if memory {
            self.keep(MEMORY, Way::Each, memories);
        }
    }

    /// The same for stores whose process was killed after it had filled them.
    fn open_killed(&mut self, rounds: usize) {
        let data = self.bench.data;
        let mut samples = vec![Vec::new(); self.subjects.len()];
        for (i, samples) in samples.iter_mut().enumerate() {
            let subject = &self.subjects[i];
            if subject.role() != Role::Store {
                continue;
            }
            let name = subject.name();
            let killed = self.folder_of(i).with_extension("killed");
            let copy = self.folder_of(i).with_extension("copy");
            child::kill_after_filling(name, &killed, data);
            for _ in 0..rounds {
                child::copy(&killed, &copy);
                let opened = child::open(name, &copy, data);
                samples.push(Sample::of(opened.open_ns as f64));
                fs::remove_dir_all(&copy).expect("removed");
            }
            fs::remove_dir_all(&killed).expect("removed");
        }
        self.keep(OPEN_KILLED, Way::Each, samples);
    }

    /// Something that is measured once at each closed store, in all bytes.
    fn each_store(
        &mut self,
        operation: Operation,
        rounds: usize,
        measure: impl Fn(&dyn Subject, &Path) -> Option<f64>,
    ) {
        let runs = self.bench.data.runs as f64;
        let mut samples = vec![Vec::new(); self.subjects.len()];
        for _ in 0..rounds {
            for (i, samples) in samples.iter_mut().enumerate() {
                let subject = &*self.subjects[i];
                if subject.role() != Role::MemoryCeiling {
                    let bytes = measure(subject, &self.folder_of(i));
                    samples.extend(bytes.map(|bytes| Sample::of(bytes / runs)));
                }
            }
        }
        self.keep(operation, Way::Each, samples);
    }

    /// Measures an operation of all peers, in rounds, so that a machine that changes its pace
    /// changes it for all. Who comes first changes with the round.
    fn interleaved(&mut self, operation: Operation) {
        if !self.args.wants(operation.name()) {
            return;
        }
        eprintln!("{}", operation.title());
        for way in [Way::Each, Way::Grouped] {
            let mut samples = vec![Vec::new(); self.subjects.len()];
            for round in 0..self.args.rounds() {
                for i in self.order(round) {
                    let subject = &self.subjects[i];
                    if subject.ways(operation).contains(&way) {
                        samples[i].extend(subject.measure(operation, way, &self.bench));
                    }
                }
            }
            self.keep(operation, way, samples);
        }
    }

    /// Keeps what was measured side by side.
    fn keep(&mut self, operation: Operation, way: Way, samples: Vec<Vec<Sample>>) {
        let first = self.results.0.len();
        for (subject, samples) in self.subjects.iter().zip(samples) {
            if !samples.is_empty() {
                let n = self.bench.data.runs;
                let outcome = Outcome::of(operation, subject.name(), n, way, samples);
                self.results.0.push(outcome);
            }
        }
        compare(&mut self.results.0[first..]);
    }

    fn order(&self, round: usize) -> Vec<usize> {
        let count = self.subjects.len();
        (0..count).map(|i| (i + round) % count).collect()
    }

    fn folder_of(&self, subject: usize) -> PathBuf {
        self.folder.join(self.subjects[subject].name())
    }

    fn close_all(&mut self) {
        self.subjects.iter_mut().for_each(|subject| subject.close());
    }

    fn remove_all(&mut self) {
        self.close_all();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
