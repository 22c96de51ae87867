//! The command line: one file for each command, and what they share.

mod args;
mod as_daemon;
mod check;
pub mod check_nrpe;
pub mod config;
mod doctor;
mod events;
mod getopt;
pub mod graph;
pub mod history;
mod intervals;
mod listing;
mod log;
pub mod nrpe;
pub mod read;
mod run;
mod run_line;
mod runs;
mod select;
mod snmp;
mod stand_in;
mod status;
mod status_row;
pub mod store;
mod strip;
pub mod style;
mod traps;

pub use args::main;
