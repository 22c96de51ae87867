//! Times of a grid at which rules were not judged, which are recorded like the slots that any check misses.

use custos_store::{Reason, Run};

use super::checks::CheckId;
use super::core::Agent;
use super::due::DueTimes;
use super::effect::Effect;
use super::judging::Unjudged;
use super::missed::{Missed, NO_AGENT, STALLED};
use super::schedule::Schedule;
use crate::clock::{Moment, micros};
use crate::rules::When;

impl Agent {
    /// Has the groups judged whose time has come, and records times that passed while the agent stood still.
    pub(super) fn wake_rules(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        for unjudged in self.judging.wake(now) {
            self.record_stalled(&unjudged, now, effects);
        }
    }

    /// Records times that were to be judged until it was seen that nobody had looked at what is selected.
    pub(super) fn record_dropped(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        while let Some(unjudged) = self.judging.take_dropped() {
            self.record_stalled(&unjudged, now, effects);
        }
    }

    fn record_stalled(&mut self, unjudged: &Unjudged, now: Moment, effects: &mut Vec<Effect>) {
        for rule in &unjudged.group.rules {
            let Some(id) = self.checks.id(&rule.check) else { continue };
            self.record_unjudged(id, unjudged, STALLED, now, effects);
        }
    }

    /// Records the times that passed while there was no agent.
    pub(super) fn record_unjudged_since(
        &mut self,
        id: CheckId,
        last: &Run,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some((group, next_ms)) = self.judging.grid_of(&self.checks[id].name) else { return };
        let When::Grid { interval_ms, .. } = group.when else { return };
        let lasted_ms = match last.reason {
            Reason::Missed => i64::try_from(last.duration_us / 1000).unwrap_or(i64::MAX),
            _ => interval_ms,
        };
        let from_ms = last.time_ms.saturating_add(group.query_offset_ms).saturating_add(lasted_ms);
        let unjudged = Unjudged { group, from_ms, before_ms: next_ms };
        self.record_unjudged(id, &unjudged, NO_AGENT, now, effects);
    }

    fn record_unjudged(
        &mut self,
        id: CheckId,
        unjudged: &Unjudged,
        why: &'static str,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(run) = self.unjudged_run(id, unjudged, why, now) {
            self.judge_and_record(id, run, now, effects);
        }
    }

    /// The run that records the times; none if there is none within the check's period.
    fn unjudged_run(&self, id: CheckId, unjudged: &Unjudged, why: &'static str, now: Moment) -> Option<Run> {
        let Unjudged { group, from_ms, before_ms } = unjudged;
        let When::Grid { interval_ms, .. } = group.when else { return None };
        let mono_us = |ms: i64| {
            let ahead_us = ms.checked_sub(now.wall_ms)?.checked_mul(1000)?;
            (now.mono_us as i64).checked_add(ahead_us)
        };
        let interval_us = micros(std::time::Duration::from_millis(interval_ms.unsigned_abs().max(1)));
        let schedule = Schedule::through(mono_us(*before_ms)?, interval_us);
        let period = self.checks[id].definition.check_period.as_deref();
        let times = DueTimes { schedule: &schedule, period, stood_in_ms: None };
        let due = times.between(mono_us(*from_ms)?, mono_us(*before_ms)?, now)?;
        let run = Missed::of(due, interval_us, why).to_run(now);
        Some(Run { time_ms: run.time_ms.saturating_sub(group.query_offset_ms), ..run })
    }
}
