//! `/v1/backup`: everything, compressed and checksummed, as a stream.
//!
//! It is one snapshot, however much is written meanwhile. Whether all of it has arrived, the client
//! finds out by its checksum.

use std::io::{self, BufWriter};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;

use super::answer::Answer;
use super::pieces::written;
use super::state::App;
use crate::Timestamp;
use crate::transfer::{backup_to, note_backup};

/// How many bytes are handed over at once.
const PIECE_BYTES: usize = 1 << 16;

pub(super) async fn get(State(app): State<App>) -> Answer {
    let place = app.long_work()?;
    let time = Timestamp::now();
    let snapshot = app.catalog.snapshot();
    let catalog = app.catalog.clone();
    let body = written(place, move |mut out| {
        let pieces = BufWriter::with_capacity(PIECE_BYTES, &mut out);
        backup_to(&snapshot, pieces).map_err(io::Error::other)?;
        // What nobody has taken is no backup.
        out.wait_until_taken()?;
        if let Some(folder) = catalog.path()
            && let Err(error) = note_backup(folder, time)
        {
            tracing::warn!("the time of the backup was not noted: {error}");
        }
        Ok(())
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/zstd"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"catalog.coursecat.zst\""),
        ),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}
