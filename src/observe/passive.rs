//! A passive check result: reported from outside, such as by a trap, rather than found by a run.

use std::sync::Arc;

use custos_store::{Metric, State, Value};

use crate::clock::Moment;

/// A passive check result.
#[derive(Clone, Debug, PartialEq)]
pub struct PassiveResult {
    /// Name of the check.
    pub check: Arc<str>,
    /// When it was received.
    pub at: Moment,
    /// The state that it reports; `None` if it changes no state.
    pub state: Option<State>,
    /// Labels of the instance that it concerns, sorted by name; empty for a check that is about one thing.
    pub instance: Vec<(String, String)>,
    /// One line for people.
    pub text: String,
    /// Further lines, each ending in a newline.
    pub details: String,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// How long it took, in microseconds, as the sender says.
    pub duration_us: u64,
    /// Who sent it, such as `trap 192.0.2.1`.
    pub origin: String,
}

/// The state of an instance, as a metric: `state{ifIndex="3"}`.
pub fn state_metric(instance: &[(String, String)], state: State) -> Metric {
    Metric { labels: instance.to_vec(), ..Metric::new("state", Value::from(i64::from(state.code()))) }
}
