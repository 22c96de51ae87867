//! Runs of the store for consumers elsewhere.

pub mod lines;
pub mod nats;
pub mod proof;
pub mod read;
pub mod sink;
