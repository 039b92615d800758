//! The arguments of the verbs that take data in and give it out.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::transfer::Format;

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// Files, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Their format, coursecat, jsonl, csv, django or courses-api [default: recognised]
    #[arg(long)]
    pub(super) format: Option<Format>,
    /// What to do with a row whose record exists and says something else
    #[arg(long, value_enum, default_value_t = ConflictArgument::Skip)]
    pub(super) on_conflict: ConflictArgument,
    /// Do everything but write
    #[arg(long)]
    pub(super) dry_run: bool,
    /// All or nothing: store a file only if none of its rows is refused
    #[arg(long)]
    pub(super) strict: bool,
    /// Write every refused row into this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ConflictArgument {
    /// Leave the record as it is
    Skip,
    /// Change its title, language, name or active flag
    Update,
    /// Refuse the row
    Fail,
}

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The format: coursecat (loses nothing), csv, django, or django-new-site (for loaddata into a
    /// site that has never had an organization)
    #[arg(long, default_value_t = Format::Lines)]
    pub(super) format: Format,
    /// Only this organization
    #[arg(long)]
    pub(super) org: Option<String>,
    /// Only courses in this language: en-us, or en for all kinds of English
    #[arg(long, value_name = "CODE")]
    pub(super) language: Option<String>,
    /// Write into this new file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The file to write
    pub(super) file: PathBuf,
    /// Take the place of an existing file, which stays whole until then
    #[arg(long)]
    pub(super) overwrite: bool,
}
