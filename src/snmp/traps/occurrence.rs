//! What a trap says of a check.

use std::sync::Arc;

use custos_store::{Metric, State};

use crate::clock::Moment;

/// The name under which traps are kept that no check is told by. No other check may have it.
pub const UNMATCHED_CHECK: &str = "custos.traps";

/// Something that happened to what a check watches.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// Name of the check.
    pub check: Arc<str>,
    /// When it was received.
    pub at: Moment,
    /// The state that it gives; none if it changes nothing.
    pub state: Option<State>,
    /// What it concerns, as labels and values; empty for a check that is about one thing.
    pub key: Vec<(String, String)>,
    /// One line for people.
    pub text: String,
    /// The variables, a line for each.
    pub details: String,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// How long it took, in microseconds, as the sender says.
    pub duration_us: u64,
    /// Who sent it, such as `trap 192.0.2.1`.
    pub origin: String,
}
