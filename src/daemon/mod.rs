//! The process around the agent: turns what happens into events for it, and performs what it decides.

mod answers;
mod deliveries;
mod feed_process;
mod feed_server;
mod graphs;
mod helper;
mod history;
mod http_helper;
mod http_server;
mod inputs;
mod lost_rules;
mod notified;
mod notify;
mod notifying;
mod nrpe_listener;
mod parts;
mod process;
mod reading;
mod reload;
mod reported;
mod retry;
mod rule_judge;
mod run;
mod runtimes;
mod settings;
mod sink_orders;
mod stop;
mod trap_receiver;
mod watchers;
mod watching;

pub use answers::requested_line;
pub use feed_process::feed_for_agent;
pub use history::read_history;
pub use http_helper::serve_for_agent;
pub use run::run;
pub use settings::{SettingsReader, Setup, Source};
