//! Traps and informs, sent by net-snmp's own programs to a running agent.
//!
//! Waiting is always for an event, with a deadline; no test asserts how long anything took.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod hostile;
mod keyed;
mod limits;
mod received;
mod receiver;
mod refused;
mod replayed;
mod secrets;

#[path = "../stage/mod.rs"]
mod stage;
