//! The queue of what waits to be started: checks that are due, and command lines that were requested.
//!
//! Invariants: a check waits at most once. Jobs that take no slot go at once. Of the others command lines go first, up
//! to their share of slots. Then the check goes that has waited longest, with two exceptions. Slow checks are passed over
//! while they have their share of slots. Checks of low priority go only when no other waits, or once their patience has
//! ended; from then on they wait like any other that came at that moment.

use std::collections::{BTreeSet, VecDeque};

use super::checks::CheckId;
use super::effect::Asker;
use crate::execute::Line;

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Checks whose jobs take no slot.
    unslotted: VecDeque<CheckId>,
    lines: VecDeque<(CheckId, Asker, Box<Line>)>,
    /// With the time since when.
    quick: VecDeque<(u64, CheckId)>,
    slow: VecDeque<(u64, CheckId)>,
    /// With the time when their patience ends, and whether they are slow.
    low: BTreeSet<(u64, CheckId, bool)>,
}

/// What may be started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permits {
    /// Anything that takes a slot.
    pub(super) slot: bool,
    /// A check that counts as slow.
    pub(super) slow: bool,
    /// A command line.
    pub(super) line: bool,
}

/// What is to be started next.
#[derive(Debug)]
pub(super) enum Next {
    /// A check, and whether it counts as slow.
    Check(CheckId, bool),
    /// A command line under the name of a check.
    Line(CheckId, Asker, Box<Line>),
}

impl Waiting {
    /// Adds a check whose job takes no slot.
    pub(super) fn push_unslotted(&mut self, check: CheckId) {
        self.unslotted.push_back(check);
    }

    /// Adds a command line.
    pub(super) fn push_line(&mut self, check: CheckId, asker: Asker, line: Box<Line>) {
        self.lines.push_back((check, asker, line));
    }

    /// Adds a check that came at a time.
    pub(super) fn push(&mut self, now_us: u64, check: CheckId, slow: bool) {
        let queue = if slow { &mut self.slow } else { &mut self.quick };
        queue.push_back((now_us, check));
    }

    /// Adds a check of low priority, with the time when its patience ends.
    pub(super) fn push_low(&mut self, patience_us: u64, check: CheckId, slow: bool) {
        self.low.insert((patience_us, check, slow));
    }

    /// Lets a check of low priority wait like any other, because a request wants it.
    pub(super) fn promote(&mut self, now_us: u64, check: CheckId) {
        let found = self.low.iter().find(|waiting| waiting.1 == check).copied();
        if let Some(waiting) = found {
            self.low.remove(&waiting);
            self.push(now_us, check, waiting.2);
        }
    }

    /// Takes out what goes next; `None` if nothing that waits may be started.
    pub(super) fn next(&mut self, permits: Permits) -> Option<Next> {
        if let Some(check) = self.unslotted.pop_front() {
            return Some(Next::Check(check, false));
        }
        if !permits.slot {
            return None;
        }
        if permits.line
            && let Some((check, asker, line)) = self.lines.pop_front()
        {
            return Some(Next::Line(check, asker, line));
        }
        self.next_check(permits.slow).map(|(check, slow)| Next::Check(check, slow))
    }

    fn next_check(&mut self, slow_may_go: bool) -> Option<(CheckId, bool)> {
        let slow = self.slow.front().filter(|_| slow_may_go).map(|waiting| waiting.0);
        let quick = self.quick.front().map(|waiting| waiting.0);
        let since = [slow, quick].into_iter().flatten().min();
        let low = self.low.iter().find(|waiting| slow_may_go || !waiting.2).copied();
        if let Some(waiting) = low.filter(|waiting| since.is_none_or(|since| waiting.0 < since)) {
            self.low.remove(&waiting);
            return Some((waiting.1, waiting.2));
        }
        let from_slow = slow.is_some_and(|slow| quick.is_none_or(|quick| slow < quick));
        let next = if from_slow { self.slow.pop_front() } else { self.quick.pop_front() };
        next.map(|(_, check)| (check, from_slow))
    }

    /// How many wait for a slot.
    pub(super) fn len(&self) -> usize {
        self.lines.len() + self.quick.len() + self.slow.len() + self.low.len()
    }

    /// How many command lines wait.
    pub(super) fn lines_len(&self) -> usize {
        self.lines.len()
    }

    /// Takes everything out: the checks, and the command lines with those who asked for them.
    pub(super) fn clear(&mut self) -> (Vec<CheckId>, Vec<(CheckId, Asker)>) {
        let Waiting { unslotted, lines, quick, slow, low } = std::mem::take(self);
        let slotted = quick.into_iter().chain(slow).map(|(_, check)| check);
        let checks = slotted.chain(low.into_iter().map(|waiting| waiting.1)).chain(unslotted).collect();
        (checks, lines.into_iter().map(|(check, asker, _)| (check, asker)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ALL: Permits = Permits { slot: true, slow: true, line: true };

    fn id(number: u32) -> CheckId {
        CheckId::of_cell(number)
    }

    fn order(mut waiting: Waiting, permits: Permits) -> Vec<u32> {
        let next = std::iter::from_fn(|| waiting.next(permits));
        next.map(|next| match next {
            Next::Check(check, _) | Next::Line(check, ..) => check.cell(),
        })
        .collect()
    }

    fn line(waiting: &mut Waiting, check: u32) {
        let line = Line::new("x".into(), Vec::new(), None, Duration::from_secs(1));
        waiting.push_line(id(check), Asker { id: 0, origin: String::new() }, Box::new(line));
    }

    #[test]
    fn who_waits_longest_goes_first_and_slow_ones_may_be_held() {
        let waiting = || {
            let mut waiting = Waiting::default();
            waiting.push(1, id(10), true);
            waiting.push(2, id(11), false);
            waiting.push(3, id(12), true);
            waiting.push(3, id(13), false);
            waiting
        };
        assert_eq!(order(waiting(), ALL), [10, 11, 13, 12]);
        assert_eq!(order(waiting(), Permits { slow: false, ..ALL }), [11, 13]);
    }

    #[test]
    fn low_priority_goes_last_until_its_patience_ends() {
        let mut waiting = Waiting::default();
        waiting.push_low(100, id(1), false);
        waiting.push_low(5, id(2), true);
        waiting.push_low(50, id(3), false);
        waiting.push(10, id(4), false);
        waiting.push(60, id(5), false);
        assert_eq!(waiting.len(), 5);
        assert_eq!(order(waiting, ALL), [2, 4, 3, 5, 1]);
    }

    #[test]
    fn who_is_asked_for_waits_like_any_other() {
        let mut waiting = Waiting::default();
        waiting.push_low(100, id(1), false);
        waiting.push(10, id(2), false);
        waiting.promote(11, id(1));
        waiting.push(12, id(3), false);
        assert_eq!(order(waiting, ALL), [2, 1, 3]);
    }

    #[test]
    fn lines_go_first_if_they_may_and_what_takes_no_slot_goes_always() {
        let waiting = || {
            let mut waiting = Waiting::default();
            waiting.push(1, id(1), false);
            line(&mut waiting, 2);
            waiting.push_unslotted(id(3));
            waiting
        };
        assert_eq!(order(waiting(), ALL), [3, 2, 1]);
        assert_eq!(order(waiting(), Permits { line: false, ..ALL }), [3, 1]);
        assert_eq!(order(waiting(), Permits { slot: false, ..ALL }), [3]);
    }
}
