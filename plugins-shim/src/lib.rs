//! The process boundary: starts plugins for the agent, bounds them, ends them and reports.

mod spec;

pub use spec::{Credentials, Limits, Outcome, Report, Spec};
