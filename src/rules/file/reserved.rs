//! Names of series that the agent itself writes: no rule may record one of them.

use crate::rules::evaluate::{ALERTS, ALERTS_FOR_STATE};

/// The series that every check has.
pub(in crate::rules) const OF_CHECKS: [&str; 6] = [
    "check_state",
    "check_hard_state",
    "check_duration_seconds",
    "check_lateness_seconds",
    "check_cpu_seconds",
    "check_max_rss_bytes",
];

/// Whose series a name is, if no rule may record it.
pub(super) fn writer_of(name: &str) -> Option<&'static str> {
    match name {
        ALERTS | ALERTS_FOR_STATE => Some("of the alerts of all rules"),
        name if OF_CHECKS.contains(&name) => Some("of every check"),
        _ => None,
    }
}
