//! Sums, means and variances of samples.

use super::exact::Exact;
use super::slice::Slice;
use super::slide::Fold;
use super::sum::{Mean, Sum};

/// A sum of values.
#[derive(Clone, Copy)]
pub(super) struct Total {
    count: f64,
    pub(super) sum: Exact,
    /// The sum of their sizes, or more: of all that the sum was made of.
    pub(super) size: f64,
}

/// A sum that is smaller than its parts by more than this depends on the order of its additions, however they are compensated.
const CANCELLED: f64 = 1e-9;

impl Total {
    /// Of these values.
    pub(super) fn of(values: &[f64]) -> Total {
        Total::new(values.len(), Exact::of(values, |value| value), plain_sum(values, f64::abs))
    }

    /// Of so many values with a sum that is known.
    pub(super) fn new(count: usize, sum: Exact, size: f64) -> Total {
        Total { count: count as f64, sum, size }
    }

    /// Whether the sum would be the same in any order. It would not of values that are not finite, or too large, nor of such
    /// that cancel each other.
    fn is_sure(&self) -> bool {
        self.sum.is_finite() && self.sum.value().abs() >= self.size * CANCELLED
    }

    /// The sum; of the samples in their order where that matters.
    pub(super) fn sum(&self, values: &[f64]) -> f64 {
        if self.is_sure() {
            return self.sum.value();
        }
        let mut sum = Sum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum.value()
    }

    /// The mean; likewise.
    pub(super) fn mean(&self, values: &[f64]) -> f64 {
        if self.is_sure() {
            return self.sum.sum / self.count + self.sum.lost / self.count;
        }
        let mut mean = Mean::default();
        values.iter().for_each(|value| mean.add(*value));
        mean.value()
    }
}

/// A sum in lanes, without compensation.
fn plain_sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    const LANES: usize = 4;
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane += of(*value));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| of(*value)).sum::<f64>()
}

/// How far values are from their mean.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    count: f64,
    mean: Exact,
    /// The sum of the squares of the distances.
    squares: f64,
}

impl Fold for Spread {
    /// The mean first, then the distances from what floats can hold of it.
    fn of(slice: &Slice<'_>) -> Spread {
        let count = slice.values.len() as f64;
        let near = Exact::of(slice.values, |value| value).over(count).value();
        let off = Exact::of(slice.values, |value| value - near);
        let squares = Exact::of(slice.values, |value| (value - near) * (value - near));
        let off_mean = off.over(count).value();
        let mean = Exact { sum: near, lost: off_mean };
        Spread { count, mean, squares: squares.value() - off.value() * off_mean }
    }

    fn then(&self, later: &Spread) -> Spread {
        let count = self.count + later.count;
        let apart = (later.mean.sum - self.mean.sum) + (later.mean.lost - self.mean.lost);
        let mut mean = self.mean;
        mean.add(apart * (later.count / count));
        let between = apart * apart * (self.count * later.count / count);
        Spread { count, mean, squares: self.squares + later.squares + between }
    }
}

impl Spread {
    /// The variance of the population. One of values that are not finite, or too large, is taken of them in their order.
    pub(super) fn variance(&self, values: &[f64]) -> f64 {
        if self.squares.is_finite() && self.mean.is_finite() {
            return (self.squares / self.count).max(0.0);
        }
        variance(values)
    }
}

/// Welford's variance, compensated.
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for (index, value) in values.iter().enumerate() {
        let delta = value - mean.value();
        mean.add(delta / (index + 1) as f64);
        squares.add(delta * (value - mean.value()));
    }
    squares.value() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Samples;

    fn folded<F: Fold>(values: &[f64], cut: usize) -> F {
        let samples =
            Samples { values: values.to_vec().into(), times: vec![0; values.len()].into(), integers: None };
        let cut = cut % values.len();
        let end = F::of(&samples.slice(cut, values.len()));
        if cut == 0 { end } else { F::of(&samples.slice(0, cut)).then(&end) }
    }

    fn close(one: f64, other: f64, size: f64) -> bool {
        one.to_bits() == other.to_bits()
            || (one.is_nan() && other.is_nan())
            || (one - other).abs() <= 1e-12 * other.abs() + 1e-14 * size
    }

    proptest! {
        #[test]
        fn sums_and_variances_are_those_of_the_samples_in_their_order(
            values in prop_oneof![
                prop::collection::vec(-1e3..1e3, 1..300),
                prop::collection::vec((-500_i64..500).prop_map(|k| 4e11 + k as f64), 1..300),
                prop::collection::vec(prop_oneof![9 => -1.0..1.0, 1 => Just(1e200), 1 => Just(-1e200)], 1..50),
                prop::collection::vec(prop_oneof![9 => -1.0..1.0, 1 => any::<f64>()], 1..20),
            ],
            cut in any::<usize>(),
        ) {
            let size = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
            let (mut sum, mut mean) = (Sum::default(), Mean::default());
            values.iter().for_each(|value| { sum.add(*value); mean.add(*value) });
            let total = Total::of(&values);
            prop_assert!(close(total.sum(&values), sum.value(), 0.0));
            prop_assert!(close(total.mean(&values), mean.value(), 0.0));
            let spread: Spread = folded(&values, cut);
            prop_assert!(close(spread.variance(&values), variance(&values), size * size));
        }
    }
}
