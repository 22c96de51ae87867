//! When a series will reach a limit, by what it did since its rate changed last.
//!
//! Whole weeks of hourly changes are drawn from the time since then, each at the hour of the week that it is of, and put
//! one behind the other, hundreds of times; of days where there are too few weeks. So rhythms, bursts and cleanups come as often as
//! they did, and nothing is fitted. How wide the range must be is measured: by the forecasts that would have been made before.

use crate::dice::Dice;
use crate::limits::{
    FORECAST_DAYS, FORECAST_DAYS_MIN, FORECAST_ORIGINS_MAX, FORECAST_ORIGINS_MIN, FORECAST_PATHS,
    FORECAST_WEEKS_MIN, FORECAST_WIDER_MAX,
};
use crate::rate_change::since_change;

const DAY: usize = 24;
const WEEK: usize = 7 * DAY;

/// The share of paths below the range, and above it: 80 % are within.
const TAIL: f64 = 0.1;

/// When a limit will be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Hours until half of the paths have reached it; none if that is not within [`FORECAST_DAYS`].
    pub median_h: Option<f64>,
    /// Hours until one path in ten has.
    pub low_h: Option<f64>,
    /// Hours until nine paths in ten have.
    pub high_h: Option<f64>,
    /// The share of paths that have reached it, by hour.
    reached: Vec<f64>,
    /// Hours for which the present rate holds.
    pub since_h: usize,
    /// The change a day since then.
    pub per_day: f64,
    /// Of so many forecasts that would have been made before so many held.
    pub held: (usize, usize),
}

/// Why there is no forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// There is too little history.
    Short,
    /// It follows no rule: the forecasts that would have been made before did not hold, not even nearly.
    Jumps,
}

impl Forecast {
    /// How likely the limit is reached within so many hours, from 0 to 1.
    pub fn probability(&self, hours: usize) -> f64 {
        self.reached.get(hours.min(self.reached.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }
}

/// Forecasts when a series reaches a limit, from its value in each hour, the newest last; of hours without a value nothing is known.
///
/// # Errors
/// Why nothing can be said.
pub fn forecast(hours: &[Option<f64>], limit: f64) -> Result<Forecast, Silent> {
    let values = without_gaps(hours);
    if values.len() <= FORECAST_DAYS_MIN * DAY {
        return Err(Silent::Short);
    }
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let changes = &changes[changes.len() - since_change(&changes).min(changes.len())..];
    let now = values[values.len() - 1];
    let Blocks { block, count } = Blocks::of(changes.len());
    let (wider, held) = wider(changes)?;
    let upward = limit > now;
    let mut dice = Dice::new();
    let horizon = FORECAST_DAYS * DAY;
    // Paths deviate from the mean path, and that is what is widened.
    let usual = mean_block(changes, block, count);
    let mut first: Vec<usize> = Vec::with_capacity(FORECAST_PATHS);
    for _ in 0..FORECAST_PATHS {
        let path = Path { changes, block, drawn: draw(count, &mut dice), usual: &usual, wider };
        first.push(path.first_beyond(now, limit, upward, horizon, &mut dice));
    }
    first.sort_unstable();
    let after = |share: f64| {
        let index = ((share * FORECAST_PATHS as f64).ceil() as usize).max(1) - 1;
        first.get(index).filter(|hour| **hour <= horizon).map(|hour| *hour as f64)
    };
    let reached =
        (0..=horizon).map(|hour| first.partition_point(|at| *at <= hour) as f64 / FORECAST_PATHS as f64);
    Ok(Forecast {
        median_h: after(0.5),
        low_h: after(TAIL),
        high_h: after(1.0 - TAIL),
        reached: reached.collect(),
        since_h: changes.len(),
        per_day: usual.iter().sum::<f64>() * DAY as f64 / block as f64,
        held,
    })
}

/// What changes are drawn by.
struct Blocks {
    /// Hours of a block: a week, or a day.
    block: usize,
    /// How many there are.
    count: usize,
}

impl Blocks {
    fn of(hours: usize) -> Blocks {
        let block = if hours >= FORECAST_WEEKS_MIN * WEEK { WEEK } else { DAY };
        Blocks { block, count: hours / block }
    }
}

/// A block of changes; 0 is the newest.
fn block_of(changes: &[f64], block: usize, index: usize) -> &[f64] {
    let end = changes.len() - index * block;
    &changes[end - block..end]
}

/// The blocks that a path draws from, drawn themselves: how many there were of each kind is chance as well.
fn draw(count: usize, dice: &mut Dice) -> Vec<usize> {
    (0..count).map(|_| dice.one_of(count)).collect()
}

/// The mean of all blocks.
fn mean_block(changes: &[f64], block: usize, count: usize) -> Vec<f64> {
    let mut mean = vec![0.0; block];
    for index in 0..count {
        let of = block_of(changes, block, index).iter();
        mean.iter_mut().zip(of).for_each(|(mean, change)| *mean += change / count as f64);
    }
    mean
}

/// One of many ways in which it may go on.
struct Path<'a> {
    changes: &'a [f64],
    block: usize,
    drawn: Vec<usize>,
    usual: &'a [f64],
    wider: f64,
}

impl Path<'_> {
    /// The first hour in which the value is at the limit or beyond; after the horizon if there is none.
    fn first_beyond(&self, now: f64, limit: f64, upward: bool, horizon: usize, dice: &mut Dice) -> usize {
        let mut value = now;
        let mut hour = 0;
        while hour < horizon {
            let index = self.drawn[dice.one_of(self.drawn.len())];
            let block = block_of(self.changes, self.block, index);
            for (change, usual) in block.iter().zip(self.usual) {
                value += usual + (change - usual) * self.wider;
                hour += 1;
                if (upward && value >= limit) || (!upward && value <= limit) {
                    return hour;
                }
            }
        }
        horizon + 1
    }
}

/// By what factor the range of paths must be wider than they are for 80 % of past forecasts to hold, and of how many how many held
/// then.
fn wider(changes: &[f64]) -> Result<(f64, (usize, usize)), Silent> {
    let ahead = Blocks::of(changes.len()).block;
    let first = FORECAST_ORIGINS_MIN * DAY;
    let Some(last) = changes.len().checked_sub(ahead).filter(|last| *last > first) else {
        return Ok((1.0, (0, 0)));
    };
    let step = ((last - first) / FORECAST_ORIGINS_MAX).max(DAY);
    let mut dice = Dice::new();
    let mut needed = Vec::new();
    for origin in (first..=last).rev().step_by(step) {
        let known = &changes[..origin];
        let Blocks { block, count } = Blocks::of(known.len());
        if count == 0 {
            continue;
        }
        let mut sums: Vec<f64> = (0..FORECAST_PATHS)
            .map(|_| {
                let drawn = draw(count, &mut dice);
                let blocks = (0..ahead / block).map(|_| drawn[dice.one_of(count)]);
                blocks.map(|index| block_of(known, block, index).iter().sum::<f64>()).sum()
            })
            .collect();
        sums.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| sums[((sums.len() - 1) as f64 * share).round() as usize];
        let (low, middle, high) = (at(TAIL), at(0.5), at(1.0 - TAIL));
        let off = changes[origin..origin + ahead].iter().sum::<f64>() - middle;
        let room = if off < 0.0 { middle - low } else { high - middle };
        needed.push(if off == 0.0 { 0.0 } else { off.abs() / room.max(f64::MIN_POSITIVE) });
    }
    if needed.len() < FORECAST_ORIGINS_MIN {
        return Ok((1.0, (0, 0)));
    }
    needed.sort_unstable_by(f64::total_cmp);
    let wanted = ((needed.len() as f64 * (1.0 - 2.0 * TAIL)).ceil() as usize).clamp(1, needed.len());
    let factor = needed[wanted - 1];
    if factor > FORECAST_WIDER_MAX {
        return Err(Silent::Jumps);
    }
    let factor = factor.max(1.0);
    let held = needed.iter().filter(|needed| **needed <= factor).count();
    Ok((factor, (held, needed.len())))
}

/// The values from the first hour on that has one, gaps bridged by a straight line; what follows the newest value is as that.
fn without_gaps(hours: &[Option<f64>]) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::with_capacity(hours.len());
    let mut gap = 0;
    for hour in hours {
        match hour.filter(|value| value.is_finite()) {
            Some(value) => {
                if let Some(before) = values.last().copied() {
                    let parts = (gap + 1) as f64;
                    values.extend((1..=gap).map(|at| before + (value - before) * at as f64 / parts));
                }
                values.push(value);
                gap = 0;
            }
            None => gap += 1,
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: usize, value: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        (0..count).map(|hour| Some(value(hour))).collect()
    }

    #[test]
    fn what_grows_evenly_is_full_when_it_is() {
        let found = forecast(&hours(60 * DAY, |hour| hour as f64), 60.0 * 24.0 - 1.0 + 240.0).unwrap();
        assert_eq!((found.low_h, found.median_h, found.high_h), (Some(240.0), Some(240.0), Some(240.0)));
        assert_eq!((found.probability(239), found.probability(240)), (0.0, 1.0));
        assert_eq!(found.per_day, 24.0);
        assert_eq!(found.held.0, found.held.1);
    }

    #[test]
    fn what_is_cleaned_every_week_is_never_full() {
        let saw = hours(90 * DAY, |hour| (hour % WEEK) as f64);
        let found = forecast(&saw, 200.0).unwrap();
        assert_eq!((found.median_h, found.probability(60 * DAY)), (None, 0.0));
        let found = forecast(&saw, 167.0).unwrap();
        assert!(found.median_h.is_some_and(|hours| hours <= WEEK as f64), "{found:?}");
    }

    #[test]
    fn only_what_came_since_the_last_change_counts() {
        let bent =
            hours(90 * DAY, |hour| if hour < 70 * DAY { hour as f64 * 0.1 } else { hour as f64 - 1512.0 });
        let found = forecast(&bent, bent[90 * DAY - 1].unwrap() + 100.0).unwrap();
        assert_eq!(found.median_h, Some(100.0));
        assert!((18 * DAY..=21 * DAY).contains(&found.since_h), "{}", found.since_h);
    }

    #[test]
    fn nothing_is_said_of_what_cannot_be_known() {
        assert_eq!(forecast(&hours(3 * DAY, |hour| hour as f64), 1e9), Err(Silent::Short));
        assert_eq!(forecast(&[None; 1000], 1.0), Err(Silent::Short));
        let flat = forecast(&hours(40 * DAY, |_| 5.0), 6.0).unwrap();
        assert_eq!((flat.median_h, flat.probability(30 * DAY)), (None, 0.0));
    }

    #[test]
    fn gaps_are_bridged() {
        let mut gaps = hours(60 * DAY, |hour| hour as f64);
        gaps[100..130].fill(None);
        gaps[800..803].fill(Some(f64::NAN));
        assert_eq!(forecast(&gaps, 60.0 * 24.0 + 99.0).unwrap().median_h, Some(100.0));
    }

    #[test]
    fn downward_is_a_limit_too() {
        let falling = hours(60 * DAY, |hour| 5000.0 - hour as f64);
        assert_eq!(forecast(&falling, 5000.0 - 60.0 * 24.0 + 1.0 - 48.0).unwrap().median_h, Some(48.0));
    }
}
