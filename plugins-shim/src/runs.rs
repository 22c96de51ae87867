//! The plugins that are under way: by serial number, by process id, by process group, by the time something is due.
//!
//! Invariant: the indexes hold the same runs, but for that by process id, which holds those whose process is not yet
//! reaped.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::mark::Stat;
use crate::run::{Due, Run};

/// All runs that were started and are not yet reported.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// Serial numbers are given in the order of asking and never twice.
    by_serial: BTreeMap<u64, Run>,
    by_pid: HashMap<i32, u64>,
    by_group: HashMap<i32, u64>,
    /// (due_us, serial).
    by_due: BTreeSet<(u64, u64)>,
    latest: u64,
}

impl Runs {
    /// A serial number for a run.
    pub(crate) fn reserve(&mut self) -> u64 {
        self.latest += 1;
        self.latest
    }

    /// Adds a run under a number that was reserved for it.
    pub(crate) fn add(&mut self, serial: u64, run: Run) {
        self.by_pid.insert(run.pid, serial);
        self.by_group.insert(run.group, serial);
        self.by_due.insert((run.due_us, serial));
        self.by_serial.insert(serial, run);
    }

    /// Takes out a run that has ended.
    pub(crate) fn remove(&mut self, serial: u64) -> Option<Run> {
        let run = self.by_serial.remove(&serial)?;
        forget(&mut self.by_pid, run.pid, serial);
        forget(&mut self.by_group, run.group, serial);
        self.by_due.remove(&(run.due_us, serial));
        Some(run)
    }

    /// Changes when something is due of a run, and forgets its process id if the process is reaped.
    pub(crate) fn update(&mut self, serial: u64, change: impl FnOnce(&mut Run)) {
        let Some(run) = self.by_serial.get_mut(&serial) else { return };
        self.by_due.remove(&(run.due_us, serial));
        change(run);
        self.by_due.insert((run.due_us, serial));
        if run.ended().is_some() {
            forget(&mut self.by_pid, run.pid, serial);
        }
    }

    /// The run with this serial number.
    pub(crate) fn get_mut(&mut self, serial: u64) -> Option<&mut Run> {
        self.by_serial.get_mut(&serial)
    }

    /// The serial number of the run whose plugin has this process id.
    pub(crate) fn serial_of(&self, pid: i32) -> Option<u64> {
        self.by_pid.get(&pid).copied()
    }

    /// The serial number of the run that this process belongs to by its session or its group.
    pub(crate) fn serial_of_process(&self, stat: &Stat) -> Option<u64> {
        self.by_group.get(&stat.session).or_else(|| self.by_group.get(&stat.group)).copied()
    }

    /// Whether that run is under way.
    pub(crate) fn contains(&self, serial: u64) -> bool {
        self.by_serial.contains_key(&serial)
    }

    /// Whether any run up to this serial number is under way.
    pub(crate) fn any_up_to(&self, serial: u64) -> bool {
        self.by_serial.first_key_value().is_some_and(|(first, _)| *first <= serial)
    }

    /// Whether any run under way may leave processes behind.
    pub(crate) fn any_leaves_background(&self) -> bool {
        self.by_serial.values().any(|run| run.leave_background)
    }

    /// The serial number of the latest run.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// Runs under way.
    pub(crate) fn len(&self) -> usize {
        self.by_serial.len()
    }

    /// When something is due next, in microseconds of the shim's clock.
    pub(crate) fn next_due_us(&self) -> Option<u64> {
        self.by_due.first().map(|(due_us, _)| *due_us)
    }

    /// What is due by now: the serial number and what must be done; none if nothing is.
    pub(crate) fn take_due(&mut self, now_us: u64) -> Option<(u64, Due)> {
        let (due_us, serial) = *self.by_due.first()?;
        if due_us > now_us {
            return None;
        }
        self.by_due.pop_first();
        let run = self.by_serial.get_mut(&serial)?;
        let due = run.due(now_us);
        self.by_due.insert((run.due_us, serial));
        Some((serial, due))
    }

    /// Ends every run: those that may run on get this grace after TERM, none if it is zero.
    pub(crate) fn abandon_all(&mut self, now_us: u64, grace_us: u64) {
        self.by_due.clear();
        for (serial, run) in &mut self.by_serial {
            run.abandon(now_us, grace_us);
            self.by_due.insert((run.due_us, *serial));
        }
    }
}

/// Removes a number that means this run; it may have come to mean a later one.
fn forget(index: &mut HashMap<i32, u64>, number: i32, serial: u64) {
    if index.get(&number) == Some(&serial) {
        index.remove(&number);
    }
}
