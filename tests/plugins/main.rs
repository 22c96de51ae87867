//! Plugins of every kind, run for real through the shims of the built program.
#![allow(clippy::unwrap_used)]

mod bench;
mod hostile;
mod killed;
mod leaf;
mod ordinary;

#[path = "../stage/mod.rs"]
mod stage;
