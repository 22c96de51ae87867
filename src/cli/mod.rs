//! The command line.

pub mod style;
