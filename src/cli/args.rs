//! The arguments: one tree, from which parsing, help, completions and man pages all come.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(super) use super::feed_args::FeedArguments;
pub(super) use super::page_args::{OrderArgument, PageArguments};
pub(super) use super::server_args::ServerArguments;
pub(super) use super::transfer_args::{
    BackupArguments, ConflictArgument, ExportArguments, ImportArguments,
};

/// A course catalog in a folder: organizations, catalog courses and course runs, with the rules of
/// Open edX.
#[derive(Debug, Parser)]
#[command(
    name = "coursecat",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  coursecat demo
  coursecat run create course-v1:MITx+Math100+2026_Spring --title Calculus
  coursecat course list --org MITx
  coursecat --json run get course-v1:MITx+Math100+2026_Spring

Exit codes: 0 done, 1 failure, 2 wrong usage, 3 not found, 4 protected, 5 already exists,
6 invalid input, 7 locked by another process, 8 corrupt."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// The catalog's folder
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COURSECAT_DATA",
        hide_env_values = true,
        default_value = "coursecat-data",
        help_heading = "Global options"
    )]
    pub(super) data: PathBuf,

    /// Print JSON: one object, or one a line for lists
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) json: bool,

    /// The language of new courses that come without one [default: en-us]
    #[arg(
        long,
        global = true,
        value_name = "CODE",
        env = "COURSECAT_DEFAULT_LANGUAGE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(super) default_language: Option<String>,

    /// The language codes that may be given [default: all]
    #[arg(
        long,
        global = true,
        value_name = "CODE,…",
        env = "COURSECAT_ALLOWED_LANGUAGES",
        hide_env_values = true,
        value_delimiter = ',',
        help_heading = "Global options"
    )]
    pub(super) allowed_languages: Option<Vec<String>>,

    /// Don't create or activate organizations that a course key names
    #[arg(
        long,
        global = true,
        env = "COURSECAT_NO_AUTO_CREATE",
        hide_env_values = true,
        value_parser = switch,
        help_heading = "Global options"
    )]
    pub(super) no_auto_create: bool,

    #[command(flatten)]
    pub(super) feed: FeedArguments,

    /// Say more of what happens, on stderr
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(super) verbose: bool,

    #[command(flatten)]
    pub(super) server: ServerArguments,
}

/// Reads a variable that switches something on, in any of the usual words. Nothing is off.
pub(super) fn switch(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("say true or false".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Organizations
    #[command(subcommand, after_help = "Example:\n  coursecat org list")]
    Org(OrgVerb),
    /// Catalog courses
    #[command(
        subcommand,
        after_help = "Example:\n  coursecat course list --org MITx"
    )]
    Course(CourseVerb),
    /// Course runs
    #[command(subcommand, after_help = "Example:\n  coursecat run list --org MITx")]
    Run(RunVerb),
    /// References, which protect courses and runs from deletion
    #[command(
        subcommand,
        after_help = "Example:\n  coursecat ref list catalog-course:MITx:Math100"
    )]
    Ref(RefVerb),
    /// Look for words in titles, codes and keys
    #[command(after_help = "Example:\n  coursecat search calculus mit")]
    Search(SearchArguments),
    /// Count what the catalog holds
    #[command(after_help = "Example:\n  coursecat stats --json")]
    Stats,
    /// Take in data: coursecat JSON Lines, plain JSON Lines, CSV, Django fixtures, Courses API
    #[command(after_help = "\
Examples:
  coursecat import courses.csv
  coursecat import --dry-run --rejects refused.jsonl dumpdata.json
  manage.py dumpdata openedx_catalog organizations | coursecat import -

Rows that the rules refuse are reported with line, key and reason; the others go in. What is there
already is left as it is. Running an interrupted import again completes it.")]
    Import(ImportArguments),
    /// Give out data: coursecat JSON Lines, CSV or a Django fixture
    #[command(after_help = "\
Examples:
  coursecat export > catalog.jsonl
  coursecat export --format django --output catalog.json
  coursecat export --format csv --org MITx")]
    Export(ExportArguments),
    /// Write everything into one compressed, checksummed file
    #[command(after_help = "Example:\n  coursecat backup monday.coursecat.zst")]
    Backup(BackupArguments),
    /// Make a catalog of a backup, in a new folder
    #[command(
        after_help = "Example:\n  coursecat restore monday.coursecat.zst --data /srv/catalog"
    )]
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Check every row, index, count and digest
    #[command(
        after_help = "Example:\n  coursecat verify --data /srv/catalog\n\nExits with 8 if anything is wrong."
    )]
    Verify,
    /// Rebuild indexes and counts of a damaged catalog from its intact records
    #[command(after_help = "Example:\n  coursecat repair --yes")]
    Repair(RepairArguments),
    /// Write the store anew, to give space back
    #[command(after_help = "Example:\n  coursecat compact")]
    Compact,
    /// Serve the catalog to other programs, over HTTP
    #[cfg(feature = "http")]
    #[command(after_help = super::serve::HELP)]
    Serve(Box<super::serve::Settings>),
    /// Keys for the service
    #[cfg(feature = "http")]
    #[command(
        subcommand,
        after_help = "\
Example:
  coursecat key create lms --scope write

A service without keys asks for none, and only this machine can reach it; once there is one, every
request needs one. Keys can be made and revoked while a service runs."
    )]
    Key(super::key_args::KeyVerb),
    /// Fill a new folder with a few well-known courses
    #[command(after_help = "Example:\n  coursecat demo --data /tmp/demo")]
    Demo,
    /// Measure how fast a catalog is on this machine, in a temporary folder
    #[command(after_help = super::bench::HELP)]
    Bench(super::bench::BenchArguments),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  coursecat completions bash > /etc/bash_completion.d/coursecat"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder
    #[command(hide = true, after_help = "Example:\n  coursecat man target/man")]
    Man {
        /// The folder
        folder: PathBuf,
    },
}

impl Verb {
    /// Whether it begins its log by itself.
    pub(super) fn has_a_log_of_its_own(&self) -> bool {
        #[cfg(feature = "http")]
        if matches!(self, Self::Serve(_)) {
            return true;
        }
        false
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgVerb {
    /// Create an organization
    #[command(
        after_help = "Example:\n  coursecat org create MITx --name 'Massachusetts Institute of Technology'"
    )]
    Create {
        /// Its short name: letters, digits, '.', '_' and '-'
        short_name: String,
        /// Its name [default: the short name]
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Make it inactive
        #[arg(long)]
        inactive: bool,
    },
    /// Show organizations
    #[command(after_help = "Example:\n  coursecat org get MITx")]
    Get {
        /// Short names, in any capitalisation
        #[arg(required = true)]
        short_names: Vec<String>,
    },
    /// List organizations
    #[command(after_help = "Example:\n  coursecat org list --text university")]
    List {
        /// Only those with these words in short name or name
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Change an organization's short name
    #[command(
        after_help = "Example:\n  coursecat org rename mitx MITx\n\nWhile it has runs, only the capitalisation can change."
    )]
    Rename {
        /// The short name it has
        short_name: String,
        /// The short name it gets
        new_short_name: String,
    },
    /// Change an organization's name, or make it active or inactive
    #[command(after_help = "Example:\n  coursecat org update MITx --name MIT --inactive")]
    Update {
        /// Its short name
        short_name: String,
        /// Its new name
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Make it active
        #[arg(long, conflicts_with = "inactive")]
        active: bool,
        /// Make it inactive
        #[arg(long)]
        inactive: bool,
    },
    /// Delete an organization without courses
    #[command(after_help = "Example:\n  coursecat org delete MITx")]
    Delete {
        /// Its short name
        short_name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CourseVerb {
    /// Create a catalog course
    #[command(
        after_help = "Example:\n  coursecat course create MITx Math100 --title Calculus --language en-us"
    )]
    Create {
        /// The short name of its organization, which must exist
        org: String,
        /// Its course code
        course_code: String,
        /// Its title [default: the course code]
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
        /// Its language: en-us, zh-hans, …
        #[arg(long, value_name = "CODE", conflicts_with = "language_short")]
        language: Option<String>,
        /// Its language, by a short (legacy) code: en, zh_HANS, …
        #[arg(
            long,
            value_name = "CODE",
            default_value = "",
            hide_default_value = true
        )]
        language_short: String,
    },
    /// Show catalog courses
    #[command(after_help = "Example:\n  coursecat course get catalog-course:MITx:Math100")]
    Get {
        /// Keys: catalog-course:ORG:CODE
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// List catalog courses
    #[command(
        after_help = "Example:\n  coursecat course list --org MITx --language en --order key"
    )]
    List {
        /// Only those of this organization
        #[arg(long)]
        org: Option<String>,
        /// Only those with this course code
        #[arg(long)]
        course_code: Option<String>,
        /// Only those in this language: en-us, or en for all kinds of English
        #[arg(long)]
        language: Option<String>,
        /// Only those with these words in title, code or organization
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// List the runs of a catalog course, newest first
    #[command(after_help = "Example:\n  coursecat course runs catalog-course:MITx:Math100")]
    Runs {
        /// Its key: catalog-course:ORG:CODE
        key: String,
    },
    /// Change a catalog course's title or language
    #[command(
        after_help = "Example:\n  coursecat course update catalog-course:MITx:Math100 --title 'Calculus I'"
    )]
    Update {
        /// Its key: catalog-course:ORG:CODE
        key: String,
        /// Its new title
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
        /// Its new language, by a short (legacy) code: en, zh_HANS, …
        #[arg(
            long,
            value_name = "CODE",
            default_value = "",
            hide_default_value = true
        )]
        language_short: String,
    },
    /// Delete a catalog course without runs and references
    #[command(after_help = "Example:\n  coursecat course delete catalog-course:MITx:Math100")]
    Delete {
        /// Its key: catalog-course:ORG:CODE
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RunVerb {
    /// Create a course run, with its catalog course and organization as needed
    #[command(after_help = "\
Examples:
  coursecat run create course-v1:MITx+Math100+2026_Spring --title Calculus --language-short en
  coursecat run create --in catalog-course:MITx:Math100 --run-code 2026_Fall

A run that exists is left as it is, with a warning. With --in, the course must exist and the run
must not.")]
    Create {
        /// Its key: course-v1:ORG+COURSE+RUN
        #[arg(required_unless_present = "in_course")]
        key: Option<String>,
        /// Its title, and that of its course if it is new [default: the course's]
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
        /// The language of its course if it is new, by a short (legacy) code
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            conflicts_with = "in_course"
        )]
        language_short: String,
        /// Create it in this catalog course, which must exist
        #[arg(long = "in", value_name = "COURSE_KEY", requires = "run_code")]
        in_course: Option<String>,
        /// Its run code, with --in
        #[arg(long, value_name = "CODE", requires = "in_course")]
        run_code: Option<String>,
    },
    /// Show course runs
    #[command(after_help = "Example:\n  coursecat run get course-v1:MITx+Math100+2026_Spring")]
    Get {
        /// Keys: course-v1:ORG+COURSE+RUN
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// List course runs
    #[command(after_help = "Example:\n  coursecat run list --course catalog-course:MITx:Math100")]
    List {
        /// Only those of this organization's courses
        #[arg(long)]
        org: Option<String>,
        /// Only those of this catalog course: catalog-course:ORG:CODE
        #[arg(long, value_name = "KEY")]
        course: Option<String>,
        /// Only those with these words in title or key
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Bring a run's title up to date
    #[command(
        after_help = "Example:\n  coursecat run sync course-v1:MITx+Math100+2026_Spring --title 'Calculus I'"
    )]
    Sync {
        /// Its key: course-v1:ORG+COURSE+RUN
        key: String,
        /// Its new title; an empty one changes nothing
        #[arg(long)]
        title: String,
    },
    /// Delete a course run without references
    #[command(after_help = "Example:\n  coursecat run delete course-v1:MITx+Math100+2026_Spring")]
    Delete {
        /// Its key: course-v1:ORG+COURSE+RUN
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RefVerb {
    /// Note that something outside refers to a course or a run
    #[command(
        after_help = "Example:\n  coursecat ref add course-v1:MITx+Math100+2026_Spring enrollments"
    )]
    Add {
        /// The key of the course or run
        key: String,
        /// Who refers to it: a name of 1 to 255 characters
        referrer: String,
    },
    /// Note that it no longer does
    #[command(
        after_help = "Example:\n  coursecat ref remove course-v1:MITx+Math100+2026_Spring enrollments"
    )]
    Remove {
        /// The key of the course or run
        key: String,
        /// Who referred to it
        referrer: String,
    },
    /// List who refers to a course or a run
    #[command(after_help = "Example:\n  coursecat ref list course-v1:MITx+Math100+2026_Spring")]
    List {
        /// The key of the course or run
        key: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct SearchArguments {
    /// Words that must all occur, in any capitalisation
    #[arg(required = true)]
    pub(super) words: Vec<String>,
    /// The most courses, and the most runs, to show, 1 to 1000
    #[arg(long, default_value_t = 20)]
    pub(super) limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct RepairArguments {
    /// Don't ask
    #[arg(long)]
    pub(super) yes: bool,
}
