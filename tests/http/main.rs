//! HTTP, of `custos serve` and of the agent: the real program, real connections on loopback and on a socket in the file system.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod agent;
mod answers;
mod asked;
mod client;
mod hostile;
mod noted;
mod scraped;
mod watched;

#[path = "../nrpe/authority.rs"]
mod authority;

#[path = "../stage/mod.rs"]
mod stage;
