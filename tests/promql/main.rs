//! Debian's Prometheus 2.42 and Custos over the same samples: random expressions, and the queries of the compliance suite.
//!
//! `scripts/compare-promql` runs 10,000 expressions of a seed; here a few of a fixed one. A failure prints the seed, the
//! expression and both answers. Differences that are meant are those of `docs/promql-differences.md`; each is recognised by
//! a rule of its own (`differences.rs`) and counted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answer;
mod ask;
mod compliance;
mod connection;
mod data;
mod demo;
mod differences;
mod engines;
mod functions;
mod grammar;
mod random;
mod rewriting;
mod selectors;
mod templates;

#[path = "../stage/mod.rs"]
mod stage;
