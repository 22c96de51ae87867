//! Where a series became unlike all that it had been: lasting changes in a stretch of time, of a kind that it has not shown before.
//!
//! A day at a time is compared with the week before it, and a day more. What counts is the mean of a window, in usual deviations, and whether it lies beyond the
//! farthest that any earlier window of that length lay, in the same direction: so what comes again and again is no change, however far it
//! goes, and a quiet series says nothing. What holds becomes usual, and is told once.

use crate::limits::{
    CHANGE_AWAY_MIN, CHANGE_BEYOND_MIN, CHANGE_BEYOND_SHARE, CHANGE_HISTORY_DAYS, CHANGE_HISTORY_DAYS_MIN,
    CHANGE_JOINED_ONE_IN, CHANGE_WINDOWS,
};
use crate::shift::{BACK_DEVIATIONS, Usual, rhythm};

/// A lasting change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The first bucket in which it is away.
    pub start: usize,
    /// The bucket after the last one in which it is.
    pub end: usize,
    /// By how many deviations it is away on the mean, at its farthest; negative if it is lower than usual.
    pub away: f64,
    /// By how many deviations that is beyond the farthest that it was before.
    pub beyond: f64,
    /// Where it was before: its middle, or what it usually is at that time of the day.
    pub before: f64,
    /// Where it is: its mean while it is away.
    pub now: f64,
    /// Whether it is compared with what it is at that time of the day.
    pub by_day: bool,
}

/// The changes of a series from a bucket on, the earliest first. `day` is how many buckets make up a day.
pub fn changes(values: &[Option<f64>], from: usize, day: usize) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    if day == 0 {
        return found;
    }
    let known: Vec<f64> =
        values.iter().map(|value| value.filter(|value| value.is_finite()).unwrap_or(f64::NAN)).collect();
    for start in (from..known.len()).step_by(day) {
        let first = start.saturating_sub(CHANGE_HISTORY_DAYS * day);
        let end = (start + day).min(known.len());
        if start - first < CHANGE_HISTORY_DAYS_MIN * day {
            continue;
        }
        for mut change in of_day(&known[first..end], start - first, day) {
            (change.start, change.end) = (change.start + first, change.end + first);
            match found.last_mut() {
                // It went on, past midnight or after a short rest.
                Some(last) if change.start <= last.end + day / CHANGE_JOINED_ONE_IN => join(last, &change),
                _ => found.push(change),
            }
        }
    }
    found
}

/// Takes in how a change went on.
fn join(change: &mut Change, later: &Change) {
    let (own, other) = ((change.end - change.start) as f64, (later.end - later.start) as f64);
    change.now = (change.now * own + later.now * other) / (own + other);
    change.end = change.end.max(later.end);
    if later.away.abs() > change.away.abs() {
        change.away = later.away;
    }
    change.beyond = change.beyond.max(later.beyond);
}

/// The changes in the last part of these values, compared with those before.
fn of_day(values: &[f64], start: usize, day: usize) -> Vec<Change> {
    let Some(judged) = Judged::of(values, start, day) else { return Vec::new() };
    // Of each bucket, how far the windows that it belongs to are away, and beyond all before; none if they are not.
    let mut marked: Vec<Option<(f64, f64)>> = vec![None; values.len()];
    for share in CHANGE_WINDOWS {
        judged.mark((day / share).max(1), start, &mut marked);
    }
    let mut found: Vec<Change> = Vec::new();
    for (at, (away, beyond)) in
        marked.iter().enumerate().skip(start).filter_map(|(at, mark)| mark.map(|m| (at, m)))
    {
        let one = Change {
            start: at,
            end: at + 1,
            away,
            beyond,
            before: judged.expected(at),
            now: values[at],
            by_day: judged.rhythm.is_some(),
        };
        if values[at].is_nan() {
            continue;
        }
        match found.last_mut() {
            Some(last) if at <= last.end + day / CHANGE_JOINED_ONE_IN => join(last, &one),
            _ => found.push(one),
        }
    }
    found
}

/// Values in usual deviations from where they usually are.
struct Judged {
    deviations: Vec<f64>,
    middle: f64,
    /// What it usually is at each bucket of a day, if it follows the day.
    rhythm: Option<Vec<f64>>,
}

impl Judged {
    /// By those before `start`. None if there are too few.
    fn of(values: &[f64], start: usize, day: usize) -> Option<Judged> {
        let is_known = values[..start].iter().filter(|value| value.is_finite()).count();
        let plain = Usual::of(&values[..start]).filter(|_| is_known >= start / 2)?;
        let by_rhythm = rhythm(&values[..start], day).and_then(|rhythm| {
            let rest: Vec<f64> =
                values.iter().enumerate().map(|(at, value)| value - rhythm[at % day]).collect();
            let usual = Usual::of(&rest[..start])?;
            plain.is_outdone(&usual).then_some((rest, usual, rhythm))
        });
        let (rest, usual, rhythm) = match by_rhythm {
            Some((rest, usual, rhythm)) => (rest, usual, Some(rhythm)),
            None => (values.to_vec(), plain, None),
        };
        let deviations = rest.iter().map(|value| usual.deviations(*value)).collect();
        Some(Judged { deviations, middle: usual.middle(), rhythm })
    }

    fn expected(&self, at: usize) -> f64 {
        self.middle + self.rhythm.as_ref().map_or(0.0, |rhythm| rhythm[at % rhythm.len()])
    }

    /// Marks the buckets of windows of one length that are beyond all that ended before `start`.
    fn mark(&self, window: usize, start: usize, marked: &mut [Option<(f64, f64)>]) {
        let means = window_means(&self.deviations, window);
        let before = start.saturating_sub(window) + 1;
        let past = means[..before.min(means.len())].iter().filter(|mean| mean.is_finite());
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        past.for_each(|mean| (low, high) = (low.min(*mean), high.max(*mean)));
        for (first, mean) in means.iter().enumerate().skip(before) {
            let beyond = if *mean > 0.0 { mean - high } else { low - mean };
            let farthest = if *mean > 0.0 { high } else { -low };
            let least = CHANGE_BEYOND_MIN.max(CHANGE_BEYOND_SHARE * farthest);
            if mean.abs() < CHANGE_AWAY_MIN || beyond.is_nan() || beyond < least {
                continue;
            }
            let sign = mean.signum();
            let of_window = &self.deviations[first..first + window];
            let farthest = of_window.iter().map(|own| own * sign).fold(0.0, f64::max);
            // What is near its usual place only shares a window with what is not.
            let least = (farthest / 2.0).clamp(CHANGE_AWAY_MIN, BACK_DEVIATIONS);
            for (at, mark) in marked.iter_mut().enumerate().take(first + window).skip(first.max(start)) {
                if self.deviations[at] * sign < least {
                    continue;
                }
                if mark.is_none_or(|(away, _)| away.abs() < mean.abs()) {
                    *mark = Some((*mean, beyond));
                }
            }
        }
    }
}

/// The mean of each window, by its first bucket; not a number where less than half is known.
fn window_means(values: &[f64], window: usize) -> Vec<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    let mut means = Vec::with_capacity((values.len() + 1).saturating_sub(window));
    for (at, value) in values.iter().enumerate() {
        if value.is_finite() {
            (sum, count) = (sum + value, count + 1);
        }
        if at + 1 < window {
            continue;
        }
        means.push(if count * 2 > window { sum / count as f64 } else { f64::NAN });
        let leaves = values[at + 1 - window];
        if leaves.is_finite() {
            (sum, count) = (sum - leaves, count - 1);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: usize = 288;

    fn noise(at: usize) -> f64 {
        let mut bits = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    fn values(days: usize, of: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        (0..days * DAY).map(|at| Some(of(at))).collect()
    }

    #[test]
    fn a_new_level_is_told_once_with_when_and_where_from() {
        let step = values(40, |at| 10.0 + noise(at) + if at >= 35 * DAY + 50 { 4.0 } else { 0.0 });
        let found = changes(&step, 30 * DAY, DAY);
        let [change] = found[..] else { panic!("{found:?}") };
        assert_eq!(change.start, 35 * DAY + 50);
        assert!((change.before - 10.0).abs() < 0.1 && (change.now - 14.0).abs() < 0.1, "{change:?}");
        assert!(change.away > 4.0 && change.beyond > 3.0 && !change.by_day, "{change:?}");
        // It has become usual after a while, and falls back.
        assert!(change.end <= 40 * DAY);
        assert_eq!(changes(&step, 36 * DAY, DAY).iter().filter(|one| one.start > 37 * DAY).count(), 0);
    }

    #[test]
    fn quiet_series_say_nothing() {
        let mut told = 0;
        for series in 0..50 {
            let quiet = values(60, |at| (0..4).map(|part| noise(at + (series * 4 + part) * 1_000_000)).sum());
            told += changes(&quiet, 30 * DAY, DAY).len();
        }
        // Fifty series, thirty days each: 214 weeks.
        assert!(told <= 10, "{told}");
        assert!(changes(&values(60, |_| 5.0), 30 * DAY, DAY).is_empty());
    }

    #[test]
    fn what_came_before_is_no_change_when_it_comes_again() {
        let burst = |at: usize| if at % (5 * DAY) < 20 { 30.0 } else { 0.0 };
        let often = values(60, |at| noise(at) + burst(at));
        assert_eq!(changes(&often, 30 * DAY, DAY), []);
        // One that is longer than all before is.
        let longer = values(60, |at| {
            noise(at) + if (45 * DAY..45 * DAY + 90).contains(&at) { 30.0 } else { burst(at) }
        });
        let found = changes(&longer, 30 * DAY, DAY);
        assert!(found.len() == 1 && found[0].start == 45 * DAY, "{found:?}");
    }

    #[test]
    fn what_follows_the_day_is_compared_with_that_time_of_the_day() {
        let wave =
            |at: usize| 50.0 + 20.0 * (at as f64 / DAY as f64 * std::f64::consts::TAU).sin() + noise(at);
        assert_eq!(changes(&values(40, wave), 20 * DAY, DAY), []);
        let night = 30 * DAY + 200..30 * DAY + 230;
        let odd = values(40, |at| if night.contains(&at) { 60.0 } else { wave(at) });
        let found = changes(&odd, 20 * DAY, DAY);
        assert!(found.len() == 1 && found[0].by_day && night.contains(&found[0].start), "{found:?}");
        assert!(found[0].before < 45.0 && found[0].now > 55.0, "{found:?}");
    }

    #[test]
    fn too_little_gaps_and_odd_numbers_are_no_trouble() {
        assert_eq!(changes(&[], 0, DAY), []);
        assert_eq!(changes(&[None; 5000], 100, DAY), []);
        assert_eq!(changes(&[Some(1.0); 100], 0, 0), []);
        assert_eq!(changes(&values(2, noise), 0, DAY), []);
        let mut gaps = values(40, |at| noise(at) + if at >= 35 * DAY { 9.0 } else { 0.0 });
        gaps[20 * DAY..22 * DAY].fill(None);
        gaps[35 * DAY + 10] = None;
        gaps[35 * DAY + 20] = Some(f64::INFINITY);
        let found = changes(&gaps, 30 * DAY, DAY);
        assert!(found.len() == 1 && found[0].start == 35 * DAY && found[0].now.is_finite(), "{found:?}");
    }
}
