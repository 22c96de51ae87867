//! The command line.

pub mod style;
pub mod config;
