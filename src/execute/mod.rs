//! Execution: hands plugins to the shim and waits for what came of them.

mod plugin;

pub use plugin::{PluginEnvironment, plugin_spec};
