//! Where a verb works: on a folder, or over a server.
//!
//! What is said on the command line goes before what variables say; two places at once are none.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::{Global, Verb};
use super::failure::{Failure, exit};
use super::remote::Remote;

/// Where one run of the program works.
#[derive(Debug)]
pub(super) enum Target {
    /// On the folder of `--data`.
    Folder,
    /// Over this server.
    Server(Remote),
}

/// Where a verb can work.
enum Reach {
    /// On a folder and over a server alike.
    Anywhere,
    /// On a folder only, and what to do where a server holds it.
    Folder(&'static str),
    /// It has nothing to do with a server, and why.
    Itself(&'static str),
}

fn reach(verb: &Verb) -> Reach {
    match verb {
        Verb::Restore { .. } => Reach::Folder(
            "Restore into a new folder with --data, and serve that; or decompress the backup with zstd -d, and import it.",
        ),
        Verb::Repair(_) | Verb::Compact => {
            Reach::Folder("Stop the server, and run this where its folder is, with --data.")
        }
        Verb::Demo => Reach::Folder(
            "Name a new folder with --data, or start the server with: coursecat serve --demo",
        ),
        #[cfg(feature = "http")]
        Verb::Serve(_) => Reach::Itself("It is a server itself: name its folder with --data."),
        Verb::Bench(_) => Reach::Itself("It measures a temporary folder on this machine."),
        Verb::Completions { .. } | Verb::Man { .. } => Reach::Itself("It looks at no catalog."),
        _ => Reach::Anywhere,
    }
}

/// Decides where a verb works.
pub(super) fn choose(
    global: &Global,
    verb: &Verb,
    matches: &ArgMatches,
) -> Result<Target, Failure> {
    let typed = |option| matches.value_source(option) == Some(ValueSource::CommandLine);
    let refused =
        |what: String, advice: &str| Err(Failure::with_code(exit::USAGE, what).advise(advice));
    if typed("server_key") && typed("key_file") {
        return refused(
            "--key is a key and --key-file names a file with one.".to_owned(),
            "Leave out one of them.",
        );
    }
    let address = global.server.server.as_deref().unwrap_or_default();
    let is_typed = typed("server");
    if address.is_empty() || (typed("data") && !is_typed) {
        return Ok(Target::Folder);
    }
    let name = matches.subcommand_name().unwrap_or_default();
    match reach(verb) {
        Reach::Itself(advice) if is_typed => {
            refused(format!("coursecat {name} does not go to a server."), advice)
        }
        Reach::Itself(_) => Ok(Target::Folder),
        Reach::Folder(advice) => {
            let said_by = if is_typed {
                "--server"
            } else {
                "COURSECAT_SERVER"
            };
            refused(
                format!("coursecat {name} works on a folder, and {said_by} names a server."),
                advice,
            )
        }
        Reach::Anywhere if typed("data") => refused(
            "--data names a folder and --server a server.".to_owned(),
            "Leave out one of them.",
        ),
        Reach::Anywhere => {
            for (id, option) in [
                ("default_language", "--default-language"),
                ("allowed_languages", "--allowed-languages"),
                ("no_auto_create", "--no-auto-create"),
                ("keep_changes", "--keep-changes"),
                ("keep_changes_for", "--keep-changes-for"),
            ] {
                if typed(id) {
                    return refused(
                        format!("{option} is for folders; a server has its own."),
                        "Leave it out, or start the server with it.",
                    );
                }
            }
            let mut server = global.server.clone();
            if typed("key_file") {
                // What is there comes from a variable.
                server.key = None;
            }
            Remote::new(address, &server).map(Target::Server)
        }
    }
}
