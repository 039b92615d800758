//! Promise: every command of the README's tour works as printed.

use std::process::Command;

/// The same tour over a server, but for the one verb that needs the folder for itself.
#[cfg(feature = "http")]
#[test]
fn the_tour_works_over_a_server() {
    use std::io::{BufRead, BufReader};

    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_coursecat"))
        .args([
            "--json",
            "serve",
            "--demo",
            "--listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(folder.path().join("data"))
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut banner = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut banner).unwrap();
    let banner: serde_json::Value = serde_json::from_str(&banner).unwrap();
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (before, rest) = readme.split_once("$ coursecat compact\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let tour = folder.path().join("tour.md");
    let backup = folder.path().join("tour.zst");
    let text =
        format!("{before}{after}").replace("/tmp/tour.coursecat.zst", backup.to_str().unwrap());
    std::fs::write(&tour, text).unwrap();
    let ran = std::panic::catch_unwind(|| {
        trycmd::TestCases::new()
            .env("COURSECAT_SERVER", banner["address"].as_str().unwrap())
            .case(&tour)
            .run();
    });
    server.kill().unwrap();
    server.wait().unwrap();
    if let Err(panic) = ran {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn the_tour_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_coursecat"))
        .args(["demo", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        demo.status.success(),
        "{}",
        String::from_utf8_lossy(&demo.stderr)
    );
    trycmd::TestCases::new()
        .env("COURSECAT_DATA", folder.path().to_str().unwrap())
        .case("README.md")
        .run();
}
