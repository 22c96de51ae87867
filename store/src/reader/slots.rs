//! The times of rows without how late each was.
//!
//! A check runs on a grid of its own, and each run is a little late. How late takes more than half of what decoding a column
//! costs; whoever searches long spans for shapes can do without.

/// The times of the rows of a batch, each to within a step of its check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slots<'b> {
    /// Rows on a grid, in stretches without a skip.
    Grid(Vec<SlotStretch>),
    /// Rows that follow no grid, or were put together from several files: their times (ms since the epoch).
    Times(&'b [i64]),
}

/// Rows whose slots follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotStretch {
    /// The time of the first slot (ms since the epoch). A run is mostly a little later than its slot.
    pub first_ms: i64,
    /// The time between two slots (ms), at least 1.
    pub step_ms: i64,
    /// Number of rows.
    pub rows: usize,
}
