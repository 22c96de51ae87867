//! What other systems kept, written by their own programs, taken in and compared with what these say of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod dump;
mod hostile;
mod keeping;
mod nagios;
mod rrd;
mod samples;
mod whisper;

#[path = "../stage/mod.rs"]
mod stage;
