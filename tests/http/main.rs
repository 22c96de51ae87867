//! `custos serve`: the real program, real connections on loopback and on a socket in the file system.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod client;
mod hostile;

#[path = "../stage/mod.rs"]
mod stage;
