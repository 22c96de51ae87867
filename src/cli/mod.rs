//! The command line.

pub mod check_nrpe;
pub mod config;
mod getopt;
pub mod nrpe;
pub mod style;
