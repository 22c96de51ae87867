//! For every threshold at once: how often and for how long a value would have been beyond it.
//!
//! One pass over the values. All that matters of a value is how many thresholds it is beyond: its rank. For each value, the longest
//! stretch around it in which no rank is lower is what is beyond the thresholds below that rank, down to the greater of the two ranks
//! at the ends of the stretch. A stack of ascending ranks finds all such stretches: there are no more than values.

use super::condition::Condition;
use super::curve_points::CurvePoint;
use super::kept_curve::kept_alerts;

/// The curve of a series of values while they are taken in.
pub struct AlertCurve<'a> {
    /// When values were judged (ms since the epoch), ascending.
    times: &'a [i64],
    /// Where the last alerts end, if values are still beyond (ms since the epoch).
    end_ms: i64,
    condition: Condition,
    /// Thresholds as they were given, ascending.
    thresholds: &'a [f64],
    /// The same as heights, ascending: greater is worse.
    heights: Vec<f64>,
    /// Thresholds for each unit of height, where they are equally far apart.
    per_height: f64,
    /// How many more alerts there are from a threshold on than at the one before, and ms.
    changes: Vec<(i64, i64)>,
}

/// A stretch of values whose rank is not lower than this, which may go on.
#[derive(Clone, Copy)]
struct Open {
    rank: usize,
    from: usize,
}

impl<'a> AlertCurve<'a> {
    /// For values at these times. Thresholds ascend.
    pub fn new(times: &'a [i64], end_ms: i64, condition: Condition, thresholds: &'a [f64]) -> AlertCurve<'a> {
        let heights: Vec<f64> = match condition.is_below {
            true => thresholds.iter().rev().map(|threshold| -threshold).collect(),
            false => thresholds.to_vec(),
        };
        let span = heights.last().zip(heights.first()).map_or(0.0, |(most, least)| most - least);
        let per_height = heights.len().saturating_sub(1) as f64 / span;
        let changes = vec![(0, 0); thresholds.len() + 1];
        AlertCurve { times, end_ms, condition, thresholds, heights, per_height, changes }
    }

    /// Takes in the values of a series, one for each time; NaN where there is none.
    pub fn add(&mut self, values: &[f64]) {
        if self.condition.keep_firing_ms > 0 {
            self.add_kept(values);
            return;
        }
        // Their ranks ascend, and none is 0.
        let mut open: Vec<Open> = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let rank = self.rank(*value);
            let mut from = index;
            while let Some(last) = open.pop_if(|last| last.rank > rank) {
                let outside = open.last().map_or(0, |before| before.rank).max(rank);
                self.close(last, index, outside);
                from = last.from;
            }
            if rank > open.last().map_or(0, |last| last.rank) {
                open.push(Open { rank, from });
            }
        }
        while let Some(last) = open.pop() {
            let outside = open.last().map_or(0, |before| before.rank);
            self.close(last, values.len(), outside);
        }
    }

    /// The same, one threshold after the other.
    fn add_kept(&mut self, values: &[f64]) {
        for place in 0..self.thresholds.len() {
            let is_beyond = |value: f64| !value.is_nan() && self.is_beyond(self.height(value), place);
            let (alerts, ms) = kept_alerts(self.times, values, self.end_ms, self.condition, is_beyond);
            for (at, sign) in [(place, 1), (place + 1, -1)] {
                self.changes[at].0 += sign * alerts;
                self.changes[at].1 += sign * ms;
            }
        }
    }

    /// Whether values of this height are beyond a threshold, by its place among the heights.
    #[inline]
    fn is_beyond(&self, height: f64, place: usize) -> bool {
        let threshold = self.heights[place];
        if self.condition.or_equal { height >= threshold } else { height > threshold }
    }

    /// A value so that greater is worse.
    #[inline]
    fn height(&self, value: f64) -> f64 {
        if self.condition.is_below { -value } else { value }
    }

    /// How many thresholds a value is beyond; none at all is beyond none.
    #[inline]
    fn rank(&self, value: f64) -> usize {
        let height = self.height(value);
        let count = self.heights.len();
        if height.is_nan() || count == 0 || !self.is_beyond(height, 0) {
            return 0;
        }
        // Thresholds are mostly equally far apart: a guess, then single steps.
        let guess = (height - self.heights[0]) * self.per_height;
        let mut rank = (guess.max(0.0) as usize).min(count - 1);
        let mut steps = 0;
        while rank < count && self.is_beyond(height, rank) {
            rank += 1;
            steps += 1;
            if steps > GUESS_STEPS_MAX {
                return rank + partition_point(rank, count, |place| self.is_beyond(height, place));
            }
        }
        while rank > 0 && !self.is_beyond(height, rank - 1) {
            rank -= 1;
            steps += 1;
            if steps > GUESS_STEPS_MAX {
                return partition_point(0, rank, |place| self.is_beyond(height, place));
            }
        }
        rank
    }

    /// Counts a stretch up to an index: it is beyond the thresholds from one on, up to its rank.
    fn close(&mut self, stretch: Open, to: usize, first: usize) {
        if let Some(fires) = self.fires(stretch.from, to) {
            let until_ms = self.times.get(to).copied().unwrap_or(self.end_ms);
            let lasted_ms = until_ms.saturating_sub(self.times[fires]);
            for (at, sign) in [(first, 1), (stretch.rank, -1)] {
                self.changes[at].0 += sign;
                self.changes[at].1 += sign * lasted_ms;
            }
        }
    }

    /// The index at which an alert of values that are beyond from one index up to another fires, if it does.
    fn fires(&self, from: usize, to: usize) -> Option<usize> {
        let due_ms = self.times[from].saturating_add(self.condition.for_ms);
        if self.times[to - 1] < due_ms {
            return None;
        }
        let long_enough = match self.condition.for_ms {
            0 => from,
            _ => from + first_at(&self.times[from..to], due_ms),
        };
        let fires = long_enough + self.condition.attempts.max(1) - 1;
        (fires < to).then_some(fires)
    }

    /// Alerts and hours for each threshold, in their order.
    pub fn points(&self) -> Vec<CurvePoint> {
        let (mut alerts, mut ms) = (0_i64, 0_i64);
        let mut points: Vec<CurvePoint> = (0..self.thresholds.len())
            .map(|place| {
                alerts += self.changes[place].0;
                ms += self.changes[place].1;
                let index = if self.condition.is_below { self.thresholds.len() - 1 - place } else { place };
                CurvePoint {
                    threshold: self.thresholds[index],
                    alerts: u64::try_from(alerts).unwrap_or(0),
                    hours: ms as f64 / 3_600_000.0,
                }
            })
            .collect();
        if self.condition.is_below {
            points.reverse();
        }
        points
    }
}

/// Steps from a guess before it is searched for.
const GUESS_STEPS_MAX: usize = 4;

/// The first of these times that is not before another. It is mostly near: in steps that double.
fn first_at(times: &[i64], time_ms: i64) -> usize {
    let (mut low, mut step) = (0, 1);
    while times.get(low + step).is_some_and(|time| *time < time_ms) {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(times.len());
    low + times[low..high].partition_point(|time| *time < time_ms)
}

/// How many places from one on, up to another, fulfil a condition that holds for the first of them only.
fn partition_point(from: usize, to: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low - from
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One threshold after the other, one value after the other.
    fn brute_force(
        times: &[i64],
        values: &[f64],
        end_ms: i64,
        condition: Condition,
        threshold: f64,
    ) -> (u64, i64) {
        let is_beyond = |value: f64| match (condition.is_below, condition.or_equal) {
            (false, false) => value > threshold,
            (false, true) => value >= threshold,
            (true, false) => value < threshold,
            (true, true) => value <= threshold,
        };
        let (mut alerts, mut ms) = (0, 0);
        let (mut since, mut ready, mut firing): (Option<i64>, usize, Option<i64>) = (None, 0, None);
        let mut last_beyond = 0;
        for (index, (time, value)) in times.iter().zip(values).enumerate() {
            if !is_beyond(*value) {
                // It is kept from the first value on that is not beyond.
                let kept = firing.map_or(i64::MAX, |_| time - times[last_beyond + 1]);
                if kept >= condition.keep_firing_ms {
                    ms += firing.map_or(0, |from| time - from);
                    (since, ready, firing) = (None, 0, None);
                }
                continue;
            }
            last_beyond = index;
            let from = *since.get_or_insert(*time);
            if time - from >= condition.for_ms {
                ready += 1;
                if ready == condition.attempts {
                    firing = Some(*time);
                    alerts += 1;
                }
            }
        }
        ms += firing.map_or(0, |from| end_ms - from);
        (alerts, ms)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn the_curve_is_what_each_threshold_comes_to_alone(
            samples in prop::collection::vec(
                (1_i64..30_000, prop_oneof![8 => (-6_i64..7).prop_map(|k| k as f64), 2 => -6.0..7.0, 1 => Just(f64::NAN)]),
                1..60,
            ),
            is_below in any::<bool>(),
            or_equal in any::<bool>(),
            for_ms in prop_oneof![Just(0), 1_i64..90_000],
            attempts in 1_usize..4,
            keep_firing_ms in prop_oneof![Just(0), 1_i64..90_000],
            uneven in any::<bool>(),
        ) {
            let place = |at: &mut i64, sample: &(i64, f64)| { *at += sample.0; Some(*at) };
            let times: Vec<i64> = samples.iter().scan(0, place).collect();
            let values: Vec<f64> = samples.iter().map(|sample| sample.1).collect();
            let end_ms = times.last().unwrap() + 10_000;
            let condition = Condition { is_below, or_equal, for_ms, keep_firing_ms, attempts };
            let mut thresholds: Vec<f64> = (-8..=8).map(f64::from).collect();
            if uneven {
                thresholds.extend([-5.5, 0.25, 0.3, 0.31, 0.32, 6.5, 1000.0]);
                thresholds.sort_by(f64::total_cmp);
            }
            let mut curve = AlertCurve::new(&times, end_ms, condition, &thresholds);
            curve.add(&values);
            for point in curve.points() {
                let (alerts, ms) = brute_force(&times, &values, end_ms, condition, point.threshold);
                prop_assert_eq!((point.alerts, point.hours), (alerts, ms as f64 / 3_600_000.0), "{}", point.threshold);
            }
        }
    }
}
