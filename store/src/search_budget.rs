//! A bound on the search for intact parts in damaged bytes.
//!
//! A part states its own length, so bytes that were made for it can have the same stretch hashed once for each of their
//! offsets. No damage that happens by itself needs more than a few passes over the file.

use crate::limits::{SEARCH_BYTES, SEARCH_FACTOR};

/// How many bytes were hashed without finding a part, and how many may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchBudget {
    spent: u64,
    limit: u64,
}

impl SearchBudget {
    /// The budget for a search of so many bytes.
    pub(crate) fn of(len: usize) -> SearchBudget {
        let limit = SEARCH_BYTES.saturating_add((len as u64).saturating_mul(SEARCH_FACTOR));
        SearchBudget { spent: 0, limit }
    }

    /// Takes account of bytes that are about to be hashed; `false` if they are too many.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        self.spent = self.spent.saturating_add(bytes as u64);
        self.spent <= self.limit
    }

    /// Bytes that were hashed or refused.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }
}
