//! What may be set for a query.

use crate::error::ErrorKind;
use crate::limits::VALUES_MAX;

/// How long the newest value of a series counts where nothing else is given: five minutes.
pub(super) const LOOKBACK_MS: i64 = 300_000;

/// Step of a subquery that has none: a minute.
const SUBQUERY_STEP_MS: i64 = 60_000;

/// What may be set for a query.
pub struct Options<'a> {
    /// How long the newest value of a series counts (ms). `None` for five minutes, or longer where a series says so.
    pub lookback_ms: Option<i64>,
    /// Most values that one part of the query may have: series times steps, or samples of one read.
    pub values_max: usize,
    /// Step of a subquery that has none (ms).
    pub subquery_step_ms: i64,
    /// What `step()` means in an instant query (ms).
    pub instant_step_ms: i64,
    /// Asked again and again: whether to give up, and why.
    pub interrupt: &'a (dyn Fn() -> Option<ErrorKind> + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            lookback_ms: None,
            values_max: VALUES_MAX,
            subquery_step_ms: SUBQUERY_STEP_MS,
            instant_step_ms: 0,
            interrupt: &|| None,
        }
    }
}
