//! The store: every run of every check, kept at full resolution for ever.
//!
//! `FORMAT.md` draws the bytes. This package reads no clock, opens no socket and is not asynchronous.

mod run;
mod value;

pub use run::{Metric, Reason, Run, Standing, State};
pub use value::{Bounds, Value};
