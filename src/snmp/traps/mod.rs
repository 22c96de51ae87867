//! Traps and informs: received, judged by the rules of the configuration, and handed to the agent as events.
//!
//! `intake` decides what becomes of a packet: it is pure, but for the state that it keeps, and is given the time. Only
//! `listener` touches sockets. What becomes of a check's instances is decided by the agent.
//!
//! Invariant: every packet that was read is counted under exactly one heading of `counters`.

mod counters;
mod dedupe;
mod engines;
mod fields;
mod intake;
mod listener;
mod rate;
mod reconnoiter;
mod refused;
mod rules;
mod security;

pub use counters::Counters;
pub use engines::{Engines, SharedEngines};
pub use intake::{Intake, Taken};
pub use listener::{Listener, resolve, try_to_listen};
