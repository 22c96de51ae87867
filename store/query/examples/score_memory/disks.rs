//! `forecast`: simulated disks of nine kinds, whose truth is what they did afterwards.

use std::io::Write;

use custos_memory::{Silent, forecast};

use super::dice::Dice;

const DAY: usize = 24;
const HISTORY: usize = 120 * DAY;
const AHEAD: usize = 60 * DAY;

const KINDS: [&str; 9] =
    ["linear", "daily", "weekdays", "bursts", "weekly saw", "cleanups", "rate changes", "walk", "flat"];

const FLAT: usize = 8;

/// The change of each hour.
fn changes(kind: usize, dice: &mut Dice) -> Vec<f64> {
    let rate = dice.between(0.5, 2.0);
    let noise = dice.between(0.05, 0.5);
    let saw = dice.between(0.6, 0.95);
    let (mut grown, mut rate_now, mut left) = (0.0, rate, 0.0);
    let phase = dice.below(7 * DAY);
    (0..HISTORY + AHEAD)
        .map(|hour| {
            let clock = hour + phase;
            let (day, of_day) = (clock / DAY % 7, clock % DAY);
            let steady = rate + noise * dice.bell();
            match kind {
                0 => steady,
                1 => rate * (if of_day < 8 { 0.2 } else { 1.4 }) + noise * dice.bell(),
                2 => rate * (if day < 5 { 1.4 } else { 0.0 }) + noise * dice.bell(),
                3 if dice.part() < 0.02 => rate * 40.0 * dice.part(),
                3 => 0.1 * rate,
                4 => {
                    grown += steady;
                    if clock.is_multiple_of(7 * DAY) {
                        // Of what came in the week a part stays.
                        steady - std::mem::take(&mut grown) * saw
                    } else {
                        steady
                    }
                }
                5 => {
                    left += steady;
                    if dice.part() < 1.0 / (25.0 * DAY as f64) {
                        let gone = left * 0.5;
                        left -= gone;
                        steady - gone
                    } else {
                        steady
                    }
                }
                6 => {
                    if dice.part() < 1.0 / (30.0 * DAY as f64) {
                        rate_now = rate * dice.between(0.3, 4.0);
                    }
                    rate_now + noise * dice.bell()
                }
                7 => 0.3 * rate + 4.0 * dice.bell(),
                _ => noise * 0.02 * dice.bell(),
            }
        })
        .collect()
}

/// How forecasts did.
#[derive(Clone, Copy, Default)]
struct Score {
    disks: f64,
    silent: f64,
    safe: f64,
    called: f64,
    full: f64,
    missed: f64,
    brier: f64,
    within: f64,
    ranges: f64,
}

/// Scores so many disks of each kind, and prints a table; beside it the least squares of seven hours that `predict_linear` is
/// mostly used with.
pub(crate) fn score(each: usize, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "forecast, {each} simulated disks of each kind")?;
    writeln!(
        out,
        "  {:<14} {:>5}  {:>6}  {:>6}  {:>6}  {:>9}  {:>6}",
        "kind", "false", "missed", "Brier", "covers", "of ranges", "silent"
    )?;
    let mut all = [Score::default(); 2];
    for (kind, name) in KINDS.iter().enumerate() {
        let mut of_kind = [Score::default(); 2];
        for number in 0..each {
            let mut dice = Dice((kind * 10_000 + number) as u64);
            one_disk(kind, &mut dice, &mut of_kind);
        }
        line(name, of_kind[0], out)?;
        all.iter_mut().zip(of_kind).for_each(|(all, one)| add(all, one));
    }
    line("all", all[0], out)?;
    line("predict_linear", all[1], out)
}

fn one_disk(kind: usize, dice: &mut Dice, scores: &mut [Score; 2]) {
    let mut level = 1000.0;
    let values: Vec<f64> = changes(kind, dice).iter().map(|change| (level += change, level).1).collect();
    let now = values[HISTORY - 1];
    // What it first reaches between half a day and two months from now; what it never reaches, for a flat one.
    let after = 12 + dice.below(AHEAD - 12);
    let highest = values[HISTORY..HISTORY + after].iter().copied().fold(now, f64::max);
    let limit = if highest > now && kind != FLAT { highest } else { now + 10.0 };
    let truth = values[HISTORY..].iter().position(|value| *value >= limit).map(|hour| hour + 1);
    let known: Vec<Option<f64>> = values[..HISTORY].iter().map(|value| Some(*value)).collect();
    match forecast(&known, limit) {
        Ok(found) => {
            let score = &mut scores[0];
            count(score, truth, found.probability(7 * DAY), found.probability(30 * DAY));
            let low = found.low_h.unwrap_or(f64::INFINITY);
            let high = found.high_h.unwrap_or(f64::INFINITY);
            let is_range = low.is_finite();
            let at = truth.map_or(f64::INFINITY, |hour| hour as f64);
            score.ranges += f64::from(u8::from(is_range));
            score.within += f64::from(u8::from(is_range && (low..=high).contains(&at)));
        }
        Err(Silent::Jumps | Silent::Short) => {
            scores[0].disks += 1.0;
            scores[0].silent += 1.0;
        }
    }
    let linear = least_squares(&values[HISTORY - 7..HISTORY]);
    let reaches = |hours: usize| f64::from(u8::from(now + linear * hours as f64 >= limit));
    count(&mut scores[1], truth, reaches(7 * DAY), reaches(30 * DAY));
}

fn count(score: &mut Score, truth: Option<usize>, week: f64, month: f64) {
    score.disks += 1.0;
    let is_within = |hours: usize| truth.is_some_and(|hour| hour <= hours);
    if is_within(7 * DAY) {
        score.full += 1.0;
        score.missed += f64::from(u8::from(week < 0.5));
    } else {
        score.safe += 1.0;
        score.called += f64::from(u8::from(week >= 0.5));
    }
    score.brier += (month - f64::from(u8::from(is_within(30 * DAY)))).powi(2);
}

fn add(all: &mut Score, one: Score) {
    all.disks += one.disks;
    all.silent += one.silent;
    all.safe += one.safe;
    all.called += one.called;
    all.full += one.full;
    all.missed += one.missed;
    all.brier += one.brier;
    all.within += one.within;
    all.ranges += one.ranges;
}

fn least_squares(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let products: f64 =
        values.iter().enumerate().map(|(at, value)| (at as f64 - middle) * (value - mean)).sum();
    let squares: f64 = (0..values.len()).map(|at| (at as f64 - middle).powi(2)).sum();
    products / squares
}

fn line(name: &str, score: Score, out: &mut dyn Write) -> std::io::Result<()> {
    let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
    writeln!(
        out,
        "  {name:<14} {:>5.2}  {:>6.2}  {:>6.3}  {:>6.2}  {:>9}  {:>6.2}",
        share(score.called, score.safe),
        share(score.missed, score.full),
        share(score.brier, score.disks - score.silent),
        share(score.within, score.ranges),
        score.ranges,
        share(score.silent, score.disks),
    )
}
