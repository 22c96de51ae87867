//! `custos rules` beside Debian's `promtool`: the same files, the same verdicts. A running agent beside Prometheus and vmalert: the same
//! alerts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agent;
mod functions;
mod parity;
mod peer;
mod prometheus;
mod verdicts;
mod vmalert;

#[path = "../promql/connection.rs"]
mod connection;
#[path = "../stage/mod.rs"]
mod stage;
