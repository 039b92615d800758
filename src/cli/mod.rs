//! The command line: verbs over the library, pleasant for a person and safe for a script.
//!
//! Records go to stdout and nothing else does; messages, warnings and progress go to stderr. What
//! a verb does is the library's; here are only its words.

mod args;
mod bench;
mod courses;
mod data;
mod export;
mod export_server;
mod failure;
mod feed_args;
mod holder;
mod import;
mod import_server;
mod input;
#[cfg(feature = "http")]
mod key_args;
#[cfg(feature = "http")]
mod keys;
mod organizations;
mod output;
mod page_args;
mod place;
mod progress;
mod reach;
mod references;
mod rejects;
mod remote;
mod runs;
mod search;
#[cfg(feature = "http")]
mod serve;
mod server_args;
mod session;
mod span;
mod suggest;
mod transfer_args;
mod upkeep;
mod view;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Arguments, Verb};
use failure::Failure;
use session::Session;

/// Runs the program with the arguments of this process, and tells how it went.
///
/// The exit codes: 0 done, 1 failure, 2 wrong usage, 3 not found, 4 protected, 5 already exists,
/// 6 invalid input, 7 locked by another process, 8 corrupt.
#[must_use]
pub fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    if !arguments.verb.has_a_log_of_its_own() {
        session::start_log(arguments.global.verbose);
    }
    match run(arguments, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments, matches: &clap::ArgMatches) -> Result<(), Failure> {
    let target = reach::choose(&arguments.global, &arguments.verb, matches)?;
    let session = Session {
        target,
        ..Session::new(arguments.global)
    };
    match arguments.verb {
        Verb::Org(verb) => organizations::run(&session, verb),
        Verb::Course(verb) => courses::run(&session, verb),
        Verb::Run(verb) => runs::run(&session, verb),
        Verb::Ref(verb) => references::run(&session, verb),
        Verb::Search(arguments) => search::search(&session, &arguments),
        Verb::Stats => search::stats(&session),
        Verb::Import(arguments) => import::import(&session, &arguments),
        Verb::Export(arguments) => export::export(&session, &arguments),
        Verb::Backup(arguments) => export::backup(&session, &arguments),
        Verb::Restore { file } => export::restore(&session, &file),
        Verb::Verify => upkeep::verify(&session),
        Verb::Repair(arguments) => upkeep::repair(&session, &arguments),
        Verb::Compact => upkeep::compact(&session),
        #[cfg(feature = "http")]
        Verb::Key(verb) => keys::run(&session, verb),
        #[cfg(feature = "http")]
        Verb::Serve(settings) => serve::serve(&session, *settings),
        Verb::Demo => data::demo(&session),
        Verb::Bench(arguments) => bench::bench(&session, &arguments),
        Verb::Completions { shell } => {
            let mut command = Arguments::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "coursecat", &mut script);
            output::written(|out| out.write_all(&script))
        }
        Verb::Man { folder } => data::man_pages(&folder),
    }
}
