//! The command line.

pub mod config;
pub mod graph;
pub mod history;
mod intervals;
pub mod read;
mod select;
pub mod style;
