//! Promise: whatever many threads do at once, the catalog answers as if they had taken turns.
//!
//! Sixteen threads create, delete and read the same and neighbouring runs in new and old
//! organizations. Each notes what it asked, what it was answered, and between which two ticks of
//! one logical clock. Afterwards a judge looks for an order of turns that agrees with the clock
//! and in which a plain model of the rules gives every one of these answers, and the state that
//! is left. A history that no order explains is a fault. Readers that hold snapshots meanwhile
//! must never see half a change, nor time running backwards.

#[path = "race/turns.rs"]
mod turns;

mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use coursecat::{Catalog, Options, Order, RunQuery, Snapshot};
use support::Kept;
use turns::{Answer, Entry, Form, Judge, Key, Model, Op, perform};

const THREADS: usize = 16;

/// Small random numbers that a seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// An operation on this organization. The first choices are frequent, so that threads meet.
    fn op(&mut self, org: &str) -> Op {
        let upper = org.to_uppercase();
        let spelling = self.pick(&[org, org, org, &upper]).to_owned();
        let course = self.pick(&["C", "C", "C", "c", "D"]);
        let key = Key {
            form: self.pick(&[Form::V1, Form::V1, Form::V1, Form::Legacy, Form::Ccx]),
            org: spelling.clone(),
            course,
            run: self.pick(&["1", "1", "2"]),
        };
        match self.below(20) {
            0..=5 => Op::Create(key),
            6 => Op::CreatePlain(spelling, course, key.run),
            7 => Op::CreateTooLong(spelling, course),
            8..=10 => Op::DeleteRun(key),
            11..=12 => Op::DeleteCourse(spelling, course),
            13 => Op::DeleteOrganization(spelling),
            14 => Op::Rename(org.to_owned(), spelling),
            15 => Op::Deactivate(spelling),
            16 => Op::Refer(key),
            17 => Op::Unrefer(key),
            18 => Op::GetRun(key),
            _ if self.below(2) == 0 => Op::ListRuns(spelling, course),
            _ => Op::GetOrganization(spelling),
        }
    }
}

/// Lets the threads loose on some organizations, once, and judges what they were answered.
fn race(catalog: &Catalog, orgs: &[String], seed: u64, run_ids: &mut HashSet<u64>) {
    const OPS: usize = 5;
    let before = catalog.snapshot();
    let tick = AtomicU64::new(1);
    let start = Barrier::new(THREADS);
    let run = |thread: usize| {
        let mut random = Random(seed * 1_000 + thread as u64);
        let ops: Vec<_> = (0..OPS)
            .map(|_| {
                let org = random.below(orgs.len());
                (org, random.op(&orgs[org]))
            })
            .collect();
        start.wait();
        let perform = |(org, op)| {
            let start = tick.fetch_add(1, SeqCst);
            let answer = perform(catalog, &op);
            let end = tick.fetch_add(1, SeqCst);
            let entry = Entry {
                start,
                end,
                op,
                answer,
            };
            (org, entry)
        };
        ops.into_iter().map(perform).collect::<Vec<_>>()
    };
    let log: Vec<(usize, Entry)> = thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..THREADS).map(|i| scope.spawn(move || run(i))).collect();
        let logs = threads.into_iter().map(|thread| thread.join().unwrap());
        logs.flatten().collect()
    });
    let after = catalog.snapshot();
    for (i, org) in orgs.iter().enumerate() {
        let log = log.iter().filter(|(org, _)| *org == i);
        let log: Vec<_> = log.map(|(_, entry)| entry.clone()).collect();
        let (first, last) = (Model::of(&before, org), Model::of(&after, org));
        check_each_run_is_created_once(&log, &first, &last, run_ids);
        assert!(
            Judge::explains(&log, first.clone(), &last),
            "no order explains seed {seed}, {org}:\nfrom {first:#?}\nto {last:#?}\nby {log:#?}"
        );
    }
    // The whole grows with every round, so that looking at all of it each time takes too long.
    if seed.is_multiple_of(10) {
        check_is_whole(&after);
    }
}

/// What the judge finds too, said without a search: creations and deletions of each run add up,
/// a run that nobody deletes is the same for all who create it, and no id is given twice.
fn check_each_run_is_created_once(
    log: &[Entry],
    first: &Model,
    last: &Model,
    run_ids: &mut HashSet<u64>,
) {
    let mut keys: BTreeMap<String, (i64, i64, BTreeSet<u64>)> = BTreeMap::new();
    for entry in log {
        match (&entry.op, &entry.answer) {
            (
                Op::Create(_) | Op::CreatePlain(..),
                Answer::Run {
                    key, id, warnings, ..
                },
            ) => {
                let (created, _, ids) = keys.entry(key.clone()).or_default();
                ids.insert(*id);
                if !warnings.contains(&"already_existed") {
                    *created += 1;
                    assert!(run_ids.insert(*id), "the run id {id} was given twice");
                }
            }
            (Op::DeleteRun(key), Answer::Done) => keys.entry(key.text()).or_default().1 += 1,
            _ => {}
        }
    }
    for (key, (created, deleted, ids)) in keys {
        let exists = |model: &Model| model.runs.values().filter(|run| run.key == key).count();
        let (was, is) = (exists(first) as i64, exists(last) as i64);
        assert_eq!(was + created - deleted, is, "{key}");
        assert!(created <= deleted + 1, "{key} was created beside itself");
        if deleted == 0 {
            assert_eq!(ids.len(), 1, "callers got different runs of {key}");
        }
    }
}

/// A snapshot agrees with itself: no run without its course, no course without its organization,
/// nothing twice, and every count is that of a listing.
fn check_is_whole(snapshot: &Snapshot) {
    let stats = snapshot.stats();
    let organizations: Vec<_> = snapshot.organizations().collect();
    assert_eq!(organizations.len() as u64, stats.organizations);
    let courses: Vec<_> = snapshot.catalog_courses().collect();
    assert_eq!(courses.len() as u64, stats.catalog_courses);
    let by_org = organizations.iter().map(|o| snapshot.count_courses_of(o));
    assert_eq!(by_org.sum::<u64>(), stats.catalog_courses);
    let mut runs = 0;
    for organization in &organizations {
        let query = RunQuery::new().org(organization.short_name.as_str());
        let count = snapshot.count_course_runs(&query);
        let of_it = snapshot.list_course_runs(&query.limit(1000)).unwrap();
        assert_eq!(of_it.items.len() as u64, count);
        runs += count;
    }
    assert_eq!(runs, stats.course_runs);
    for course in &courses {
        let organization = snapshot.get_organization(&course.org).unwrap();
        assert_eq!(organization.id, course.organization_id);
        assert_eq!(organization.short_name, course.org);
    }
    let by_course = courses.iter().map(|course| snapshot.count_runs_of(course));
    assert_eq!(by_course.sum::<u64>(), stats.course_runs);

    // Runs under their courses, and runs by age: two ways to the same.
    let mut keys = HashSet::new();
    for run in snapshot.course_runs() {
        assert!(keys.insert(run.course_key.as_str()), "{run} twice");
        let course = snapshot.get_catalog_course_of(run).unwrap();
        assert_eq!(course.course_code.as_str(), run.course_key.course());
        assert_eq!(snapshot.get_course_run(&run.course_key).unwrap(), *run);
    }
    let mut by_age = RunQuery::new().order(Order::Newest).limit(1000);
    let mut listed = 0;
    loop {
        let page = snapshot.list_course_runs(&by_age).unwrap();
        listed += page.items.len();
        let listed = page.items.iter().map(|run| run.course_key.as_str());
        assert!(listed.into_iter().all(|key| keys.contains(key)));
        let Some(next) = page.next else { break };
        by_age = by_age.after(next);
    }
    assert_eq!(listed, keys.len());
    assert_eq!(keys.len() as u64, stats.course_runs);
}

/// Rounds in an organization that is new and two that are as earlier rounds have left them.
fn rounds(catalog: &Catalog, rounds: std::ops::Range<u64>, run_ids: &mut HashSet<u64>) {
    for round in rounds {
        let orgs = [
            format!("New{round}"),
            format!("Old{}", round % 3),
            "Old".to_owned(),
        ];
        race(catalog, &orgs, round, run_ids);
    }
}

#[test]
fn threads_in_memory_are_answered_as_if_they_took_turns() {
    let catalog = Catalog::temporary().unwrap();
    rounds(&catalog, 0..400, &mut HashSet::new());
    check_is_whole(&catalog.snapshot());
    let report = catalog.verify().unwrap();
    assert!(report.is_clean(), "{report}");
}

#[test]
fn threads_in_a_folder_are_answered_as_if_they_took_turns() {
    let kept = Kept::in_a_folder();
    let mut run_ids = HashSet::new();
    for part in 0..4 {
        let catalog = kept.open(Options::new()).unwrap();
        let first = 1_000 + part * 20;
        rounds(&catalog, first..first + 20, &mut run_ids);
        let report = catalog.verify().unwrap();
        assert!(report.is_clean(), "{report}");
        let stats = catalog.stats();
        drop(catalog);

        let report = coursecat::verify(kept.path()).unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.stats, stats);
    }
    check_is_whole(&kept.open(Options::new()).unwrap().snapshot());
}

#[test]
fn the_judge_tells_possible_histories_from_impossible_ones() {
    let key = Key {
        form: Form::V1,
        org: "Org".to_owned(),
        course: "C",
        run: "1",
    };
    let made = |id, warnings: &[&'static str]| Answer::Run {
        key: key.text(),
        id,
        course: 1,
        warnings: warnings.to_vec(),
    };
    let entry = |start, end, op: Op, answer| Entry {
        start,
        end,
        op,
        answer,
    };
    let create = |start, end, answer| entry(start, end, Op::Create(key.clone()), answer);
    let get = |start, end, answer| entry(start, end, Op::GetRun(key.clone()), answer);
    let none = || Answer::Refused("not_found", Vec::new());
    let first = Model::default();
    let (_, last) = first.turn(&Op::Create(key.clone()), &made(7, &[]));
    let last = last.unwrap();
    let explains = |log: &[Entry]| Judge::explains(log, first.clone(), &last);

    // Two creations at once: one is fresh, whichever.
    let again = || made(7, &["already_existed"]);
    assert!(explains(&[
        create(1, 4, again()),
        create(2, 3, made(7, &[]))
    ]));
    assert!(!explains(&[
        create(1, 4, made(7, &[])),
        create(2, 3, made(7, &[]))
    ]));
    let other = made(8, &["already_existed"]);
    assert!(!explains(&[
        create(1, 4, other),
        create(2, 3, made(7, &[]))
    ]));
    // "Already existed", before anyone began to create it.
    assert!(!explains(&[
        create(1, 2, again()),
        create(3, 4, made(7, &[]))
    ]));
    // A read beside the creation may miss it, one that follows may not.
    assert!(explains(&[create(1, 4, made(7, &[])), get(2, 3, none())]));
    assert!(!explains(&[create(1, 2, made(7, &[])), get(3, 4, none())]));
    // Nor may a read go back behind an earlier one.
    let seen = || get(2, 3, made(7, &[]));
    assert!(!explains(&[
        create(1, 6, made(7, &[])),
        seen(),
        get(4, 5, none())
    ]));
    // The course goes only when its runs are gone.
    let delete = Op::DeleteCourse("Org".to_owned(), "C");
    let delete = entry(3, 4, delete, Answer::Done);
    assert!(!explains(&[create(1, 2, made(7, &[])), delete]));
    // The state that is left has to be explained, too.
    assert!(!explains(&[get(1, 2, none())]));
}

#[test]
fn many_callers_create_one_new_run_once() {
    let catalog = Catalog::temporary().unwrap();
    for round in 0..100 {
        let start = Barrier::new(THREADS);
        let create = |thread: usize| {
            start.wait();
            let same = format!("course-v1:Org{round}+C+same");
            let same = catalog.create_course_run_for_modulestore_course_with(same, "", "");
            // The neighbour: a run of its own, in the course and the organization of the others.
            let own = format!("course-v1:Org{round}+C+{thread}");
            let own = catalog.create_course_run_for_modulestore_course_with(own, "", "");
            (same.unwrap(), own.unwrap())
        };
        let runs: Vec<_> = thread::scope(|scope| {
            let create = &create;
            let threads: Vec<_> = (0..THREADS)
                .map(|i| scope.spawn(move || create(i)))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let fresh = runs.iter().filter(|(same, _)| !same.already_existed());
        assert_eq!(fresh.count(), 1);
        assert!(runs.iter().all(|(same, _)| same.value == runs[0].0.value));
        assert!(runs.iter().all(|(_, own)| !own.already_existed()));
        let course = runs[0].0.value.catalog_course_id;
        assert!(
            runs.iter()
                .all(|(_, own)| own.value.catalog_course_id == course)
        );
    }
    let stats = catalog.stats();
    assert_eq!(
        (
            stats.organizations,
            stats.catalog_courses,
            stats.course_runs
        ),
        (100, 100, 100 * (THREADS as u64 + 1))
    );
    check_is_whole(&catalog.snapshot());
}

#[test]
fn snapshots_are_whole_and_never_go_back() {
    const WRITERS: usize = 4;
    let catalog = Catalog::temporary().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let read = || {
            let mut held: Vec<(Snapshot, u64)> = Vec::new();
            loop {
                // Asked before the snapshot is taken, so that the last one shows everything.
                let last = done.load(SeqCst);
                let snapshot = catalog.snapshot();
                check_is_whole(&snapshot);
                if let Some((before, _)) = held.last() {
                    // Runs in "Kept" are only ever created: each snapshot has those before it.
                    let kept = RunQuery::new().org("Kept").limit(1000);
                    let of = |s: &Snapshot| -> BTreeSet<_> {
                        let runs = s.list_course_runs(&kept).unwrap().items;
                        runs.iter().map(|run| run.id).collect()
                    };
                    assert!(of(before).is_subset(&of(&snapshot)));
                }
                let runs = snapshot.stats().course_runs;
                held.push((snapshot, runs));
                if last {
                    break;
                }
            }
            // All that has happened since has changed none of them.
            for (snapshot, runs) in held.iter().step_by(held.len() / 50 + 1) {
                assert_eq!(snapshot.stats().course_runs, *runs);
                check_is_whole(snapshot);
            }
            held.len()
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        // A check of the whole store, between two commits, finds it whole.
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let report = catalog.verify().unwrap();
                assert!(report.is_clean(), "{report}");
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let catalog = &catalog;
                scope.spawn(move || {
                    for n in 0..60 {
                        let kept = format!("course-v1:Kept+C{}+{writer}.{n}", n % 7);
                        catalog
                            .create_course_run_for_modulestore_course_with(kept, "", "")
                            .unwrap();
                        // A course with its run, there and gone again.
                        let key = format!("course-v1:Gone{writer}+C{n}+1");
                        catalog
                            .create_course_run_for_modulestore_course_with(&key, "", "")
                            .unwrap();
                        if n % 3 != 0 {
                            catalog.delete_course_run(&key).unwrap();
                            let course = format!("catalog-course:Gone{writer}:C{n}");
                            catalog.delete_catalog_course(course).unwrap();
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, SeqCst);
        for reader in readers {
            assert!(reader.join().unwrap() > 1);
        }
    });
    let kept = RunQuery::new().org("Kept");
    assert_eq!(catalog.count_course_runs(&kept), WRITERS as u64 * 60);
}
