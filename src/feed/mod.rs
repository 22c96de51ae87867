//! Runs of the store for consumers elsewhere.

pub mod read;
