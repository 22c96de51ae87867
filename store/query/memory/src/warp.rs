//! How far two curves are apart if time may be bent a little.

use crate::limits::WARP_ONE_IN;

/// The least mean of squared differences of two curves of equal length over all ways to go along both, where neither is ahead of
/// the other by more than one in [`WARP_ONE_IN`] of its points: half of the sum, as is 1 - correlation of curves whose squares
/// add up to 1.
pub(crate) fn warped(one: &[f64], other: &[f64]) -> f64 {
    let len = one.len().min(other.len());
    let band = (len / WARP_ONE_IN).max(1);
    let mut before = vec![f64::INFINITY; len + 1];
    let mut row = vec![f64::INFINITY; len + 1];
    before[0] = 0.0;
    for (at, value) in one[..len].iter().enumerate() {
        row.fill(f64::INFINITY);
        for place in at.saturating_sub(band)..(at + band + 1).min(len) {
            let cost = (value - other[place]).powi(2);
            row[place + 1] = cost + before[place].min(before[place + 1]).min(row[place]);
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[len] / 2.0
}

/// A curve at another number of points, values between by a straight line.
pub(crate) fn resampled(curve: &[f64], len: usize) -> Vec<f64> {
    let at = |index: usize| {
        let place = (index as f64 + 0.5) * curve.len() as f64 / len as f64 - 0.5;
        let place = place.clamp(0.0, (curve.len() - 1) as f64);
        let before = place.floor() as usize;
        let after = (before + 1).min(curve.len() - 1);
        curve[before] + (curve[after] - curve[before]) * (place - before as f64)
    };
    (0..len).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways, one after the other.
    fn all_ways(one: &[f64], other: &[f64], band: usize, at: (usize, usize)) -> f64 {
        if at.0 >= one.len() || at.1 >= other.len() || at.0.abs_diff(at.1) > band {
            return f64::INFINITY;
        }
        let cost = (one[at.0] - other[at.1]).powi(2);
        if at == (one.len() - 1, other.len() - 1) {
            return cost;
        }
        let next = [(1, 0), (0, 1), (1, 1)].map(|(a, b)| all_ways(one, other, band, (at.0 + a, at.1 + b)));
        cost + next.into_iter().fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_least_of_all_ways_is_found() {
        let one = [0.0, 0.0, 1.0, 3.0, 1.0, 0.0, 0.0, 2.0];
        let other = [0.0, 1.0, 3.0, 1.0, 0.0, 0.5, 0.0, 2.0];
        assert_eq!(warped(&one, &other), all_ways(&one, &other, 1, (0, 0)) / 2.0);
        assert_eq!(warped(&one, &one), 0.0);
        let straight: f64 = one.iter().zip(&other).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(warped(&one, &other) < straight / 4.0);
    }
}
