//! How long the catalog takes for what it is asked most: `cargo bench --bench catalog`.
//!
//! Only coursecat, and quick. Durable writes go to the folder of temporary files; point `TMPDIR`
//! at the disk that is to be measured.

use std::sync::Arc;

use coursecat::{Catalog, CourseQuery, CreateModulestoreRun, Order};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [10_000, 100_000];

/// Runs of a course in the catalogs that are measured.
const RUNS_A_COURSE: usize = 20;

fn key(n: usize) -> String {
    let course = n / RUNS_A_COURSE;
    let org = course % 100;
    format!(
        "course-v1:University{org}X+Course{course}x+{}_T{n}",
        2000 + n % 26
    )
}

/// A catalog in memory with `n` runs.
fn filled(n: usize) -> Catalog {
    let catalog = Catalog::temporary().unwrap();
    fill(&catalog, n);
    catalog
}

fn fill(catalog: &Catalog, n: usize) {
    let mut pending = Vec::new();
    for i in 0..n {
        let title = format!("An introduction to course number {}", i / RUNS_A_COURSE);
        pending.push(catalog.submit(CreateModulestoreRun::new(key(i)).title(title)));
    }
    for answer in pending {
        answer.wait().unwrap();
    }
}

/// Numbers in an order that no cache foresees.
fn scattered(n: usize) -> impl FnMut() -> usize {
    let mut i = 0_usize;
    move || {
        i = (i + 7_919) % n;
        i
    }
}

#[divan::bench(args = SIZES)]
fn get_course_run_by_key_string(bencher: Bencher, n: usize) {
    let catalog = filled(n);
    let keys: Vec<String> = (0..n).map(key).collect();
    let mut next = scattered(n);
    bencher.bench_local(|| catalog.get_course_run(black_box(&keys[next()])).unwrap());
}

#[divan::bench(args = SIZES)]
fn get_course_run_by_key_string_with_a_reader(bencher: Bencher, n: usize) {
    let mut reader = filled(n).reader();
    let keys: Vec<String> = (0..n).map(key).collect();
    let mut next = scattered(n);
    bencher.bench_local(|| reader.get_course_run(black_box(&keys[next()])).unwrap());
}

#[divan::bench(args = SIZES)]
fn get_catalog_course_by_key_str(bencher: Bencher, n: usize) {
    let catalog = filled(n);
    let snapshot = catalog.snapshot();
    let keys: Vec<_> = snapshot
        .catalog_courses()
        .map(|course| course.key().to_string())
        .collect();
    let mut next = scattered(keys.len());
    bencher.bench_local(|| {
        catalog
            .get_catalog_course(black_box(&keys[next()]))
            .unwrap()
    });
}

#[divan::bench(args = SIZES)]
fn runs_of_a_course(bencher: Bencher, n: usize) {
    let catalog = filled(n);
    let snapshot = catalog.snapshot();
    let ids: Vec<_> = snapshot.catalog_courses().map(|course| course.id).collect();
    let mut next = scattered(ids.len());
    bencher.bench_local(|| catalog.list_runs(black_box(ids[next()])).unwrap());
}

#[divan::bench(args = SIZES)]
fn page_of_50_courses_of_an_organization(bencher: Bencher, n: usize) {
    let catalog = filled(n);
    let mut next = scattered(100);
    bencher.bench_local(|| {
        let query = CourseQuery::new().org(format!("University{}X", next()));
        let query = query.order(Order::Key).limit(50);
        catalog.list_catalog_courses(black_box(&query)).unwrap()
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn search_for_two_words(bencher: Bencher, n: usize) {
    let catalog = filled(n);
    bencher.bench_local(|| catalog.search(black_box("introduction 4999"), 20).unwrap());
}

/// Many callers at once, each waiting for its write to be on the disk.
#[divan::bench(args = [1, 16, 64], sample_count = 20, sample_size = 1)]
fn create_run_durable(bencher: Bencher, callers: usize) {
    const EACH: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    let round = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    bencher.counter(ItemsCount::new(callers * EACH)).bench(|| {
        let round = round.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::thread::scope(|scope| {
            for caller in 0..callers {
                let catalog = &catalog;
                scope.spawn(move || {
                    for i in 0..EACH {
                        let key = format!("course-v1:OrgX+Course{caller}+{round}_{i}");
                        let created =
                            catalog.create_course_run_for_modulestore_course_with(key, "", "");
                        created.unwrap();
                    }
                });
            }
        });
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn open_and_verify(bencher: Bencher, n: usize) {
    let folder = tempfile::tempdir().unwrap();
    fill(&Catalog::open(folder.path()).unwrap(), n);
    bencher.bench_local(|| Catalog::open(black_box(folder.path())).unwrap());
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn bulk_load(bencher: Bencher, n: usize) {
    bencher
        .counter(ItemsCount::new(n))
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_local_refs(|folder| fill(&Catalog::open(folder.path()).unwrap(), n));
}
