//! Proof: what is in the store, by series and hour, beside what a receiver says that it has.
//!
//! For each series and each whole hour of UTC: how many different milliseconds have a value, the first and the last of them, the
//! least and the greatest value. What differs is looked at exactly, sample by sample, and what is missing can be delivered again.

mod answers;
mod compare;
mod counts;
mod difference;
mod dispute;
mod hours;
mod mark;
mod own;
mod prover;
mod questions;
mod stored;
mod verify;
mod watch;

pub use dispute::{Dispute, Proof};
pub use mark::ProofMark;
pub use verify::{Wish, verify};
pub use watch::watch;
