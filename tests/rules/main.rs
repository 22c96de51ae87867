//! `custos rules` beside Debian's `promtool`: the same files, the same verdicts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agent;
mod functions;
mod parity;
mod peer;
mod prometheus;
mod verdicts;

#[path = "../promql/connection.rs"]
mod connection;
#[path = "../stage/mod.rs"]
mod stage;
