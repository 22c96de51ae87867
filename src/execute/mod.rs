//! Execution: hands plugins to the shim and waits for what came of them.

mod executor;
mod plugin;
mod queue;

pub use executor::{Executor, Reports};
pub use plugin::{PluginEnvironment, plugin_spec};
