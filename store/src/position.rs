//! Where a consumer of the store has got to.

use std::fmt;

/// A point in the order of arrival: between two runs, before the first or after the last.
///
/// Every run gets a number (`seq`) when it is appended, greater than all before it. A position is the number of
/// the next run to read; it means the same after sealing, merging and restarts. Numbers may skip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first run.
    pub const START: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
