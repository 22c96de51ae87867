//! How fast counters grow, from run to run, for thresholds that say `rate: true`.
//!
//! A counter that falls either began anew or, if it has 32 bits, went past its end. A device that says how long it has
//! been up tells the two apart: after a restart a counter is counted from 0, without one it wrapped if that makes it grow by
//! less than half of what it can hold. Where neither is known, the lower of both readings is taken: counted from 0.

use std::collections::HashMap;
use std::time::Duration;

use custos_store::{Metric, Value};

use super::taken::Taken;
use crate::clock::micros;
use crate::limits::RATE_MEMORY;

/// What a counter of 32 bits can hold at most.
const MAX_32: f64 = u32::MAX as f64;
const MICROS_PER_S: f64 = 1e6;

/// What counters showed last, by threshold (its index in the definition) and series.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    seen: HashMap<(usize, String), Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    value: Value,
    at_us: i64,
    /// What it showed before it fell to 0 though nothing was restarted. If it goes on from there, the 0 was none.
    before_zero: Option<(Value, i64)>,
}

impl Counters {
    /// By how much a counter has grown each second since the run before. None in its first run.
    pub(super) fn rate(
        &mut self,
        threshold: usize,
        series: &str,
        metric: &Metric,
        taken: Taken,
    ) -> Option<f64> {
        let value = metric.value?;
        let key = (threshold, series.to_owned());
        let fresh = Seen { value, at_us: taken.started_us, before_zero: None };
        let Some(before) = self.seen.get(&key).copied() else {
            self.seen.insert(key, fresh);
            return None;
        };
        let elapsed_us = taken.started_us.saturating_sub(before.at_us);
        if elapsed_us <= 0 {
            return None;
        }
        let goes_on = before.before_zero.filter(|(value_then, _)| value.minus(*value_then) >= 0.0);
        let (from, from_us) = goes_on.unwrap_or((before.value, before.at_us));
        let elapsed_us = taken.started_us.saturating_sub(from_us).max(elapsed_us);
        let was_restarted = taken.uptime.map(|uptime| micros(uptime) < elapsed_us.unsigned_abs());
        let fell_to_zero = value.to_f64() == 0.0 && from.to_f64() > 0.0 && was_restarted != Some(true);
        let before_zero = fell_to_zero.then_some((from, from_us));
        self.seen.insert(key, Seen { before_zero, ..fresh });
        let grown = grown(from, value, metric.max, was_restarted);
        Some(grown / (elapsed_us as f64 / MICROS_PER_S))
    }

    /// Forgets what has not been there for long.
    pub(super) fn forget(&mut self, now_us: i64) {
        let memory_us = micros(RATE_MEMORY) as i64;
        self.seen.retain(|_, seen| now_us.saturating_sub(seen.at_us) < memory_us);
    }
}

fn grown(from: Value, to: Value, max: Option<f64>, was_restarted: Option<bool>) -> f64 {
    let grown = to.minus(from);
    if grown >= 0.0 {
        return grown;
    }
    let wrapped = grown + MAX_32 + 1.0;
    let can_wrap = max == Some(MAX_32) && was_restarted == Some(false) && wrapped < MAX_32 / 2.0;
    if can_wrap { wrapped } else { to.to_f64().max(0.0) }
}

const _: () = assert!(RATE_MEMORY.as_secs() > Duration::from_secs(3600).as_secs());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    /// The rates of a counter that is read once a minute; with each value the uptime in seconds, if it is known.
    fn rates(max: Option<f64>, readings: &[(i64, Option<u64>)]) -> Vec<Option<f64>> {
        let mut counters = Counters::default();
        let rate = |(n, (value, uptime)): (usize, &(i64, Option<u64>))| {
            let uptime = uptime.map(Duration::from_secs);
            let taken = Taken { uptime, ..Taken::at(n as i64 * MINUTE_US) };
            let metric = Metric { max, ..Metric::new("c", Value::from(*value)) };
            counters.rate(0, "c", &metric, taken)
        };
        readings.iter().enumerate().map(rate).collect()
    }

    #[test]
    fn a_rate_takes_two_runs() {
        let up = Some(1_000_000);
        assert_eq!(rates(None, &[(60, up), (120, up), (120, up)]), [None, Some(1.0), Some(0.0)]);
        let large = 1 << 60;
        assert_eq!(rates(None, &[(large, up), (large + 60, up)]), [None, Some(1.0)], "no precision is lost");
    }

    #[test]
    fn wraps_and_restarts_are_told_apart_by_the_uptime() {
        let (long, short) = (Some(1_000_000), Some(30));
        let near_end = (1 << 32) - 60;
        let narrow = Some(MAX_32);
        for (max, uptime, expected, what) in [
            (narrow, long, 2.0, "a wrap"),
            (narrow, short, 1.0, "a restart"),
            (narrow, None, 1.0, "not known which"),
            (None, long, 1.0, "64 bits do not wrap"),
            (None, None, 1.0, "a plugin's counter"),
        ] {
            assert_eq!(rates(max, &[(near_end, long), (60, uptime)]), [None, Some(expected)], "{what}");
        }
        // Too far for a wrap: somebody cleared the counters.
        assert_eq!(rates(narrow, &[(3_000_000, long), (60, long)]), [None, Some(1.0)]);
    }

    #[test]
    fn a_single_zero_in_between_is_no_growth() {
        let long = Some(1_000_000);
        for max in [None, Some(MAX_32)] {
            let readings = [(6_000_000, long), (0, long), (6_000_120, long), (6_000_180, long)];
            assert_eq!(rates(max, &readings), [None, Some(0.0), Some(1.0), Some(1.0)]);
            let cleared = [(6_000_000, long), (0, long), (60, long), (120, long)];
            assert_eq!(rates(max, &cleared), [None, Some(0.0), Some(1.0), Some(1.0)]);
        }
    }

    #[test]
    fn what_has_no_time_in_between_has_no_rate() {
        let mut counters = Counters::default();
        let metric = |value: i64| Metric::new("c", Value::from(value));
        assert_eq!(counters.rate(0, "c", &metric(0), Taken::at(0)), None);
        assert_eq!(counters.rate(0, "c", &metric(60), Taken::at(0)), None);
        assert_eq!(counters.rate(0, "c", &metric(60), Taken::at(MINUTE_US)), Some(1.0));
        assert_eq!(counters.rate(1, "c", &metric(60), Taken::at(MINUTE_US)), None, "another threshold");
        counters.forget(MINUTE_US + micros(RATE_MEMORY) as i64);
        assert!(counters.seen.is_empty());
    }

    proptest! {
        /// A counter of 32 bits whose device counts on through wraps and begins anew with restarts: never is a rate read
        /// that is higher than the true one.
        #[test]
        fn no_rate_is_higher_than_the_truth(steps in prop::collection::vec((0_i64..2_000_000_000, prop::bool::weighted(0.1)), 1..40)) {
            let (mut total, mut uptime_s) = (0_i64, 10_000_u64);
            let mut readings = vec![(0, Some(uptime_s))];
            let mut truth = vec![None];
            for (grown, restarts) in steps {
                uptime_s = if restarts { 30 } else { uptime_s + 60 };
                total = if restarts { grown } else { (total + grown) % (1 << 32) };
                readings.push((total, Some(uptime_s)));
                truth.push(Some((grown as f64 / 60.0, restarts)));
            }
            for (read, truth) in rates(Some(MAX_32), &readings).into_iter().zip(truth) {
                match (read, truth) {
                    (Some(read), Some((truth, false))) => prop_assert!((read - truth).abs() < 1e-6, "{} {}", read, truth),
                    (Some(read), Some((truth, true))) => prop_assert!(read <= truth + 1e-6, "{} {}", read, truth),
                    (read, truth) => prop_assert!(read.is_none() && truth.is_none()),
                }
            }
        }
    }
}
