//! Why a feed cannot go on.

use std::fmt;

use custos_store::Error;

/// Why a feed cannot go on. A message continues "failed to …".
#[derive(Debug)]
#[non_exhaustive]
pub enum FeedError {
    /// The store cannot be read, or the cursor not be read or written.
    Store(Error),
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
            FeedError::Selection { pattern, why } => write!(f, "read the selection {pattern:?}: {why}"),
        }
    }
}

impl std::error::Error for FeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FeedError::Store(error) => Some(error),
            FeedError::Selection { .. } => None,
        }
    }
}
