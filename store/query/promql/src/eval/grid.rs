//! The times at which an expression is evaluated.

/// `count` times (ms since the epoch), `step_ms` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) start_ms: i64,
    /// At least 1.
    pub(super) step_ms: i64,
    /// At least 1.
    pub(super) count: usize,
}

impl Grid {
    /// One time.
    pub(super) fn at(time_ms: i64) -> Grid {
        Grid { start_ms: time_ms, step_ms: 1, count: 1 }
    }

    /// From `start_ms` as far as `end_ms` allows.
    pub(super) fn new(start_ms: i64, end_ms: i64, step_ms: i64) -> Grid {
        let steps = end_ms.saturating_sub(start_ms).max(0) / step_ms.max(1);
        Grid {
            start_ms,
            step_ms: step_ms.max(1),
            count: usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1),
        }
    }

    /// The time of a step.
    pub(super) fn time(&self, step: usize) -> i64 {
        let passed = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(self.step_ms);
        self.start_ms.saturating_add(passed)
    }

    pub(super) fn times(&self) -> impl ExactSizeIterator<Item = i64> + use<> {
        let grid = *self;
        (0..self.count).map(move |step| grid.time(step))
    }
}
