//! Rules: has them judged, and records what they come to like the run of any check.

use std::sync::Arc;

use custos_store::{Reason, Run};

use super::checks::CheckId;
use super::core::Agent;
use super::due::wall_at;
use super::effect::Effect;
use super::skipped::skipped_run;
use crate::clock::Moment;
use crate::evaluate::is_judged;
use crate::rules::{JudgeOrder, JudgedGroup, JudgedRule, RuleGroup};

impl Agent {
    /// Has rules judged that need not wait any longer.
    pub(super) fn judge_waiting(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.record_dropped(now, effects);
        while !self.stopping
            && let Some(order) = self.judging.next_order(now)
        {
            if self.is_to_be_judged(&order, now, effects) {
                effects.push(Effect::Judge(order));
            } else {
                self.judging.answered(&order.group, true, None, now);
            }
        }
    }

    /// Whether a group is to be judged now: not outside of its period, nor while a check that it depends on has a hard problem,
    /// which is recorded.
    fn is_to_be_judged(&mut self, order: &JudgeOrder, now: Moment, effects: &mut Vec<Effect>) -> bool {
        let Some(group) = self.judging.group(&order.group).map(Arc::clone) else { return false };
        if !group.is_open(order.at_ms) {
            return false;
        }
        // Rules of a file depend on none, and another group has one rule.
        let Some(id) = self.first_rule(&group) else { return false };
        let slot_us = (now.mono_us as i64).saturating_sub((now.wall_ms - order.at_ms).saturating_mul(1000));
        debug_assert!(wall_at(now, slot_us) == order.at_ms);
        let skipped = self.trouble(id).map(|(other, state)| Run {
            time_ms: order.at_ms,
            ..skipped_run(now.mono_us, other, state, now)
        });
        self.checks[id].skipping = skipped.is_some();
        match skipped {
            Some(run) => {
                self.judge_and_record(id, run, now, effects);
                false
            }
            None => true,
        }
    }

    fn first_rule(&self, group: &RuleGroup) -> Option<CheckId> {
        let check = self.checks.id(&group.rules.first()?.check)?;
        self.checks[check].is_defined().then_some(check)
    }

    /// Records what the rules of a group came to.
    pub(super) fn judged(&mut self, judged: JudgedGroup, now: Moment, effects: &mut Vec<Effect>) {
        self.judging.answered(&judged.order.group, !judged.rules.is_empty(), judged.deadline_ms, now);
        for JudgedRule { check, run, alerts, .. } in judged.rules {
            let is_rule = |id: &CheckId| self.checks[*id].is_defined() && self.checks[*id].is_rule();
            // A rule that a reload has removed meanwhile is gone.
            let Some(id) = self.checks.id(&check).filter(is_rule) else { continue };
            let run = self.judge_and_record(id, run, now, effects);
            effects.push(Effect::Alerts { check, run, alerts });
        }
    }

    /// Takes note that a run was recorded, for the rules that select series of it.
    pub(super) fn note_for_rules(&mut self, check: &Arc<str>, run: &Run, now: Moment) {
        if is_judged(run.reason) {
            self.judging.recorded(&self.config, check, run.time_ms, now);
        } else if run.reason == Reason::Missed {
            // A check that is skipped all the time is silent: what it had said counts for a while only.
            let lasted_ms = i64::try_from(run.duration_us / 1000).unwrap_or(i64::MAX).max(1);
            let stretch = run.time_ms..run.time_ms.saturating_add(lasted_ms);
            self.judging.unobserved(&self.config, check, stretch, now);
        }
    }
}
