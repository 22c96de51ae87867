//! Series in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::{
    ENDED, Expr, Labels, METRIC_NAME, Matcher, Result, Samples, Selector, Source, SourceSeries, is_ended,
    parse,
};

use super::notation::{self, Item};

/// Series by their labels.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
    /// Series that have native histograms.
    histograms: Vec<Labels>,
}

impl Memory {
    /// Adds the series of a line of `load`. One of a classic histogram may stand for a native one, too.
    pub(super) fn load(
        &mut self,
        line: &str,
        step_ms: i64,
        with_native: bool,
    ) -> std::result::Result<(), String> {
        if line.split_whitespace().next().is_some_and(|metric| metric.ends_with("@st")) {
            // Times at which counters began are not stored.
            return Ok(());
        }
        let (labels, values) = notation::metric(line)?;
        if values.contains("{{") {
            self.histograms.push(labels);
            return Ok(());
        }
        let native =
            ["_bucket", "_count", "_sum"].iter().find_map(|end| labels.metric_name().strip_suffix(end));
        if let (true, Some(name)) = (with_native, native) {
            self.histograms.push(labels.with("le", "").with(METRIC_NAME, name));
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

    /// Whether a query selects series that have native histograms.
    pub(super) fn has_histogram(&self, query: &str) -> bool {
        !self.histograms.is_empty() && parse(query).is_ok_and(|expr| self.selects_histogram(&expr))
    }

    fn selects_histogram(&self, expr: &Expr) -> bool {
        let selects = |selector: &Selector| {
            let fits = |labels: &Labels| {
                selector.matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())))
            };
            self.histograms.iter().any(fits)
        };
        match expr {
            Expr::Selector(selector) => selects(selector),
            Expr::Range(range) => selects(&range.selector),
            _ => expr.children().into_iter().any(|child| self.selects_histogram(child)),
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
