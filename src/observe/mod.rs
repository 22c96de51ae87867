//! Observation: what became known of a check, whoever found it out.

mod passive;

pub use passive::{PassiveResult, state_metric};
