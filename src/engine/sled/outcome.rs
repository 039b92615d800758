//! sled's errors and panics, as errors of an engine. Decides nothing about what to do next.

use std::any::Any;
use std::io::{self, ErrorKind};
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
        ::sled::Error::Io(source) if is_damage(&source) => EngineError::Damaged {
            detail: format!("{doing} {}: {source}", path.display()),
        },
        ::sled::Error::Io(source) if is_lock(&source) => EngineError::Locked {
            path: path.to_owned(),
        },
        ::sled::Error::Io(source) => EngineError::Io {
            doing,
            path: path.to_owned(),
            source: plain(source),
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

/// sled hands out copies of an error with the whole of its debug form for a text. Gives the copy
/// the text of the original again, such as "No space left on device".
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    let message = text
        .split_once("message: \"")
        .and_then(|(_, rest)| rest.strip_suffix("\" }"));
    match message {
        Some(message) => io::Error::new(error.kind(), message),
        None => error,
    }
}

/// A file that is too short for what another says is in it.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData
    )
}

/// sled says by its text alone that another process holds the lock, and that it does rather than
/// that the file system has no locks.
fn is_lock(error: &io::Error) -> bool {
    let text = error.to_string();
    text.starts_with("could not acquire lock") && text.contains("WouldBlock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn copied_errors_say_what_the_originals_said() {
        let original = io::Error::from_raw_os_error(28);
        let copied = ::sled::Error::Io(original).clone();
        match engine_error(copied, "writing to", Path::new("db")) {
            EngineError::Io { source, .. } => {
                assert_eq!(source.kind(), ErrorKind::StorageFull);
                assert_eq!(source.to_string(), "No space left on device");
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_panic_keeps_its_text() {
        let error = guarded("opening", || panic!("page {} is gone", 7)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store is damaged: sled broke off while opening: page 7 is gone"
        );
    }
}
