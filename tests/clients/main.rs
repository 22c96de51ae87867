//! Programs that others wrote, against `custos serve`: promtool, vmalert, prometheus-api-client in Python, and in Node the completion
//! of Prometheus' own page and Grafana's own data source.
//!
//! What `custos store export` writes goes into Prometheus and VictoriaMetrics, whose answers are compared.
//!
//! Each test starts a server over the same made history and has a client ask it. What is expected stands with what asks: here for
//! programs, in `python/` and `node/` for libraries. `scripts/clients` installs the libraries, `scripts/test` the programs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod codemirror;
mod dashboard;
mod exports;
mod grafana;
mod history;
mod library;
mod prometheus_api_client;
mod promtool;
mod server;
mod vmalert;

#[path = "../stage/mod.rs"]
mod stage;
