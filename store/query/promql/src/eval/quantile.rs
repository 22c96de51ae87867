//! Quantiles of values.

/// The quantile of values, which are put into another order. Between two values it is weighted. NaN is the least value.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let lower = lower as usize;
    let (_, low, above) = values.select_nth_unstable_by(lower, order);
    let low = *low;
    let high = above.iter().copied().min_by(order).unwrap_or(low);
    low * (1.0 - weight) + high * weight
}

/// NaN first, then by value.
fn order(left: &f64, right: &f64) -> std::cmp::Ordering {
    left.partial_cmp(right).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_weighted() {
        let of = |q, values: &[f64]| quantile(q, &mut values.to_vec());
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
