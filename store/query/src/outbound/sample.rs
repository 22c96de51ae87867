//! What a series has at a time.

use custos_store::Value;

/// A value of a series, or that it has none from then on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutboundSample {
    /// When (ms since the epoch).
    pub time_ms: i64,
    /// What; none where the series ends, as where a run does not have it, or `U`.
    pub value: Option<Value>,
}
