//! Runs of the store for consumers elsewhere.

pub mod proof;
pub mod read;
pub mod sink;
