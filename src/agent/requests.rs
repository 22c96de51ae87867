//! Requests from outside: shared with the run under way, put in line behind it, or refused.
//!
//! Invariants: every request is answered exactly once; a check that has a schedule never runs twice at once, whatever
//! is asked for under its name; requests wait for places like everybody else.

use std::sync::Arc;

use super::core::Agent;
use super::effect::{Ask, Asker, Effect, Wanted};
use super::entry::{Activity, Entry, LastAnswer, Queued};
use super::line::implicit_check;
use super::passive;
use crate::clock::Moment;
use crate::config::Serving;
use crate::execute::Line;
use crate::limits::ASK_QUEUE_MAX;

const TOO_MANY: &str = "too many requests are waiting";

impl Agent {
    /// How requests for a check are answered, and its last run; none if there is no such check.
    pub fn last_answer(&self, check: &str) -> Option<(Serving, Option<&LastAnswer>)> {
        let entry = &self.entries[*self.by_name.get(check)?];
        Some((entry.check.serving, entry.answer.as_ref()))
    }

    pub(super) fn asked(&mut self, ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        let Ask { id, wanted, origin } = ask;
        let asker = Asker { id, origin };
        if self.stopping {
            return effects.push(refuse(&asker, "the agent is stopping".to_owned()));
        }
        match wanted {
            Wanted::Check(name) => match self.wanted_check(&name) {
                Some(index) => self.asked_for_check(index, asker, now, effects),
                None => effects.push(refuse(&asker, format!("no check {name} is defined"))),
            },
            Wanted::Line { name, line } => {
                let index = match self.by_name.get(name.as_str()) {
                    Some(index) => *index,
                    None => self.add(Entry::on_demand(Arc::new(implicit_check(&name)))),
                };
                self.asked_for_line(index, asker, line, effects);
            }
        }
    }

    /// The check of that name, if it is defined.
    fn wanted_check(&self, name: &str) -> Option<usize> {
        let index = self.by_name.get(name).copied();
        index.filter(|index| self.entries[*index].is_defined() && !self.entries[*index].removed)
    }

    fn asked_for_check(&mut self, index: usize, asker: Asker, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        if entry.is_told() {
            let answer = passive::answer(entry.last.as_deref());
            return effects.push(Effect::Answer { id: asker.id, result: Ok(answer) });
        }
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

    fn asked_for_line(&mut self, index: usize, asker: Asker, line: Box<Line>, effects: &mut Vec<Effect>) {
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
        effects.extend(askers.iter().map(|asker| refuse(asker, "the agent is stopping".to_owned())));
    }
}

fn refuse(asker: &Asker, why: String) -> Effect {
    Effect::Answer { id: asker.id, result: Err(why) }
}
