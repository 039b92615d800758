//! Promise: every command of the README's tour works as printed.

use std::process::Command;

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
