//! Sums of windows that move over samples: each sample is added once where windows end and once where they begin.
//!
//! A window has the difference of two sums from the same sample on. Both keep what rounding takes away, and they begin anew so
//! often that nothing adds up; where a difference is not sure all the same, [`Total`] adds up the samples of the window.

use super::exact::Exact;
use super::moments::Total;

/// Sums begin anew after so many samples, or so many windows where those are longer.
const SAMPLES_MIN: usize = 1024;
const WINDOWS: usize = 4;

/// The sums up to where the last window ended, and up to where it began.
pub(super) struct Rolling<'s> {
    values: &'s [f64],
    /// The last window.
    from: usize,
    to: usize,
    /// From this sample on, and this one excluded, sums go on.
    until: usize,
    to_end: Exact,
    to_start: Exact,
    /// The sum of the sizes of all that is in them.
    size: f64,
}

impl<'s> Rolling<'s> {
    /// Over these values no window has moved yet.
    pub(super) fn new(values: &'s [f64]) -> Rolling<'s> {
        let none = Exact::default();
        Rolling { values, from: 0, to: 0, until: 0, to_end: none, to_start: none, size: 0.0 }
    }

    /// What a window has, which neither begins nor ends before the last one did.
    pub(super) fn window(&mut self, (from, to): (usize, usize)) -> Total {
        if from >= self.to || to > self.until {
            return self.begin(from, to);
        }
        for value in &self.values[self.to..to] {
            self.to_end.add(*value);
            self.size += value.abs();
        }
        for value in &self.values[self.from..from] {
            self.to_start.add(*value);
        }
        (self.from, self.to) = (from, to);
        let sum = self.to_end.minus(self.to_start);
        // What is not finite may have been before the window.
        if sum.is_finite() { Total::new(to - from, sum, self.size) } else { self.begin(from, to) }
    }

    /// Begins anew with a window.
    fn begin(&mut self, from: usize, to: usize) -> Total {
        let of = Total::of(&self.values[from..to]);
        (self.from, self.to) = (from, to);
        self.until = to + SAMPLES_MIN.max((to - from) * WINDOWS);
        (self.to_end, self.to_start, self.size) = (of.sum, Exact::default(), of.size);
        of
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sum::{Mean, Sum};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn windows_that_move_have_the_sums_of_their_samples_in_their_order(
            heights in prop::collection::vec((prop_oneof![-1e3..1e3, Just(0.0), 4e11..5e11], 1_usize..900), 1..8),
            odd in prop::collection::vec(
                (0_usize..5000, prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(1e200), Just(-1e200), Just(f64::MAX), Just(-0.0)]),
                0..4,
            ),
            steps in prop::collection::vec((0_usize..4, 0_usize..9), 1..60),
            length in prop_oneof![1_usize..40, 1_usize..900],
        ) {
            let mut values: Vec<f64> =
                heights.iter().flat_map(|(height, count)| (0..*count).map(move |at| height + (at % 13) as f64 * 0.01)).collect();
            for (at, value) in odd {
                if let Some(place) = values.get_mut(at) {
                    *place = value;
                }
            }
            let mut rolling = Rolling::new(&values);
            let (mut from, mut to) = (0, length.min(values.len()));
            for (begins, ends) in steps.iter().cycle().take(2000) {
                let samples = &values[from..to];
                let (mut sum, mut mean) = (Sum::default(), Mean::default());
                samples.iter().for_each(|value| { sum.add(*value); mean.add(*value) });
                let total = rolling.window((from, to));
                for (rolled, plain) in [(total.sum(samples), sum.value()), (total.mean(samples), mean.value())] {
                    let is_same = rolled.to_bits() == plain.to_bits() || rolled.is_nan() && plain.is_nan();
                    prop_assert!(is_same || (rolled - plain).abs() <= 1e-12 * plain.abs(), "{from}..{to}: {rolled}, {plain}");
                }
                to = (to + ends).min(values.len());
                from = (from + begins).min(to - 1);
            }
        }
    }
}
