//! Plugins of every kind, run for real through the shims of the built program.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod hostile;
mod killed;
mod leaf;
mod ordinary;
mod stopped;
mod warm;
mod warm_hostile;

#[path = "../stage/mod.rs"]
mod stage;
