//! Programs that fill a terminal, in a real one: tmux, whose panes are captured and compared.
//!
//! `CUSTOS_WRITE_GOLDEN=1` writes the expected pages anew.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod pane;
mod top;

#[path = "../stage/mod.rs"]
mod stage;
