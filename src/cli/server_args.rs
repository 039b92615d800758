//! The arguments of every verb that say which server to go to, and how.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::span::Span;

/// Which server to go to, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct ServerArguments {
    /// Go to the server of this address, such as http://127.0.0.1:8787, in the place of a folder
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "COURSECAT_SERVER",
        hide_env_values = true,
        help_heading = "Server options"
    )]
    pub(super) server: Option<String>,

    /// A file that holds the key for the server, which other programs cannot see there
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COURSECAT_KEY_FILE",
        hide_env_values = true,
        help_heading = "Server options"
    )]
    pub(super) key_file: Option<PathBuf>,

    // `key` is what many verbs call an argument of their own.
    /// The key itself; every user of this machine can see it on a command line
    #[arg(
        id = "server_key",
        long = "key",
        global = true,
        value_name = "KEY",
        env = "COURSECAT_KEY",
        hide_env_values = true,
        value_parser = secret,
        help_heading = "Server options"
    )]
    pub(super) key: Option<SecretString>,

    /// Let the key go to another machine over http://, where those between can read it
    #[arg(
        long,
        global = true,
        env = "COURSECAT_INSECURE_HTTP",
        hide_env_values = true,
        value_parser = super::args::switch,
        help_heading = "Server options"
    )]
    pub(super) insecure_http: bool,

    /// How long to wait for the server's answer
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        env = "COURSECAT_TIMEOUT",
        hide_env_values = true,
        default_value = "60s",
        help_heading = "Server options"
    )]
    pub(super) timeout: Span,
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(text.into())
}
