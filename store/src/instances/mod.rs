//! What a check judges at once: rows of a table, keys of a trap, elements of an alert.
//!
//! Invariants of a set: instances are in order of their labels, no two have the same, and every one respects the
//! limits. Sets that were made from each other share what they have in common, so that many of them cost little.

mod changes;
mod codec;
mod history;
mod instance;
mod set;
#[cfg(test)]
mod tests;

pub use changes::{Change, Changes};
pub(crate) use codec::{get_changes, put_changes};
pub(crate) use history::{History, Steps};
pub use instance::Instance;
pub use set::Instances;
