//! sled's errors and panics, as errors of an engine. Decides nothing about what to do next.

use std::any::Any;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::EngineError;

/// Runs a part of sled that may panic on a damaged store. The panic becomes
/// [`EngineError::Damaged`]; its message has then been printed by the panic hook as well, which
/// belongs to the program and is left alone.
///
/// Unwind safety: what `run` touched is read no more after a panic, other than to be dropped or
/// abandoned.
pub(super) fn guarded<T>(doing: &str, run: impl FnOnce() -> T) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic_text(panic.as_ref());
        EngineError::Damaged {
            detail: format!("sled broke off while {doing}: {text}"),
        }
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "no message"
    }
}

/// Says what an error of sled's means to a caller. `doing` and `path` are what was being done, and
/// to what.
pub(super) fn engine_error(error: ::sled::Error, doing: &'static str, path: &Path) -> EngineError {
    match error {
        // A file that ends early, and a lock that is held, are told from other failures by these
        // alone.
        ::sled::Error::Io(source)
            if matches!(
                source.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData
            ) =>
        {
            EngineError::Damaged {
                detail: format!("{doing} {}: {source}", path.display()),
            }
        }
        ::sled::Error::Io(source) if source.to_string().starts_with("could not acquire lock") => {
            EngineError::Locked {
                path: path.to_owned(),
            }
        }
        ::sled::Error::Io(source) => EngineError::Io {
            doing,
            path: path.to_owned(),
            source,
        },
        ::sled::Error::Unsupported(detail) => EngineError::Foreign {
            path: path.to_owned(),
            detail,
        },
        ::sled::Error::Corruption { at: Some(at), .. } => EngineError::Damaged {
            detail: format!("{doing} {}: unreadable at {at:?}", path.display()),
        },
        ::sled::Error::Corruption { at: None, .. } => EngineError::Damaged {
            detail: format!("{doing} {}: unreadable", path.display()),
        },
        other => EngineError::Damaged {
            detail: format!("{doing} {}: {other}", path.display()),
        },
    }
}
