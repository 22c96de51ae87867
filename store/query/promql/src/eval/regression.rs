//! A straight line through samples.

use super::exact::Exact;
use super::slice::Slice;
use super::slide::Fold;
use super::sum::Sum;

/// What the line with the least squares is made of: sums over times and values. Those over times are exact.
#[derive(Clone, Copy)]
pub(super) struct Line {
    count: i64,
    /// From where times are counted (ms).
    origin_ms: i64,
    times: i128,
    squares: i128,
    values: Exact,
    products: Exact,
    first: f64,
    /// Whether all values are the first.
    is_flat: bool,
}

impl Fold for Line {
    fn of(slice: &Slice<'_>) -> Line {
        let origin_ms = slice.times[0];
        let first = slice.values[0];
        let (mut times, mut squares, mut products) = (0_i128, 0_i128, Exact::default());
        for (time, value) in slice.times.iter().zip(slice.values) {
            let since = time - origin_ms;
            times += i128::from(since);
            squares += i128::from(since) * i128::from(since);
            products.add(since as f64 * value);
        }
        Line {
            count: slice.values.len() as i64,
            origin_ms,
            times,
            squares,
            values: Exact::of(slice.values, |value| value),
            products,
            first,
            is_flat: slice.values.iter().all(|value| *value == first),
        }
    }

    fn then(&self, later: &Line) -> Line {
        let moved = later.from(self.origin_ms);
        Line {
            count: self.count + later.count,
            times: self.times + moved.times,
            squares: self.squares + moved.squares,
            values: self.values.plus(later.values),
            products: self.products.plus(moved.products),
            is_flat: self.is_flat && later.is_flat && self.first == later.first,
            ..*self
        }
    }
}

impl Line {
    /// The same with times counted from another origin.
    fn from(&self, origin_ms: i64) -> Line {
        let by = self.origin_ms - origin_ms;
        let (wide, count) = (i128::from(by), i128::from(self.count));
        Line {
            origin_ms,
            times: self.times + wide * count,
            squares: self.squares + 2 * wide * self.times + wide * wide * count,
            products: self.products.plus(self.values.times(by as f64)),
            ..*self
        }
    }

    /// Slope (per second) and value at `origin_ms`. A line through values that are not finite, or too large, is taken of the
    /// samples in their order.
    pub(super) fn at(&self, origin_ms: i64, slice: &Slice<'_>) -> (f64, f64) {
        if self.is_flat {
            return flat(self.first);
        }
        let moved = self.from(origin_ms);
        if !(moved.values.is_finite() && moved.products.is_finite()) {
            return line(slice.times, slice.values, origin_ms);
        }
        let sums = [
            moved.times as f64 / 1e3,
            moved.values.value(),
            moved.products.value() / 1e3,
            moved.squares as f64 / 1e6,
        ];
        solved(sums, self.count as f64)
    }
}

fn flat(value: f64) -> (f64, f64) {
    if value.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, value) }
}

/// Slope and value at the origin from the sums of x, y, x × y and x × x.
fn solved([x, y, xy, xx]: [f64; 4], count: f64) -> (f64, f64) {
    let covariance = xy - x * y / count;
    let variance = xx - x * x / count;
    let slope = covariance / variance;
    (slope, y / count - slope * x / count)
}

/// Slope (per second) and value at `origin_ms` of the line with the least squares, sample by sample.
pub(super) fn line(times: &[i64], values: &[f64], origin_ms: i64) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|value| *value == first) {
        return flat(first);
    }
    let [mut x, mut y, mut xy, mut xx] = [Sum::default(); 4];
    for (time, value) in times.iter().zip(values) {
        let seconds = (time - origin_ms) as f64 / 1e3;
        x.add(seconds);
        y.add(*value);
        xy.add(seconds * value);
        xx.add(seconds * seconds);
    }
    solved([x.value(), y.value(), xy.value(), xx.value()], values.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Samples;

    proptest! {
        #[test]
        fn a_line_in_parts_is_that_of_the_samples_in_their_order(
            values in prop_oneof![
                prop::collection::vec(-1e3..1e3, 2..300),
                prop::collection::vec((0_i64..9).prop_map(|k| 4e11 + k as f64), 2..300),
                prop::collection::vec(Just(2.5), 2..30),
                prop::collection::vec(prop_oneof![9 => -1.0..1.0, 1 => any::<f64>()], 2..20),
            ],
            cut in any::<usize>(),
            since_ms in 0_i64..3_600_000,
        ) {
            let times: Vec<i64> = (1..=values.len() as i64).map(|row| 1_700_000_000_000 + row * 10_007).collect();
            let samples = Samples { times: times.clone().into(), values: values.clone().into(), integers: None };
            let cut = 1 + cut % (values.len() - 1);
            let all = Line::of(&samples.slice(0, cut)).then(&Line::of(&samples.slice(cut, values.len())));
            let origin_ms = times[values.len() - 1] + since_ms;
            let (slope, intercept) = all.at(origin_ms, &samples.slice(0, values.len()));
            let (plain_slope, plain_intercept) = line(&times, &values, origin_ms);
            let size = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
            let close = |one: f64, other: f64, size: f64| {
                one == other || (one.is_nan() && other.is_nan()) || (one - other).abs() <= 1e-9 * size
            };
            prop_assert!(close(slope, plain_slope, size / 10.0), "{slope} {plain_slope}");
            prop_assert!(close(intercept, plain_intercept, size * 1e3), "{intercept} {plain_intercept}");
        }
    }
}
