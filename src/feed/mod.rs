//! Runs of the store for consumers elsewhere.

pub mod read;
pub mod sink;
