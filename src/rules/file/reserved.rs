//! Names of series that the agent itself writes: no rule may record one of them.

use custos_query::BuiltIn;

use crate::rules::evaluate::{ALERTS, ALERTS_FOR_STATE};

/// Whose series a name is, if no rule may record it.
pub(super) fn writer_of(name: &str) -> Option<&'static str> {
    match name {
        ALERTS | ALERTS_FOR_STATE => Some("of the alerts of all rules"),
        name if BuiltIn::named(name).is_some() => Some("of every check"),
        _ => None,
    }
}
