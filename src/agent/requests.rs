//! Requests from outside: shared with the run under way, put in line behind it, or refused.
//!
//! Invariants: every request is answered exactly once; a check that has a schedule never runs twice at once, whatever
//! is asked for under its name; requests wait for places like everybody else.

use std::sync::Arc;

use super::cached::cached;
use super::core::Agent;
use super::effect::{Ask, Asker, Effect, Wanted};
use super::entry::{Activity, Entry, Queued};
use super::line::implicit_check;
use super::passive;
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
        let defined = |index: &usize| self.entries[*index].is_defined() && !self.entries[*index].removed;
        let Some(index) = self.by_name.get(name).copied().filter(defined) else {
            return effects.push(refuse(&asker, format!("no check {name} is defined")));
        };
        let entry = &self.entries[index];
        let known = if entry.is_told() {
            Some(passive::answer(entry.last.as_deref()))
        } else if served {
            cached(entry.check.serving, entry.answer.as_ref(), now.mono_us)
        } else {
            None
        };
        match known {
            // What is known can be said even while the agent stops.
            Some(answer) => effects.push(Effect::Answer { id: asker.id, result: Ok(answer) }),
            None if self.stopping => effects.push(refuse(&asker, STOPPING.to_owned())),
            None => self.run_for(index, asker, now, effects),
        }
    }

    /// Has a request answered by a run: the one under way, if it is of the check as it is now, or one of its own.
    fn run_for(&mut self, index: usize, asker: Asker, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        let other_runs = matches!(entry.activity, Activity::Running)
            && self.executions.values().any(|e| e.entry == index && (e.line.is_some() || e.outdated));
        match entry.activity {
            Activity::Idle => {
                entry.askers.push(asker);
                self.enqueue(index, None, now);
            }
            // Whoever waits for the answer does not want to wait behind everybody else.
            Activity::Waiting { .. } if entry.askers.len() < ASK_QUEUE_MAX => {
                entry.askers.push(asker);
                self.waiting.promote(now.mono_us, index);
            }
            // The run under way is the answer, unless it is another command that runs under this name,
            // or what the check was before its definition changed.
            _ if !other_runs && entry.askers.len() < ASK_QUEUE_MAX => entry.askers.push(asker),
            _ if entry.queue.len() < ASK_QUEUE_MAX => entry.queue.push_back(Queued::Check(asker)),
            _ => effects.push(refuse(&asker, TOO_MANY.to_owned())),
        }
    }

    fn asked_for_line(&mut self, name: &str, line: Box<Line>, asker: Asker, effects: &mut Vec<Effect>) {
        if self.stopping {
            return effects.push(refuse(&asker, STOPPING.to_owned()));
        }
        let index = match self.by_name.get(name) {
            Some(index) => *index,
            None => self.add(Entry::on_demand(Arc::new(implicit_check(name)))),
        };
        let entry = &mut self.entries[index];
        if self.lines.len() >= ASK_QUEUE_MAX || entry.queue.len() >= ASK_QUEUE_MAX {
            effects.push(refuse(&asker, TOO_MANY.to_owned()));
        } else if entry.grid.is_some() && !entry.is_idle() {
            entry.queue.push_back(Queued::Line(asker, line));
        } else {
            if entry.grid.is_some() {
                entry.activity = Activity::Running;
            }
            self.lines.push_back((index, asker, line));
        }
    }

    /// After a run: the next request for the same check that had to wait for its end.
    pub(super) fn next_request(&mut self, index: usize, now: Moment) {
        let entry = &mut self.entries[index];
        match entry.queue.pop_front() {
            Some(Queued::Check(asker)) => {
                entry.askers.push(asker);
                self.enqueue(index, None, now);
            }
            Some(Queued::Line(asker, line)) => {
                entry.activity = Activity::Running;
                self.lines.push_back((index, asker, line));
            }
            None => {}
        }
    }

    /// Starts nothing any more; refuses what waits.
    pub(super) fn stop(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        let mut askers: Vec<Asker> = self.lines.drain(..).map(|(_, asker, _)| asker).collect();
        let waiting: Vec<usize> = self.waiting.clear().into_iter().chain(self.unslotted.drain(..)).collect();
        for index in waiting {
            let entry = &mut self.entries[index];
            entry.activity = Activity::Idle;
            askers.append(&mut entry.askers);
        }
        let queued = self.entries.iter_mut().flat_map(|entry| entry.queue.drain(..));
        askers.extend(queued.map(|queued| match queued {
            Queued::Check(asker) | Queued::Line(asker, _) => asker,
        }));
        effects.extend(askers.iter().map(|asker| refuse(asker, STOPPING.to_owned())));
    }
}

fn refuse(asker: &Asker, why: String) -> Effect {
    Effect::Answer { id: asker.id, result: Err(why) }
}
