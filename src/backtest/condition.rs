//! What makes an alert of values beyond a threshold.

/// What makes an alert of values beyond a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Values below the threshold are beyond it, rather than those above.
    pub is_below: bool,
    /// A value that equals the threshold is beyond it.
    pub or_equal: bool,
    /// How long values must be beyond (ms).
    pub for_ms: i64,
    /// How long an alert goes on firing after the last value that was beyond (ms). Of 0 the curve is one pass; else each threshold is
    /// one of its own.
    pub keep_firing_ms: i64,
    /// So many values in a row confirm it once they were for long enough; at least 1.
    pub attempts: usize,
}
