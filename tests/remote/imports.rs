//! Imports over a server: the same report, the same catalog afterwards, and a clear word when not.

use std::io::Write;
use std::process::Stdio;

use crate::pair::{Pair, Told, on, on_folder};
use crate::server::{Server, coursecat};

const TOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tour.csv");

fn write(pair: &Pair, name: &str, text: &str) -> String {
    let file = pair.file(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_report_is_the_same_and_so_is_the_catalog() {
    let pair = Pair::new();
    let mut many = "course_key,title\ncourse-v1:A+B+1,One\n".to_owned();
    for n in 0..30 {
        many += &format!("course-v1:A+b+{n},Wrong\n");
    }
    let many = write(&pair, "many.csv", &many);
    let titles = write(
        &pair,
        "titles.csv",
        "course_key,title\ncourse-v1:MITx+8.01x+2026_T1,Another\nnone,None\n",
    );
    let lines = write(
        &pair,
        "lines.jsonl",
        "{\"course_key\": \"course-v1:L+M+N\", \"title\": \"Ü\"}\nnonsense\n",
    );
    let cut = write(
        &pair,
        "cut.jsonl",
        "{\"type\":\"coursecat\",\"version\":1}\n{\"type\":\"organization\",\"short_name\":\"CutX\",\"name\":\"\",\"active\":true,\"created\":\"2026-01-01T00:00:00Z\"}\n",
    );
    let empty = write(&pair, "empty", "");
    let unclear = write(&pair, "unclear", "hello\n");
    let zipped = write(&pair, "zipped", "PK\u{3}\u{4}....");
    let rejects = pair.file("rejects");
    let rejects = rejects.to_str().unwrap();
    for (code, arguments) in [
        (0, &["--dry-run", TOUR][..]),
        (6, &["--strict", TOUR]),
        (0, &[TOUR]),
        (0, &[TOUR]),
        (0, &["--dry-run", &many]),
        (0, &[&many, &lines]),
        (0, &["--on-conflict", "fail", &titles]),
        (0, &["--on-conflict", "update", &titles]),
        (6, &["--strict", "--on-conflict", "fail", TOUR]),
        (6, &[&cut]),
        (6, &["--strict", &cut]),
        (6, &[&empty]),
        (6, &["--format", "csv", &empty]),
        (6, &["--format", "django", &lines]),
        (6, &[&unclear]),
        (6, &[&zipped]),
        (6, &["/nonexistent"]),
        (6, &["/"]),
    ] {
        let told = pair.both(&[&["import"], arguments].concat());
        assert_eq!(told.code, Some(code), "{arguments:?}: {}", told.stderr);
    }
    pair.both(&["--json", "import", TOUR, &many]);
    let mut refused = Vec::new();
    for place in [Pair::in_folder, Pair::over_server] {
        place(&pair, &["import", "--rejects", rejects, &many, &lines]).done();
        refused.push(std::fs::read_to_string(rejects).unwrap());
    }
    assert_eq!(refused[0], refused[1]);
    assert_eq!(refused[0].lines().count(), 31);
    for kind in ["run", "course", "org"] {
        pair.both(&["--json", kind, "list", "--all", "--order", "key"]);
    }
}

#[test]
fn what_was_exported_goes_in_and_comes_out_the_same() {
    let pair = Pair::new();
    pair.both(&["ref", "add", "MITx/6.002x/2012_Spring", "archive"]);
    for format in ["coursecat", "django", "csv"] {
        let file = pair.file(format);
        let name = file.to_str().unwrap();
        pair.in_folder(&["export", "--format", format, "--output", name])
            .done();
        let server = Server::start(&[]);
        let copy = pair.file(&format!("copy-{format}"));
        on(&server, &["import", name]).done();
        on_folder(&copy, &["import", name]).done();
        let out = on(&server, &["export", "--format", format]).done();
        assert_eq!(out, std::fs::read_to_string(&file).unwrap());
        assert_eq!(
            out,
            on_folder(&copy, &["export", "--format", format]).done()
        );
        // The same from a pipe.
        let address = format!("http://{}", server.address);
        let piped = coursecat(&["--json", "import", "-"])
            .env("COURSECAT_SERVER", address)
            .stdin(std::fs::File::open(&file).unwrap())
            .output();
        let told = Told::from(piped.unwrap()).done();
        let report: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(report["course_runs"]["unchanged"], 44, "{report}");
    }
}

/// The server ends the connection before all is sent; what it said was lost on the way.
#[test]
fn a_refusal_is_heard_however_much_was_to_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = |scope: &str| {
        let told = on_folder(&data, &["key", "create", scope, "--scope", scope]);
        told.done().trim().to_owned()
    };
    on_folder(&data, &["demo"]).done();
    let (admin, read) = (key("admin"), key("read"));
    let server = Server::start_on(&data, &["--max-import-bytes", "2000000"]);
    let mut rows = "course_key\n".to_owned();
    while rows.len() < 8_000_000 {
        rows += "none, and nothing, and more than there should be in a row of this format\n";
    }
    let large = folder.path().join("large.csv");
    std::fs::write(&large, &rows).unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, format!("[{{\"model\": 1, {}", &rows[..1_500_000])).unwrap();
    let (large, broken) = (large.to_str().unwrap(), broken.to_str().unwrap());
    for (code, word, key, file) in [
        (1, "has the scope read; this needs admin", &read, large),
        (1, "has more than 2000000 bytes", &admin, large),
        (6, "Nothing of it was stored", &admin, broken),
    ] {
        let told = on(&server, &["import", "--key", key, file]);
        assert_eq!(told.code, Some(code), "{}", told.stderr);
        assert!(told.stderr.contains(word), "{}", told.stderr);
    }
}

#[test]
fn an_import_that_is_stopped_or_loses_its_server_says_what_is_stored() {
    let mut server = Server::start(&[]);
    let address = format!("http://{}", server.address);
    let mut import = |course: &str, end: &dyn Fn(u32, &mut Server)| -> Told {
        let mut child = coursecat(&["import", "--format", "csv", "-"])
            .env("COURSECAT_SERVER", &address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut rows = "course_key,title\n".to_owned();
        for n in 0..3_000 {
            rows += &format!("course-v1:A+{course}+{n},T\n");
        }
        stdin.write_all(rows.as_bytes()).unwrap();
        // Until some of it has arrived.
        let first = format!("/v1/runs/course-v1:A+{course}+0");
        while server.get(&first).status != 200 {
            std::thread::yield_now();
        }
        end(child.id(), &mut server);
        if course == "Killed" {
            // One that waits for more to send does not hear that there is nobody any more.
            drop(stdin);
            return child.wait_with_output().unwrap().into();
        }
        let told = child.wait_with_output().unwrap().into();
        drop(stdin);
        told
    };
    let told = import("Stopped", &|pid, _| {
        let pid = pid.to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", "INT", &pid])
            .status();
        assert!(sent.unwrap().success());
    });
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(
        told.stderr
            .contains("what the server has read of it is stored"),
        "{}",
        told.stderr
    );
    assert!(
        told.stderr.contains("Run the same command again"),
        "{}",
        told.stderr
    );
    let told = import("Killed", &|_, server| {
        server.signal("KILL");
        server.wait();
    });
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(
        told.stderr.contains("Whether it was done is not known"),
        "{}",
        told.stderr
    );
}
