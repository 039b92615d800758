//! Data in and out over a server: exports, backups, checks, keys.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::pair::{Pair, Told, on, on_folder};
use crate::server::Server;

const RUN: &str = "course-v1:MITx+8.01x+2026_T1";

#[test]
fn exports_are_the_same_to_the_byte() {
    let pair = Pair::new();
    pair.both(&["ref", "add", RUN, "enrollments"]);
    pair.both(&["ref", "add", "catalog-course:MITx:8.01x", "a"]);
    for format in ["coursecat", "csv", "django", "django-new-site"] {
        for part in [
            &[][..],
            &["--org", "mitx"],
            &["--language", "es"],
            &["--org", "MITx", "--language", "en"],
            &["--language", "none"],
            &["--language", ""],
        ] {
            let told = pair.both(&[&["export", "--format", format], part].concat());
            assert!(told.stderr.starts_with("Exported "), "{}", told.stderr);
        }
    }
    for refused in [
        &["export", "--org", "MITy"][..],
        &["export", "--org", ""],
        &["export", "--org", "", "--language", ""],
        &["export", "--format", "jsonl"],
    ] {
        assert_ne!(pair.both(refused).code, Some(0));
    }
    let file = pair.file("catalog.jsonl");
    let name = file.to_str().unwrap();
    let mut written = Vec::new();
    for place in [Pair::in_folder, Pair::over_server] {
        let told = place(&pair, &["--json", "export", "--output", name]);
        written.push((told.done(), std::fs::read(&file).unwrap()));
        std::fs::remove_file(&file).unwrap();
    }
    assert_eq!(written[0], written[1]);
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(pair.both(&["export", "--output", name]).code, Some(5));
    assert_eq!(
        pair.both(&["export", "--output", name, "--org", "MITy"])
            .code,
        Some(5)
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        pair.both(&["export", "--output", name, "--org", "MITy"])
            .code,
        Some(3)
    );
    assert!(!file.exists());
}

#[test]
fn a_backup_over_a_server_is_one_of_the_folder() {
    let pair = Pair::new();
    pair.both(&["ref", "add", RUN, "enrollments"]);
    let file = pair.file("b.coursecat.zst");
    let name = file.to_str().unwrap();
    let told = pair.over_server(&["backup", name]).done();
    assert!(told.contains("18 organizations"), "{told}");
    assert_eq!(pair.both(&["backup", name]).code, Some(5));
    pair.both(&["--json", "backup", name, "--overwrite"]);
    pair.over_server(&["backup", name, "--overwrite"]).done();
    let noted = pair.served().join("last-backup");
    let patience = std::time::Instant::now();
    while !noted.exists() {
        assert!(patience.elapsed().as_secs() < 20);
        std::thread::yield_now();
    }
    std::fs::remove_file(&noted).unwrap();
    // Who only asks what it would be has none.
    let head = pair.server.client().send("HEAD", "/v1/backup", &[], b"");
    assert_eq!(head.status, 200);
    pair.over_server(&["stats"]).done();
    assert!(!noted.exists());

    let copy = pair.file("copy");
    on_folder(&copy, &["restore", name]).done();
    let exported = on_folder(&copy, &["export"]).done();
    assert_eq!(exported, pair.over_server(&["export"]).done());
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let server = Server::start(&["--demo"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.zst");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client();
            for n in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let run = serde_json::json!({ "course_key": format!("course-v1:Busy+C{n}+R") });
                client.json("POST", "/v1/runs", &run).expect(201);
            }
        });
        for _ in 0..3 {
            on(&server, &["backup", file.to_str().unwrap(), "--overwrite"]).done();
            let summary = coursecat::transfer::inspect_backup(&file).unwrap();
            let busy = summary.counts.catalog_courses - 38;
            assert_eq!(summary.counts.course_runs - 44, busy);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// Passes a request on, and this much of the answer back.
fn cut_off(server: &Server, kept: impl Fn(usize) -> usize + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let target = server.address.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut client: TcpStream = client;
            let mut behind = TcpStream::connect(&target).unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            head.truncate(head.len() - 2);
            head.extend(b"connection: close\r\n\r\n");
            behind.write_all(&head).unwrap();
            let mut answer = Vec::new();
            behind.read_to_end(&mut answer).unwrap();
            answer.truncate(kept(answer.len()));
            let _ = client.write_all(&answer);
        }
    });
    address
}

#[test]
fn what_is_cut_off_leaves_no_file_and_no_doubt() {
    let server = Server::start(&["--demo"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut");
    let name = file.to_str().unwrap();
    // In the head, in the midst, and just before the end.
    let cuts: [fn(usize) -> usize; 4] = [|_| 50, |all| all / 2, |all| all - 20, |all| all - 1];
    for cut in cuts {
        let address = cut_off(&server, cut);
        for verb in [
            &["backup", name][..],
            &["export", "--output", name],
            &["export"],
        ] {
            let told = with_server(&address, verb);
            assert_eq!(told.code, Some(1), "{verb:?}: {}", told.stderr);
            assert!(told.stderr.contains(&address), "{}", told.stderr);
            assert!(!told.stderr.contains("Exported"), "{}", told.stderr);
        }
    }
    std::fs::write(&file, "an older one").unwrap();
    let address = cut_off(&server, |all| all / 2);
    let told = with_server(&address, &["backup", name, "--overwrite"]);
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(
        told.stderr.contains("Nothing is left of it"),
        "{}",
        told.stderr
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"an older one");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn with_server(address: &str, arguments: &[&str]) -> Told {
    let command = crate::server::coursecat(arguments)
        .env("COURSECAT_SERVER", address)
        .output();
    command.unwrap().into()
}

/// Something on the way may say that an answer is whole that is not.
#[test]
fn a_backup_that_is_none_is_not_kept() {
    let whole = {
        let server = Server::start(&["--demo"]);
        server.get("/v1/backup").body
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.zst");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for body in [
        b"".to_vec(),
        b"not at all".to_vec(),
        whole[..whole.len() - 1].to_vec(),
        whole[..whole.len() / 2].to_vec(),
        [&whole[..], b"more"].concat(),
        flipped,
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(&[head.as_bytes(), &body].concat());
        });
        let told = with_server(&address, &["backup", file.to_str().unwrap()]);
        assert_eq!(told.code, Some(8), "{}", told.stderr);
        assert!(told.stderr.contains("is not whole"), "{}", told.stderr);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_check_and_what_it_finds_are_the_same() {
    let pair = Pair::new();
    pair.both(&["verify"]);
    pair.both(&["--json", "verify"]);
    let told = pair.both(&["run", "create", "course-v1:NewX+C+R"]);
    assert_eq!(told.code, Some(0));
    let told = pair.both(&["verify"]).done();
    assert!(told.contains("45 course runs"), "{told}");
}

#[test]
fn keys_are_managed_as_in_the_folder() {
    let pair = Pair::new();
    let admin = pair.in_folder(&["key", "create", "admin", "--scope", "admin"]);
    // While the service asks for none, whoever is on its machine may make the first.
    let made = pair.over_server(&["key", "create", "admin", "--scope", "admin"]);
    assert_eq!(made.stderr, admin.stderr);
    let key = made.done();
    assert_eq!(key.len(), admin.stdout.len());
    assert_eq!(pair.over_server(&["key", "list"]).code, Some(1));
    let file = pair.file("key");
    std::fs::write(&file, key).unwrap();
    let file = file.to_str().unwrap();
    // On a folder, the option of the key has nothing to do.
    let both = |arguments: &[&str]| pair.both(&[arguments, &["--key-file", file]].concat());
    for (code, arguments) in [
        (0, &["key", "list"][..]),
        (0, &["--json", "key", "list"]),
        (5, &["key", "create", "admin", "--scope", "read"]),
        (6, &["key", "create", "a b", "--scope", "read"]),
        (3, &["key", "revoke", "nobody"]),
        (3, &["key", "revoke", ""]),
        (0, &["key", "revoke", "admin"]),
    ] {
        let told = both(arguments);
        assert_eq!(told.code, Some(code), "{arguments:?}: {}", told.stderr);
    }
}

#[test]
fn what_only_an_admin_may_do_needs_such_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    on_folder(&data, &["demo"]).done();
    let write = on_folder(&data, &["key", "create", "w", "--scope", "write"]).done();
    let server = Server::start_on(&data, &[]);
    let file = folder.path().join("b.zst");
    for arguments in [
        &["backup", file.to_str().unwrap()][..],
        &["verify"],
        &["key", "list"],
    ] {
        let told = on(&server, &[arguments, &["--key", write.trim()]].concat());
        assert_eq!(told.code, Some(1), "{}", told.stderr);
        assert!(told.stderr.contains("this needs admin"), "{}", told.stderr);
    }
    assert!(!file.exists());
    on(&server, &["export", "--key", write.trim()]).done();
}
