//! Since when a series changes at the rate that it has now.

use crate::limits::{FORECAST_DAYS_MIN, RATE_CHANGE_MIN};

const DAY: usize = 24;

/// Hours since the rate changed last; all if it did not. Rates are compared by the day, the time before with the time after:
/// where the difference is most beyond what their deviations explain, history is cut, and what is left is looked at again.
pub(crate) fn since_change(changes: &[f64]) -> usize {
    let days: Vec<f64> = changes.rchunks_exact(DAY).rev().map(|day| day.iter().sum()).collect();
    let mut first = 0;
    while let Some(cut) = best_cut(&days[first..]) {
        first += cut;
    }
    if first == 0 { changes.len() } else { (days.len() - first) * DAY }
}

/// The day from which on the rate is another, if there is one.
fn best_cut(days: &[f64]) -> Option<usize> {
    let least = FORECAST_DAYS_MIN;
    let cuts = least..=days.len().checked_sub(least).filter(|last| *last >= least)?;
    let score = |cut: usize| {
        let (before, after) = (&days[..cut], &days[cut..]);
        // Deviations around the middle, so that a single cleanup makes no change of rate.
        let ((mean, error), (mean_after, error_after)) = (mean_error(before), mean_error(after));
        let error = error.hypot(error_after);
        let difference = (mean - mean_after).abs();
        // What differs by rounding does not differ.
        let size = mean.abs().max(mean_after.abs());
        if difference <= 1e-9 * size { 0.0 } else { difference / error.max(1e-6 * size) }
    };
    let best = cuts.map(|cut| (cut, score(cut))).max_by(|one, other| one.1.total_cmp(&other.1))?;
    (best.1 > RATE_CHANGE_MIN).then_some(best.0)
}

/// The mean of some days and its error.
fn mean_error(days: &[f64]) -> (f64, f64) {
    let count = days.len() as f64;
    let mean = days.iter().sum::<f64>() / count;
    let squares = days.iter().map(|day| (day - mean).powi(2)).sum::<f64>();
    (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_counts() {
        let rate = |day: usize| match day {
            0..30 => 1.0,
            30..45 => 5.0,
            _ => 2.0,
        };
        // A rhythm of days is no change.
        let hour = |hour: usize| rate(hour / DAY) * if hour % DAY < 12 { 2.0 } else { 0.0 };
        let changes: Vec<f64> = (0..60 * DAY).map(hour).collect();
        assert_eq!(since_change(&changes), 15 * DAY);
        assert_eq!(since_change(&changes[..30 * DAY]), 30 * DAY);
        assert_eq!(since_change(&[0.0; 500]), 500);
        let saw: Vec<f64> = (0..70 * DAY).map(|hour| if hour % 168 == 0 { -167.0 } else { 1.0 }).collect();
        assert_eq!(since_change(&saw), 70 * DAY);
    }
}
