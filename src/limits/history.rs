//! Bounds of what looks through history for somebody who asks.

/// Changes of state that are looked through for what came of a stretch of history.
pub const SIMILAR_EVENTS_MAX: usize = 200;
/// Runs that are looked through for the state of a check before a stretch of history.
pub const SIMILAR_RUNS_BACK_MAX: usize = 1000;
/// Changes, other checks and incidents that are named for one stretch of history.
pub const SIMILAR_NAMED_MAX: usize = 3;
