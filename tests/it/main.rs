//! End-to-end tests: the real binary, real processes, real files, in a directory of each test's own.
//!
//! Waiting is always for an event, with a deadline; no test asserts how long anything took.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod clock;
mod configuration;
mod control;
mod damaged;
mod examples;
mod extremes;
mod frozen;
mod graphs;
mod init;
mod killed;
mod locked;
mod native;
mod notifying;
mod nrpe;
mod peers;
mod readers;
mod recording;
mod reloading;
mod rules;
mod rules_killed;
mod schedule;
mod schema;
mod states;
mod streams;
mod submitted;
mod surroundings;
mod survival;
mod taken_away;
mod warm;
mod watching;

#[path = "../stage/mod.rs"]
mod stage;
