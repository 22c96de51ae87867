//! Execution: hands plugins to the shim and waits for what came of them.

mod account;
mod examine;
mod executor;
mod plugin;
mod queue;
mod shell;

pub use account::{Account, EXECUTE, WRITE};
pub use examine::{Finding, examine};
pub use executor::{Executor, Reports};
pub use plugin::{PluginEnvironment, plugin_spec};
pub use shell::ShellLine;
