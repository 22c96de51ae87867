//! Every bound of the package.

/// Names that an error offers in the place of one that is not known.
pub const OFFERED_MAX: usize = 10;

/// Series of one check that one request for envelopes reads.
pub const ENVELOPE_SERIES_MAX: usize = 10_000;

/// Columns of an envelope, and cells of a state bar.
pub const ENVELOPE_COLUMNS_MAX: usize = 100_000;

/// Samples of which every single one is looked at for its unit; of more, those of so many columns are.
pub const UNIT_SAMPLES_MAX: u64 = 100_000;
/// See [`UNIT_SAMPLES_MAX`].
pub const UNIT_COLUMNS_MAX: usize = 32;

/// Units of one series that are told apart within one request; those that were not seen for the longest time are only
/// counted beyond that.
pub const UNITS_MAX: usize = 4;

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

/// Runs of a check that tell how far apart they usually are.
pub const INTERVAL_RUNS: usize = 32;

/// Threads that read the series of one query.
pub const QUERY_THREADS_MAX: usize = 4;

/// Samples of one series that are handed out at once where history leaves the store.
pub const OUTBOUND_PIECE_SAMPLES: usize = 8192;
