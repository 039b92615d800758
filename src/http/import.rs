//! `/v1/import`: rows of any format, as a stream, into the catalog.
//!
//! A thread of its own reads what the connection gives, a piece at a time. A client that goes away
//! in the midst is never taken for the end of its data.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::answer::{Answer, ok};
use super::export::read_format;
use super::problem::{Code, Problem};
use super::query::Query;
use super::state::App;
use crate::transfer::{Format, Import, ImportError, ImportProblem, OnConflict, Reject, Watch};
use crate::view::{ImportView, RejectView};

/// How to import.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// The format; recognised unless given.
    #[schemars(extend("enum" = Format::ALL.map(Format::as_str)))]
    format: Option<String>,
    /// What to do with a row whose record exists and says something else.
    #[serde(default)]
    on_conflict: Conflict,
    /// All or nothing: store only if no row is refused.
    #[serde(default)]
    strict: bool,
    /// Do everything but write.
    #[serde(default)]
    dry_run: bool,
    /// How many refused rows to list, at most 100000.
    #[serde(default = "default_rejects")]
    #[schemars(range(max = 100_000))]
    rejects: usize,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Conflict {
    /// Leave the record as it is.
    #[default]
    Skip,
    /// Change its title, language, name or active flag.
    Update,
    /// Refuse the row.
    Fail,
}

/// How many refused rows an answer lists unless asked for more or less.
const fn default_rejects() -> usize {
    1_000
}
/// The most refused rows that an answer lists.
const MOST_REJECTS: usize = 100_000;
/// How many pieces wait to be read.
const PIECES: usize = 4;

pub(super) async fn post(
    State(app): State<App>,
    Query(choice): Query<Choice>,
    request: Request,
) -> Answer {
    check_type(request.headers())?;
    let format = choice.format.as_deref().map(read_format).transpose()?;
    let import = Import::new()
        .on_conflict(match choice.on_conflict {
            Conflict::Skip => OnConflict::Skip,
            Conflict::Update => OnConflict::Update,
            Conflict::Fail => OnConflict::Fail,
        })
        .strict(choice.strict)
        .dry_run(choice.dry_run);
    if choice.rejects > MOST_REJECTS {
        let detail = format!("The answer lists at most {MOST_REJECTS} refused rows.");
        return Err(Problem::invalid("rejects", detail));
    }
    let most = app.config.max_import_bytes;
    if said_length(request.headers()).is_some_and(|length| length > most) {
        // Before a client that waits for leave has sent all of it.
        let detail = format!("The data has more than {most} bytes; nothing of it was stored.");
        return Err(Problem::new(Code::TooLarge, detail));
    }
    let place = app.long_work()?;
    let (sender, pieces) = mpsc::channel(PIECES);
    let catalog = app.catalog.clone();
    let mut watcher = Watcher {
        stopping: app.stopping.subscribe(),
        most_rejects: choice.rejects,
        rejects: Vec::new(),
    };
    let import = tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut input = BufReader::with_capacity(1 << 16, Pieces::new(pieces));
        let format = match format {
            Some(format) => Some(format),
            None => Format::recognise(input.fill_buf().unwrap_or_default(), None),
        };
        format.map(|format| {
            let report = import.run(&catalog, format, input, &mut watcher);
            (report, watcher.rejects)
        })
    });
    let fed = feed(
        request.into_body(),
        &sender,
        most,
        app.config.request_timeout,
    )
    .await;
    drop(sender);
    let imported = import
        .await
        .map_err(|_| Problem::new(Code::Internal, Code::Internal.advice()))?;
    // What was wrong with the sending says more than that the data ended early.
    fed?;
    let Some((result, rejects)) = imported else {
        let detail = "The format is not clear, or there is nothing. Name it: format=coursecat, jsonl, csv, django or courses-api.";
        return Err(Problem::invalid("format", detail));
    };
    match result {
        Ok(report) => ok(&ImportView::of(&report, rejects)),
        Err(error) => Err(failed(&error)),
    }
}

/// A page from elsewhere may send what a form can send without being asked whether it may.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE);
    let given = given
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let is_data = [
        "application/x-ndjson",
        "application/json",
        "text/csv",
        "application/octet-stream",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(essence));
    if is_data {
        return Ok(());
    }
    let detail = "Send Content-Type: application/x-ndjson, application/json, text/csv or application/octet-stream.";
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// Hands the body over, piece by piece, and its end.
async fn feed(
    mut body: Body,
    pieces: &Sender<Piece>,
    most: u64,
    patience: Duration,
) -> Result<(), Problem> {
    let mut sent = 0;
    loop {
        let frame = tokio::time::timeout(patience, body.frame()).await;
        let frame = frame.map_err(|_| {
            Problem::new(
                Code::Timeout,
                "The data came too slowly; what was read before is stored.",
            )
        })?;
        let piece = match frame {
            None => Piece::End,
            Some(Err(_)) => {
                return Err(Problem::bad_request(
                    "The data ended early; what was read before is stored.",
                ));
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => Piece::Data(data),
                Err(_) => continue,
            },
        };
        if let Piece::Data(data) = &piece {
            sent += data.len() as u64;
            if sent > most {
                let detail =
                    format!("The data has more than {most} bytes; what was read before is stored.");
                return Err(Problem::new(Code::TooLarge, detail));
            }
        }
        let is_end = matches!(piece, Piece::End);
        // If nobody reads any more, the import has ended and tells why, once the client has sent all
        // of it: many hear nothing before.
        let _ = pieces.send(piece).await;
        if is_end {
            return Ok(());
        }
    }
}

/// Some of the data, or its true end.
enum Piece {
    Data(Bytes),
    End,
}

/// Reads pieces. If they stop without their end, that is an error.
struct Pieces {
    pieces: Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Pieces {
    fn new(pieces: Receiver<Piece>) -> Self {
        Self {
            pieces,
            current: Bytes::new(),
            ended: false,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::Error::other("the client went away")),
            }
        }
        let length = self.current.len().min(buffer.len());
        let data = self.current.split_to(length);
        if let Some(part) = buffer.get_mut(..length) {
            part.copy_from_slice(&data);
        }
        Ok(length)
    }
}

/// Keeps the first rejects, and ends the import when the service stops.
struct Watcher {
    stopping: tokio::sync::watch::Receiver<bool>,
    most_rejects: usize,
    rejects: Vec<RejectView>,
}

impl Watch for Watcher {
    fn rejected(&mut self, reject: &Reject) {
        if self.rejects.len() < self.most_rejects {
            self.rejects.push(RejectView::of(reject));
        }
    }

    fn should_stop(&mut self) -> bool {
        *self.stopping.borrow()
    }
}

fn failed(error: &ImportError) -> Problem {
    if let ImportProblem::Catalog(error) = &error.problem {
        return error.clone().into();
    }
    let stored = match (error.report.written, error.report.rows) {
        (true, rows @ 1..) => format!(
            "{rows} rows before that are stored; a corrected file can be imported as a whole."
        ),
        _ => "Nothing of it was stored.".to_owned(),
    };
    Problem::bad_request(format!("{} {stored}", error.problem)).advice(stored)
}

/// How long the body is, if its head says so.
fn said_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
