//! The axis of values: a range that holds the data, with ticks at round numbers.

use crate::text::human::{Prefixes, Scaling, duration_ms, quantity};

/// The axis of values beyond this is reckoned in so many times less, so that what is between two of them is a number, too.
const VALUE_MAX: f64 = 1e300;
const FAR_SCALE: f64 = 1e20;
/// Values nearer to zero are drawn as zero.
const VALUE_MIN: f64 = 1e-290;
/// From here on, seconds are labelled as minutes, hours and days.
const LONG_SECONDS: f64 = 120.0;
/// Steps of such seconds; beyond the last, tens of it.
const TIME_STEPS: [f64; 14] = [
    10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0, 432000.0,
];

/// Longest number of a label; there is no more room left of a chart.
const LABEL_MAX_CHARS: usize = 8;

/// The ends of an axis are multiples of this part of a step.
const PARTS: f64 = 5.0;

/// A range of values. `low < high`, both finite, as is what is between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ValueAxis {
    low: f64,
    high: f64,
    step: f64,
    /// How many times less than the values these are.
    scale: f64,
    unit: String,
    prefixes: Prefixes,
}

impl ValueAxis {
    /// The axis for data from `min` to `max`. A limit is included if that does not dwarf the data.
    pub(super) fn fit(
        (min, max): (f64, f64),
        limits: impl Iterator<Item = f64>,
        unit: &str,
        prefixes: Prefixes,
        ticks_max: usize,
    ) -> ValueAxis {
        let scale = if min.abs().max(max.abs()) > VALUE_MAX { FAR_SCALE } else { 1.0 };
        let (mut low, mut high) = (min / scale, max / scale);
        let magnitude = high.abs().max(low.abs());
        if magnitude < VALUE_MIN {
            (low, high) = (0.0, 1.0);
        } else if high - low <= magnitude * 1e-9 {
            (low, high) = (low - magnitude * 0.1, high + magnitude * 0.1);
        }
        if low > 0.0 && low <= high * 0.6 {
            low = 0.0;
        }
        let span = high - low;
        for limit in limits.map(|limit| limit / scale) {
            if (low - span..=high + span).contains(&limit) {
                low = low.min(limit);
                high = high.max(limit);
            }
        }
        let step =
            round_step((high - low) / ticks_max.max(1) as f64, high.abs().max(low.abs()), unit, prefixes);
        // The ends need not be ticks, or much of the plot might stay empty.
        let part = step / PARTS;
        // A rounding error must not add a part.
        let round = |value: f64| if (value - value.round()).abs() < 1e-9 { value.round() } else { value };
        ValueAxis {
            low: round(low / part).floor() * part,
            high: round(high / part).ceil() * part,
            step,
            scale,
            unit: unit.to_owned(),
            prefixes,
        }
    }

    /// The height of a value among so many rows, from 0 at the bottom. Values beyond the axis are at its edge.
    pub(super) fn height(&self, value: f64, rows: usize) -> usize {
        (self.share(value) * (rows.saturating_sub(1)) as f64).round() as usize
    }

    /// Where a value is between the ends of the axis, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        ((value / self.scale - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&(value / self.scale))
    }

    /// The ticks from the lowest, with their labels. Where the steps are too small beside the values for a label to
    /// tell them, only the lowest has the value, and the others what is to be added.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let first = (self.low / self.step - 1e-6).ceil();
        let last = (self.high / self.step + 1e-6).floor();
        let value = |index: usize| {
            let value = (first + index as f64) * self.step;
            // What rounding leaves of a zero.
            if value.abs() < self.step * 1e-6 { 0.0 } else { value * self.scale }
        };
        // The end of an axis may be further than any number.
        let values = (0..=(last - first) as usize).map(value).filter(|value| value.is_finite());
        let mut ticks: Vec<(f64, String)> = values.map(|value| (value, self.label(value))).collect();
        if !told_apart(&ticks) {
            for (index, (value, label)) in ticks.iter_mut().enumerate() {
                *label = match index {
                    0 => quantity(*value, &self.unit, self.prefixes),
                    steps => format!(
                        "+{}",
                        quantity(steps as f64 * self.step * self.scale, &self.unit, self.prefixes)
                    ),
                };
            }
        }
        ticks
    }

    /// All labels of an axis have the same prefix and the same number of decimals.
    fn label(&self, value: f64) -> String {
        let largest = (self.high.abs().max(self.low.abs()) * self.scale).min(f64::MAX);
        if self.unit == "s" && largest >= LONG_SECONDS {
            return if value == 0.0 { "0s".to_owned() } else { duration_ms((value * 1000.0) as i64) };
        }
        let Scaling { divisor, suffix, .. } = Scaling::of(largest, &self.unit, self.prefixes);
        if value == 0.0 && matches!(self.unit.as_str(), "" | "c") {
            return "0".to_owned();
        }
        let (scaled, step) = (value / divisor, self.step * self.scale / divisor);
        if !(1e-9..1e15).contains(&step) {
            return format!("{scaled:.1e}{suffix}");
        }
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        format!("{scaled:.decimals$}{suffix}")
    }
}

/// Whether the labels fit and differ from one another.
fn told_apart(ticks: &[(f64, String)]) -> bool {
    let number = |label: &str| label.split(' ').next().unwrap_or(label).chars().count();
    let fit = ticks
        .iter()
        .all(|(_, label)| label.chars().count() <= LABEL_MAX_CHARS || number(label) <= LABEL_MAX_CHARS);
    fit && ticks.windows(2).all(|pair| pair[0].1 != pair[1].1)
}

/// The least round step that is not below `least`.
fn round_step(least: f64, largest: f64, unit: &str, prefixes: Prefixes) -> f64 {
    let least = least.max(f64::MIN_POSITIVE);
    if unit == "s" && largest >= LONG_SECONDS {
        if let Some(&step) = TIME_STEPS.iter().find(|&&step| step >= least) {
            return step;
        }
        return decimal_step(least / 86400.0) * 86400.0;
    }
    if prefixes == Prefixes::Iec && matches!(unit, "B" | "b") && least >= 1.0 {
        return 2_f64.powi(least.log2().ceil() as i32);
    }
    decimal_step(least)
}

/// 1, 2 or 5 times a power of ten.
fn decimal_step(least: f64) -> f64 {
    let power = 10_f64.powi(least.log10().floor() as i32);
    // A rounding error must not lead to the next step.
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: (f64, f64), unit: &str, ticks_max: usize) -> Vec<String> {
        let axis = ValueAxis::fit(range, std::iter::empty(), unit, Prefixes::Si, ticks_max);
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_labels_agree() {
        assert_eq!(labels((0.02, 4.12), "", 5), ["0", "1", "2", "3", "4"]);
        assert_eq!(labels((0.1, 0.42), "", 5), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels((7.2e9, 8.1e9), "B", 5), ["7.2 GB", "7.4 GB", "7.6 GB", "7.8 GB", "8.0 GB"]);
        assert_eq!(labels((0.0004, 0.0021), "s", 5), ["0.0 ms", "0.5 ms", "1.0 ms", "1.5 ms", "2.0 ms"]);
        assert_eq!(labels((0.0, 7000.0), "s", 5), ["0s", "30m", "1h", "1h 30m", "2h"]);
        assert_eq!(labels((-3.0, 4.0), "%", 4), ["-2%", "0%", "2%", "4%"]);
        assert_eq!(labels((0.0, 0.0), "", 4), ["0", "0.5", "1.0"]);
        assert_eq!(labels((1e6, 1e6), "c", 2), ["0.9M", "1.0M", "1.1M"]);
        assert_eq!(labels((0.0, 864000.0), "s", 5), ["0s", "5d", "10d"]);
    }

    #[test]
    fn small_steps_between_large_values_are_told() {
        assert_eq!(labels((1795645080.0, 1795645110.0), "c", 4), ["1.8G", "+10", "+20", "+30"]);
        assert_eq!(labels((4e12, 4e12 + 3e5), "B", 3), ["4 TB", "+100 kB", "+200 kB", "+300 kB"]);
        assert_eq!(labels((1795645080.0, 1795645110.0), "s", 3), ["56y 342d", "+10 s", "+20 s", "+30 s"]);
        assert_eq!(labels((-4e9, -4e9 + 30.0), "", 3), ["-4G", "+10", "+20", "+30"]);
    }

    #[test]
    fn binary_prefixes_have_binary_steps() {
        let axis = ValueAxis::fit((0.0, 3e9), std::iter::empty(), "B", Prefixes::Iec, 4);
        assert_eq!(
            axis.ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>(),
            ["0 GiB", "1 GiB", "2 GiB"]
        );
    }

    #[test]
    fn near_limits_are_shown_and_far_ones_left_out() {
        let axis = |limit: f64| ValueAxis::fit((0.1, 4.0), [limit].into_iter(), "", Prefixes::Si, 5);
        assert!(axis(5.0).contains(5.0));
        assert!(!axis(100.0).contains(100.0));
        assert!(axis(100.0).high < 6.0);
    }

    #[test]
    fn the_greatest_numbers_are_told_apart() {
        let axis = |range| ValueAxis::fit(range, std::iter::empty(), "", Prefixes::Si, 5);
        let far = axis((-1e308, 1e308));
        let heights = [-1e308, -5e307, 0.0, 5e307, 1e308].map(|value| far.height(value, 101));
        assert_eq!(heights, [0, 25, 50, 75, 100]);
        assert_eq!(axis((2e305, 1e308)).height(1e308, 101), 100);
        assert!(axis((2e305, 1e308)).height(5e307, 101).abs_diff(50) <= 1);
        assert_eq!(labels((-1e308, 1e308), "", 4), ["-1.0e308", "-5.0e307", "0", "5.0e307", "1.0e308"]);
        let ticks = axis((f64::MIN, f64::MAX)).ticks();
        assert!(ticks.iter().all(|(value, _)| value.is_finite()) && ticks.len() >= 3, "{ticks:?}");
    }

    #[test]
    fn extremes_give_few_finite_ticks() {
        for range in [
            (f64::MIN, f64::MAX),
            (f64::MIN_POSITIVE, f64::MIN_POSITIVE * 3.0),
            (1e15, 1e15 + 0.125),
            (-1e300, -1e300),
            (0.0, 5e-324),
        ] {
            let axis = ValueAxis::fit(range, std::iter::empty(), "", Prefixes::Si, 5);
            assert!(axis.low < axis.high, "{range:?} {axis:?}");
            assert!(axis.ticks().len() <= 12, "{range:?} {axis:?}");
            assert!(axis.height(range.0, 10) <= axis.height(range.1, 10));
        }
    }
}
