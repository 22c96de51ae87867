//! Sinks, of the agent and by themselves, beside the real receivers: what is stored is there once, whatever is killed meanwhile.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod file;
mod lines;
mod otlp;
mod peers;
mod prometheus;
mod proof;
mod remote_write;
mod series;
mod starting;
mod stub;
mod victoria_metrics;

#[path = "../nats/server.rs"]
mod server;
#[path = "../stage/mod.rs"]
mod stage;
