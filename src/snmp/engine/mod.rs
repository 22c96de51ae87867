//! The poller's decisions, without a socket and without a clock: what to send, what an answer is worth, when to repeat.
//!
//! Invariants: each poll that was submitted ends exactly once; an answer counts only if its id, its sender and, in
//! version 3, its digest are those of a request that waits; nothing that arrives can end a poll but the answer to it.

mod conversation;
mod core;
mod counters;
mod device;
mod get;
mod manner;
mod poll;
mod request;
mod talk;
#[cfg(test)]
mod tests;
mod track;
mod walk;

pub use core::Engine;
pub use counters::Counters;
pub use poll::Poll;
