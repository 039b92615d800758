//! The options of the service: from a flag, else a variable, else the configuration file.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory};
use serde::Deserialize;

use super::super::args::{Arguments, Global};
use super::super::failure::{Failure, exit};
use super::super::session::Session;
use super::super::span::Span;
use super::log::{LogFormat, LogLevel};
use crate::http::Config;
use crate::http::keys::KeyFile;

pub(in super::super) const HELP: &str = "\
Examples:
  coursecat serve --demo
  coursecat serve --data /srv/catalog --config /etc/coursecat.toml

Every option can also be a variable (--listen is COURSECAT_LISTEN) or a line of the file
(listen = \"127.0.0.1:8787\"; and so can data, default-language, allowed-languages, no-auto-create,
keep-changes and keep-changes-for). A flag wins over a variable, a variable over the file.

SIGTERM and Ctrl-C end it: it stops accepting, finishes what runs, and closes the store.";

/// The options of the service, from one source.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Settings {
    /// A file with options, in TOML
    #[arg(
        long,
        value_name = "FILE",
        env = "COURSECAT_CONFIG",
        hide_env_values = true
    )]
    #[serde(skip)]
    config: Option<PathBuf>,

    /// Check the options and do nothing
    #[arg(long)]
    #[serde(skip)]
    check_config: bool,

    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8787]
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "COURSECAT_LISTEN",
        hide_env_values = true
    )]
    listen: Option<SocketAddr>,

    /// Fill an empty folder with a few well-known courses
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), env = "COURSECAT_DEMO", hide_env_values = true)]
    demo: Option<bool>,

    /// Let other machines reach a service that asks for no key
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), env = "COURSECAT_INSECURE", hide_env_values = true)]
    insecure: Option<bool>,

    /// Let everybody read, where keys are asked for
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), env = "COURSECAT_ANONYMOUS_READ", hide_env_values = true)]
    anonymous_read: Option<bool>,

    /// Sites whose pages may use the service from a browser [default: none]
    #[arg(
        long,
        value_name = "ORIGIN,…",
        value_delimiter = ',',
        env = "COURSECAT_CORS",
        hide_env_values = true
    )]
    cors: Option<Vec<String>>,

    /// How many requests a second to let through for each key, or each address of those without; 0
    /// for all [default: all if only this machine can reach it, else 1000]
    #[arg(
        long,
        value_name = "N",
        env = "COURSECAT_RATE_LIMIT",
        hide_env_values = true
    )]
    rate_limit: Option<u32>,

    /// How much to log, on stderr [default: info]
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        env = "COURSECAT_LOG",
        hide_env_values = true
    )]
    log: Option<LogLevel>,

    /// How the log looks [default: auto]
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "COURSECAT_LOG_FORMAT",
        hide_env_values = true
    )]
    log_format: Option<LogFormat>,

    /// The most bytes of a request's body [default: 1048576]
    #[arg(
        long,
        value_name = "BYTES",
        env = "COURSECAT_MAX_BODY_BYTES",
        hide_env_values = true
    )]
    max_body_bytes: Option<usize>,

    /// The most bytes of an import [default: 1073741824]
    #[arg(
        long,
        value_name = "BYTES",
        env = "COURSECAT_MAX_IMPORT_BYTES",
        hide_env_values = true
    )]
    max_import_bytes: Option<u64>,

    /// The most connections at a time; more wait [default: 10000]
    #[arg(
        long,
        value_name = "N",
        env = "COURSECAT_MAX_CONNECTIONS",
        hide_env_values = true
    )]
    max_connections: Option<usize>,

    /// The most clients that follow the change feed at a time [default: 2000]
    #[arg(
        long,
        value_name = "N",
        env = "COURSECAT_MAX_STREAMS",
        hide_env_values = true
    )]
    max_streams: Option<usize>,

    /// How often they hear something when nothing changes [default: 15s]
    #[arg(
        long,
        value_name = "TIME",
        env = "COURSECAT_STREAM_HEARTBEAT",
        hide_env_values = true
    )]
    stream_heartbeat: Option<Span>,

    /// How long they may take to read what they were sent [default: 15s]
    #[arg(
        long,
        value_name = "TIME",
        env = "COURSECAT_STREAM_TIMEOUT",
        hide_env_values = true
    )]
    stream_timeout: Option<Span>,

    /// How long a client may take to send a request's head, or to begin the next one [default: 30s]
    #[arg(
        long,
        value_name = "TIME",
        env = "COURSECAT_HEADER_TIMEOUT",
        hide_env_values = true
    )]
    header_timeout: Option<Span>,

    /// How long a request may take [default: 30s]
    #[arg(
        long,
        value_name = "TIME",
        env = "COURSECAT_REQUEST_TIMEOUT",
        hide_env_values = true
    )]
    request_timeout: Option<Span>,

    /// How long running requests may take when the service stops [default: 10s]
    #[arg(
        long,
        value_name = "TIME",
        env = "COURSECAT_STOP_TIMEOUT",
        hide_env_values = true
    )]
    stop_timeout: Option<Span>,
}

/// What the configuration file says beside [`Settings`]: options of every verb.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Shared {
    data: Option<PathBuf>,
    default_language: Option<String>,
    allowed_languages: Option<Vec<String>>,
    no_auto_create: Option<bool>,
    keep_changes: Option<u64>,
    keep_changes_for: Option<Span>,
}

/// The options from all sources.
pub(super) struct Chosen {
    pub(super) global: Global,
    pub(super) config: Config,
    pub(super) check_only: bool,
    pub(super) demo: bool,
    pub(super) log: LogLevel,
    pub(super) log_format: LogFormat,
}

impl Settings {
    /// Reads the configuration file if there is one, and checks what comes of all.
    pub(super) fn choose(self, session: &Session) -> Result<Chosen, Failure> {
        let mut global = session.global.clone();
        let check_only = self.check_config;
        let settings = match &self.config {
            None => self,
            Some(path) => {
                let file = File::read(path)?;
                file.shared.apply(&mut global);
                self.or(file.settings)
            }
        };
        let chosen = Chosen {
            config: settings.to_config(),
            check_only,
            demo: settings.demo.unwrap_or_default(),
            log: settings.log.unwrap_or(LogLevel::Info),
            log_format: settings.log_format.unwrap_or(LogFormat::Auto),
            global,
        };
        let session = Session::new(chosen.global.clone());
        session.options()?;
        let has_keys = KeyFile::of(&chosen.global.data)
            .list()
            .is_ok_and(|keys| !keys.is_empty());
        chosen
            .config
            .check(has_keys)
            .map_err(|error| Failure::with_code(exit::INVALID, error.to_string()))?;
        Ok(chosen)
    }

    /// These options, and those of the file where these say nothing.
    fn or(self, file: Self) -> Self {
        Self {
            config: self.config,
            check_config: self.check_config,
            listen: self.listen.or(file.listen),
            demo: self.demo.or(file.demo),
            insecure: self.insecure.or(file.insecure),
            anonymous_read: self.anonymous_read.or(file.anonymous_read),
            cors: self.cors.or(file.cors),
            rate_limit: self.rate_limit.or(file.rate_limit),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
            max_body_bytes: self.max_body_bytes.or(file.max_body_bytes),
            max_import_bytes: self.max_import_bytes.or(file.max_import_bytes),
            max_connections: self.max_connections.or(file.max_connections),
            max_streams: self.max_streams.or(file.max_streams),
            stream_heartbeat: self.stream_heartbeat.or(file.stream_heartbeat),
            stream_timeout: self.stream_timeout.or(file.stream_timeout),
            header_timeout: self.header_timeout.or(file.header_timeout),
            request_timeout: self.request_timeout.or(file.request_timeout),
            stop_timeout: self.stop_timeout.or(file.stop_timeout),
        }
    }

    fn to_config(&self) -> Config {
        let mut config = Config::default();
        set(&mut config.listen, self.listen);
        set(&mut config.insecure, self.insecure);
        set(&mut config.anonymous_read, self.anonymous_read);
        set(&mut config.cors, self.cors.clone());
        config.rate_limit = self.rate_limit;
        set(&mut config.max_body_bytes, self.max_body_bytes);
        set(&mut config.max_import_bytes, self.max_import_bytes);
        set(&mut config.max_connections, self.max_connections);
        set(&mut config.max_streams, self.max_streams);
        set(
            &mut config.stream_heartbeat,
            self.stream_heartbeat.map(|span| span.0),
        );
        set(
            &mut config.stream_timeout,
            self.stream_timeout.map(|span| span.0),
        );
        set(
            &mut config.header_timeout,
            self.header_timeout.map(|span| span.0),
        );
        set(
            &mut config.request_timeout,
            self.request_timeout.map(|span| span.0),
        );
        set(
            &mut config.stop_timeout,
            self.stop_timeout.map(|span| span.0),
        );
        config
    }
}

fn set<T>(place: &mut T, chosen: Option<T>) {
    if let Some(chosen) = chosen {
        *place = chosen;
    }
}

impl Shared {
    fn apply(self, global: &mut Global) {
        if !is_given("data") {
            set(&mut global.data, self.data);
        }
        global.default_language = global.default_language.take().or(self.default_language);
        global.allowed_languages = global.allowed_languages.take().or(self.allowed_languages);
        if !is_given("no_auto_create") {
            set(&mut global.no_auto_create, self.no_auto_create);
        }
        global.feed.or(self.keep_changes, self.keep_changes_for);
    }
}

/// Whether an option has come by a flag or a variable.
fn is_given(option: &str) -> bool {
    let source = Arguments::command().get_matches().value_source(option);
    source.is_some_and(|source| source != ValueSource::DefaultValue)
}

/// The options in a file that other verbs have, too.
const SHARED: [&str; 6] = [
    "data",
    "default-language",
    "allowed-languages",
    "no-auto-create",
    "keep-changes",
    "keep-changes-for",
];

/// What is wrong with a value, and where; or with a name, and which others there are.
fn in_a_line(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.starts_with("unknown field") {
        // The reader of the file's other options knows its own names only.
        for name in SHARED {
            line.push_str(&format!(", `{name}`"));
        }
    }
    line
}

/// A configuration file.
struct File {
    shared: Shared,
    settings: Settings,
}

impl File {
    fn read(path: &PathBuf) -> Result<Self, Failure> {
        let refused = |why: String| {
            let what = format!("The configuration {} {why}", path.display());
            Failure::with_code(exit::INVALID, what)
        };
        let text = fs::read_to_string(path)
            .map_err(|error| refused(format!("cannot be read: {error}.")))?;
        let no_toml = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let before = before.unwrap_or_default().matches('\n').count();
            let line = text.lines().nth(before).unwrap_or_default().trim();
            let what = error.message().replace('\n', ", ");
            refused(format!(
                "is no TOML at line {}, {line:?}: {what}.",
                before + 1
            ))
        };
        let mut table: toml::Table = text.parse().map_err(no_toml)?;
        let wrong = |error: toml::de::Error| refused(format!("is refused: {}.", in_a_line(&error)));
        let mut shared = toml::Table::new();
        for name in SHARED {
            if let Some(value) = table.remove(name) {
                shared.insert(name.to_owned(), value);
            }
        }
        Ok(Self {
            shared: shared.try_into().map_err(wrong)?,
            settings: table.try_into().map_err(wrong)?,
        })
    }
}
