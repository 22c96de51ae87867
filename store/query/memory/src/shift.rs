//! How unlike its own past a series was in a window of time.
//!
//! What counts is how far and how long it was away from where it usually is, in units of its usual deviation: an effect, and
//! no test of significance, as with thousands of samples everything differs significantly. Then the window takes its place among the
//! earlier windows of the same length of the same series: a series that is often away is so again and says nothing.

use crate::limits::{
    SHIFT_AWAY_MIN, SHIFT_DAYS_MIN, SHIFT_PAST_LENGTHS, SHIFT_RANK_MAX, SHIFT_RHYTHM_SHARE, SHIFT_WINDOWS_MAX,
};

/// The least deviation that a series counts as having, as a share of its middle.
const DEVIATION_SHARE: f64 = 1e-3;
/// What is nearer to where it was than so many deviations is where it was.
pub(crate) const BACK_DEVIATIONS: f64 = 4.0;

/// How unlike its own past a series is in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// By how many deviations it is away, on the mean, beyond one of them.
    pub away: f64,
    /// Earlier windows, and those of them in which it was as far away.
    pub windows: u32,
    /// See `windows`.
    pub as_far: u32,
    /// How many times as long as the window the past is: earlier windows that overlap are no more than these.
    pub lengths: u32,
    /// The bucket in which it left where it was.
    pub onset: usize,
    /// Where it was before: its middle, or what it usually is at that time of the day.
    pub before: f64,
    /// Where it is: its mean in the window.
    pub now: f64,
    /// Whether it is compared with what it is at that time of the day.
    pub by_day: bool,
}

impl Shift {
    /// The share of earlier windows in which it was as far away, that of now included.
    pub fn rank(&self) -> f64 {
        f64::from(self.as_far + 1) / f64::from(self.windows + 1)
    }

    /// Whether it is unlike enough to be shown to a person.
    pub fn is_listed(&self) -> bool {
        // What wanders is farther than ever now and then: of a short past more is needed.
        let short = SHIFT_PAST_LENGTHS / f64::from(self.lengths.max(1));
        self.rank() <= SHIFT_RANK_MAX && self.away > SHIFT_AWAY_MIN * short.max(1.0)
    }
}

/// Compares the last `window` of these buckets with all before, where there is a value. `day` is how many buckets make up a day: what
/// follows the rhythm of one is compared with the same time of other days. None if there is too little to compare.
pub fn shift(values: &[Option<f64>], window: usize, day: usize) -> Option<Shift> {
    let start = values.len().checked_sub(window).filter(|start| *start >= 2 * window && window > 0)?;
    let mut known: Vec<f64> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    let plain = Usual::of(&known[..start])?;
    let rhythm = rhythm(&known[..start], day);
    let by_rhythm = rhythm.as_ref().and_then(|rhythm| {
        let rest: Vec<f64> = known.iter().enumerate().map(|(at, value)| value - rhythm[at % day]).collect();
        let usual = Usual::of(&rest[..start])?;
        plain.is_outdone(&usual).then_some((rest, usual))
    });
    let raw = known.clone();
    let (usual, by_day) = match by_rhythm {
        Some((rest, usual)) => {
            known = rest;
            (usual, true)
        }
        None => (plain, false),
    };
    let away: Vec<f64> = known.iter().map(|value| usual.away(*value)).collect();
    let own = mean_known(&away[start..])?;
    let earlier = earlier_windows(&away[..start], window);
    let as_far = earlier.iter().filter(|other| **other >= own).count() as u32;
    let onset = onset(&known, start, &usual);
    let before = match (&rhythm, by_day) {
        (Some(rhythm), true) => {
            mean_known(&(start..values.len()).map(|at| rhythm[at % day]).collect::<Vec<_>>())? + usual.middle
        }
        _ => usual.middle,
    };
    let now = mean_known(&raw[start..])?;
    let lengths = (start / window) as u32;
    Some(Shift { away: own, windows: earlier.len() as u32, as_far, lengths, onset, before, now, by_day })
}

/// Where a series usually is, and how far it usually is from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usual {
    middle: f64,
    deviation: f64,
}

impl Usual {
    /// Of the values that are there. The deviation is that of the middle half, or of nearly all, whichever is greater: a series
    /// that hardly ever moves is not far away because it moved.
    pub(crate) fn of(values: &[f64]) -> Option<Usual> {
        let mut known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        if known.is_empty() {
            return None;
        }
        let mut at = |share: f64| {
            let index = ((known.len() - 1) as f64 * share).round() as usize;
            *known.select_nth_unstable_by(index, f64::total_cmp).1
        };
        let [lowest, low, middle, high, highest] = [0.005, 0.25, 0.5, 0.75, 0.995].map(&mut at);
        let deviation = ((high - low) / 1.349).max((highest - lowest) / 5.15);
        let deviation = deviation.max(middle.abs() * DEVIATION_SHARE).max(1e-9);
        Some(Usual { middle, deviation })
    }

    fn away(&self, value: f64) -> f64 {
        (self.deviations(value).abs() - 1.0).max(0.0)
    }

    /// By how many deviations a value is higher than the middle.
    pub(crate) fn deviations(&self, value: f64) -> f64 {
        (value - self.middle) / self.deviation
    }

    pub(crate) fn middle(&self) -> f64 {
        self.middle
    }

    /// Whether what is left by a rhythm deviates so much less that it is to be compared with that.
    pub(crate) fn is_outdone(&self, by_rhythm: &Usual) -> bool {
        by_rhythm.deviation < SHIFT_RHYTHM_SHARE * self.deviation
    }
}

/// What the series usually is at each time of the day, by whole days: the middle of the days, smoothed a little. None without enough
/// days.
pub(crate) fn rhythm(values: &[f64], day: usize) -> Option<Vec<f64>> {
    let days = values.len().checked_div(day).filter(|days| *days >= SHIFT_DAYS_MIN)?;
    let days = days.min(crate::limits::SHIFT_DAYS_MAX);
    let first = values.len() - days * day;
    let mut of_day = vec![f64::NAN; day];
    let mut same: Vec<f64> = Vec::with_capacity(days);
    for at in first..first + day {
        same.clear();
        same.extend((0..days).map(|number| values[at + number * day]).filter(|value| value.is_finite()));
        if !same.is_empty() {
            let half = same.len() / 2;
            of_day[at % day] = *same.select_nth_unstable_by(half, f64::total_cmp).1;
        }
    }
    // Half an hour before and after.
    let around = (day / 48).max(1);
    let smooth = |at: usize| {
        let near = (0..=2 * around).map(|off| of_day[(at + day + off - around) % day]);
        mean_known(&near.collect::<Vec<_>>()).unwrap_or(f64::NAN)
    };
    Some((0..day).map(smooth).collect())
}

/// The means of earlier windows, the newest first; each as long, evenly apart.
fn earlier_windows(away: &[f64], window: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0], vec![0_u32]);
    for value in away {
        let (sum, count) = (sums[sums.len() - 1], counts[counts.len() - 1]);
        sums.push(if value.is_nan() { sum } else { sum + value });
        counts.push(count + u32::from(!value.is_nan()));
    }
    let windows = away.len() + 1 - window;
    let step = windows.div_ceil(SHIFT_WINDOWS_MAX);
    let mean = |start: usize| {
        let count = counts[start + window] - counts[start];
        (count > 0).then(|| (sums[start + window] - sums[start]) / f64::from(count))
    };
    (0..windows).rev().step_by(step).skip(1).filter_map(mean).collect()
}

/// Where it left where it was: from its worst in the window back to the last bucket that was near.
fn onset(values: &[f64], start: usize, usual: &Usual) -> usize {
    let deviations = |at: usize| (values[at] - usual.middle).abs() / usual.deviation;
    let worst = (start..values.len())
        .filter(|at| !values[*at].is_nan())
        .max_by(|one, other| deviations(*one).total_cmp(&deviations(*other)).then(other.cmp(one)));
    let Some(worst) = worst else { return start };
    let first = start.saturating_sub(values.len() - start);
    let near = (first..worst).rev().find(|at| deviations(*at) < BACK_DEVIATIONS.min(deviations(worst) / 2.0));
    near.map_or(first, |near| near + 1)
}

/// The mean of the values that are there.
fn mean_known(values: &[f64]) -> Option<f64> {
    let known = values.iter().filter(|value| !value.is_nan());
    let count = known.clone().count();
    (count > 0).then(|| known.sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(at: usize) -> f64 {
        let mut bits = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits ^ (bits >> 27)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    fn values(count: usize, of: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        (0..count).map(|at| Some(of(at))).collect()
    }

    #[test]
    fn what_left_its_place_is_listed_with_when_and_where_from() {
        let jump = values(2000, |at| 10.0 + noise(at) + if at >= 1985 { 5.0 } else { 0.0 });
        let found = shift(&jump, 20, 288).unwrap();
        assert!(found.is_listed() && found.as_far == 0 && found.onset == 1985, "{found:?}");
        assert!((found.before - 10.0).abs() < 0.1 && (found.now - 13.75).abs() < 0.2, "{found:?}");
        let quiet = values(2000, |at| 10.0 + noise(at));
        assert!(!shift(&quiet, 20, 288).unwrap().is_listed());
    }

    #[test]
    fn what_is_often_away_is_not_listed_when_it_is_again() {
        let often = values(2000, |at| noise(at) + if at % 100 < 5 { 9.0 } else { 0.0 });
        let found = shift(&often[..1905], 20, 288).unwrap();
        assert!(!found.is_listed(), "{found:?}");
    }

    #[test]
    fn what_follows_the_day_is_compared_with_the_same_time() {
        let day = |at: usize| 50.0 + 20.0 * (at as f64 / 288.0 * std::f64::consts::TAU).sin() + noise(at);
        let usual = values(288 * 12, day);
        assert!(!shift(&usual, 24, 288).unwrap().is_listed());
        // As high as at noon, at midnight.
        let odd = values(288 * 12, |at| if at >= 288 * 12 - 24 { 60.0 } else { day(at) });
        let found = shift(&odd, 24, 288).unwrap();
        assert!(found.by_day && found.is_listed() && found.before < 50.0, "{found:?}");
    }

    #[test]
    fn too_little_and_gaps_are_no_trouble() {
        assert_eq!(shift(&[Some(1.0); 10], 5, 288), None);
        assert_eq!(shift(&[None; 100], 5, 288), None);
        assert_eq!(shift(&[], 0, 0), None);
        let mut gaps = values(500, |at| 1.0 + noise(at));
        gaps[100..300].fill(None);
        gaps[490..].fill(Some(30.0));
        gaps[495] = None;
        assert!(shift(&gaps, 10, 288).unwrap().is_listed());
        let constant = shift(&[Some(5.0); 500], 10, 288).unwrap();
        assert!(!constant.is_listed() && constant.away == 0.0);
    }
}
