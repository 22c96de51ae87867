//! Why a feed cannot go on.

use std::fmt;

use custos_store::{Error, Position};

/// Why a feed cannot go on. A message continues "failed to …".
#[derive(Debug)]
#[non_exhaustive]
pub enum FeedError {
    /// The store cannot be read, or the cursor not be read or written.
    Store(Error),
    /// It is to begin behind the last run that the store has.
    Beyond {
        /// Where.
        position: Position,
        /// Where the store ends.
        end: Position,
    },
    /// The selection of checks and metrics is not well formed.
    Selection {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

impl From<Error> for FeedError {
    fn from(error: Error) -> FeedError {
        FeedError::Store(error)
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedError::Store(error) => error.fmt(f),
            FeedError::Beyond { position, end } => write!(f, "begin at {position}: {}", beyond(*end)),
            FeedError::Selection { pattern, why } => write!(f, "read the selection {pattern:?}: {why}"),
        }
    }
}

impl std::error::Error for FeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FeedError::Store(error) => Some(error),
            FeedError::Beyond { .. } | FeedError::Selection { .. } => None,
        }
    }
}

/// What is to be said of a position that the store does not reach.
pub fn beyond(end: Position) -> String {
    format!(
        "the store ends at {end}; the position is of another store, or an older backup of this one was put back, or it lost runs in a power cut"
    )
}
