//! The command line: one file for each command, and what they share.

mod args;
mod as_agent;
mod backtest;
mod check;
mod check_nrpe;
mod completion;
mod config;
mod config_option;
mod denied;
mod doctor;
mod events;
mod failure;
mod feed;
mod graph;
mod help;
mod history;
mod incident;
mod init;
mod listing;
mod locate;
mod log;
mod notify;
mod nrpe;
mod nrpe_settings;
mod query;
mod read;
mod rules;
mod run;
mod runs;
mod serve;
mod similar;
mod sink;
mod snmp;
#[cfg(test)]
mod stage;
mod status;
mod store;
mod stream;
mod style;
mod traps;
mod umask;
mod unknown;
mod unreadable;

pub use args::{command, main};
