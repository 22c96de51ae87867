//! A second opinion on slots, naive and by itself: each slot of a check is exactly one run, one skipped slot, or part of
//! one missed stretch, or lies outside of the check's period.

use custos_store::{Reason, State};

use crate::definitions::is_due;
use crate::reference::Seen;

/// Times of missed stretches and skipped slots are kept in milliseconds.
const ROUNDING_US: i64 = 2_000;

/// A row of slots: they lie one interval apart from one another.
#[derive(Clone, Copy, Debug)]
struct Pace {
    slot_us: i64,
    interval_us: i64,
}

impl Pace {
    /// The first slot later than a time.
    fn after(self, us: i64) -> i64 {
        us - (us - self.slot_us).rem_euclid(self.interval_us) + self.interval_us
    }
}

/// Follows one check through what was recorded of it, with the wall clock's shifts: (since when, by how many ms it is
/// ahead of the monotonic clock).
#[derive(Debug)]
pub struct Follower<'a> {
    name: &'a str,
    shifts: &'a [(u64, i64)],
    grid: Option<Pace>,
    pace: Option<Pace>,
    /// The slot that must come next.
    next_us: i64,
    /// The pace from the end of the last run on, and that end.
    then: Option<(Pace, i64)>,
    pub slots: u64,
}

impl<'a> Follower<'a> {
    pub fn new(name: &'a str, shifts: &'a [(u64, i64)]) -> Follower<'a> {
        Follower { name, shifts, grid: None, pace: None, next_us: 0, then: None, slots: 0 }
    }

    /// Takes all that was recorded while the slots were not placed anew.
    pub fn follow(&mut self, chain: &[Seen]) {
        let mut was_soft = true;
        for one in chain {
            let scheduled = one.run.lateness_us.is_some();
            let soft = one.run.state != State::Ok && !one.run.standing.hard;
            match one.run.reason {
                Reason::Missed => self.slots(one, one.slots),
                Reason::Skipped => self.slots(one, 1),
                _ => {
                    if scheduled && self.grid.is_none() && !was_soft {
                        let grid = Pace { slot_us: one.first_slot_us, interval_us: one.interval_us };
                        (self.grid, self.pace, self.next_us) = (Some(grid), Some(grid), one.first_slot_us);
                    }
                    if scheduled {
                        self.slots(one, 1);
                        self.place_grid(one);
                    }
                    if let Some(grid) = self.grid {
                        // Retries count from the slot of the run, or from the end of one that was asked for.
                        let from_us = if scheduled { one.first_slot_us } else { one.recorded_us };
                        let retries = Pace { slot_us: from_us, interval_us: one.retry_interval_us };
                        self.change_pace();
                        self.then = Some((if soft { retries } else { grid }, one.recorded_us));
                    }
                    was_soft = soft;
                }
            }
        }
    }

    /// After a restart slots lie where the wall clock says, which is told in milliseconds.
    fn place_grid(&mut self, one: &Seen) {
        if let (Some(grid), Some(pace)) = (&mut self.grid, self.pace)
            && pace.interval_us == grid.interval_us
        {
            grid.slot_us = one.first_slot_us;
            self.next_us = one.first_slot_us + grid.interval_us;
        }
    }

    /// The next slots are those of an entry.
    fn slots(&mut self, one: &Seen, count: u64) {
        if self.pace.is_none() {
            return;
        }
        // Slots that passed during the last run are told after it, and are those of the pace before it.
        if let Some((_, ended_us)) = self.then
            && (one.run.reason != Reason::Missed || one.first_slot_us > ended_us + ROUNDING_US)
        {
            self.change_pace();
        }
        for nth in 0..count {
            self.pass_closed();
            let off_us = (one.first_slot_us - self.next_us).abs();
            assert!(
                nth > 0 || off_us <= ROUNDING_US,
                "{}: {} at {} is {off_us} µs off the slot {}",
                self.name,
                one.run.text,
                one.first_slot_us,
                self.next_us
            );
            self.advance();
            self.slots += 1;
        }
    }

    fn advance(&mut self) {
        if let Some(pace) = self.pace {
            self.next_us += pace.interval_us;
        }
    }

    /// Passes slots outside of the period: nothing is recorded of them.
    fn pass_closed(&mut self) {
        while !self.is_due(self.next_us) {
            self.advance();
        }
    }

    /// From the end of a run on, slots are those of its pace; all of the earlier pace up to there must be accounted for.
    fn change_pace(&mut self) {
        if let Some((pace, ended_us)) = self.then.take() {
            while self.next_us <= ended_us - ROUNDING_US {
                assert!(
                    !self.is_due(self.next_us),
                    "{}: nothing is told of the slot {}",
                    self.name,
                    self.next_us
                );
                self.advance();
            }
            (self.pace, self.next_us) = (Some(pace), pace.after(ended_us));
        }
    }

    fn is_due(&self, slot_us: i64) -> bool {
        let shift = self.shifts.iter().rfind(|(since_us, _)| (*since_us as i64) <= slot_us);
        let ahead_ms = shift.or(self.shifts.first()).map_or(0, |(_, ahead_ms)| *ahead_ms);
        is_due(self.name, slot_us.div_euclid(1000) + ahead_ms)
    }
}
