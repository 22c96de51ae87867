//! Requests from outside: each is answered from the last run, shares the run under way, waits for its end, or is refused.
//!
//! Invariants: every request is answered exactly once; a check that has a schedule never runs twice at once, whatever
//! is asked for under its name; requests wait for slots like everything else.

use super::cached::cached;
use super::check_state::{Activity, Queued};
use super::checks::CheckId;
use super::core::Agent;
use super::effect::{Ask, Asker, Effect, Wanted};
use super::own_check::own_answer;
use super::passive;
use super::rule_answer;
use crate::clock::Moment;
use crate::execute::Line;
use crate::limits::ASK_QUEUE_MAX;

const TOO_MANY: &str = "too many requests are waiting";
const STOPPING: &str = "the agent is stopping";

impl Agent {
    pub(super) fn asked(&mut self, ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        let Ask { id, wanted, origin } = ask;
        let asker = Asker { id, origin };
        match wanted {
            Wanted::Check(name) => self.asked_for_check(&name, false, asker, now, effects),
            Wanted::Served(name) => self.asked_for_check(&name, true, asker, now, effects),
            Wanted::Submitted(submission) => self.submitted(*submission, asker, now, effects),
            Wanted::Line { name, line } => self.asked_for_line(&name, line, asker, effects),
        }
    }

    fn asked_for_check(
        &mut self,
        name: &str,
        served: bool,
        asker: Asker,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if self.config.own_checks().any(|own| own == name) {
            let last = self.checks.id(name).and_then(|id| self.checks[id].last.as_deref());
            let answer = own_answer(name, last, now.wall_ms);
            return effects.push(Effect::Answer { id: asker.id, result: Ok(answer) });
        }
        let Some(id) = self.checks.id(name).filter(|id| self.checks[*id].is_defined()) else {
            let why = format!(
                "no check {name} is defined; a reload makes known what was added to the configuration since"
            );
            return effects.push(refuse(&asker, why));
        };
        let check = &self.checks[id];
        let known = if check.is_passive() {
            Some(passive::answer(check.definition.command.reports(), check.last.as_deref()))
        } else if check.is_rule() {
            Some(rule_answer::answer(check.last.as_deref(), check.previous))
        } else if served {
            cached(check.definition.serving, check.answer.as_ref(), now.mono_us)
        } else {
            None
        };
        match known {
            // An answer that needs no run is given even while the agent stops.
            Some(answer) => effects.push(Effect::Answer { id: asker.id, result: Ok(answer) }),
            None if self.stopping => effects.push(refuse(&asker, STOPPING.to_owned())),
            None => self.run_for(id, asker, now, effects),
        }
    }

    /// Answers a request by a run: the one under way, if it has the definition in force, or else a new one.
    fn run_for(&mut self, id: CheckId, asker: Asker, now: Moment, effects: &mut Vec<Effect>) {
        let check = &mut self.checks[id];
        match check.activity {
            Activity::Idle => {
                check.askers.push(asker);
                self.enqueue(id, None, now);
            }
            // A request must not wait behind every scheduled check.
            Activity::Waiting { .. } if check.askers.len() < ASK_QUEUE_MAX => {
                check.askers.push(asker);
                self.waiting.promote(now.mono_us, id);
            }
            Activity::Running if check.askers.len() < ASK_QUEUE_MAX && !self.executions.runs_another(id) => {
                check.askers.push(asker);
            }
            _ if check.queue.len() < ASK_QUEUE_MAX => check.queue.push_back(Queued::Check(asker)),
            _ => effects.push(refuse(&asker, TOO_MANY.to_owned())),
        }
    }

    fn asked_for_line(&mut self, name: &str, line: Box<Line>, asker: Asker, effects: &mut Vec<Effect>) {
        if self.stopping {
            return effects.push(refuse(&asker, STOPPING.to_owned()));
        }
        let id = self.on_demand(name);
        let check = &mut self.checks[id];
        if self.waiting.lines_len() >= ASK_QUEUE_MAX || check.queue.len() >= ASK_QUEUE_MAX {
            effects.push(refuse(&asker, TOO_MANY.to_owned()));
        } else if check.regular.is_some() && !check.is_idle() {
            check.queue.push_back(Queued::Line(asker, line));
        } else {
            self.enqueue_line(id, asker, line);
        }
    }

    /// Queues a command line. A check without a schedule may run several times at once, one with a schedule may not.
    fn enqueue_line(&mut self, id: CheckId, asker: Asker, line: Box<Line>) {
        let check = &mut self.checks[id];
        if check.regular.is_some() {
            check.activity = Activity::Running;
        }
        check.lines += 1;
        self.waiting.push_line(id, asker, line);
    }

    /// After a run: the next request for the same check that had to wait for its end.
    pub(super) fn next_request(&mut self, id: CheckId, now: Moment) {
        match self.checks[id].queue.pop_front() {
            Some(Queued::Check(asker)) => {
                self.checks[id].askers.push(asker);
                self.enqueue(id, None, now);
            }
            Some(Queued::Line(asker, line)) => self.enqueue_line(id, asker, line),
            None => {}
        }
    }

    /// Starts nothing any more; refuses what waits.
    pub(super) fn stop(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.stopping = true;
        let held = self.end_all_watches(now, effects);
        let (mut checks, lines) = self.waiting.clear();
        checks.extend(held);
        let mut askers: Vec<Asker> = Vec::new();
        for (id, asker) in lines {
            let check = &mut self.checks[id];
            check.lines -= 1;
            check.activity = Activity::Idle;
            askers.push(asker);
        }
        for id in checks {
            let check = &mut self.checks[id];
            check.activity = Activity::Idle;
            askers.append(&mut check.askers);
        }
        let queued = self.checks.values_mut().flat_map(|check| check.queue.drain(..));
        askers.extend(queued.map(|queued| match queued {
            Queued::Check(asker) | Queued::Line(asker, _) => asker,
        }));
        effects.extend(askers.iter().map(|asker| refuse(asker, STOPPING.to_owned())));
    }
}

pub(super) fn refuse(asker: &Asker, why: String) -> Effect {
    Effect::Answer { id: asker.id, result: Err(why) }
}
