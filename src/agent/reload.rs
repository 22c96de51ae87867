//! Restores the checks' states from their histories, and takes over a configuration that changed.

use std::sync::Arc;

use super::check_state::CheckState;
use super::checks::CheckId;
use super::core::Agent;
use super::effect::Effect;
use super::missed::NO_AGENT;
use super::restore::{self, History};
use super::submitted;
use crate::clock::Moment;
use crate::config::{Check, Config};
use crate::evaluate::{CheckInstances, is_judged};

impl Agent {
    /// Restores the state of each check, and records the slots that passed while there was no agent.
    pub fn restore(&mut self, histories: Vec<History>, now: Moment, effects: &mut Vec<Effect>) {
        for history in histories {
            let id = self.resume(history, now);
            let check = &mut self.checks[id];
            if let (Some(schedule), Some(last)) = (check.regular, &check.last) {
                let period = check.definition.check_period.as_deref();
                check.missed = restore::missed_since(last, &schedule, period, now, NO_AGENT);
                self.record_missed(id, now, effects);
            }
            if let Some(last) = self.checks[id].last.clone().filter(|_| self.checks[id].is_rule()) {
                self.record_unjudged_since(id, &last, now, effects);
            }
        }
    }

    /// Restores the state of a check from its history.
    fn resume(&mut self, history: History, now: Moment) -> CheckId {
        let History { check: name, runs } = history;
        let id = self.on_demand(&name);
        let check = &mut self.checks[id];
        let restored =
            restore::restore_standing(&check.definition, &runs, self.normal.get(&name).cloned(), now);
        (check.previous, check.pending) = (restored.previous, restored.pending);
        if check.is_passive()
            && let Some(last) = runs.last()
        {
            check.instances = CheckInstances::restore(&last.instances, now.wall_ms);
            check.heard_us = submitted::heard_before(check, last.time_ms, now);
        }
        if let Some(run) = runs.iter().rfind(|run| is_judged(run.reason)) {
            check.note_run(run.duration_us);
        }
        if let Some(last) = runs.last().filter(|_| check.is_rule()) {
            self.judging.judged_before(&name, last.time_ms);
        }
        check.last = runs.into_iter().next_back().map(Arc::new);
        self.checks.change(id, |check| check.choose_schedule(now.mono_us, now));
        id
    }

    /// Takes a new configuration. `histories` are those of checks that are new in it.
    pub(super) fn reload(&mut self, config: Arc<Config>, histories: Vec<History>, now: Moment) {
        let before = std::mem::replace(&mut self.config, config);
        let defined = self.checks.iter().filter(|(_, check)| check.is_defined());
        let gone = defined.filter(|(_, check)| !self.config.checks.contains_key(&*check.name));
        for id in gone.map(|(id, _)| id).collect::<Vec<CheckId>>() {
            self.checks.end(id);
        }
        let config = Arc::clone(&self.config);
        for definition in config.checks.values() {
            match self.checks.id(&definition.name) {
                Some(id) => self.redefine(id, definition, before.host != config.host, now),
                None => {
                    self.checks.add(CheckState::defined(Arc::clone(definition), &config.host, now));
                }
            }
        }
        self.judging.take_over(&config, now);
        // What was not defined has missed nothing.
        for history in histories {
            self.resume(history, now);
        }
    }

    fn redefine(&mut self, id: CheckId, definition: &Arc<Check>, host_changed: bool, now: Moment) {
        let check = &mut self.checks[id];
        if !check.definition.runs_and_judges_like(definition) {
            check.answer = None;
            let limits_change = check.definition.thresholds != definition.thresholds;
            self.executions.outdate(id, limits_change.then_some(&check.pending));
        }
        let host = self.config.host.as_str();
        self.checks.change(id, |check| check.redefine(Arc::clone(definition), host_changed, host, now));
    }
}
