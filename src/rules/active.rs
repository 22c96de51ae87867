//! The alerts of a rule as of an evaluation, with all that is told of them.

use custos_promql::Labels;
use custos_store::State;

use super::alert::Stage;

/// An alert that is pending or fires, as of the last evaluation of its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// Its labels, `alertname` among them: by these it is the same alert.
    pub labels: Labels,
    /// Texts about it.
    pub annotations: Labels,
    /// The value of its element.
    pub value: f64,
    /// The state that it stands for while it fires.
    pub state: State,
    /// Whether it fires.
    pub stage: Stage,
    /// Since when its element is returned (ms since the epoch).
    pub active_since_ms: i64,
    /// Since when it fires (ms since the epoch).
    pub firing_since_ms: Option<i64>,
    /// Since when its element is no longer returned, while it is kept firing (ms since the epoch).
    pub kept_since_ms: Option<i64>,
}
