//! Stretches of slots that passed without a run.

use custos_store::{Reason, Run, State};

use super::due::Due;
use crate::clock::Moment;
use crate::text::human::counted;

/// Slots that passed, one after the other but for those outside of the check's period, without a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    /// The first of them, on the monotonic clock; may lie before boot.
    pub(super) first_us: i64,
    /// The last of them.
    pub(super) last_us: i64,
    /// How many, from 1.
    pub(super) slots: u64,
    /// Distance between two.
    pub(super) interval_us: u64,
    /// Why, as a clause for the text.
    pub(super) why: &'static str,
}

/// The plugin's last run was still going on.
pub(super) const STILL_RUNNING: &str = "the last run was still going on";
/// Other checks, which go first, waited all the time.
pub(super) const LOW_PRIORITY: &str = "other checks were waiting, and this one's priority is low";
/// `max_concurrent_checks` plugins ran for a whole interval.
pub(super) const NO_ROOM: &str = "max_concurrent_checks plugins were running";
/// The machine was suspended, stopped or too busy to run the agent.
pub(super) const STALLED: &str = "the machine or the agent stood still";
/// There was no agent.
pub(super) const NO_AGENT: &str = "the agent was not running";

impl Missed {
    /// These slots, one interval apart from one another.
    pub(super) fn of(due: Due, interval_us: u64, why: &'static str) -> Missed {
        Missed { first_us: due.first_us, last_us: due.last_us, slots: due.slots, interval_us, why }
    }

    /// The run that records the stretch: one, however long it is. It starts at the first slot and lasts until a
    /// slot after the last would be due.
    pub(super) fn to_run(self, now: Moment) -> Run {
        let ago_us = now.mono_us as i64 - self.first_us;
        Run {
            time_ms: now.wall_ms.saturating_sub(ago_us.div_euclid(1000)),
            duration_us: (self.last_us - self.first_us) as u64 + self.interval_us,
            state: State::Unknown,
            plugin_state: State::Unknown,
            reason: Reason::Missed,
            missed_slots: u32::try_from(self.slots).unwrap_or(u32::MAX),
            text: format!("{} missed: {}", counted(self.slots, "slot"), self.why),
            ..Run::default()
        }
    }
}
