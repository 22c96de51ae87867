//! What the receiver says that it has, and what it has for certain.
//!
//! An answer is no promise: VictoriaMetrics loses what it took in the last seconds when it is killed. So what was acknowledged
//! becomes *safe* only when the same process answers again some time later. Until then the cursor on the disk stays where it
//! is, and what is not safe is sent again after the receiver, or this process, was started anew.

use std::collections::VecDeque;

use crate::limits::SINK_MARKS_MAX;

/// Places of the feed that were acknowledged and are not safe yet.
#[derive(Clone, Debug)]
pub(super) struct Marks<P> {
    /// When the receiver acknowledged the place (µs of the monotonic clock), ascending.
    waiting: VecDeque<(u64, P)>,
    /// For how long the receiver may lose what it took.
    settle_us: u64,
}

impl<P> Marks<P> {
    pub(super) fn new(settle_us: u64) -> Marks<P> {
        Marks { waiting: VecDeque::new(), settle_us }
    }

    /// Notes a place that was acknowledged. Of places that follow closely upon each other only the later is kept.
    pub(super) fn acknowledged(&mut self, now_us: u64, place: P) {
        let distance_us = self.settle_us / SINK_MARKS_MAX as u64;
        let before = self.waiting.len().checked_sub(2).and_then(|index| self.waiting.get(index));
        // The last one may move on as long as the one before it is not too far behind.
        if before.is_some_and(|(at_us, _)| now_us.saturating_sub(*at_us) < distance_us) {
            self.waiting.pop_back();
        }
        self.waiting.push_back((now_us, place));
    }

    /// The latest place that is safe, since the receiver's process that acknowledged it answers now.
    pub(super) fn safe(&mut self, now_us: u64) -> Option<P> {
        let is_safe = |at_us: u64| at_us.saturating_add(self.settle_us) <= now_us;
        let count = self.waiting.iter().take_while(|(at_us, _)| is_safe(*at_us)).count();
        self.waiting.drain(..count).next_back().map(|(_, place)| place)
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

    #[test]
    fn a_place_is_safe_when_the_receiver_has_answered_long_enough_after() {
        let mut marks = Marks::new(1000);
        marks.acknowledged(10, 'a');
        marks.acknowledged(500, 'b');
        assert_eq!((marks.safe(1009), marks.due_us()), (None, Some(1010)));
        assert_eq!((marks.safe(1010), marks.due_us()), (Some('a'), Some(1500)));
        marks.acknowledged(1600, 'c');
        assert_eq!(marks.safe(5000), Some('c'));
        marks.acknowledged(6000, 'd');
        marks.lost();
        assert_eq!((marks.safe(9000), marks.due_us()), (None, None));
    }

    #[test]
    fn few_places_are_kept_and_the_last_is_always_there() {
        let mut marks = Marks::new(1_000_000);
        for now_us in 0..1_000_000 {
            marks.acknowledged(now_us, now_us);
        }
        assert!(marks.waiting.len() <= SINK_MARKS_MAX + 3, "{}", marks.waiting.len());
        assert_eq!(marks.waiting.back(), Some(&(999_999, 999_999)));
        assert!(marks.safe(1_500_000).is_some_and(|place| place > 400_000));
    }

    #[test]
    fn what_is_at_once_safe_needs_no_time() {
        let mut marks = Marks::new(0);
        marks.acknowledged(5, 'a');
        assert_eq!(marks.safe(5), Some('a'));
    }
}
