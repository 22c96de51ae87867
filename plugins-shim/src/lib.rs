//! The process boundary: starts plugins for the agent, bounds them, ends them and reports.
//!
//! The shim is a small process of its own, or rather two: the *worker* (`worker.rs`) starts plugins and answers
//! the agent over a socket; the *guard* (`guard.rs`) waits for the worker and ends what a dead worker left.

mod capture;
mod child;
mod clock;
mod descriptors;
mod error;
mod guard;
mod helper;
mod language;
mod launch;
mod leaf;
mod left_open;
mod limits;
mod mark;
mod outbound;
mod own_limits;
mod run;
mod runs;
mod signals;
mod spec;
mod start_watch;
mod strays;
mod sys;
mod warm;
mod wire;
mod worker;

pub use clock::monotonic_us;
pub use error::{DecodeError, Error, LIMITS_CHANGED, VERSION};
pub use guard::serve;
pub use helper::{Given, be_helper, helper};
pub use language::{Language, Warm};
pub use launch::{Launch, Launched, SUBCOMMAND, WATCHED, run_once};
pub use limits::{FRAME_MAX_BYTES, OUTPUT_MAX_BYTES, RUNS_MAX};
pub use spec::{Credentials, IoPriority, Limits, Outcome, Report, Spec};
pub use warm::Script;
pub use wire::{Message, decode_message, encode_message, encode_start};
