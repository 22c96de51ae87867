//! How much a series varies, from what is known of it without its samples.

/// The usual deviation of a series, from least, mean and greatest of stretches of it of equal length. It is what heights in
/// different series are compared by, and what tells a flat stretch from one that has a shape. A few wild stretches do not
/// matter; 0 if most stretches are the same.
pub fn spread(stretches: &[(f64, f64, f64)]) -> f64 {
    let is_finite = |(least, mean, greatest): &&(f64, f64, f64)| {
        least.is_finite() && mean.is_finite() && greatest.is_finite()
    };
    let finite: Vec<_> = stretches.iter().filter(is_finite).collect();
    let middle = median(finite.iter().map(|(_, mean, _)| *mean).collect());
    // A stretch whose values lie anywhere between its ends deviates by a quarter of their distance, about.
    let deviation =
        |(least, mean, greatest): &&(f64, f64, f64)| (mean - middle).hypot((greatest - least) / 4.0);
    median(finite.iter().map(deviation).collect())
}

/// The number in the middle, or 0 of none.
fn median(mut numbers: Vec<f64>) -> f64 {
    let half = numbers.len() / 2;
    if numbers.is_empty() { 0.0 } else { *numbers.select_nth_unstable_by(half, f64::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_between_stretches_and_within_them() {
        assert_eq!(spread(&[]), 0.0);
        assert_eq!(spread(&[(3.0, 3.0, 3.0), (3.0, 3.0, 3.0)]), 0.0);
        assert_eq!(spread(&[(0.0, 0.0, 0.0), (4.0, 4.0, 4.0), (8.0, 8.0, 8.0)]), 4.0);
        assert_eq!(spread(&[(0.0, 4.0, 8.0), (0.0, 4.0, 8.0), (f64::NAN, 0.0, 0.0)]), 2.0);
        assert_eq!(spread(&[(0.0, 4.0, 8.0), (0.0, 4.0, 1e15), (0.0, 4.0, 8.0)]), 2.0);
    }
}
