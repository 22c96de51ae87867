//! Observations: the result of a check in one form, whatever kind of check it is.
//!
//! Each kind of check is one file, here or beside the code that does its work: it makes an [`Observation`] of a job's
//! result, or a [`PassiveResult`] of a report from outside. Thresholds are judged later.

mod observation;
mod passive;
mod perfdata;
mod plugin;
mod poll;

pub use observation::{Observation, Printed};
pub use passive::{PassiveResult, state_metric};
pub use perfdata::perfdata;
pub use plugin::{Ending, PluginEnd, Reading, Usage, observe_plugin, stored_metric};
pub use poll::{Readings, observe_failed_poll, observe_poll};
