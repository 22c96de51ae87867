//! Whole hours of UTC.

use std::ops::Range;

/// An hour.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Some hours, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    /// When the first begins (ms since the epoch).
    pub(super) first_ms: i64,
    pub(super) count: usize,
}

impl Hours {
    /// From the hour of a time on, those that are over at another one.
    pub(super) fn between(from_ms: i64, until_ms: i64) -> Hours {
        let (first, end) = (from_ms.div_euclid(HOUR_MS), until_ms.div_euclid(HOUR_MS));
        let count = usize::try_from(end.saturating_sub(first)).unwrap_or(0);
        Hours { first_ms: first.saturating_mul(HOUR_MS), count }
    }

    /// Which of them a time is in.
    pub(super) fn index(self, time_ms: i64) -> Option<usize> {
        let index = usize::try_from(time_ms.checked_sub(self.first_ms)?.div_euclid(HOUR_MS)).ok()?;
        (index < self.count).then_some(index)
    }

    /// When one of them begins, and when the next one does.
    pub(super) fn hour(self, index: usize) -> Range<i64> {
        let start_ms = self.first_ms + index as i64 * HOUR_MS;
        start_ms..start_ms + HOUR_MS
    }

    /// All of them.
    pub(super) fn range(self) -> Range<i64> {
        self.first_ms..self.first_ms + self.count as i64 * HOUR_MS
    }

    /// The same in stretches of at most so many.
    pub(super) fn stretches(self, most: usize) -> impl Iterator<Item = Hours> {
        (0..self.count).step_by(most).map(move |start| Hours {
            first_ms: self.first_ms + start as i64 * HOUR_MS,
            count: most.min(self.count - start),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hours_that_are_over_count() {
        let hours = Hours::between(HOUR_MS + 5, 4 * HOUR_MS - 1);
        assert_eq!(hours, Hours { first_ms: HOUR_MS, count: 2 });
        assert_eq!((hours.index(HOUR_MS - 1), hours.index(3 * HOUR_MS)), (None, None));
        assert_eq!((hours.index(HOUR_MS), hours.index(3 * HOUR_MS - 1)), (Some(0), Some(1)));
        assert_eq!((hours.hour(1), hours.range()), (2 * HOUR_MS..3 * HOUR_MS, HOUR_MS..3 * HOUR_MS));
        assert_eq!(Hours::between(5, 4).count, 0);
        assert_eq!(Hours::between(-1, HOUR_MS), Hours { first_ms: -HOUR_MS, count: 2 });
        let stretches: Vec<_> = Hours { first_ms: 0, count: 5 }.stretches(2).map(|one| one.count).collect();
        assert_eq!(stretches, [2, 2, 1]);
    }
}
