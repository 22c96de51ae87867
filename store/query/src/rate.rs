//! The change per second of a series, sample by sample.

use custos_store::Value;

/// The unit of a counter, which only grows, until it starts again from 0.
pub const COUNTER: &str = "c";

/// Turns samples into rates. Differences of integers are exact, however large the counter is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    before: Option<(i64, Value)>,
}

impl Rate {
    /// The change per second since the sample before; none for the first sample, after a gap, and where no time has
    /// passed. A counter that falls is taken to have started again from 0. A value that is not finite is like a gap.
    pub fn add(&mut self, time_ms: i64, value: Value, unit: &str) -> Option<f64> {
        if !value.to_f64().is_finite() {
            self.gap();
            return None;
        }
        let (before_ms, before) = self.before.replace((time_ms, value))?;
        let seconds = (i128::from(time_ms) - i128::from(before_ms)) as f64 / 1000.0;
        let change = value.minus(before);
        let reset = unit == COUNTER && change < 0.0;
        (seconds > 0.0).then(|| (if reset { value.to_f64() } else { change }) / seconds)
    }

    /// Says that a run had no value here.
    pub fn gap(&mut self) {
        self.before = None;
    }

    /// Whether a series with this unit is a counter.
    pub fn is_of_counter(unit: &str) -> bool {
        unit == COUNTER
    }

    /// The unit of the rate of a series with this unit.
    pub fn unit(unit: &str) -> String {
        if unit == COUNTER { "/s".to_owned() } else { format!("{unit}/s") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_gaps_and_equal_times() {
        let mut rate = Rate::default();
        let mut add = |time_ms, value: f64| rate.add(time_ms, Value::from(value), "c");
        assert_eq!(add(0, 100.0), None);
        assert_eq!(add(2000, 300.0), Some(100.0));
        assert_eq!(add(2500, f64::INFINITY), None);
        assert_eq!(add(2600, 300.0), None);
        assert_eq!(add(2000, 400.0), None);
        assert_eq!(add(3000, 50.0), Some(50.0));
        rate.gap();
        assert_eq!(rate.add(4000, Value::from(60.0), "c"), None);
        assert_eq!(rate.add(5000, Value::from(10.0), "B"), Some(-50.0));
    }

    #[test]
    fn counters_beyond_2_to_the_53_are_exact_and_times_have_no_end() {
        let mut rate = Rate::default();
        rate.add(0, Value::from(i64::MAX - 3), "c");
        assert_eq!(rate.add(1000, Value::from(i64::MAX), "c"), Some(3.0));
        let mut rate = Rate::default();
        rate.add(i64::MIN, Value::from(0.0), "c");
        let slowest = rate.add(i64::MAX, Value::from(1e18), "c").unwrap();
        assert!((50.0..60.0).contains(&slowest), "{slowest}");
        assert_eq!(
            (Rate::unit("c"), Rate::unit("B"), Rate::unit("")),
            ("/s".into(), "B/s".into(), "/s".into())
        );
    }
}
