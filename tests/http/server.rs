//! The real binary, serving a folder of its own; it ends with the test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::client::{Answer, Client};

/// A service that runs.
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    pub address: String,
    data: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

/// The binary with these arguments, and nothing of this process's environment.
pub fn coursecat(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coursecat"));
    command.args(arguments).env_clear();
    command
}

impl Server {
    /// Serves a new folder.
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut server = Self::start_on(&data, arguments);
        server._folder = Some(folder);
        server
    }

    /// Serves a folder that outlives the service.
    pub fn start_on(data: &Path, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, |_| {})
    }

    /// The same, with more about the process.
    pub fn start_with(data: &Path, arguments: &[&str], more: impl Fn(&mut Command)) -> Self {
        let log = data.with_extension("log");
        let mut command = coursecat(&["--json", "serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data).args(arguments);
        command
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap());
        more(&mut command);
        let mut child = command.spawn().unwrap();
        let mut banner = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut banner).unwrap();
        let banner: Value = serde_json::from_str(&banner)
            .unwrap_or_else(|_| panic!("{}", std::fs::read_to_string(&log).unwrap()));
        let address = banner["address"].as_str().unwrap();
        Self {
            child,
            address: address.strip_prefix("http://").unwrap().to_owned(),
            data: data.to_owned(),
            _folder: None,
        }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.client().send("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.client().send("DELETE", path, &[], b"")
    }

    /// A request with a body in JSON.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.client().json(method, path, body)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
