//! Every bound of the package.

/// Names that an error offers in the place of one that is not known.
pub const OFFERED_MAX: usize = 10;

/// Series of one check that one request for envelopes reads.
pub const ENVELOPE_SERIES_MAX: usize = 10_000;

/// Columns of an envelope, and cells of a state bar.
pub const ENVELOPE_COLUMNS_MAX: usize = 100_000;

/// Events that one request keeps; a greater limit is lowered to it.
pub const EVENTS_MAX: usize = 1_000_000;

/// Runs without a result that are looked through for one that has one.
pub const STAND_RUNS_MAX: usize = 10_000;

/// Runs that one list has at hand.
pub const LISTED_RUNS_MAX: usize = 20_000;

/// Runs that are looked through for the beginning of a problem which began before the span that was asked for.
pub const PROBLEM_RUNS_MAX: usize = 100_000;

/// Runs between two questions whether a read is still wanted.
pub const RUNS_PER_LOOK: u64 = 1024;
