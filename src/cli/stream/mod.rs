//! `custos stream`: the runs of the store as lines, for programs that take them elsewhere.

mod acks;
mod args;
mod pump;
mod watch;

pub(super) use args::{StreamArgs, length};
pub(super) use pump::run;
