//! One check as the agent keeps it: its definition, its slots, what it is doing and where it stands.

use std::collections::VecDeque;
use std::sync::Arc;

use custos_store::{Run, State};

use super::cached::LastAnswer;
use super::due::{due_slots, next_due, wall_at};
use super::effect::Asker;
use super::missed::Missed;
use super::slots::Grid;
use crate::clock::{Moment, micros};
use crate::config::{Check, Priority};
use crate::evaluate::{Before, Holds};
use crate::execute::Line;
use crate::limits::LOW_PRIORITY_PATIENCE_INTERVALS;
use crate::snmp::traps::Keys;

/// Microseconds that a check's last run must have taken for it to count as slow.
const SLOW_US: u64 = 1_000_000;
/// The most that a slot may be past and still be run, if a hundredth of the interval is less than that. So after a
/// suspend or a stall no more is started at once than belongs to about a second, and an hourly check is not lost to a
/// short stall. What is older is missed. Waiting for a place does not count.
const LATE_MAX_US: u64 = 1_000_000;

/// What a check is doing.
#[derive(Debug, Default)]
pub(super) enum Activity {
    /// Nothing.
    #[default]
    Idle,
    /// It is due, and waits for a place to run in.
    Waiting {
        /// The slot that it runs for; none for a request.
        slot_us: Option<u64>,
    },
    /// Its plugin is running.
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

/// What came of the slots that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// The slot to run for, if there is one.
    pub(super) slot_us: Option<u64>,
    /// How many were missed.
    pub(super) missed: u64,
}

/// One check.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) check: Arc<Check>,
    /// Its slots while its state is hard; none for what runs only when asked.
    pub(super) grid: Option<Grid>,
    /// The slots it goes by now: its grid, or retries.
    pub(super) pace: Option<Grid>,
    /// The next slot.
    pub(super) due_us: Option<u64>,
    pub(super) activity: Activity,
    pub(super) missed: Option<Missed>,
    pub(super) before: Option<Before>,
    pub(super) holds: Holds,
    pub(super) last: Option<Arc<Run>>,
    /// What is wrong by key, for a check that is told by traps.
    pub(super) keys: Keys,
    /// What the last run of the check's own plugin printed, with the verdict and when it ended, for `serve: cached`.
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
    /// Gone from the configuration; forgotten when its run has ended.
    pub(super) removed: bool,
}

impl Entry {
    /// A check of the configuration: run by the schedule, or told by traps.
    pub(super) fn defined(check: Arc<Check>, host: &str, now: Moment) -> Entry {
        if check.command.is_passive() {
            return Entry::on_demand(check);
        }
        let grid = Grid::of_check(host, &check.name, check.check_interval, now);
        let due_us = grid.next_after(now.mono_us);
        Entry { grid: Some(grid), pace: Some(grid), due_us: Some(due_us), ..Entry::on_demand(check) }
    }

    /// A check that runs only when somebody asks.
    pub(super) fn on_demand(check: Arc<Check>) -> Entry {
        Entry {
            name: Arc::from(check.name.as_str()),
            check,
            grid: None,
            pace: None,
            due_us: None,
            activity: Activity::Idle,
            missed: None,
            before: None,
            holds: Holds::default(),
            last: None,
            keys: Keys::default(),
            answer: None,
            askers: Vec::new(),
            queue: VecDeque::new(),
            last_run_us: 0,
            run_us: 0,
            skipping: false,
            removed: false,
        }
    }

    /// Whether the last run took so long that checks like it must not take every place.
    pub(super) fn is_slow(&self) -> bool {
        self.last_run_us >= SLOW_US
    }

    /// Whether others go first.
    pub(super) fn is_low(&self) -> bool {
        self.check.priority == Priority::Low
    }

    /// How long others go first, in microseconds; none if they do not.
    pub(super) fn patience_us(&self) -> Option<u64> {
        let interval = self.pace.map_or(micros(self.check.check_interval), |pace| pace.interval_us());
        self.is_low().then(|| interval.saturating_mul(u64::from(LOW_PRIORITY_PATIENCE_INTERVALS)))
    }

    /// Whether it is told by traps, and nothing runs.
    pub(super) fn is_told(&self) -> bool {
        self.check.command.is_passive()
    }

    /// Whether the configuration defines it, rather than a request or the agent itself.
    pub(super) fn is_defined(&self) -> bool {
        self.grid.is_some() || self.is_told()
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.activity, Activity::Idle)
    }

    /// Passes every slot up to now, and notes those that are missed. Slots outside of the check's period are neither.
    pub(super) fn pass_slots(&mut self, now: Moment, busy: Option<&'static str>) -> Passed {
        let (Some(pace), Some(due_us)) = (self.pace, self.due_us.filter(|due_us| *due_us <= now.mono_us))
        else {
            return Passed::default();
        };
        let latest = pace.latest_at(now.mono_us).max(due_us as i64);
        self.due_us = Some(pace.next_after(latest as u64));
        let late_us = now.mono_us - latest as u64;
        let in_time = busy.is_none()
            && late_us <= LATE_MAX_US.max(pace.interval_us() / 100).min(pace.interval_us() / 2)
            && self.is_due(latest, now);
        let before_us = if in_time { latest } else { latest + 1 };
        let missed = due_slots(&pace, self.check.check_period.as_deref(), due_us as i64, before_us, now);
        if let Some(due) = missed {
            let why = busy.unwrap_or(super::missed::STALLED);
            self.missed = Some(match self.missed {
                // The first reason stands.
                Some(missed) => Missed { last_us: due.last_us, slots: missed.slots + due.slots, ..missed },
                None => Missed::of(due, pace.interval_us(), why),
            });
        }
        Passed { slot_us: in_time.then_some(latest as u64), missed: missed.map_or(0, |due| due.slots) }
    }

    /// Whether a slot lies in the check's period.
    fn is_due(&self, slot_us: i64, now: Moment) -> bool {
        self.check.check_period.as_ref().is_none_or(|period| period.is_open(wall_at(now, slot_us)))
    }

    /// When the check is next due, on the monotonic clock: its next slot within its period.
    pub(super) fn next_due_us(&self, now: Moment) -> Option<u64> {
        let (pace, due_us) = (self.pace?, self.due_us?);
        match &self.check.check_period {
            Some(period) => next_due(&pace, period, due_us, now).map(|slot_us| slot_us.max(0) as u64),
            None => Some(due_us),
        }
    }

    /// Runs that the schedule wants, each second, by the clock on the wall; none while the check is not to be run.
    pub(super) fn wanted_per_s(&self, now: Moment) -> f64 {
        let wanted = self.pace.filter(|_| !self.skipping && self.is_due(now.mono_us as i64, now));
        wanted.map_or(0.0, |pace| 1e6 / pace.interval_us() as f64)
    }

    /// Takes note of how long a run took.
    pub(super) fn note_run(&mut self, run_us: u64) {
        self.last_run_us = run_us;
        self.run_us =
            if self.run_us == 0 { run_us } else { (self.run_us / 8).saturating_mul(7) + run_us / 8 };
    }

    /// Chooses the pace by where the check stands: retries while a problem is soft, its own grid otherwise.
    pub(super) fn set_pace(&mut self, slot_us: u64, now: Moment) {
        let Some(grid) = self.grid else { return };
        let soft = self.before.is_some_and(|b| b.state != State::Ok && !b.standing.hard);
        let pace = if soft { Grid::from_slot(slot_us, self.check.retry_interval) } else { grid };
        self.pace = Some(pace);
        self.due_us = Some(pace.next_after(now.mono_us));
    }

    /// Takes a new definition without moving a slot unless the interval changed.
    pub(super) fn redefine(&mut self, check: Arc<Check>, host_changed: bool, host: &str, now: Moment) {
        let same_slots =
            self.grid.is_some() && !host_changed && self.check.check_interval == check.check_interval;
        let same_judge = self.check.thresholds == check.thresholds;
        self.check = check;
        if !same_judge {
            self.holds = Holds::default();
        }
        self.removed = false;
        if self.is_told() {
            (self.grid, self.pace, self.due_us) = (None, None, None);
        } else if !same_slots {
            let grid = Grid::of_check(host, &self.check.name, self.check.check_interval, now);
            self.grid = Some(grid);
            self.pace = Some(grid);
            self.due_us = Some(grid.next_after(now.mono_us));
        }
    }
}
