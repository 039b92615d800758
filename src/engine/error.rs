//! What can go wrong in an engine, by what a caller can do about it. Never speaks of courses.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Tree;

/// A failure of a storage engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// Another engine has this store open: close that one, or wait.
    #[error("{} is in use by another process, or opened twice by this one", path.display())]
    Locked {
        /// The folder of the store.
        path: PathBuf,
    },

    /// The store is not what a batch was made for. Nothing of the last one was applied.
    #[error("the store is not as expected: key {} of {tree} {guard}", key.escape_ascii())]
    GuardFailed {
        /// The tree of the key.
        tree: Tree,
        /// The key that was found otherwise.
        key: Vec<u8>,
        /// What had been expected of it.
        guard: Guard,
    },

    /// The batch asks for something no engine does. Nothing was applied, and the engine can be used
    /// on.
    #[error("refused a write to {tree}: {detail}")]
    Refused {
        /// The tree of the write.
        tree: Tree,
        /// What is wrong with it.
        detail: String,
    },

    /// The store cannot be understood: restore it from a backup.
    #[error("the store is damaged: {detail}")]
    Damaged {
        /// What was being done, and what the storage library said.
        detail: String,
    },

    /// The folder holds a store which this program cannot open, made by another program or another
    /// version.
    #[error("{} holds something else: {detail}", path.display())]
    Foreign {
        /// The folder of the store.
        path: PathBuf,
        /// What the storage library said.
        detail: String,
    },

    /// The operating system refused: look at the disk, the folder and its permissions.
    #[error("{doing} {} failed", path.display())]
    Io {
        /// What was being done, such as "reading".
        doing: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The engine failed before and has stopped: open the store again.
    #[error("stopped after an earlier failure: {earlier}")]
    Failed {
        /// The message of the first failure.
        earlier: String,
    },
}

impl EngineError {
    /// The refusal of a tree that the engine was not opened with.
    pub(super) fn unknown_tree(tree: Tree) -> Self {
        Self::Refused {
            tree,
            detail: "the store was not opened with this tree".to_owned(),
        }
    }

    /// Whether an engine must stop after this. A refused batch is the caller's mistake and leaves
    /// the engine sound.
    pub(super) fn stops_engine(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Locked { .. })
    }
}

/// What a guard expected of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The key is absent before the batch.
    Absent,
    /// The key has the expected value before the batch.
    Unchanged,
    /// The key is absent after the batch, because nothing may remain under its prefix.
    Empty,
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "exists already",
            Self::Unchanged => "is absent or has another value",
            Self::Empty => "remains under a prefix that must be empty",
        })
    }
}
