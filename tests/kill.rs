//! Promise: what was acknowledged survives the death of the process, at whatever moment it comes,
//! and what was not is wholly there or not at all.
//!
//! A child process writes with several threads and reports each answer; it is killed with SIGKILL,
//! and this process opens what it left. Each thread's requests follow from its number, so the
//! catalog must be as the thread's first `n` requests leave it, for an `n` that is no less than the
//! number of answers reported, and no more than the number of requests that were on their way. The
//! change feed tells all of it once: a replica that follows it over all deaths has what there is.
//!
//! The long form: `COURSECAT_KILLS=1000 cargo test --release --test kill -- --nocapture`. A failure
//! prints its seed; `COURSECAT_SEED` sets it.

#[path = "support/deeds.rs"]
mod deeds;
#[path = "support/dice.rs"]
mod dice;
#[path = "support/replica.rs"]
mod replica;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use coursecat::{Catalog, CourseQuery, CreateModulestoreRun, Options, Order, RunQuery, verify};
use deeds::{Content, carry_out, follow, found};
use dice::Dice;
use replica::Replica;

/// Threads that wait for each answer.
const PATIENT: u64 = 3;
/// A thread that hands over many requests before it waits: it makes groups of several batches.
const BURST_THREAD: u64 = PATIENT;
/// How many requests it hands over at a time.
const BURST: u64 = 300;

const CHILD: &str = "COURSECAT_KILL_CHILD";

/// The process that is killed. Its arguments are the folder and where each thread begins.
#[test]
#[ignore = "it is run by the tests of this file"]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let mut arguments = arguments.split(' ');
    let folder = arguments.next().unwrap();
    let begin: Vec<u64> = arguments.map(|n| n.parse().unwrap()).collect();
    let catalog = open(folder.as_ref());
    report("open");
    std::thread::scope(|scope| {
        for thread in 0..PATIENT {
            let (catalog, mut n) = (&catalog, begin[usize::try_from(thread).unwrap()]);
            scope.spawn(move || {
                loop {
                    let created = carry_out(catalog, thread, n).unwrap();
                    report(&format!("{thread} {}", created.unwrap_or_default()));
                    n += 1;
                }
            });
        }
        let mut n = *begin.last().unwrap();
        loop {
            let pending: Vec<_> = (n..n + BURST)
                .map(|n| catalog.submit(CreateModulestoreRun::new(burst_key(n)).title("burst")))
                .collect();
            for answer in pending {
                answer.wait().unwrap();
                report(&format!("{BURST_THREAD} "));
            }
            n += BURST;
        }
    });
}

/// Opens a catalog that keeps every change that is made here. A small cache makes a small journal, which
/// is carried to the trees again and again.
fn open(folder: &Path) -> Catalog {
    let options = Options::new()
        .keep_changes(10_000_000)
        .store_cache_bytes(64 << 10);
    options.open(folder).unwrap()
}

fn burst_key(n: u64) -> String {
    format!("course-v1:{}+C{}+{n}", deeds::org(BURST_THREAD), n / 50)
}

/// Prints a line in one write, and gives up when nobody reads any more.
fn report(line: &str) {
    static OUT: Mutex<()> = Mutex::new(());
    let _turn = OUT.lock().unwrap();
    let mut out = std::io::stdout().lock();
    if out
        .write_all(format!("\n> {line}\n").as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

fn start(folder: &Path, begin: &[u64]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let begin: Vec<_> = begin.iter().map(u64::to_string).collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, format!("{} {}", folder.display(), begin.join(" ")))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// What is known of a catalog that is killed again and again.
struct Life {
    folder: tempfile::TempDir,
    /// How many requests of each thread are known to be carried out.
    done: [u64; 4],
    /// What each patient thread has made.
    content: [Content; 3],
    /// What one knows who follows the change feed.
    replica: Replica,
    /// When each record was created, by its key.
    created: BTreeMap<String, String>,
    acknowledged: u64,
    /// Requests on their way that turned out to be carried out.
    surprises: u64,
}

impl Life {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            done: [0; 4],
            content: Default::default(),
            replica: Replica::default(),
            created: BTreeMap::new(),
            acknowledged: 0,
            surprises: 0,
        }
    }

    /// Starts a child, kills it after so many answers, and looks at what it leaves.
    fn kill_after(&mut self, answers: u64) {
        let (mut child, mut lines) = start(self.folder.path(), &self.done);
        let mut heard = [0; 4];
        let mut left = answers + 1; // and the line that says that it is open
        while left > 0 {
            let line = lines.next().expect("the child ended by itself").unwrap();
            left -= self.hear(&line, &mut heard);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died was said, too.
        for line in lines.map_while(Result::ok) {
            self.hear(&line, &mut heard);
        }
        self.check(heard);
    }

    /// Kills a child while it opens the catalog, or soon after.
    fn kill_at(&mut self, moment: Duration) {
        let (mut child, lines) = start(self.folder.path(), &self.done);
        let born = std::time::Instant::now();
        while born.elapsed() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut heard = [0; 4];
        for line in lines.map_while(Result::ok) {
            self.hear(&line, &mut heard);
        }
        self.check(heard);
    }

    fn hear(&mut self, line: &str, heard: &mut [u64; 4]) -> u64 {
        let Some(line) = line.strip_prefix("> ") else {
            return 0;
        };
        if line == "open" {
            return 1;
        }
        let (thread, created) = line.split_once(' ').unwrap();
        heard[thread.parse::<usize>().unwrap()] += 1;
        if let Some((key, time)) = created.split_once(' ') {
            self.created.insert(key.to_owned(), time.to_owned());
        }
        1
    }

    fn check(&mut self, heard: [u64; 4]) {
        self.acknowledged += heard.iter().sum::<u64>();
        let catalog = open(self.folder.path());
        let snapshot = catalog.snapshot();
        // Every change is told once, and in order: what follows the feed alone has what there is.
        self.replica.follow(&snapshot);
        self.replica.check(&snapshot);
        for thread in 0..PATIENT {
            let at = usize::try_from(thread).unwrap();
            let content = &mut self.content[at];
            for _ in 0..heard[at] {
                follow(content, thread, self.done[at]);
                self.done[at] += 1;
            }
            // One more may be there. A deed that changes nothing can be done again.
            let found = found(&snapshot, thread);
            if found != *content {
                follow(content, thread, self.done[at]);
                self.done[at] += 1;
                self.surprises += 1;
            }
            assert_eq!(
                found, *content,
                "after {} deeds of thread {thread}",
                self.done[at]
            );
        }
        self.check_burst(&snapshot, heard[3]);
        for (key, created) in &self.created {
            let now = snapshot
                .get_course_run(key)
                .map(|run| run.created)
                .or_else(|_| snapshot.get_catalog_course(key.as_str()).map(|c| c.created));
            if let Ok(now) = now {
                assert_eq!(now.to_string(), *created, "{key}");
            }
        }
        // The order by age holds every record once, newest first.
        let runs = snapshot.list_course_runs(&RunQuery::new().order(Order::Newest).limit(1000));
        let times: Vec<_> = runs.unwrap().items.iter().map(|run| run.created).collect();
        assert!(times.is_sorted_by(|a, b| a >= b));
        let query = CourseQuery::new().order(Order::Newest).limit(1000);
        let courses = snapshot.list_catalog_courses(&query).unwrap().items;
        assert!(courses.is_sorted_by(|a, b| a.created >= b.created));
        drop(catalog);
        let report = verify(self.folder.path()).unwrap();
        assert!(report.is_clean(), "{report}");
    }

    fn check_burst(&mut self, snapshot: &coursecat::Snapshot, heard: u64) {
        let org = deeds::org(BURST_THREAD);
        let stored = snapshot
            .course_runs()
            .filter(|run| run.course_key.org() == org)
            .count();
        let stored = u64::try_from(stored).unwrap();
        // Answers are reported in the order of requests; more may be stored, and in that order.
        let least = self.done[3] + heard;
        assert!(
            (least..=least + BURST).contains(&stored),
            "{stored}, {least} answered"
        );
        for n in 0..stored {
            let run = snapshot.get_course_run(burst_key(n)).unwrap();
            assert_eq!(run.title.as_str(), "burst");
        }
        self.surprises += stored - least;
        self.done[3] = stored;
    }
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    let kills: u64 = match std::env::var("COURSECAT_KILLS") {
        Ok(kills) => kills.parse().expect("COURSECAT_KILLS is a number"),
        Err(_) => 20,
    };
    let mut dice = Dice::seeded();
    let mut life = Life::new();
    let (mut acknowledged, mut surprises) = (0, 0);
    for kill in 1..=kills {
        match dice.below(4) {
            // Some die young: while they open what the one before them left.
            0 => life.kill_at(Duration::from_micros(dice.below(30_000))),
            _ => life.kill_after(dice.below(800)),
        }
        if dice.below(12) == 0 || kill == kills {
            acknowledged += life.acknowledged;
            surprises += life.surprises;
            life = Life::new();
        }
    }
    println!(
        "{kills} kills, {acknowledged} acknowledged requests, all there; \
         {surprises} on their way turned out to be stored"
    );
}
