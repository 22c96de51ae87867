//! The times at which an expression is evaluated.

use std::sync::Arc;

/// `count` times (ms since the epoch), `step_ms` apart, or as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) start_ms: i64,
    /// At least 1.
    pub(super) step_ms: i64,
    /// At least 1.
    pub(super) count: usize,
    /// The times themselves, where they are not equally far apart: ascending, as many as `count`.
    given: Option<Arc<[i64]>>,
}

impl Grid {
    /// One time.
    pub(super) fn at(time_ms: i64) -> Grid {
        Grid { start_ms: time_ms, step_ms: 1, count: 1, given: None }
    }

    /// From `start_ms` as far as `end_ms` allows.
    pub(super) fn new(start_ms: i64, end_ms: i64, step_ms: i64) -> Grid {
        let steps = end_ms.saturating_sub(start_ms).max(0) / step_ms.max(1);
        Grid {
            start_ms,
            step_ms: step_ms.max(1),
            count: usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1),
            given: None,
        }
    }

    /// These times, which ascend. None if there are none.
    pub(super) fn given(times: &[i64]) -> Option<Grid> {
        let start_ms = *times.first()?;
        Some(Grid { start_ms, step_ms: 1, count: times.len(), given: Some(times.into()) })
    }

    /// The times, if they were given one by one.
    pub(super) fn as_given(&self) -> Option<&[i64]> {
        self.given.as_deref()
    }

    /// The first time by itself.
    pub(super) fn first(&self) -> Grid {
        Grid { step_ms: self.step_ms, ..Grid::at(self.start_ms) }
    }

    /// The time of a step.
    pub(super) fn time(&self, step: usize) -> i64 {
        if let Some(given) = &self.given {
            return given[step];
        }
        let passed = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(self.step_ms);
        self.start_ms.saturating_add(passed)
    }

    pub(super) fn times(&self) -> impl ExactSizeIterator<Item = i64> + use<> {
        let grid = self.clone();
        (0..self.count).map(move |step| grid.time(step))
    }
}
