//! The health of the agent's parts, for its own check and for `custos status`.

use super::reported::{Reported, states};
use super::run::Daemon;
use crate::agent::{Event, Health, Row};
use crate::clock::{Moment, micros};
use crate::control::AgentStatus;
use crate::limits::AGENT_CHECK_INTERVAL;
use crate::part::Part;

impl Daemon {
    /// Every part of the agent. A new part is added here, and nowhere else.
    fn parts(&self, now: Moment) -> Vec<Part> {
        let mut parts = vec![self.recorder.health(now).part(now)];
        parts.extend(self.inputs.executor.parts());
        parts.extend(self.judge.part());
        parts.extend(self.nrpe.part());
        parts.extend(self.http.part(now));
        parts.extend(self.sinks.parts(now));
        parts.extend(self.notifier.part(now));
        parts.extend(self.watching());
        parts.extend([self.trap_receiver.part(), self.control.part(), self.reload.part(now)]);
        parts
    }

    /// What is watched, if anything is.
    fn watching(&self) -> Option<Part> {
        let (clones, watchers) = self.agent.watched();
        let part = Part::new("watching").with_level("watch_clones", clones as u64);
        (watchers > 0).then(|| part.with_level("watch_watchers", watchers as u64))
    }

    /// The state of the agent, for `custos status`.
    pub(super) fn status(&self, now: Moment) -> AgentStatus {
        AgentStatus {
            pid: std::process::id(),
            started_ms: self.started_ms,
            rows: self.defined_rows(now),
            parts: self.parts(now),
        }
    }

    /// The checks of the configuration in force, the agent's own and the commands that are served. Others have a history
    /// in the store, and the agent keeps where they stood, but what is no longer defined must not raise an alarm.
    fn defined_rows(&self, now: Moment) -> Vec<Row> {
        let served = self.nrpe.served_names();
        let own: Vec<&str> = self.config.own_checks().collect();
        let mut rows = self.agent.rows(now);
        rows.retain(|Row { check, .. }| {
            self.config.checks.contains_key(check) || own.contains(&check.as_str()) || served.contains(check)
        });
        rows
    }

    /// Checks the health of the parts, and has it recorded at its interval or when the state of one changed.
    pub(super) fn look(&mut self, now: Moment) {
        self.inputs.normal.look(&self.config, now.wall_ms);
        self.notify.alive();
        self.control.look();
        self.nrpe.look(now);
        self.http.look(now);
        self.trap_receiver.look(&self.config, now);
        self.begin_to_notify(now);
        self.handle(Event::Look, now);
        let notes = self.inputs.executor.rows().take_notes();
        for (name, text) in notes.into_iter().chain(self.trap_receiver.take_note()) {
            self.recorder.note(name, text);
        }
        let parts = self.parts(now);
        let due = now.mono_us >= self.reported.at_us.saturating_add(micros(AGENT_CHECK_INTERVAL));
        if due || states(&parts) != self.reported.states {
            self.report(parts, now);
        }
        if due {
            // Not earlier, so that each loss is in at least one regular report.
            self.trap_receiver.note_reported();
        }
    }

    /// Reports the health of the parts now.
    pub(super) fn report_now(&mut self, now: Moment) {
        let parts = self.parts(now);
        self.report(parts, now);
    }

    fn report(&mut self, parts: Vec<Part>, now: Moment) {
        self.reported = Reported { at_us: now.mono_us, states: states(&parts) };
        let health = Box::new(Health { started_ms: self.started_ms, parts });
        self.handle(Event::Health(health), now);
    }
}
