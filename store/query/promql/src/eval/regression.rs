//! A straight line through samples.

use super::sum::Sum;

/// Slope (per second) and value at `origin_ms` of the line with the least squares.
pub(super) fn line(times: &[i64], values: &[f64], origin_ms: i64) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|value| *value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut x, mut y, mut xy, mut xx] = [Sum::default(); 4];
    for (time, value) in times.iter().zip(values) {
        let seconds = (time - origin_ms) as f64 / 1e3;
        x.add(seconds);
        y.add(*value);
        xy.add(seconds * value);
        xx.add(seconds * seconds);
    }
    let count = values.len() as f64;
    let (x, y) = (x.value(), y.value());
    let covariance = xy.value() - x * y / count;
    let variance = xx.value() - x * x / count;
    let slope = covariance / variance;
    (slope, y / count - slope * x / count)
}
