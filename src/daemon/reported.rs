//! The last report of the parts' health, by which a change is noticed.

use custos_store::State;

use crate::part::Part;

/// The last report of the parts' health.
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
