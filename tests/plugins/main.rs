//! Plugins of every kind, run for real through the shims of the built program.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod hostile;
mod killed;
mod leaf;
mod ordinary;
mod stopped;

#[path = "../stage/mod.rs"]
mod stage;
