//! The client of NATS against real servers: Debian's nats-server 2.9.10 and the newer one that `scripts/clients` pins.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod logged_in;
mod restore;
mod server;
mod sink;
mod stream;

#[path = "../stage/mod.rs"]
mod stage;
