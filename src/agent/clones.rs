//! Who watches which check, and how often a check is run for that.
//!
//! A check that is watched at a shorter period than its own has a *clone*: further runs at the shortest period that anybody
//! who watches it wants. Invariants: a check has at most one clone, whoever watches; it has none that nobody wants; the clones
//! are at most [`CLONES_MAX`] and the watchers [`WATCHERS_MAX`]; a clone has a timer unless its run is under way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::checks::CheckId;
use super::schedule::Schedule;
use crate::clock::Moment;
use crate::limits::{CLONE_START_US, CLONES_CPU_PERCENT_MAX, CLONES_MAX, WATCHERS_MAX};

/// All that is watched.
#[derive(Debug, Default)]
pub(super) struct Clones {
    watched: BTreeMap<CheckId, Watched>,
    /// Which check each watcher watches.
    watchers: HashMap<u64, CheckId>,
    /// When a run of each clone is next due.
    timers: BTreeSet<(u64, CheckId)>,
    clones: usize,
}

/// A check that somebody watches.
#[derive(Debug, Default)]
struct Watched {
    /// The period (µs) that each who watches has been granted; `None` for the check's own.
    periods_us: BTreeMap<u64, Option<u64>>,
    clone: Option<Clone>,
}

/// Runs of a check beside its own.
#[derive(Debug)]
struct Clone {
    schedule: Schedule,
    /// `None` while a run is under way.
    due_us: Option<u64>,
    /// The slot of the check itself that passed meanwhile and waits for the end of that run; the inner is `None` for a request.
    held: Option<Option<u64>>,
    /// How long its runs take (µs): the mean, newer ones counting more.
    run_us: u64,
    /// Processor time that a run is reckoned with (µs).
    cost_us: u64,
}

impl Watched {
    /// The shortest period that somebody wants beside the check's own.
    fn period_us(&self) -> Option<u64> {
        self.periods_us.values().flatten().min().copied()
    }
}

/// Why somebody may not watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There are [`WATCHERS_MAX`] already.
    Watchers,
    /// There are [`CLONES_MAX`] already.
    Clones,
    /// All clones would take too much of the processor. It would do with this period (µs), if with any.
    Share(Option<u64>),
}

impl Clones {
    /// Somebody watches a check, at a period (µs) or whenever the check runs. `run_us` and `cost_us` are what a run is expected to
    /// take in time and of the processor.
    pub(super) fn watch(
        &mut self,
        watcher: u64,
        check: CheckId,
        period_us: Option<u64>,
        (run_us, cost_us): (u64, u64),
        now: Moment,
    ) -> Result<(), Refusal> {
        if self.watchers.len() >= WATCHERS_MAX {
            return Err(Refusal::Watchers);
        }
        if let Some(period_us) = period_us {
            self.has_room_for(check, period_us, cost_us)?;
        }
        self.watchers.insert(watcher, check);
        let watched = self.watched.entry(check).or_default();
        watched.periods_us.insert(watcher, period_us);
        if let (None, Some(period_us)) = (&watched.clone, period_us) {
            let schedule = Schedule::through(now.mono_us as i64, period_us);
            watched.clone = Some(Clone { schedule, due_us: Some(now.mono_us), held: None, run_us, cost_us });
            self.timers.insert((now.mono_us, check));
            self.clones += 1;
        }
        self.keep_period(check, now);
        Ok(())
    }

    /// Whether a clone at this period is within the bounds, all others as they are.
    fn has_room_for(&self, check: CheckId, period_us: u64, cost_us: u64) -> Result<(), Refusal> {
        let clone = self.watched.get(&check).and_then(|watched| watched.clone.as_ref());
        if clone.is_none() && self.clones >= CLONES_MAX {
            return Err(Refusal::Clones);
        }
        if clone.is_some_and(|clone| clone.schedule.interval_us() <= period_us) {
            return Ok(());
        }
        let clones = self.watched.iter().filter(|(other, _)| **other != check);
        let taken_ppm: u64 = clones.filter_map(|(_, other)| other.clone.as_ref()).map(Clone::share_ppm).sum();
        let left_ppm = (CLONES_CPU_PERCENT_MAX * 10_000).saturating_sub(taken_ppm);
        let cost_us = cost_us.saturating_add(CLONE_START_US);
        if share_ppm(cost_us, period_us) <= left_ppm {
            return Ok(());
        }
        Err(Refusal::Share(
            (left_ppm > 0).then(|| cost_us.saturating_mul(1_000_000).div_ceil(left_ppm.max(1))),
        ))
    }

    /// Somebody watches no longer. Returns whether a run of the check itself waits for the end of a clone's.
    pub(super) fn unwatch(&mut self, watcher: u64, now: Moment) {
        let Some(check) = self.watchers.remove(&watcher) else { return };
        if let Some(watched) = self.watched.get_mut(&check) {
            watched.periods_us.remove(&watcher);
        }
        self.keep_period(check, now);
    }

    /// Gives a clone the shortest period that is still wanted, or ends it.
    fn keep_period(&mut self, check: CheckId, now: Moment) {
        let Some(watched) = self.watched.get_mut(&check) else { return };
        let wanted_us = watched.period_us();
        if let Some(clone) = &mut watched.clone {
            match wanted_us {
                Some(period_us) if clone.schedule.interval_us() != period_us => {
                    clone.schedule = Schedule::through(now.mono_us as i64, period_us);
                    if let Some(due_us) = clone.due_us {
                        self.timers.remove(&(due_us, check));
                        clone.due_us = Some(now.mono_us);
                        self.timers.insert((now.mono_us, check));
                    }
                }
                Some(_) => {}
                // A run that is under way ends it.
                None if clone.due_us.is_none() => {}
                None => {
                    if let Some(due_us) = clone.due_us {
                        self.timers.remove(&(due_us, check));
                    }
                    watched.clone = None;
                    self.clones -= 1;
                }
            }
        }
        if watched.periods_us.is_empty() && watched.clone.is_none() {
            self.watched.remove(&check);
        }
    }

    /// When a run of a clone is next due, on the monotonic clock.
    pub(super) fn next_due_us(&self) -> Option<u64> {
        self.timers.first().map(|timer| timer.0)
    }

    /// A check whose clone is due. Its next run is due a period later.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<CheckId> {
        let (due_us, check) = self.timers.first().copied().filter(|timer| timer.0 <= now.mono_us)?;
        self.timers.remove(&(due_us, check));
        if let Some(clone) = self.clone_mut(check) {
            let next_us = clone.schedule.next_after(now.mono_us);
            clone.due_us = Some(next_us);
            self.timers.insert((next_us, check));
        }
        Some(check)
    }

    /// A run of the clone was started.
    pub(super) fn began(&mut self, check: CheckId) {
        let Some(clone) = self.clone_mut(check) else { return };
        if let Some(due_us) = clone.due_us.take() {
            self.timers.remove(&(due_us, check));
        }
    }

    /// A run of the clone has ended, after so long, and took so much of the processor. Returns the run of the check itself that had
    /// to wait for that: its slot, `None` for a request.
    pub(super) fn ended(
        &mut self,
        check: CheckId,
        run_us: u64,
        cpu_us: Option<u64>,
        now: Moment,
    ) -> Option<Option<u64>> {
        let clone = self.clone_mut(check)?;
        clone.run_us = (clone.run_us / 8).saturating_mul(7) + run_us / 8;
        clone.cost_us = cpu_us.unwrap_or(clone.cost_us);
        let due_us = clone.schedule.next_after(now.mono_us);
        clone.due_us = Some(due_us);
        let held = clone.held.take();
        self.timers.insert((due_us, check));
        self.keep_period(check, now);
        held
    }

    /// Has the check itself wait if a run of its clone is under way. Returns whether it does.
    pub(super) fn hold(&mut self, check: CheckId, slot_us: Option<u64>) -> bool {
        let Some(clone) = self.clone_mut(check).filter(|clone| clone.due_us.is_none()) else { return false };
        clone.held = Some(slot_us);
        true
    }

    /// Nothing waits for the runs of clones any more. Returns the checks that did.
    pub(super) fn let_go(&mut self) -> Vec<CheckId> {
        let clones =
            self.watched.iter_mut().filter_map(|(check, watched)| Some((check, watched.clone.as_mut()?)));
        clones.filter_map(|(check, clone)| clone.held.take().map(|_| *check)).collect()
    }

    /// How long a run of a check's clone is expected to take (µs).
    pub(super) fn expected_us(&self, check: CheckId) -> u64 {
        let clone = self.watched.get(&check).and_then(|watched| watched.clone.as_ref());
        clone.map_or(0, |clone| clone.run_us)
    }

    /// Who watches a check.
    pub(super) fn watchers_of(&self, check: CheckId) -> impl Iterator<Item = u64> {
        self.watched.get(&check).into_iter().flat_map(|watched| watched.periods_us.keys().copied())
    }

    /// The period (µs) at which a check is run beside its own.
    pub(super) fn period_us(&self, check: CheckId) -> Option<u64> {
        self.watched.get(&check)?.clone.as_ref().map(|clone| clone.schedule.interval_us())
    }

    /// Every check that is watched.
    pub(super) fn checks(&self) -> Vec<CheckId> {
        self.watched.keys().copied().collect()
    }

    /// How many runs of clones are under way.
    pub(super) fn running(&self) -> usize {
        self.clones - self.timers.len()
    }

    /// How many checks have a clone, and how many watch.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.clones, self.watchers.len())
    }

    fn clone_mut(&mut self, check: CheckId) -> Option<&mut Clone> {
        self.watched.get_mut(&check)?.clone.as_mut()
    }
}

impl Clone {
    fn share_ppm(&self) -> u64 {
        share_ppm(self.cost_us.saturating_add(CLONE_START_US), self.schedule.interval_us())
    }
}

/// The share of a processor, in millionths.
fn share_ppm(cost_us: u64, period_us: u64) -> u64 {
    cost_us.saturating_mul(1_000_000) / period_us.max(1)
}
