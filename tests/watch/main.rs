//! `custos watch` as people have it: the real program in a real terminal (tmux), with real agents on this host and on others.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod far;
mod hostile;
mod hosts;
mod link;
mod namespace;
mod own;
mod slow;
mod terminal;

#[path = "../stage/mod.rs"]
mod stage;
