//! The least and the greatest of samples, and when they were.

use super::slice::Slice;
use super::slide::Fold;

/// The value that is least, or greatest, if `GREATEST`: the first such one; NaN only if there is nothing else.
#[derive(Clone, Copy)]
pub(super) struct Extreme<const GREATEST: bool>(pub(super) f64);

impl<const GREATEST: bool> Extreme<GREATEST> {
    #[inline]
    fn better(best: f64, value: f64) -> f64 {
        let is_better = if GREATEST { value > best } else { value < best };
        if is_better || best.is_nan() { value } else { best }
    }
}

impl<const GREATEST: bool> Fold for Extreme<GREATEST> {
    fn of(slice: &Slice<'_>) -> Self {
        let first = slice.values[0];
        Extreme(slice.values[1..].iter().fold(first, |best, value| Self::better(best, *value)))
    }

    fn then(&self, later: &Self) -> Self {
        Extreme(Self::better(self.0, later.0))
    }
}

/// The same with its time, in ms; the last such one.
#[derive(Clone, Copy)]
pub(super) struct TimeOf<const GREATEST: bool> {
    value: f64,
    pub(super) time_ms: i64,
}

impl<const GREATEST: bool> Fold for TimeOf<GREATEST> {
    fn of(slice: &Slice<'_>) -> Self {
        let one = |(value, time): (&f64, &i64)| TimeOf { value: *value, time_ms: *time };
        let mut all = slice.values.iter().zip(slice.times).map(one);
        // A slice has a sample.
        let first = all.next().unwrap_or(TimeOf { value: f64::NAN, time_ms: 0 });
        all.fold(first, |best, next| best.then(&next))
    }

    fn then(&self, later: &Self) -> Self {
        let is_as_good = if GREATEST { later.value >= self.value } else { later.value <= self.value };
        if is_as_good || self.value.is_nan() { *later } else { *self }
    }
}
