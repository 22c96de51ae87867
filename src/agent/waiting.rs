//! Checks that are due and wait for a place to run in.
//!
//! Invariants: a check waits at most once. Who has waited longest goes first, but for two rules. Slow checks are passed
//! over while they hold as many places as they may. Checks of low priority go only when no other waits, or once they
//! have waited until their patience ends, from when on they count as having come then.

use std::collections::{BTreeSet, VecDeque};

/// The checks that wait, by their index.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// With the time since when.
    quick: VecDeque<(u64, usize)>,
    slow: VecDeque<(u64, usize)>,
    /// With the time when their patience ends, and whether they are slow.
    low: BTreeSet<(u64, usize, bool)>,
}

impl Waiting {
    /// Adds a check that came at a time.
    pub(super) fn push(&mut self, now_us: u64, index: usize, slow: bool) {
        let queue = if slow { &mut self.slow } else { &mut self.quick };
        queue.push_back((now_us, index));
    }

    /// Adds a check of low priority, with the time when its patience ends.
    pub(super) fn push_low(&mut self, patience_us: u64, index: usize, slow: bool) {
        self.low.insert((patience_us, index, slow));
    }

    /// Has a check of low priority wait like any other, as somebody asks for it.
    pub(super) fn promote(&mut self, now_us: u64, index: usize) {
        let found = self.low.iter().find(|waiting| waiting.1 == index).copied();
        if let Some(waiting) = found {
            self.low.remove(&waiting);
            self.push(now_us, index, waiting.2);
        }
    }

    /// The next check and whether it is slow; none if nobody waits who may go.
    pub(super) fn pop(&mut self, slow_may_go: bool) -> Option<(usize, bool)> {
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
        next.map(|(_, index)| (index, from_slow))
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.quick.len() + self.slow.len() + self.low.len()
    }

    /// Takes out everybody.
    pub(super) fn clear(&mut self) -> Vec<usize> {
        let Waiting { quick, slow, low } = std::mem::take(self);
        quick.into_iter().chain(slow).map(|(_, index)| index).chain(low.into_iter().map(|w| w.1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(mut waiting: Waiting, slow_may_go: bool) -> Vec<usize> {
        std::iter::from_fn(|| waiting.pop(slow_may_go)).map(|(index, _)| index).collect()
    }

    #[test]
    fn who_waits_longest_goes_first_and_slow_ones_may_be_held() {
        let waiting = || {
            let mut waiting = Waiting::default();
            waiting.push(1, 10, true);
            waiting.push(2, 11, false);
            waiting.push(3, 12, true);
            waiting.push(3, 13, false);
            waiting
        };
        assert_eq!(order(waiting(), true), [10, 11, 13, 12]);
        assert_eq!(order(waiting(), false), [11, 13]);
    }

    #[test]
    fn low_priority_goes_last_until_its_patience_ends() {
        let mut waiting = Waiting::default();
        waiting.push_low(100, 1, false);
        waiting.push_low(5, 2, true);
        waiting.push_low(50, 3, false);
        waiting.push(10, 4, false);
        waiting.push(60, 5, false);
        assert_eq!(waiting.len(), 5);
        assert_eq!(order(waiting, true), [2, 4, 3, 5, 1]);
    }

    #[test]
    fn who_is_asked_for_waits_like_any_other() {
        let mut waiting = Waiting::default();
        waiting.push_low(100, 1, false);
        waiting.push(10, 2, false);
        waiting.promote(11, 1);
        waiting.push(12, 3, false);
        assert_eq!(order(waiting, true), [2, 1, 3]);
    }
}
