//! What the receiver says that it has, and what it has for certain.
//!
//! An answer is no promise: VictoriaMetrics loses what it took in the last seconds when it is killed. So what was acknowledged
//! becomes *safe* only when the same process answers again some time later. Until then the cursor on the disk stays where it
//! is, and what is not safe is sent again after the receiver, or this process, was started anew.

use std::collections::VecDeque;

use crate::limits::SINK_MARKS_MAX;

/// A place of the feed.
pub trait Mark {
    /// Whether whoever is here is also there, where they were before: not so in another of several stretches that are delivered one
    /// after the other.
    fn covers(&self, before: &Self) -> bool;
}

/// Places of the feed that were acknowledged and are not safe yet.
#[derive(Clone, Debug)]
pub(super) struct Marks<P> {
    /// When the receiver acknowledged the place (µs of the monotonic clock), ascending.
    waiting: VecDeque<(u64, P)>,
    /// For how long the receiver may lose what it took.
    settle_us: u64,
}

impl<P: Mark> Marks<P> {
    pub(super) fn new(settle_us: u64) -> Marks<P> {
        Marks { waiting: VecDeque::new(), settle_us }
    }

    /// Notes a place that was acknowledged. Of places that follow closely upon each other only the later is kept, if it covers the
    /// earlier.
    pub(super) fn acknowledged(&mut self, now_us: u64, place: P) {
        let distance_us = self.settle_us / SINK_MARKS_MAX as u64;
        let before = self.waiting.len().checked_sub(2).and_then(|index| self.waiting.get(index));
        // The last one may move on as long as the one before it is not too far behind.
        let is_close = before.is_some_and(|(at_us, _)| now_us.saturating_sub(*at_us) < distance_us);
        if is_close && self.waiting.back().is_some_and(|(_, last)| place.covers(last)) {
            self.waiting.pop_back();
        }
        self.waiting.push_back((now_us, place));
    }

    /// The places that are safe, since the receiver's process that acknowledged them answers now; without those that a later one
    /// covers.
    pub(super) fn safe(&mut self, now_us: u64) -> Vec<P> {
        let is_safe = |at_us: u64| at_us.saturating_add(self.settle_us) <= now_us;
        let count = self.waiting.iter().take_while(|(at_us, _)| is_safe(*at_us)).count();
        let mut safe: Vec<P> = Vec::new();
        for (_, place) in self.waiting.drain(..count) {
            safe.pop_if(|before| place.covers(before));
            safe.push(place);
        }
        safe
    }

    /// When the first place can become safe (µs of the monotonic clock).
    pub(super) fn due_us(&self) -> Option<u64> {
        self.waiting.front().map(|(at_us, _)| at_us.saturating_add(self.settle_us))
    }

    /// Forgets what is not safe: the receiver may have lost it.
    pub(super) fn lost(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place of one stretch covers all before it.
    impl Mark for u64 {
        fn covers(&self, _: &u64) -> bool {
            true
        }
    }

    /// A place in a stretch, of which there are several.
    impl Mark for (char, u64) {
        fn covers(&self, before: &(char, u64)) -> bool {
            self.0 == before.0
        }
    }

    #[test]
    fn the_end_of_a_stretch_is_not_lost_behind_the_next_one() {
        let mut marks = Marks::new(1000);
        for (at_us, place) in [(10, ('a', 1)), (11, ('a', 2)), (12, ('b', 1)), (13, ('b', 2)), (14, ('c', 1))]
        {
            marks.acknowledged(at_us, place);
        }
        assert_eq!(marks.safe(1012), [('a', 2)]);
        assert_eq!(marks.safe(2000), [('b', 2), ('c', 1)]);
    }

    #[test]
    fn a_place_is_safe_when_the_receiver_has_answered_long_enough_after() {
        let mut marks = Marks::new(1000);
        marks.acknowledged(10, 1);
        marks.acknowledged(500, 2);
        assert_eq!((marks.safe(1009), marks.due_us()), (vec![], Some(1010)));
        assert_eq!((marks.safe(1010), marks.due_us()), (vec![1], Some(1500)));
        marks.acknowledged(1600, 3);
        assert_eq!(marks.safe(5000), [3]);
        marks.acknowledged(6000, 4);
        marks.lost();
        assert_eq!((marks.safe(9000), marks.due_us()), (vec![], None));
    }

    #[test]
    fn few_places_are_kept_and_the_last_is_always_there() {
        let mut marks = Marks::new(1_000_000);
        for now_us in 0..1_000_000 {
            marks.acknowledged(now_us, now_us);
        }
        assert!(marks.waiting.len() <= SINK_MARKS_MAX + 3, "{}", marks.waiting.len());
        assert_eq!(marks.waiting.back(), Some(&(999_999, 999_999)));
        assert!(marks.safe(1_500_000).last().is_some_and(|place| *place > 400_000));
    }

    #[test]
    fn what_is_at_once_safe_needs_no_time() {
        let mut marks = Marks::new(0);
        marks.acknowledged(5, 1);
        assert_eq!(marks.safe(5), [1]);
    }
}
