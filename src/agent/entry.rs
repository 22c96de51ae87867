//! One check as the agent keeps it: its definition, its slots, what it is doing and where it stands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Run, State};

use super::effect::Ask;
use super::missed::Missed;
use super::slots::Grid;
use crate::clock::Moment;
use crate::definition::{Check, Command};
use crate::evaluate::{Before, Holds};
use crate::snmp::traps::Keys;

/// Microseconds that a check's last run must have taken for it to count as slow.
const SLOW_US: u64 = 1_000_000;
/// The most that a start may be late and still be a run of its slot; a slot older than that is missed.
const LATE_MAX_US: u64 = 5_000_000;

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

/// The last run of a check as an asker would be told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LastAnswer {
    /// Output with the verdict, ending in a newline.
    pub output: Vec<u8>,
    /// The verdict.
    pub state: State,
    /// When it ended, on the monotonic clock.
    pub ended_us: u64,
    /// Time between two runs of the check.
    pub interval: Duration,
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
    pub(super) askers: Vec<Ask>,
    /// Requests that wait for that run to end, as they want another command run.
    pub(super) queue: VecDeque<Ask>,
    /// Gone from the configuration; forgotten when its run has ended.
    pub(super) removed: bool,
}

impl Entry {
    /// A check of the configuration: run by the schedule, or told by traps.
    pub(super) fn defined(check: Arc<Check>, host: &str, now: Moment) -> Entry {
        if let Command::Trap(_) = check.command {
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
            removed: false,
        }
    }

    /// Whether the last run took so long that checks like it must not take every place.
    pub(super) fn is_slow(&self) -> bool {
        self.last.as_ref().is_some_and(|run| run.duration_us >= SLOW_US)
    }

    /// Whether it is told by traps, and nothing runs.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.check.command, Command::Trap(_))
    }

    /// Whether the configuration defines it, rather than a request or the agent itself.
    pub(super) fn is_defined(&self) -> bool {
        self.grid.is_some() || self.is_told()
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.activity, Activity::Idle)
    }

    /// Passes every slot up to now. Returns the slot to run for, if there is one, and notes those that are missed.
    pub(super) fn pass_slots(&mut self, now: Moment, busy: Option<&'static str>) -> Option<u64> {
        let (pace, due_us) = (self.pace?, self.due_us?);
        if due_us > now.mono_us {
            return None;
        }
        let latest = pace.latest_at(now.mono_us).max(due_us as i64);
        self.due_us = Some(pace.next_after(latest as u64));
        let late_us = now.mono_us - latest as u64;
        let in_time = busy.is_none() && late_us <= LATE_MAX_US.min(pace.interval_us() / 2);
        let passed = pace.count(due_us as i64, latest) + u64::from(!in_time);
        if passed > 0 {
            let last_us = if in_time { latest - pace.interval_us() as i64 } else { latest };
            let why = busy.unwrap_or(super::missed::STALLED);
            self.note_missed(due_us as i64, last_us, passed, pace.interval_us(), why);
        }
        in_time.then_some(latest as u64)
    }

    fn note_missed(&mut self, first_us: i64, last_us: i64, slots: u64, interval_us: u64, why: &'static str) {
        self.missed = Some(match self.missed {
            Some(missed) if slots == 1 => missed.and(last_us),
            Some(missed) => Missed { last_us, slots: missed.slots + slots, ..missed },
            None => Missed { first_us, last_us, slots, interval_us, why },
        });
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
