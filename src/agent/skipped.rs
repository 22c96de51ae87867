//! Slots in which a check was not run, because one that it depends on has a hard problem.

use custos_store::{Reason, Run, State};

use super::due::wall_at;
use crate::clock::Moment;

/// The run that records one skipped slot: at the time of the slot, without a result.
pub(super) fn skipped_run(slot_us: u64, other: &str, state: State, now: Moment) -> Run {
    Run {
        time_ms: wall_at(now, i64::try_from(slot_us).unwrap_or(i64::MAX)),
        state: State::Unknown,
        plugin_state: State::Unknown,
        reason: Reason::Skipped,
        text: format!("skipped: {other} is {}", state.name()),
        ..Run::default()
    }
}
