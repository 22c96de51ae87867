//! Starts jobs: for slots that pass, and for requests.

use std::collections::HashSet;
use std::sync::Arc;

use custos_store::State;

use super::check_state::Activity;
use super::checks::CheckId;
use super::core::Agent;
use super::effect::{Asker, Effect};
use super::executions::Execution;
use super::missed;
use super::skipped::skipped_run;
use super::waiting::Next;
use crate::clock::Moment;
use crate::execute::{Job, Line};

impl Agent {
    /// Passes every slot up to now, and queues the checks that are due.
    pub(super) fn wake(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !self.stopping {
            self.wake_rules(now, effects);
        }
        while !self.stopping
            && let Some(id) = self.checks.first_due(now.mono_us)
        {
            let check = &self.checks[id];
            let busy = match check.activity {
                Activity::Idle => None,
                Activity::Waiting { .. } if check.is_low() => Some(missed::LOW_PRIORITY),
                Activity::Waiting { .. } => Some(missed::NO_ROOM),
                Activity::Running => Some(missed::STILL_RUNNING),
            };
            let passed = self.checks.change(id, |check| check.pass_slots(now, busy));
            if matches!(self.checks[id].activity, Activity::Waiting { .. }) {
                self.load.no_room(passed.missed, now);
            }
            if busy.is_none() {
                self.record_missed(id, now, effects);
            }
            if let Some(slot_us) = passed.slot_us {
                self.take_slot(id, slot_us, now, effects);
            }
        }
    }

    /// Queues a check for its slot, or records the slot as skipped if a check that it depends on has a hard problem.
    fn take_slot(&mut self, id: CheckId, slot_us: u64, now: Moment, effects: &mut Vec<Effect>) {
        let skipped = self.trouble(id).map(|(other, state)| skipped_run(slot_us, other, state, now));
        self.checks[id].skipping = skipped.is_some();
        match skipped {
            Some(run) => {
                self.judge_and_record(id, run, now, effects);
            }
            None => self.enqueue(id, Some(slot_us), now),
        }
    }

    /// A check in a hard problem that this one depends on, directly or by way of others.
    pub(super) fn trouble(&self, id: CheckId) -> Option<(&str, State)> {
        let mut ahead: Vec<&str> = self.depends_on(id).collect();
        let mut seen = HashSet::new();
        while let Some(name) = ahead.pop() {
            let Some(other) = self.checks.id(name).filter(|other| seen.insert(*other)) else { continue };
            let check = &self.checks[other];
            let hard_state = check.previous.map_or(State::Ok, |previous| previous.standing.hard_state);
            if hard_state != State::Ok && !check.ended {
                return Some((name, hard_state));
            }
            ahead.extend(self.depends_on(other));
        }
        None
    }

    /// What a check depends on, the first last.
    fn depends_on(&self, id: CheckId) -> impl Iterator<Item = &str> {
        self.checks[id].definition.depends_on.iter().rev().map(String::as_str)
    }

    /// Queues an idle check.
    pub(super) fn enqueue(&mut self, id: CheckId, slot_us: Option<u64>, now: Moment) {
        let check = &mut self.checks[id];
        check.activity = Activity::Waiting { slot_us };
        let slow = check.is_slow();
        if !Job::takes_slot(&check.definition) {
            self.waiting.push_unslotted(id);
        } else if let Some(patience_us) = check.patience_us().filter(|_| slot_us.is_some()) {
            self.waiting.push_low(now.mono_us.saturating_add(patience_us), id, slow);
        } else {
            self.waiting.push(now.mono_us, id, slow);
        }
    }

    /// Starts what waits, within the limit on concurrent checks.
    pub(super) fn start_waiting(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let slots = self.config.max_concurrent_checks.max(1);
        let scheduled = self.checks.next_due_us().is_some();
        while let Some(next) = self.waiting.next(self.executions.permits(slots, scheduled)) {
            match next {
                Next::Check(id, slow) => self.start_check(id, slow, now, effects),
                Next::Line(id, asker, line) => self.start_line(id, asker, *line, now, effects),
            }
        }
    }

    /// Starts the job of a check that is due, unless it was removed meanwhile.
    fn start_check(&mut self, id: CheckId, slow: bool, now: Moment, effects: &mut Vec<Effect>) {
        let check = &mut self.checks[id];
        let Activity::Waiting { slot_us } = check.activity else { return };
        if self.clones.hold(id, slot_us) {
            return;
        }
        let wanted = !check.ended || !check.askers.is_empty();
        let job = wanted.then(|| Job::of_check(&check.definition, &self.config, &self.environment)).flatten();
        let Some(job) = job else {
            check.activity = Activity::Idle;
            return self.checks.forget_if_over(id);
        };
        check.activity = Activity::Running;
        let asked = slot_us.is_none() || !check.askers.is_empty();
        let takes_slot = Job::takes_slot(&check.definition);
        let execution = Execution { slot_us, slow, takes_slot, ..Execution::of(id, &check.definition, now) };
        self.start(execution, job, asked, effects);
    }

    fn start_line(&mut self, id: CheckId, asker: Asker, line: Line, now: Moment, effects: &mut Vec<Effect>) {
        let check = &self.checks[id];
        let definition = &check.definition;
        let native = if check.is_defined() { definition.native } else { self.config.native };
        let job = Job::of_line(line, definition, native);
        let execution =
            Execution { takes_slot: true, line: Some(asker), ..Execution::of(id, definition, now) };
        self.start(execution, job, true, effects);
    }

    fn start(&mut self, execution: Execution, job: Job, asked: bool, effects: &mut Vec<Effect>) {
        let check = Arc::clone(&self.checks[execution.check].name);
        let began = execution.started;
        let ticket = self.executions.add(execution);
        self.judging.began(&self.config, &check, ticket, began);
        let crowded = self.executions.len() * 2 >= self.config.max_concurrent_checks;
        effects.push(Effect::Start { ticket, job, awaited: asked || crowded });
    }
}
