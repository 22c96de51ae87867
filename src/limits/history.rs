//! Bounds of what looks through history for somebody who asks.

/// Changes of state that are looked through for what came of a stretch of history.
pub const SIMILAR_EVENTS_MAX: usize = 200;
/// Runs that are looked through for the state of a check before a stretch of history.
pub const SIMILAR_RUNS_BACK_MAX: usize = 1000;
/// Changes, other checks and incidents that are named for one stretch of history.
pub const SIMILAR_NAMED_MAX: usize = 3;
/// Runs that are looked through for one that has a metric whose limit is wanted.
pub const FORECAST_RUNS_MAX: usize = 100;
/// A forecast says of when the newest value is if that is older than this (ms).
pub const FORECAST_STALE_MS: i64 = 2 * 3_600_000;
/// How long before a problem began what is asked for it begins (ms).
pub const WHY_LEAD_MS: i64 = 15 * 60_000;
/// How much of a problem is looked at (ms), with what is before it.
pub const WHY_WINDOW_MS_MAX: i64 = 6 * 3_600_000;
/// What is looked at where there is no problem (ms).
pub const WHY_WINDOW_MS: i64 = 3_600_000;
/// Runs that are looked through for when a problem began.
pub const WHY_RUNS_BACK_MAX: usize = 100_000;
/// Changes of state that are looked through for what happened beside a problem.
pub const WHY_EVENTS_MAX: usize = 1000;
/// Changes of state that are shown beside a problem; more are counted.
pub const WHY_TURNS_SHOWN: usize = 10;
/// Metrics that `custos top` shows of what was unlike its past.
pub const WHY_SHOWN_IN_TOP: usize = 10;
