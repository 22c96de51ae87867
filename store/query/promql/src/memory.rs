//! Series in memory, for tests of rules and queries.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::labels::Labels;
use crate::matcher::{METRIC_NAME, Matcher};
use crate::notation::Item;
use crate::source::{ENDED, Samples, Source, SourceSeries, is_ended};

/// Series by their labels.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By the name of the metric, which most selectors give, then by labels.
    names: BTreeMap<String, BTreeMap<Labels, Stored>>,
}

/// Samples by time, ascending: most are added at the end.
type Stored = Vec<(i64, f64)>;

impl Memory {
    /// Adds a sample (ms since the epoch), in place of one of the same time.
    pub fn insert(&mut self, labels: &Labels, time_ms: i64, value: f64) {
        let name = labels.metric_name();
        if let Some(samples) = self.names.get_mut(name).and_then(|series| series.get_mut(labels)) {
            return add(samples, time_ms, value);
        }
        let series = self.names.entry(name.to_owned()).or_default();
        series.insert(labels.clone(), vec![(time_ms, value)]);
    }

    /// Forgets all samples before a time (ms since the epoch), and series that have none left.
    pub fn forget_before(&mut self, time_ms: i64) {
        for series in self.names.values_mut() {
            series.retain(|_, samples| {
                samples.drain(..samples.partition_point(|(known_ms, _)| *known_ms < time_ms));
                !samples.is_empty()
            });
        }
        self.names.retain(|_, series| !series.is_empty());
    }

    /// Adds the values of a sequence, from a time on, each a step after the one before (ms).
    pub fn extend(&mut self, labels: &Labels, from_ms: i64, step_ms: i64, items: &[Item]) {
        for (index, item) in items.iter().enumerate() {
            let time_ms = from_ms.saturating_add((index as i64).saturating_mul(step_ms));
            match item {
                Item::Value(value) => self.insert(labels, time_ms, *value),
                Item::Stale => self.insert(labels, time_ms, ENDED),
                Item::Missing => {}
            }
        }
    }
}

fn add(samples: &mut Stored, time_ms: i64, value: f64) {
    if samples.last().is_none_or(|(last_ms, _)| *last_ms < time_ms) {
        return samples.push((time_ms, value));
    }
    match samples.binary_search_by_key(&time_ms, |(known_ms, _)| *known_ms) {
        Ok(at) => samples[at].1 = value,
        Err(at) => samples.insert(at, (time_ms, value)),
    }
}

/// Those within a stretch of time (both ends included).
fn within(samples: &Stored, from_ms: i64, to_ms: i64) -> &[(i64, f64)] {
    let from = samples.partition_point(|(time_ms, _)| *time_ms < from_ms);
    let count = samples[from..].partition_point(|(time_ms, _)| *time_ms <= to_ms);
    &samples[from..from + count]
}

impl Source for Memory {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        let names = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME);
        let names: Vec<&Matcher> = names.collect();
        let (mut selected, mut before) = (Vec::new(), 0);
        for (name, series) in &self.names {
            if names.iter().all(|matcher| matcher.matches(name)) {
                let all = series.iter().zip(before..);
                let of_name = all.filter(|((labels, samples), _)| {
                    matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())))
                        && within(samples, from_ms, to_ms).iter().any(|(_, value)| !is_ended(*value))
                });
                selected.extend(of_name.map(|((labels, _), id)| SourceSeries {
                    labels: labels.clone(),
                    id,
                    group: id / 3,
                    ..SourceSeries::default()
                }));
            }
            before += series.len() as u64;
        }
        Ok(selected)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let read = |series: &&SourceSeries| {
            let of_name = self.names.get(series.labels.metric_name());
            let Some(stored) = of_name.and_then(|of_name| of_name.get(&series.labels)) else {
                return Samples::default();
            };
            let (times, values): (Vec<i64>, Vec<f64>) =
                within(stored, from_ms, to_ms).iter().copied().unzip();
            Samples { times: times.into(), values: values.into(), integers: None }
        };
        Ok(series.iter().map(read).collect())
    }
}
