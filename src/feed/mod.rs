//! Runs of the store for consumers elsewhere.

pub mod lines;
pub mod read;
pub mod sink;
