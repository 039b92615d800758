//! The memory of the first failure. It never forgets and never tries again.

use super::EngineError;

/// Whether an engine has failed, and how.
#[derive(Debug, Default)]
pub(super) struct Poison {
    earlier: Option<String>,
}

impl Poison {
    /// Lets a sound engine go on.
    ///
    /// # Errors
    ///
    /// [`EngineError::Failed`] with the message of the first failure.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        match &self.earlier {
            Some(earlier) => Err(EngineError::Failed {
                earlier: earlier.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Passes an outcome on, and remembers it if the engine must stop after it.
    pub(super) fn watch<T>(&mut self, outcome: Result<T, EngineError>) -> Result<T, EngineError> {
        if let Err(error) = &outcome
            && self.earlier.is_none()
            && error.stops_engine()
        {
            self.earlier = Some(message(error));
        }
        outcome
    }
}

/// The error and its causes on one line.
fn message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
