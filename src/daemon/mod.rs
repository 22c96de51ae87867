//! The daemon: turns what happens into events for the agent, and performs what the agent decides.

mod answers;
mod history;
mod notify;
mod run;
mod settings;
mod trap_station;

pub use answers::requested_line;
pub use history::read_history;
pub use run::run;
pub use settings::{SettingsReader, Setup};
