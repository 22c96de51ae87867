//! What was last reported of the parts, so that a change is reported at once.

use custos_store::State;

use crate::part::Part;

/// What was last reported of the parts.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// When, on the monotonic clock.
    pub(super) at_us: u64,
    /// The state of each part, by its name.
    pub(super) states: Vec<(String, State)>,
}

/// The state of each part, by its name.
pub(super) fn states(parts: &[Part]) -> Vec<(String, State)> {
    parts.iter().map(|part| (part.name.clone(), part.state())).collect()
}
