//! The samples of one series and hour of both sides, one by one.

use std::collections::HashMap;

use custos_query::RunSample;
use custos_store::Value;

use super::compare::is_equal;
use super::questions::Manner;

/// How both sides differ.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    /// What is stored and not there.
    pub(super) missing: Vec<RunSample>,
    /// How many samples are there more often than once.
    pub(super) doubled: u64,
    /// How many are there and not stored.
    pub(super) foreign: u64,
    /// How many are there with another value.
    pub(super) other_values: u64,
}

impl Difference {
    pub(super) fn of(stored: &[RunSample], there: &[(i64, f64)], manner: Manner) -> Difference {
        let mut left: HashMap<i64, Vec<f64>> = HashMap::new();
        there.iter().for_each(|(time_ms, value)| left.entry(*time_ms).or_default().push(*value));
        let mut difference = Difference::default();
        for sample in stored {
            let Some(value) = sample.value.map(Value::to_f64) else { continue };
            if value.is_nan() && manner == Manner::VictoriaMetrics {
                continue;
            }
            match left.remove(&sample.time_ms) {
                None => difference.missing.push(*sample),
                Some(values) => {
                    difference.doubled += values.len() as u64 - 1;
                    let is_there = values.iter().any(|there| is_equal(value, *there, manner));
                    difference.other_values += u64::from(!is_there);
                }
            }
        }
        difference.foreign = left.values().map(|values| values.len() as u64).sum();
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_doubled_foreign_and_other_samples_are_told_apart() {
        let sample =
            |time_ms, value: Option<f64>| RunSample { series: 3, time_ms, value: value.map(Value::from) };
        let stored = [
            sample(1, Some(1.0)),
            sample(2, Some(2.0)),
            sample(3, Some(3.0)),
            sample(4, None),
            sample(5, Some(f64::NAN)),
        ];
        let there = [(2, 2.0), (2, 2.0), (3, 3.5), (9, 1.0)];
        let difference = Difference::of(&stored, &there, Manner::VictoriaMetrics);
        let expected = Difference { missing: vec![stored[0]], doubled: 1, foreign: 1, other_values: 1 };
        assert_eq!(difference, expected);
        let difference = Difference::of(&stored, &there, Manner::Prometheus { is_closed: true });
        assert_eq!(difference.missing.len(), 2);
    }
}
