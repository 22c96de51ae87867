//! The agent's log, in the journal or on stderr.

mod journal;
mod queue;
mod record;
mod safe;
mod start;

pub(super) use start::start;
