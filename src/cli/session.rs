//! A session: the options of one run of the program, and the catalog that it opens or goes to.

use std::io::{ErrorKind, IsTerminal};

use super::args::{Global, OrderArgument, PageArguments};
use super::failure::Failure;
use super::output::{Output, printable, say};
use super::place::{Folder, Listed, Part, Place, Server};
use super::reach::Target;
use super::view::View;
use crate::{Catalog, Options, Order, Outcome};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Session {
    pub(super) global: Global,
    pub(super) output: Output,
    pub(super) target: Target,
}

impl Session {
    /// A session on the folder that the options name.
    pub(super) fn new(global: Global) -> Self {
        let output = if global.json {
            Output::Json
        } else {
            Output::Table
        };
        Self {
            global,
            output,
            target: Target::Folder,
        }
    }

    /// The place to read and change records in. A folder must hold a catalog.
    pub(super) fn place(&self) -> Result<Box<dyn Place + '_>, Failure> {
        Ok(match &self.target {
            Target::Folder => Box::new(Folder(self.open()?)),
            Target::Server(remote) => Box::new(Server(remote)),
        })
    }

    /// The place to put records into. A folder that holds nothing gets a catalog.
    pub(super) fn place_or_create(&self) -> Result<Box<dyn Place + '_>, Failure> {
        Ok(match &self.target {
            Target::Folder => Box::new(Folder(self.open_or_create()?)),
            Target::Server(remote) => Box::new(Server(remote)),
        })
    }

    /// Opens a catalog to read or change what is in it. There must be one.
    pub(super) fn open(&self) -> Result<Catalog, Failure> {
        let options = self.options()?.create_if_missing(false);
        Ok(options.open(&self.global.data)?)
    }

    /// Opens a catalog to put something into it, and makes one if there is none.
    pub(super) fn open_or_create(&self) -> Result<Catalog, Failure> {
        Ok(self.options()?.open(&self.global.data)?)
    }

    /// Opens a catalog to see what would come of putting something into it. Where there is none,
    /// none is made: it is an empty one in memory.
    pub(super) fn open_to_rehearse(&self) -> Result<Catalog, Failure> {
        let data = &self.global.data;
        let is_empty = match data.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if is_empty {
            return Ok(self.options()?.temporary()?);
        }
        self.open()
    }

    /// The options to open a catalog with.
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::new().auto_create_organizations(!self.global.no_auto_create);
        options = self.global.feed.apply(options);
        // A variable that is set to nothing is as good as none.
        let given = |code: &&String| !code.is_empty();
        if let Some(code) = self.global.default_language.as_ref().filter(given) {
            options = options.default_language(code).map_err(crate::Error::from)?;
        }
        let allowed = self.global.allowed_languages.as_deref();
        if let Some(codes) = allowed.filter(|codes| codes.iter().any(|code| !code.is_empty())) {
            let codes = codes.iter().map(|code| code.trim());
            options = options
                .allowed_languages(codes)
                .map_err(crate::Error::from)?;
        }
        Ok(options)
    }

    /// Says that something was done; a program that asked for JSON sees it from the exit code.
    pub(super) fn done(&self, text: &str) {
        if self.output == Output::Table {
            say(text);
        }
    }

    /// Prints a list, part by part if all of it was asked for, and says where to go on if not.
    /// Tells how many records it has printed.
    pub(super) fn list<V: View>(
        &self,
        page: &PageArguments,
        read: impl Fn(Part) -> Result<Listed<V>, Failure>,
    ) -> Result<usize, Failure> {
        let order = match page.order {
            OrderArgument::Key => Order::Key,
            OrderArgument::Newest => Order::Newest,
        };
        if page.all && self.output == Output::Json {
            return self.list_all_json(order, read);
        }
        let mut items = Vec::new();
        let mut after = page.cursor.clone();
        loop {
            let limit = if page.all { MOST_AT_ONCE } else { page.limit };
            let found = read(Part {
                order,
                limit,
                after,
            })?;
            items.extend(found.items);
            after = found.next;
            if after.is_none() || !page.all {
                break;
            }
        }
        self.output.list(&items)?;
        if items.is_empty() {
            self.done("Nothing found.");
        }
        if let Some(cursor) = after {
            say(&format!(
                "There is more: go on with --cursor {cursor}, or show all with --all."
            ));
        }
        Ok(items.len())
    }

    /// Lines need not wait for each other as the columns of a table do.
    fn list_all_json<V: View>(
        &self,
        order: Order,
        read: impl Fn(Part) -> Result<Listed<V>, Failure>,
    ) -> Result<usize, Failure> {
        let limit = MOST_AT_ONCE;
        let mut after = None;
        let mut shown = 0;
        loop {
            let found = read(Part {
                order,
                limit,
                after,
            })?;
            shown += found.items.len();
            for item in &found.items {
                self.output.object(item)?;
            }
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(shown),
            }
        }
    }
}

/// The most records that one part of a list may have.
const MOST_AT_ONCE: usize = 1_000;

/// Says what an operation warns of, and gives its value.
pub(super) fn warned<T>(outcome: Outcome<T>) -> T {
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    for warning in &outcome.warnings {
        let warning = printable(&warning.to_string());
        say(&format!("{yellow}warning:{yellow:#} {warning}"));
    }
    outcome.value
}

/// Whether there is a person to ask.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Has the library's log printed on stderr: warnings of its own making only, or more.
///
/// Warnings that operations answer with are printed by the verbs, once.
pub(super) fn start_log(verbose: bool) {
    let level = if verbose {
        tracing_subscriber::filter::LevelFilter::DEBUG
    } else {
        tracing_subscriber::filter::LevelFilter::ERROR
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // A program that has a log already keeps it.
    let _ = log.try_init();
}
