//! Checks that ask a device: they run no plugin and take no place of one, and end like any other run.

use std::sync::Arc;

use super::core::{Agent, Execution, not_finished};
use super::effect::Effect;
use super::entry::Activity;
use crate::clock::Moment;
use crate::config::Command;
use crate::interpret::{Reading, interpret};
use crate::snmp;

impl Agent {
    /// Starts a poll that is due, unless it is not wanted any more.
    pub(super) fn start_poll(&mut self, index: usize, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        let Activity::Waiting { slot_us } = entry.activity else { return };
        let poll = match &entry.check.command {
            Command::Snmp(poll) if !entry.removed || !entry.askers.is_empty() => Arc::clone(poll),
            _ => {
                entry.activity = Activity::Idle;
                return;
            }
        };
        let timeout = entry.check.timeout;
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        entry.activity = Activity::Running;
        self.polls_running += 1;
        let execution = Execution {
            entry: index,
            slot_us,
            started: now,
            slow: false,
            poll: true,
            timeout,
            line: None,
            outdated: false,
        };
        self.executions.insert(ticket, execution);
        effects.push(Effect::Poll { ticket, poll, timeout });
    }

    /// A device has answered, or not: what came of it is judged and recorded.
    pub(super) fn polled(
        &mut self,
        ticket: u64,
        outcome: &snmp::Outcome,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(execution) = self.executions.remove(&ticket) else { return };
        let check = &self.entries[execution.entry].check;
        let Command::Snmp(poll) = &check.command else {
            // The definition changed meanwhile to one that asks nobody.
            let wall_us = now.mono_us.saturating_sub(execution.started.mono_us);
            let report = not_finished(wall_us);
            let run = interpret(&report, &Reading::from(&**check));
            return self.conclude(execution, report, run, now, effects);
        };
        let (mut report, mut run) = snmp::read(poll, &self.config.snmp.names, outcome, check.timeout_state);
        report.wall_us = now.mono_us.saturating_sub(execution.started.mono_us);
        run.duration_us = report.wall_us;
        self.conclude(execution, report, run, now, effects);
    }
}
