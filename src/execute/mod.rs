//! Execution: hands plugins to the shim and waits for what came of them.

mod account;
mod examine;
mod executor;
mod lane;
mod plugin;
mod queue;
mod shell;

pub use account::{Account, EXECUTE, WRITE};
pub use examine::{Finding, examine};
pub use executor::{Executor, Lanes, Reports};
pub use plugin::{PluginEnvironment, plugin_spec};
pub use shell::ShellLine;
