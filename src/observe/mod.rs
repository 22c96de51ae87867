//! Observation: what became known of a check, whatever kind of check it is and whoever found it out.
//!
//! A kind of check is one file here or beside whoever does its work: it makes an [`Observation`] of what came of a job,
//! or a [`PassiveResult`] of what somebody reported. What the thresholds make of that comes later.

mod observation;
mod passive;
mod perfdata;
mod plugin;
mod poll;

pub use observation::{Observation, Printed};
pub use passive::{PassiveResult, state_metric};
pub use plugin::{Ending, PluginEnd, Reading, Usage, observe_plugin};
pub use poll::{Readings, observe_failed_poll, observe_poll};
