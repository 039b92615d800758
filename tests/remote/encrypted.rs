//! A server behind TLS, as a proxy in front of it has it: believed if the system would, or whom
//! `SSL_CERT_FILE` names.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::pair::Told;
use crate::server::{Server, coursecat};

/// Speaks TLS for a server, as localhost. Writes the certificate to believe into a file.
fn proxy(server: &Server, certificate: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificate, made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let target = server.address.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut client = StreamOwned::new(connection, client);
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            if head.len() < 4 {
                continue; // Who does not believe it says nothing.
            }
            head.truncate(head.len() - 2);
            head.extend(b"connection: close\r\n\r\n");
            let mut behind = TcpStream::connect(&target).unwrap();
            behind.write_all(&head).unwrap();
            let mut answer = Vec::new();
            behind.read_to_end(&mut answer).unwrap();
            let _ = client.write_all(&answer);
            client.conn.send_close_notify();
            let _ = client.flush();
        }
    });
    address
}

fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Told {
    let mut command = coursecat(arguments);
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

#[test]
fn a_certificate_decides_who_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("cert.pem");
    let file = certificate.to_str().unwrap();
    let server = Server::start(&["--demo"]);
    let address = proxy(&server, &certificate);

    let list = ["run", "list", "--all", "--server", &address];
    let believed = with(&[("SSL_CERT_FILE", file)], &list).done();
    let plain = format!("http://{}", server.address);
    assert_eq!(
        believed,
        with(&[], &["run", "list", "--all", "--server", &plain]).done()
    );
    let backup = folder.path().join("b.zst");
    let backup = ["backup", backup.to_str().unwrap(), "--server", &address];
    with(&[("SSL_CERT_FILE", file)], &backup).done();

    // Nobody has said that it is to be believed; or it is that of somebody else.
    let key = ("COURSECAT_KEY", "coursecat_a_b");
    let stranger = address.replace("localhost", "127.0.0.1");
    for (variables, address) in [
        (&[key][..], &address),
        (&[key, ("SSL_CERT_FILE", file)], &stranger),
    ] {
        let told = with(
            variables,
            &["run", "delete", "course-v1:A+B+C", "--server", address],
        );
        assert_eq!(told.code, Some(1));
        for word in ["cannot prove to be the one", "SSL_CERT_FILE"] {
            assert!(told.stderr.contains(word), "{}", told.stderr);
        }
        assert!(!told.stderr.contains("not known"), "{}", told.stderr);
    }
}

#[test]
fn who_mixes_up_http_and_https_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let encrypted = proxy(&server, &folder.path().join("cert.pem"));
    let told = with(
        &[],
        &["stats", "--server", &encrypted.replace("https", "http")],
    );
    assert_eq!(told.code, Some(1));
    assert!(told.stderr.contains("https://"), "{}", told.stderr);
    let told = with(
        &[],
        &["stats", "--server", &format!("https://{}", server.address)],
    );
    assert_eq!(told.code, Some(1));
    assert!(told.stderr.contains("write http://"), "{}", told.stderr);
}
