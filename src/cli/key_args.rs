//! The arguments of `coursecat key`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// Make a key, and show it this once
    #[command(after_help = "Example:\n  coursecat key create lms --scope write --expires 90d")]
    Create {
        /// Its name: letters, digits, '.', '_' and '-'
        name: String,
        /// What it allows: read, write (reads, too) or admin (everything; imports, backups and keys)
        #[arg(long)]
        scope: crate::http::keys::Scope,
        /// When it ends to be one: 90d, 12h, 2027-01-01, or a moment [default: never]
        #[arg(long, value_name = "WHEN", value_parser = super::keys::expiry)]
        expires: Option<crate::Timestamp>,
    },
    /// List keys, without what is secret of them
    #[command(after_help = "Example:\n  coursecat key list")]
    List,
    /// Revoke a key
    #[command(after_help = "Example:\n  coursecat key revoke lms")]
    Revoke {
        /// Its name
        name: String,
    },
}
