//! What can go wrong on the way to a server, and what is said of it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::pair::{Told, on, on_folder};
use crate::server::{Server, coursecat};

/// A command with these variables.
fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Told {
    let mut command = coursecat(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

/// Something that listens, and answers each request with what this gives for its path.
fn impostor(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream: TcpStream = stream;
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head);
            let path = head.split(' ').nth(1).unwrap_or_default();
            let _ = stream.write_all(answer(path).as_bytes());
            // Not before the other side has seen all of it.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    format!("http://{address}")
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[track_caller]
fn fails(told: &Told, code: i32, words: &[&str]) {
    assert_eq!(told.code, Some(code), "{}", told.stderr);
    assert_eq!(told.stdout, "");
    for word in words {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = with(&[], &["run", "list", "--server", &address]);
    fails(
        &told,
        1,
        &[
            "cannot be reached: nothing listens there",
            "coursecat serve",
        ],
    );
    let told = with(
        &[],
        &["run", "delete", "course-v1:A+B+C", "--server", &address],
    );
    fails(&told, 1, &["cannot be reached"]);
    assert!(!told.stderr.contains("not known"), "{}", told.stderr);
    let told = with(&[], &["run", "list", "--server", "http://nowhere.invalid"]);
    fails(&told, 1, &["http://nowhere.invalid cannot be reached"]);
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for_forever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let told = with(
        &[("COURSECAT_SERVER", &address)],
        &["stats", "--timeout", "200ms"],
    );
    fails(&told, 1, &["did not answer within 200ms", "--timeout"]);
    assert!(!told.stderr.contains("not known"), "{}", told.stderr);
    let delete = ["run", "delete", "course-v1:A+B+C", "--timeout", "200ms"];
    let told = with(&[("COURSECAT_SERVER", &address)], &delete);
    fails(
        &told,
        1,
        &["did not answer", "Whether it was done is not known"],
    );
}

#[test]
fn what_is_no_coursecat_server_is_told_apart_from_one_of_another_version() {
    let strangers = [
        impostor(|_| ok("<html>hello</html>")),
        impostor(|_| ok("{}")),
        impostor(|_| {
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into()
        }),
        impostor(|_| ok(r#"{"info": {"title": "else", "version": "1"}}"#)),
    ];
    for stranger in strangers {
        let told = with(
            &[("COURSECAT_SERVER", &stranger)],
            &["run", "get", "course-v1:A+B+C"],
        );
        fails(
            &told,
            1,
            &["does not seem to be coursecat", "Look at the address"],
        );
    }
    let newer = impostor(|path| match path {
        "/openapi.json" => ok(r#"{"info": {"title": "coursecat", "version": "99.1.2"}}"#),
        _ => ok(r#"{"organisations": 1}"#),
    });
    let told = with(&[("COURSECAT_SERVER", &newer)], &["stats"]);
    let own = env!("CARGO_PKG_VERSION");
    fails(&told, 1, &["coursecat 99.1.2", own, "the same version"]);
    let odd = impostor(|_| "220 ready\r\n".into());
    let told = with(&[("COURSECAT_SERVER", &odd)], &["stats"]);
    fails(&told, 1, &["does not answer as a coursecat server does"]);
}

#[test]
fn an_answer_that_is_cut_off_is_none() {
    let server = impostor(|_| {
        "HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{\"organizations\":1".to_owned()
    });
    let told = with(&[("COURSECAT_SERVER", &server)], &["stats"]);
    fails(&told, 1, &["The connection to the server", "broke"]);
}

/// A key must not follow to wherever somebody sends it.
#[test]
fn a_redirect_is_told_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let to = format!("http://{}/", elsewhere.local_addr().unwrap());
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let server = impostor(move |_| answer.clone());
    let told = with(
        &[
            ("COURSECAT_SERVER", &server),
            ("COURSECAT_KEY", "coursecat_a_b"),
        ],
        &["stats"],
    );
    fails(&told, 1, &["sends its clients on to", &to]);
    assert!(elsewhere.accept().is_err());
}

#[test]
fn keys_open_what_they_allow_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |scope: &str| {
        let told = on_folder(&data, &["key", "create", scope, "--scope", scope]);
        told.done().trim().to_owned()
    };
    on_folder(&data, &["demo"]).done();
    let (read, write) = (create("read"), create("write"));
    let server = Server::start_on(&data, &[]);
    let address = format!("http://{}", server.address);
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{read}\n")).unwrap();
    let file = file.to_str().unwrap();
    let new = ["org", "create", "NewX"];

    let on = |variables: &[(&str, &str)], arguments: &[&str]| {
        with(
            &[&[("COURSECAT_SERVER", address.as_str())], variables].concat(),
            arguments,
        )
    };
    fails(
        &on(&[], &["stats"]),
        1,
        &["needs a key", "--key-file", "coursecat key create"],
    );
    let wrong = on(&[("COURSECAT_KEY", "coursecat_none_atall")], &["stats"]);
    fails(&wrong, 1, &["unknown, revoked or expired", "COURSECAT_KEY"]);
    assert!(!wrong.stderr.contains("atall"), "{}", wrong.stderr);
    on(&[], &["stats", "--key-file", file]).done();
    on(&[("COURSECAT_KEY_FILE", file)], &["stats"]).done();
    let refused = on(&[("COURSECAT_KEY", &read)], &new);
    fails(
        &refused,
        1,
        &[
            "has the scope read; this needs write",
            "a key that allows it",
        ],
    );
    on(&[("COURSECAT_KEY", &write)], &new).done();
    on(
        &[("COURSECAT_KEY", ""), ("COURSECAT_KEY_FILE", file)],
        &["stats"],
    )
    .done();
    // An option goes before a variable, of whichever kind; two options are one too many.
    on(&[("COURSECAT_KEY", "nonsense")], &["stats", "--key", &read]).done();
    on(
        &[("COURSECAT_KEY", "nonsense")],
        &["stats", "--key-file", file],
    )
    .done();
    on(
        &[("COURSECAT_KEY_FILE", "/nonexistent")],
        &["stats", "--key", &read],
    )
    .done();
    for arguments in [
        ["stats", "--key", &read, "--key-file", file],
        ["--key-file", file, "stats", "--key", &read],
    ] {
        let both = on(&[], &arguments);
        fails(&both, 2, &["--key is a key", "--key-file", "Leave out one"]);
        assert!(!both.stderr.contains(&read), "{}", both.stderr);
    }

    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let told = on(
        &[("COURSECAT_KEY_FILE", empty.to_str().unwrap())],
        &["stats"],
    );
    fails(&told, 2, &["holds no key"]);
    let told = on(&[("COURSECAT_KEY_FILE", "/nonexistent")], &["stats"]);
    fails(&told, 2, &["cannot be read from /nonexistent"]);
    let told = on(&[("COURSECAT_KEY", "two words")], &["stats"]);
    fails(&told, 2, &["has a character that no key has"]);
    assert!(!told.stderr.contains("two"), "{}", told.stderr);
    let help = on(&[("COURSECAT_KEY", &write)], &["--help"]).done();
    assert!(!help.contains(&write));
}

/// It would be on the wire before anybody could read a warning.
#[test]
fn a_key_does_not_leave_the_machine_in_the_clear_unasked() {
    let key = [("COURSECAT_KEY", "coursecat_a_secret")];
    let to = |server: &str, more: &[&str]| {
        // The address is of nobody: where the key may go, the server cannot be reached.
        with(
            &key,
            &[&["stats", "--timeout", "1s", "--server", server], more].concat(),
        )
    };
    let told = to("http://catalog.invalid", &[]);
    fails(
        &told,
        2,
        &[
            "for everybody on the way to read",
            "https",
            "--insecure-http",
        ],
    );
    assert!(!told.stderr.contains("secret"), "{}", told.stderr);
    fails(
        &to("http://catalog.invalid", &["--insecure-http"]),
        1,
        &["cannot be reached"],
    );
    fails(
        &to("https://catalog.invalid", &[]),
        1,
        &["cannot be reached"],
    );
}

#[test]
fn what_cannot_be_done_over_a_server_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let server = Server::start(&["--demo"]);
    let address = format!("http://{}", server.address);
    for (words, arguments) in [
        (
            &["works on a folder", "Stop the server"][..],
            &["compact"][..],
        ),
        (
            &["works on a folder", "Stop the server"],
            &["repair", "--yes"],
        ),
        (&["works on a folder", "new folder"], &["restore", "a.zst"]),
        (&["works on a folder", "serve --demo"], &["demo"]),
    ] {
        let told = on(&server, arguments);
        fails(&told, 2, words);
        assert!(told.stderr.contains("COURSECAT_SERVER"), "{}", told.stderr);
        let told = with(&[], &[arguments, &["--server", &address]].concat());
        fails(&told, 2, words);
        assert!(told.stderr.contains("--server"), "{}", told.stderr);
    }
    for arguments in [&["serve"][..], &["completions", "bash"], &["bench"]] {
        let told = with(&[], &[arguments, &["--server", &address]].concat());
        fails(&told, 2, &["does not go to a server"]);
    }
    let told = with(&[], &["stats", "--server", &address, "--data", data]);
    fails(&told, 2, &["Leave out one of them"]);
    for option in [
        &["--no-auto-create"][..],
        &["--default-language", "fr"],
        &["--allowed-languages", "fr"],
        &["--keep-changes", "100"],
        &["--keep-changes-for", "7d"],
    ] {
        let told = on(
            &server,
            &[option, &["run", "create", "course-v1:A+B+C"]].concat(),
        );
        fails(&told, 2, &[option[0], "a server has its own"]);
    }
    for wrong in [
        "127.0.0.1:8787",
        "ftp://a",
        "http://a:b@c",
        "http://",
        "http://a b",
    ] {
        let told = with(&[], &["stats", "--server", wrong]);
        fails(&told, 2, &["is no address", "Write it like"]);
    }

    // An option goes before a variable, and a variable that says nothing is none.
    on(&server, &["demo", "--data", data]).done();
    let nowhere = [
        ("COURSECAT_SERVER", "http://catalog.invalid"),
        ("COURSECAT_DATA", "/none"),
    ];
    with(&nowhere, &["stats", "--data", data]).done();
    with(&nowhere, &["stats", "--server", &address]).done();
    with(
        &[("COURSECAT_SERVER", ""), ("COURSECAT_DATA", data)],
        &["stats"],
    )
    .done();
    with(&nowhere[..1], &["completions", "bash"]).done();
}

#[test]
fn a_server_with_too_much_to_do_is_waited_for() {
    let server = Server::start(&["--demo", "--rate-limit", "3"]);
    let told = on(
        &server,
        &[
            "--json", "org", "get", "MITx", "MITx", "MITx", "MITx", "MITx",
        ],
    );
    assert_eq!(told.done().lines().count(), 5);
}

#[test]
fn a_server_that_does_not_create_organizations_says_what_to_do() {
    let server = Server::start(&["--no-auto-create"]);
    let told = on(&server, &["run", "create", "course-v1:NewX+C+R"]);
    fails(
        &told,
        6,
        &["coursecat org create NewX (or org update NewX --active)"],
    );
    assert!(!told.stderr.contains("leave out"), "{}", told.stderr);
}

#[test]
fn whoever_finds_a_folder_locked_by_a_server_hears_how_to_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start_on(&data, &["--demo"]);
    let address = format!("http://{}", server.address);
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, "course_key\ncourse-v1:A+B+C\n").unwrap();
    let file = file.to_str().unwrap();
    for verb in [
        &["stats"][..],
        &["run", "list"],
        &["org", "create", "A"],
        &["ref", "list", "a"],
        &["search", "a"],
        &["export"],
        &["backup", "a.zst"],
        &["import", file],
        &["import", "--dry-run", file],
        &["verify"],
        &["repair", "--yes"],
        &["compact"],
        &["demo"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let told = on_folder(&data, verb);
        fails(
            &told,
            7,
            &["A server holds it", &format!("--server {address}")],
        );
    }
    // As it says.
    with(&[], &["stats", "--server", &address]).done();

    // What is left by a server that was killed is not told of those who hold the folder after it.
    server.signal("KILL");
    server.wait();
    assert!(data.join("serving").exists());
    let held = coursecat::Catalog::open(&data).unwrap();
    let told = on_folder(&data, &["stats"]);
    fails(&told, 7, &["Wait for the other program to end"]);
    assert!(!told.stderr.contains("--server"), "{}", told.stderr);
    drop(held);

    // It is nobody's business but that of people.
    on_folder(&data, &["verify"]).done();
    on_folder(&data, &["compact"]).done();
    let mut server = Server::start_on(&data, &[]);
    assert!(
        on_folder(&data, &["stats"])
            .stderr
            .contains(&server.address)
    );
    server.signal("TERM");
    server.wait();
    assert!(!data.join("serving").exists());
}
