//! Execution: does the jobs of checks, and makes an observation of what comes of each.
//!
//! Invariant: what the shim reports of a process stays in here; beyond, there are observations only.

mod account;
mod commands;
mod examine;
mod executor;
mod interference;
mod job;
mod line;
mod native;
mod plugin;
mod poll;
mod queue;
mod rows;
mod shell;
mod shim_process;
mod shim_settings;
mod shims;
mod warm;
mod worker_slot;

pub use account::{Account, EXECUTE, WRITE};
pub use commands::{Commands, Program};
pub use examine::{Finding, examine};
pub use executor::Executor;
pub use job::Job;
pub use line::Line;
pub use native::{own_plugin, why_not};
pub use plugin::{PluginEnvironment, PluginJob, plugin_spec};
pub use poll::PollJob;
pub use rows::TableRows;
pub use shim_settings::ShimSettings;
pub use shims::{Reports, Shims};
pub use warm::why_cold;
