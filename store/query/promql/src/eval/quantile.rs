//! Quantiles of values.

/// The quantile of values. Between two values it is weighted. NaN is the least value.
pub(super) fn quantile(q: f64, values: &[f64]) -> f64 {
    let mut keys: Vec<i64> = values.iter().copied().map(key).collect();
    of_keys(q, &mut keys)
}

/// A number for a value, so that numbers are in the order of values; NaN comes first.
pub(super) fn key(value: f64) -> i64 {
    if value.is_nan() { i64::MIN } else { flipped(value.to_bits() as i64) }
}

fn value(key: i64) -> f64 {
    if key == i64::MIN { f64::NAN } else { f64::from_bits(flipped(key) as u64) }
}

/// Of a negative number, all bits but the sign are turned over.
fn flipped(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The same of the keys of values.
pub(super) fn of_keys(q: f64, keys: &mut [i64]) -> f64 {
    if keys.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let rank = q * (keys.len() - 1) as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let lower = lower as usize;
    let (_, low, above) = keys.select_nth_unstable(lower);
    let low = *low;
    let high = above.iter().copied().min().unwrap_or(low);
    value(low) * (1.0 - weight) + value(high) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_weighted() {
        let of = |q, values: &[f64]| quantile(q, values);
        assert_eq!(of(0.5, &[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(of(0.75, &[4.0, 1.0]), 3.25);
        assert_eq!(of(1.0, &[4.0, 1.0]), 4.0);
        assert_eq!(of(0.0, &[4.0, f64::NAN, 1.0]).to_bits(), f64::NAN.to_bits());
        assert_eq!(of(-1.0, &[1.0]), f64::NEG_INFINITY);
        assert_eq!(of(2.0, &[1.0]), f64::INFINITY);
        assert!(of(0.5, &[]).is_nan());
        assert!(of(f64::NAN, &[1.0]).is_nan());
    }
}
