//! Series in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::{ENDED, Labels, Matcher, Result, Samples, Source, SourceSeries, is_ended};

use super::notation::{self, Item};

/// Series by their labels.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
    /// Names of metrics that have native histograms.
    histograms: Vec<String>,
}

impl Memory {
    /// Adds the series of a line of `load`.
    pub(super) fn load(&mut self, line: &str, step_ms: i64) -> std::result::Result<(), String> {
        let (labels, values) = notation::metric(line)?;
        if values.contains("{{") || values.contains('@') {
            self.histograms.push(labels.metric_name().to_owned());
            return Ok(());
        }
        let samples = self.series.entry(labels).or_default();
        for (index, item) in notation::items(values)?.into_iter().enumerate() {
            let time = index as i64 * step_ms;
            match item {
                Item::Value(value) => {
                    samples.insert(time, value);
                }
                Item::Stale => {
                    samples.insert(time, ENDED);
                }
                Item::Missing => {}
            }
        }
        Ok(())
    }

    /// Whether a query is of a metric that has native histograms.
    pub(super) fn has_histogram(&self, query: &str) -> bool {
        self.histograms.iter().any(|name| query.contains(name.as_str()))
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
