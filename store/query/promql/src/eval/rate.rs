//! How much, and how fast, a value grows, as Prometheus extrapolates it.

use super::slice::Slice;
use super::wanted::Wanted;
use crate::source::ENDED;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a gauge.
    Delta,
    /// Of a counter.
    Increase,
    /// Of a counter, per second.
    Rate,
}

/// By how much more than the mean distance of samples the edge of a window may be away and still be reached.
const REACH: f64 = 1.1;

/// The growth within a window, extrapolated to its edges where samples are near enough; [`ENDED`] of one sample. The window is
/// after `start_ms`, up to `end_ms`; `before_falls` are the indexes of samples that are followed by a lesser one.
///
/// What is not wanted may be left out. Between integers beyond 2^53 all differences are taken before they are rounded.
pub(super) fn extrapolated(
    slice: &Slice<'_>,
    before_falls: impl Iterator<Item = usize>,
    (start_ms, end_ms): (i64, i64),
    kind: Kind,
    wanted: Option<Wanted>,
) -> f64 {
    let (times, values) = (slice.times, slice.values);
    let last = values.len() - 1;
    if last == 0 {
        return ENDED;
    }
    let is_counter = kind != Kind::Delta;
    let growth = growth(slice, before_falls.filter(|_| is_counter));
    let seconds = |ms: i64| ms as f64 / 1e3;
    if let Some(wanted) = wanted {
        // Edges are at most so much away that they are reached, on both sides.
        let least = if kind == Kind::Rate { growth / seconds(end_ms - start_ms) } else { growth };
        if growth >= 0.0 && !wanted.may_be_between(least, least * (1.0 + 2.0 * REACH / last as f64)) {
            return ENDED;
        }
    }
    let sampled = seconds(times[last] - times[0]);
    let distance = sampled / last as f64;
    let near = distance * REACH;
    let mut to_start = seconds(times[0] - start_ms);
    if to_start >= near {
        to_start = distance / 2.0;
    }
    if is_counter && growth > 0.0 && values[0] >= 0.0 {
        // A counter was never below zero.
        to_start = to_start.min(sampled * (values[0] / growth));
    }
    let mut to_end = seconds(end_ms - times[last]);
    if to_end >= near {
        to_end = distance / 2.0;
    }
    let mut factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
    if kind == Kind::Rate {
        factor /= seconds(end_ms - start_ms);
    }
    growth * factor
}

/// Last less first, and what the series had before each fall.
fn growth(slice: &Slice<'_>, before_falls: impl Iterator<Item = usize>) -> f64 {
    let last = slice.values.len() - 1;
    match slice.integers {
        Some(integers) => {
            let growth = i128::from(integers[last]) - i128::from(integers[0]);
            before_falls.fold(growth, |growth, index| growth + i128::from(integers[index])) as f64
        }
        None => {
            let growth = slice.values[last] - slice.values[0];
            before_falls.fold(growth, |growth, index| growth + slice.values[index])
        }
    }
}

/// The difference between the last two samples; per second, and from zero after a reset, if `is_rate`.
pub(super) fn last_two(slice: &Slice<'_>, is_rate: bool) -> f64 {
    let ([.., before, last], [.., before_ms, last_ms]) = (slice.values, slice.times) else { return ENDED };
    let passed_ms = last_ms - before_ms;
    if passed_ms == 0 {
        return ENDED;
    }
    let difference = match slice.integers {
        Some([.., before, last]) if !(is_rate && last < before) => {
            (i128::from(*last) - i128::from(*before)) as f64
        }
        None if !(is_rate && last < before) => last - before,
        _ => *last,
    };
    if is_rate { difference / (passed_ms as f64 / 1e3) } else { difference }
}
