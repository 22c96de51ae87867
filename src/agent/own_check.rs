//! The agent's check of itself, from the health of its parts and its workload.

use std::sync::Arc;

use super::check_state::CheckState;
use super::core::Agent;
use super::effect::Effect;
use super::health::{Health, Work};
use crate::clock::Moment;
use crate::config::AGENT_CHECK;
use crate::limits::OVERLOAD_CHECKS_NAMED;

impl Agent {
    /// Records the agent's health as a run of its own check.
    pub(super) fn health(&mut self, health: &Health, now: Moment, effects: &mut Vec<Effect>) {
        let id = self.on_demand(AGENT_CHECK);
        let run = health.to_run(&self.work(now), now);
        self.judge_and_record(id, run, now.mono_us, effects);
    }

    fn work(&self, now: Moment) -> Work {
        let active = || self.checks.iter().map(|(_, check)| check).filter(|check| !check.ended);
        let figures = self.load.figures(now);
        let mut costly: Vec<(Arc<str>, f64)> = Vec::new();
        if figures.is_overload() {
            let cost = |check: &CheckState| check.run_us as f64 / 1e6 * check.wanted_per_s(now);
            costly.extend(
                active().map(|check| (Arc::clone(&check.name), cost(check))).filter(|(_, c)| *c > 0.0),
            );
            costly.sort_by(|a, b| b.1.total_cmp(&a.1));
            costly.truncate(OVERLOAD_CHECKS_NAMED);
        }
        Work {
            running: self.executions.in_slots(),
            waiting: self.waiting.len(),
            wanted_per_s: active().map(|check| check.wanted_per_s(now)).sum(),
            forgotten: self.checks.forgotten(),
            figures,
            costly,
        }
    }
}
