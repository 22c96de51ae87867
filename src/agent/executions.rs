//! The jobs that are under way.
//!
//! Invariants: tickets are unique in the life of the agent; the counts are those of the jobs that are kept.

use std::collections::HashMap;
use std::sync::Arc;

use super::checks::CheckId;
use super::effect::Asker;
use super::waiting::Permits;
use crate::clock::Moment;
use crate::config::Check;
use crate::evaluate::Pending;

/// A job that is under way.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) check: CheckId,
    /// The definition that it was started by.
    pub(super) definition: Arc<Check>,
    /// The slot of the schedule that it runs for; `None` for a request.
    pub(super) slot_us: Option<u64>,
    pub(super) started: Moment,
    /// Whether its check counts as slow.
    pub(super) slow: bool,
    /// Whether it takes one of the slots that `max_concurrent_checks` counts.
    pub(super) takes_slot: bool,
    /// Who asked, if it is a command line of its own rather than the check's job.
    pub(super) line: Option<Asker>,
    /// If it is a run beside the check's own, because somebody watches it: whether it has less time than the check's own have.
    pub(super) clone: Option<bool>,
    /// Whether a reload has changed the check's definition since; this run does not count for the new one.
    pub(super) outdated: bool,
    /// Pending since, for the limits of the definition that ran, if the check has other limits now.
    pub(super) pending: Option<Pending>,
}

impl Execution {
    /// A job of a check that is started now by this definition, for whoever asked.
    pub(super) fn of(check: CheckId, definition: &Arc<Check>, now: Moment) -> Execution {
        Execution {
            check,
            definition: Arc::clone(definition),
            slot_us: None,
            started: now,
            slow: false,
            takes_slot: false,
            line: None,
            clone: None,
            outdated: false,
            pending: None,
        }
    }
}

/// All jobs under way.
#[derive(Debug, Default)]
pub(super) struct Executions {
    by_ticket: HashMap<u64, Execution>,
    last_ticket: u64,
    in_slots: usize,
    slow: usize,
    lines: usize,
}

impl Executions {
    /// Adds a job. Returns its ticket.
    pub(super) fn add(&mut self, execution: Execution) -> u64 {
        self.in_slots += usize::from(execution.takes_slot);
        self.slow += usize::from(execution.slow);
        self.lines += usize::from(execution.line.is_some());
        self.last_ticket += 1;
        self.by_ticket.insert(self.last_ticket, execution);
        self.last_ticket
    }

    /// Takes a job out that has ended.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<Execution> {
        let execution = self.by_ticket.remove(&ticket)?;
        self.in_slots -= usize::from(execution.takes_slot);
        self.slow -= usize::from(execution.slow);
        self.lines -= usize::from(execution.line.is_some());
        Some(execution)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_ticket.len()
    }

    /// How many take a slot.
    pub(super) fn in_slots(&self) -> usize {
        self.in_slots
    }

    /// Every job with its ticket.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Execution)> {
        self.by_ticket.iter().map(|(ticket, execution)| (*ticket, execution))
    }

    /// When the job of each check was started (ms since the epoch), but for what runs beside it.
    pub(super) fn started_ms(&self) -> HashMap<CheckId, i64> {
        let own = self.by_ticket.values().filter(|execution| execution.clone.is_none());
        let mut started = HashMap::new();
        for execution in own {
            let first = started.entry(execution.check).or_insert(execution.started.wall_ms);
            *first = execution.started.wall_ms.min(*first);
        }
        started
    }

    /// Whether what runs under a check's name is not the check as it is defined now: a command line, or what the check
    /// was before.
    pub(super) fn runs_another(&self, check: CheckId) -> bool {
        self.by_ticket.values().any(|e| e.check == check && (e.line.is_some() || e.outdated))
    }

    /// The check has got another definition; its running jobs do not count for it. If its limits change, too, `pending`
    /// belongs to those of the old definition.
    pub(super) fn outdate(&mut self, check: CheckId, pending: Option<&Pending>) {
        for execution in self.by_ticket.values_mut().filter(|execution| execution.check == check) {
            execution.outdated = true;
            if execution.pending.is_none() {
                execution.pending = pending.cloned();
            }
        }
    }

    /// What may be started now, with so many slots. Slow checks leave a quarter of the slots to quick ones, and command
    /// lines leave half of them to the schedule, if there is one.
    pub(super) fn permits(&self, slots: usize, scheduled: bool) -> Permits {
        let lines_max = if scheduled { slots.div_ceil(2) } else { slots };
        Permits {
            slot: self.in_slots < slots,
            slow: self.slow < slots - slots / 4,
            line: self.lines < lines_max,
        }
    }
}
