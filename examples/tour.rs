//! A tour of the library, in a folder that is gone afterwards: `cargo run --example tour`.

use coursecat::{Catalog, CourseQuery, CreateModulestoreRun, Order};

/// A few courses, as a learning platform would hand them over: key, title, language.
const COURSES: [(&str, &str, &str); 6] = [
    (
        "course-v1:MITx+6.00.1x+2026_T1",
        "Introduction to Computer Science",
        "en",
    ),
    (
        "course-v1:MITx+6.00.1x+2026_T3",
        "Introduction to Computer Science",
        "en",
    ),
    (
        "course-v1:HarvardX+CS50+2026",
        "CS50: Introduction to Computer Science",
        "en",
    ),
    ("course-v1:TsinghuaX+30240184x+2026", "数据结构", "zh_HANS"),
    ("course-v1:UPValenciaX+BD101x+2026", "Bases de datos", "es"),
    ("EPFLx/SIGNx/2014", "Signals", "fr"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;

    println!("A catalog is a folder. This one is made when it is opened.");
    let catalog = Catalog::open(folder.path())?;

    println!("\nRuns bring their courses and organizations with them; all go in at once:");
    let pending = COURSES.map(|(key, title, language)| {
        let run = CreateModulestoreRun::new(key)
            .title(title)
            .language_short(language);
        catalog.submit(run)
    });
    for answer in pending {
        println!("  {}", answer.wait()?.value);
    }

    println!("\nCourses in key order, two to a page:");
    let mut query = CourseQuery::new().order(Order::Key).limit(2);
    loop {
        let page = catalog.list_catalog_courses(&query)?;
        for course in &page.items {
            let runs = catalog.count_runs_of(course);
            println!(
                "  {} — {}, {}, {runs} runs",
                course.key(),
                course.title,
                course.language
            );
        }
        let Some(next) = page.next else { break };
        println!("  …");
        query = query.after(next);
    }

    println!("\nA course with runs is protected:");
    let error = catalog.delete_catalog_course("catalog-course:MITx:6.00.1x");
    println!("  {}", error.expect_err("the course has runs"));

    println!("\nSearch looks in titles and codes:");
    for run in catalog.search("computer 2026_t3", 10)?.course_runs.items {
        println!("  {}", run.course_key);
    }

    println!("\nA snapshot stands still while the catalog goes on:");
    let before = catalog.snapshot();
    catalog.delete_course_run("EPFLx/SIGNx/2014")?;
    println!("  before: {} runs", before.stats().course_runs);
    println!("  now:    {} runs", catalog.stats().course_runs);

    println!("\nClosed and checked:");
    drop(catalog);
    println!("  {}", coursecat::verify(folder.path())?);
    Ok(())
}
