//! Plugins of every kind, run for real through the shims of the built program.
#![allow(clippy::unwrap_used)]

mod hostile;
mod killed;
mod leaf;
mod ordinary;
mod stage;
