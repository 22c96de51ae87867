//! Sinks, of the agent and by themselves, beside the real receivers: what is stored is there once, whatever is killed meanwhile.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod file;
mod lines;
mod otlp;
mod peers;
mod prometheus;
mod proof;
mod remote_write;
mod series;
mod victoria_metrics;

#[path = "../stage/mod.rs"]
mod stage;
