//! Starting and stopping: options from three sources, the banner, and an orderly end.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::server::{Server, coursecat};

#[test]
fn another_address_than_this_machines_own_needs_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |arguments: &[&str]| {
        coursecat(&["serve", "--check-config", "--listen", "0.0.0.0:0"])
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let refused = serve(&[]);
    assert_eq!(refused.status.code(), Some(6));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("--insecure"), "{text}");
    assert!(serve(&["--insecure"]).status.success());
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coursecat.toml");
    std::fs::write(&file, "listen = \"0.0.0.1:1\"\nheader-timeout = \"5s\"\n").unwrap();
    let check = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = coursecat(&["serve", "--check-config", "--config"]);
        command.arg(&file);
        if let Some(address) = variable {
            command.env("COURSECAT_LISTEN", address);
        }
        if let Some(address) = flag {
            command.args(["--listen", address]);
        }
        let output = command.output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(check(None, None).contains("0.0.0.1:1"));
    assert!(check(Some("0.0.0.2:2"), None).contains("0.0.0.2:2"));
    assert!(check(Some("0.0.0.2:2"), Some("0.0.0.3:3")).contains("0.0.0.3:3"));
    assert!(check(Some("0.0.0.2:2"), Some("127.0.0.1:3")).contains("are good"));
    for (line, said) in [
        ("header-timeout = \"soon\"", "30s"),
        ("header_timeout = \"5s\"", "header_timeout"),
        ("data = 5", "string"),
        ("listen = ", "listen"),
    ] {
        std::fs::write(&file, line).unwrap();
        let text = check(None, None);
        assert!(text.contains(said), "{line}: {text}");
    }
}

/// The parser's message was printed with its line breaks made harmless, which no person could read,
/// and a misspelled `data` was told all names but that one.
#[test]
fn what_is_wrong_with_the_file_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coursecat.toml");
    for (text, said) in [
        (
            "datta = \"x\"",
            "unknown field `datta`, expected one of `listen`, ",
        ),
        ("datta = \"x\"", ", `data`, `default-language`, "),
        (
            "listen = 5",
            "is refused: invalid type: integer `5`, expected socket address in `listen`.\n",
        ),
        ("demo = true\n\n[", r#"is no TOML at line 3, "[": "#),
    ] {
        std::fs::write(&file, text).unwrap();
        let mut command = coursecat(&["serve", "--check-config", "--config"]);
        let output = command.arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(6));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{text}: {error}");
        assert!(
            !error.contains('\u{fffd}') && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn the_file_can_say_where_the_data_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coursecat.toml");
    let data = folder.path().join("catalog");
    let text = format!("data = {data:?}\nlisten = \"127.0.0.1:0\"\ndemo = true\n");
    std::fs::write(&file, text).unwrap();
    let mut child = coursecat(&["serve", "--config"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let expected = format!("serves {}: 18 organizations", data.display());
    assert!(line.contains(&expected), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_demo_is_served_again_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start_on(&data, &["--demo"]);
    server
        .json("POST", "/v1/organizations", &json!({"short_name": "New"}))
        .expect(201);
    server.signal("TERM");
    assert!(server.wait().success());
    let server = Server::start_on(&data, &["--demo"]);
    assert_eq!(server.get("/v1/stats").expect(200)["organizations"], 19);
}

#[test]
fn a_service_that_is_told_to_stop_closes_its_store_and_ends_well() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut server = Server::start_on(&data, &["--demo", "--stop-timeout", "1s"]);
        // A connection that is idle is ended; a request that never comes whole is not waited for.
        let mut idle = Client::new(&server.address);
        idle.send("GET", "/readyz", &[], b"").expect(200);
        let mut half = Client::new(&server.address);
        half.raw(b"GET /healthz HT");
        let start = Instant::now();
        server.signal(signal);
        assert!(server.wait().success());
        assert!(
            start.elapsed() < Duration::from_secs(9),
            "{:?}",
            start.elapsed()
        );
        assert!(idle.is_ended());
        assert!(server.log().contains("\"message\":\"stopped\""));
        let verified = coursecat(&["verify", "--data"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(verified.status.success());
    }
}

#[test]
fn a_second_service_on_the_same_folder_or_address_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_on(&data, &[]);
    let locked = coursecat(&["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(locked.status.code(), Some(7));
    let other = folder.path().join("other");
    let taken = |data: &Path| {
        coursecat(&["serve", "--demo", "--listen", &server.address, "--data"])
            .arg(data)
            .output()
            .unwrap()
    };
    let refused = taken(&other);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("--listen"), "{text}");
    // It was made before the address was known to be taken.
    assert!(!other.exists() && refused.stdout.is_empty());
    // The same service twice: to choose another address would not help.
    let twice = taken(&data);
    assert_eq!(twice.status.code(), Some(7));
    let text = String::from_utf8(twice.stderr).unwrap();
    assert!(text.contains(&server.address), "{text}");
}

#[test]
fn every_request_has_an_id_in_its_answer_and_in_the_log() {
    let mut server = Server::start(&["--log", "debug"]);
    let mut client = server.client();
    let given = client.send("GET", "/v1/runs/MITx", &[("x-request-id", "abc-1")], b"");
    assert_eq!(given.header("x-request-id"), Some("abc-1"));
    let first = client.send("GET", "/healthz", &[], b"");
    let second = client.send("GET", "/healthz", &[("x-request-id", "two words")], b"");
    let ids = [&first, &second].map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[1], "two words");
    server.signal("TERM");
    server.wait();
    let log = server.log();
    for id in ["abc-1", &ids[0], &ids[1]] {
        assert!(log.contains(&format!("\"request_id\":\"{id}\"")), "{log}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn systemd_hears_when_the_service_is_ready_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let hear = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut server = Server::start_with(&folder.path().join("data"), &[], |command| {
        command.env("NOTIFY_SOCKET", &place);
    });
    assert!(hear().contains("READY=1"));
    server.signal("TERM");
    assert!(hear().contains("STOPPING=1"));
    assert!(server.wait().success());
}

/// The file of options and the command of the unit that the documentation shows are good.
#[test]
fn the_documented_configuration_is_taken() {
    let page = include_str!("../../HTTP.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coursecat.toml");
    std::fs::write(&file, block("toml")).unwrap();
    let checked = coursecat(&["serve", "--check-config", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let unit = block("ini");
    assert!(unit.contains("Type=notify\nExecStart=/usr/local/bin/coursecat serve --config "));
}
