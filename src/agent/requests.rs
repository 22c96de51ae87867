//! Requests from outside: shared with the run under way, put in line behind it, or refused.
//!
//! Invariants: every request is answered exactly once; a check that has a schedule never runs twice at once, whatever
//! is asked for under its name; requests wait for places like everybody else.

use std::sync::Arc;

use super::core::Agent;
use super::effect::{Ask, Effect, Wanted};
use super::entry::{Activity, Entry, LastAnswer};
use super::line::implicit_check;
use super::passive;
use crate::clock::Moment;
use crate::config::Serving;
use crate::limits::ASK_QUEUE_MAX;

impl Agent {
    /// How requests for a check are answered, and its last run; none if there is no such check.
    pub fn last_answer(&self, check: &str) -> Option<(Serving, Option<&LastAnswer>)> {
        let entry = &self.entries[*self.by_name.get(check)?];
        Some((entry.check.serving, entry.answer.as_ref()))
    }

    pub(super) fn asked(&mut self, ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        let refuse = |id: u64, why: String| Effect::Answer { id, result: Err(why) };
        if self.stopping {
            effects.push(refuse(ask.id, "the agent is stopping".to_owned()));
            return;
        }
        let name = match &ask.wanted {
            Wanted::Check(name) | Wanted::Line { name, .. } => name.as_str(),
        };
        let known = self.by_name.get(name).copied();
        match (&ask.wanted, known) {
            (Wanted::Check(name), index) => {
                let index = index.filter(|i| self.entries[*i].is_defined() && !self.entries[*i].removed);
                let Some(index) = index else {
                    effects.push(refuse(ask.id, format!("no check {name} is defined")));
                    return;
                };
                let entry = &mut self.entries[index];
                if entry.is_told() {
                    let (report, run) = passive::told(entry, now);
                    let result = Ok((Arc::new(report), Arc::new(run)));
                    effects.push(Effect::Answer { id: ask.id, result });
                    return;
                }
                let other_runs = matches!(entry.activity, Activity::Running)
                    && self.executions.values().any(|e| e.entry == index && (e.line.is_some() || e.outdated));
                match entry.activity {
                    Activity::Idle => {
                        entry.askers.push(ask);
                        self.enqueue(index, None, now);
                    }
                    // Whoever waits for the answer does not want to wait behind everybody else.
                    Activity::Waiting { .. } if entry.askers.len() < ASK_QUEUE_MAX => {
                        entry.askers.push(ask);
                        self.waiting.promote(now.mono_us, index);
                    }
                    // The run under way is the answer, unless it is another command that runs under this name,
                    // or what the check was before its definition changed.
                    _ if !other_runs && entry.askers.len() < ASK_QUEUE_MAX => entry.askers.push(ask),
                    _ if entry.queue.len() < ASK_QUEUE_MAX => entry.queue.push_back(ask),
                    _ => effects.push(refuse(ask.id, "too many requests are waiting".to_owned())),
                }
            }
            (Wanted::Line { name, .. }, known) => {
                let index = match known {
                    Some(index) => index,
                    None => self.add(Entry::on_demand(Arc::new(implicit_check(name)))),
                };
                let entry = &mut self.entries[index];
                if self.lines.len() >= ASK_QUEUE_MAX || entry.queue.len() >= ASK_QUEUE_MAX {
                    effects.push(refuse(ask.id, "too many requests are waiting".to_owned()));
                } else if entry.grid.is_some() && !entry.is_idle() {
                    entry.queue.push_back(ask);
                } else {
                    if entry.grid.is_some() {
                        entry.activity = Activity::Running;
                    }
                    self.lines.push_back((index, ask));
                }
            }
        }
    }

    pub(super) fn start_line(&mut self, index: usize, mut ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        if let Wanted::Line { spec, .. } = &mut ask.wanted
            && let Some(spec) = spec.take()
        {
            self.execute(index, None, false, Some(ask), spec, now, effects);
        }
    }

    /// After a run: the next request for the same check that had to wait for its end.
    pub(super) fn next_request(&mut self, index: usize, now: Moment) {
        let entry = &mut self.entries[index];
        match entry.queue.pop_front() {
            Some(ask) if matches!(ask.wanted, Wanted::Check(_)) => {
                entry.askers.push(ask);
                self.enqueue(index, None, now);
            }
            Some(ask) => {
                entry.activity = Activity::Running;
                self.lines.push_back((index, ask));
            }
            None => {}
        }
    }

    /// Starts nothing any more; refuses what waits.
    pub(super) fn stop(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        let mut asks: Vec<Ask> = self.lines.drain(..).map(|(_, ask)| ask).collect();
        let waiting: Vec<usize> = self.waiting.clear().into_iter().chain(self.polls.drain(..)).collect();
        for index in waiting {
            let entry = &mut self.entries[index];
            entry.activity = Activity::Idle;
            asks.append(&mut entry.askers);
        }
        asks.extend(self.entries.iter_mut().flat_map(|entry| entry.queue.drain(..)));
        for ask in asks {
            effects.push(Effect::Answer { id: ask.id, result: Err("the agent is stopping".to_owned()) });
        }
    }
}
