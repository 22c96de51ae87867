//! The state of one check: its definition, its schedule, its activity, and the state after its last run.

use std::collections::VecDeque;
use std::sync::Arc;

use custos_store::{Run, State};

use super::cached::LastAnswer;
use super::due::{DueTimes, wall_at};
use super::effect::Asker;
use super::missed::Missed;
use super::schedule::Schedule;
use crate::clock::{Moment, micros};
use crate::config::{Check, Priority};
use crate::evaluate::{CheckInstances, Pending, PreviousState};
use crate::execute::Line;
use crate::limits::LOW_PRIORITY_PATIENCE_INTERVALS;

/// Microseconds that a check's last run must have taken for it to count as slow.
const SLOW_US: u64 = 1_000_000;
/// The most that a slot may be past and still be run, if a hundredth of the interval is less than that. So after a
/// suspend or a stall no more is started at once than belongs to about a second, and an hourly check is not lost to a
/// short stall. What is older is missed. Waiting for a slot to run in does not count.
const LATE_MAX_US: u64 = 1_000_000;

/// The activity of a check.
#[derive(Debug, Default)]
pub(super) enum Activity {
    /// Nothing.
    #[default]
    Idle,
    /// It is due, and waits to be started.
    Waiting {
        /// The slot that it runs for; `None` for a request.
        slot_us: Option<u64>,
    },
    /// Its job is under way.
    Running,
}

/// A request that waits for the run under way to end.
#[derive(Debug)]
pub(super) enum Queued {
    /// It wants a run of the check.
    Check(Asker),
    /// It wants a command line run under the check's name.
    Line(Asker, Box<Line>),
}

/// The slots that passed since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// The slot to run for, if there is one.
    pub(super) slot_us: Option<u64>,
    /// How many were missed.
    pub(super) missed: u64,
}

/// One check.
#[derive(Debug)]
pub(super) struct CheckState {
    pub(super) name: Arc<str>,
    pub(super) definition: Arc<Check>,
    /// Whether the configuration defines it, rather than a request or the agent itself.
    defined: bool,
    /// Its slots while its state is hard; `None` if it runs only on request.
    pub(super) regular: Option<Schedule>,
    /// The slots in force: the regular ones, or those of retries.
    pub(super) current: Option<Schedule>,
    /// The next slot.
    pub(super) due_us: Option<u64>,
    /// Slots up to here, on the monotonic clock, have been dealt with.
    passed_us: u64,
    /// When the opening of its period ends that has had its stand-in, in ms since the epoch.
    stood_in_ms: Option<i64>,
    pub(super) activity: Activity,
    /// Command lines that wait or run under its name.
    pub(super) lines: usize,
    pub(super) missed: Option<Missed>,
    /// The state of the previous run, and of the check after it.
    pub(super) previous: Option<PreviousState>,
    /// Since when each of its limits has been crossed (pending since).
    pub(super) pending: Pending,
    pub(super) last: Option<Arc<Run>>,
    /// The instances of a passive check.
    pub(super) instances: CheckInstances,
    /// When the last result was submitted, or since when one is expected (µs, monotonic; before the machine's start below zero).
    pub(super) heard_us: Option<i64>,
    /// What the last run of the check's own job printed, with the verdict and when it ended, for `serve: cached`.
    pub(super) answer: Option<LastAnswer>,
    /// Requests that the run under way (or waiting) answers.
    pub(super) askers: Vec<Asker>,
    /// Requests that wait for that run to end, as it does not answer them.
    pub(super) queue: VecDeque<Queued>,
    /// How long its last run took, in microseconds.
    last_run_us: u64,
    /// How long its runs take, in microseconds: the mean, newer ones counting more.
    pub(super) run_us: u64,
    /// Whether its last slot was skipped, as a check that it depends on is in trouble.
    pub(super) skipping: bool,
    /// Whether it was removed: nothing starts for it any more, except for requests that wait already.
    pub(super) ended: bool,
}

impl CheckState {
    /// A check of the configuration: run by the schedule, or passive.
    pub(super) fn defined(definition: Arc<Check>, host: &str, now: Moment) -> CheckState {
        let mut check = CheckState { defined: true, ..CheckState::on_demand(definition) };
        if check.definition.command.is_run() {
            check.schedule_anew(host, now);
        }
        check
    }

    /// A check that runs only on request.
    pub(super) fn on_demand(definition: Arc<Check>) -> CheckState {
        CheckState {
            name: Arc::from(definition.name.as_str()),
            definition,
            defined: false,
            regular: None,
            current: None,
            due_us: None,
            passed_us: 0,
            stood_in_ms: None,
            activity: Activity::Idle,
            lines: 0,
            missed: None,
            previous: None,
            pending: Pending::default(),
            last: None,
            instances: CheckInstances::default(),
            heard_us: None,
            answer: None,
            askers: Vec::new(),
            queue: VecDeque::new(),
            last_run_us: 0,
            run_us: 0,
            skipping: false,
            ended: false,
        }
    }

    /// Whether the last run took so long that checks like it must not take every slot.
    pub(super) fn is_slow(&self) -> bool {
        self.last_run_us >= SLOW_US
    }

    /// Whether other checks go first.
    pub(super) fn is_low(&self) -> bool {
        self.definition.priority == Priority::Low
    }

    /// How long other checks go first, in microseconds; `None` if they do not.
    pub(super) fn patience_us(&self) -> Option<u64> {
        let interval_us = self.current.map_or(micros(self.definition.check_interval), |s| s.interval_us());
        self.is_low().then(|| interval_us.saturating_mul(u64::from(LOW_PRIORITY_PATIENCE_INTERVALS)))
    }

    /// Whether it is passive: nothing runs for it, its results are reported from outside.
    pub(super) fn is_passive(&self) -> bool {
        self.definition.command.is_passive()
    }

    /// Whether it is a rule, which is judged over the history.
    pub(super) fn is_rule(&self) -> bool {
        self.definition.command.is_rule()
    }

    /// Whether the configuration defines it, rather than a request or the agent itself.
    pub(super) fn is_defined(&self) -> bool {
        self.defined
    }

    /// Whether anything of it is under way or waits.
    pub(super) fn is_busy(&self) -> bool {
        !self.is_idle() || self.lines > 0 || !self.queue.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.activity, Activity::Idle)
    }

    /// Passes every slot up to now, and notes those that are missed. Slots outside of the check's period are neither.
    pub(super) fn pass_slots(&mut self, now: Moment, busy: Option<&'static str>) -> Passed {
        let (Some(current), Some(_)) = (self.current, self.due_us.filter(|due_us| *due_us <= now.mono_us))
        else {
            return Passed::default();
        };
        let (from_us, now_us) = (self.passed_us as i64 + 1, now.mono_us as i64);
        let due = self.times(&current).between(from_us, now_us + 1, now);
        let missed = due.and_then(|due| self.times(&current).between(from_us, due.last_us, now));
        self.stood_in_ms = due.and_then(|due| due.stand_in_ms).or(self.stood_in_ms);
        self.look_ahead(&current, now);
        let Some(due) = due else { return Passed::default() };
        let latest = due.last_us;
        let late_us = (now_us - latest) as u64;
        let in_time = busy.is_none()
            && late_us <= LATE_MAX_US.max(current.interval_us() / 100).min(current.interval_us() / 2);
        let missed = match in_time {
            true => missed,
            false => Some(due),
        };
        if let Some(due) = missed {
            let why = busy.unwrap_or(super::missed::STALLED);
            self.missed = Some(match self.missed {
                // The first reason stands.
                Some(missed) => Missed { last_us: due.last_us, slots: missed.slots + due.slots, ..missed },
                None => Missed::of(due, current.interval_us(), why),
            });
        }
        Passed { slot_us: in_time.then_some(latest as u64), missed: missed.map_or(0, |due| due.slots) }
    }

    fn times<'a>(&'a self, schedule: &'a Schedule) -> DueTimes<'a> {
        let period = self.definition.check_period.as_deref();
        DueTimes { schedule, period, stood_in_ms: self.stood_in_ms }
    }

    /// Counts slots up to now as dealt with, and looks for the next.
    fn look_ahead(&mut self, schedule: &Schedule, now: Moment) {
        self.passed_us = now.mono_us;
        self.due_us = Some(self.next_slot_us(schedule, now));
    }

    /// The next moment to look at, after now: a slot of the schedule, or one that stands in for those that the period leaves
    /// out. Slots outside of the period are looked at too, as the clock on the wall may be set meanwhile.
    fn next_slot_us(&self, schedule: &Schedule, now: Moment) -> u64 {
        let regular_us = schedule.next_after(now.mono_us);
        let due_us = self.times(schedule).next(now.mono_us + 1, now);
        due_us.map_or(regular_us, |due_us| regular_us.min(due_us.max(0) as u64))
    }

    /// Whether a slot lies in the check's period.
    fn is_due(&self, slot_us: i64, now: Moment) -> bool {
        self.definition.check_period.as_ref().is_none_or(|period| period.is_open(wall_at(now, slot_us)))
    }

    /// When the check is next due, on the monotonic clock: its next slot within its period.
    pub(super) fn next_due_us(&self, now: Moment) -> Option<u64> {
        let (current, due_us) = (self.current?, self.due_us?);
        match &self.definition.check_period {
            Some(_) => {
                self.times(&current).next(self.passed_us + 1, now).map(|slot_us| slot_us.max(0) as u64)
            }
            None => Some(due_us),
        }
    }

    /// Scheduled runs a second, by wall time; 0 while the check is not to be run.
    pub(super) fn wanted_per_s(&self, now: Moment) -> f64 {
        let wanted = self.current.filter(|_| !self.skipping && self.is_due(now.mono_us as i64, now));
        wanted.map_or(0.0, |current| 1e6 / current.interval_us() as f64)
    }

    /// When its last run was, in ms since the epoch.
    pub(super) fn last_ms(&self) -> Option<i64> {
        self.last.as_ref().map(|last| last.time_ms)
    }

    /// Takes note of how long a run took.
    pub(super) fn note_run(&mut self, run_us: u64) {
        self.last_run_us = run_us;
        self.run_us =
            if self.run_us == 0 { run_us } else { (self.run_us / 8).saturating_mul(7) + run_us / 8 };
    }

    /// Chooses the schedule by the state of the check: retries while a problem is soft, the regular one otherwise.
    pub(super) fn choose_schedule(&mut self, slot_us: u64, now: Moment) {
        let Some(regular) = self.regular else { return };
        let soft = self.previous.is_some_and(|p| p.state != State::Ok && !p.standing.hard);
        let current = if soft { regular.retries(slot_us, self.definition.retry_interval) } else { regular };
        self.current = Some(current);
        self.look_ahead(&current, now);
    }

    /// Takes a new definition without moving a slot unless the interval changed. A check that was ended, or was only
    /// asked for, is defined from now on.
    pub(super) fn redefine(&mut self, definition: Arc<Check>, host_changed: bool, host: &str, now: Moment) {
        let same_slots = self.regular.is_some()
            && !host_changed
            && self.definition.check_interval == definition.check_interval
            && self.definition.check_period == definition.check_period;
        if self.definition.thresholds != definition.thresholds {
            self.pending = Pending::default();
        }
        self.definition = definition;
        (self.defined, self.ended) = (true, false);
        if !self.definition.command.is_run() {
            self.stop_schedule();
        } else if !same_slots {
            self.schedule_anew(host, now);
        }
    }

    /// The check was removed from the configuration: it has no slots, and new requests do not find it.
    pub(super) fn end(&mut self) {
        (self.defined, self.ended) = (false, true);
        self.stop_schedule();
    }

    fn schedule_anew(&mut self, host: &str, now: Moment) {
        let regular = Schedule::of_check(host, &self.name, self.definition.check_interval, now);
        (self.regular, self.current) = (Some(regular), Some(regular));
        self.look_ahead(&regular, now);
    }

    fn stop_schedule(&mut self) {
        (self.regular, self.current, self.due_us) = (None, None, None);
    }
}

#[cfg(test)]
mod tests;
