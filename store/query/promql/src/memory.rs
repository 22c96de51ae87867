//! Series in memory, for tests of rules and queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::notation::Item;
use crate::source::{ENDED, Samples, Source, SourceSeries, is_ended};

/// Series by their labels.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
}

impl Memory {
    /// Adds a sample (ms since the epoch), in place of one of the same time.
    pub fn insert(&mut self, labels: &Labels, time_ms: i64, value: f64) {
        match self.series.get_mut(labels) {
            Some(samples) => {
                samples.insert(time_ms, value);
            }
            None => {
                self.series.insert(labels.clone(), BTreeMap::from([(time_ms, value)]));
            }
        }
    }

    /// Forgets all samples before a time (ms since the epoch), and series that have none left.
    pub fn forget_before(&mut self, time_ms: i64) {
        self.series.retain(|_, samples| {
            if samples.first_key_value().is_some_and(|(first, _)| *first < time_ms) {
                *samples = samples.split_off(&time_ms);
            }
            !samples.is_empty()
        });
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

impl Source for Memory {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        let all = self.series.iter().enumerate();
        let selected = all.filter(|(_, (labels, samples))| {
            matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())))
                && from_ms <= to_ms
                && samples.range(from_ms..=to_ms).any(|(_, value)| !is_ended(*value))
        });
        let series = selected.map(|(index, (labels, _))| SourceSeries {
            labels: labels.clone(),
            id: index as u64,
            group: index as u64 / 3,
            lookback_ms: None,
            distance_ms: 0,
            samples_max: 0,
            is_counter: None,
        });
        Ok(series.collect())
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let read = |series: &&SourceSeries| {
            let mut samples = Samples::default();
            if let (Some(stored), true) = (self.series.get(&series.labels), from_ms <= to_ms) {
                for (time, value) in stored.range(from_ms..=to_ms) {
                    Arc::make_mut(&mut samples.times).push(*time);
                    samples.values.push(*value);
                }
            }
            samples
        };
        Ok(series.iter().map(read).collect())
    }
}
