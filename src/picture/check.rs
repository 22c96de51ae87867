//! The picture of a check by itself, as messages and answers show it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use custos_query::{Drawn, EnvelopeRequest, ReadContext, Selector, Series, check_names};
use custos_store::{Metric, Snapshot};
use jiff::tz::TimeZone;

use super::titled::titled;
use crate::config::{Check, Threshold};
use crate::graph::{Picture, Ribbon};
use crate::limits::GRAPH_ORDER_RUNS_MAX;
use crate::rules::selected_series;
use crate::text::human::Prefixes;

/// A check of which a picture is wanted.
#[derive(Clone, Debug)]
pub struct CheckPicture<'p> {
    /// Its name.
    pub check: &'p str,
    /// `CHECK:METRIC` of what matters most of it. Where the store has no such series, all of the check count.
    pub metric: Option<&'p str>,
    /// The checks that are defined, whose thresholds are drawn.
    pub checks: &'p BTreeMap<String, Arc<Check>>,
    /// From when until when (ms since the epoch).
    pub span: Range<i64>,
    /// Most series that are drawn: those with limits first, then as the plugin prints them.
    pub series_max: usize,
    /// The zone that times are shown in.
    pub zone: &'p TimeZone,
}

/// The metrics of a check in its plugin's order, by the newest run that has any.
fn printed(store: &Snapshot, check: &str) -> Vec<Metric> {
    let newest = store.runs_rev(check, i64::MIN..i64::MAX).take(GRAPH_ORDER_RUNS_MAX).flatten();
    newest.map(|run| run.metrics).find(|metrics| !metrics.is_empty()).unwrap_or_default()
}

/// By which series come first: those with limits, then those that the plugin prints first.
fn rank(series: &Series, printed: &[Metric], thresholds: &[Threshold]) -> (bool, usize) {
    let Series::Metric(key) = series else { return (true, usize::MAX) };
    let place = printed.iter().position(|metric| metric.label == key.label && metric.labels == key.labels);
    let metric = place.and_then(|place| printed.get(place));
    let has_limits = thresholds.iter().any(|threshold| threshold.is_for(&key.label))
        || metric.is_some_and(|metric| metric.warn.is_some() || metric.crit.is_some());
    (!has_limits, place.unwrap_or(usize::MAX))
}

impl CheckPicture<'_> {
    /// Reads the picture, of so many columns of values and cells of states. `None` if the store has nothing of it, or if the context
    /// cancels that.
    pub fn read(
        &self,
        store: &Snapshot,
        (columns, cells): (usize, usize),
        context: &mut ReadContext<'_>,
    ) -> Option<Picture> {
        let names = check_names(store);
        let named = self.metric.unwrap_or(self.check);
        let selector =
            Selector::parse(named, &names).or_else(|_| Selector::parse(self.check, &names)).ok()?;
        let known = store.series(selector.check()).ok()?;
        if known.is_empty() {
            return None;
        }
        let mut series = selected_series(&selector, &known).ok()?;
        let defined = self.checks.get(selector.check());
        let thresholds = defined.map(|check| &check.thresholds[..]).unwrap_or_default();
        if series.len() > self.series_max {
            let printed = printed(store, selector.check());
            series.sort_by_key(|one| rank(one, &printed, thresholds));
            series.truncate(self.series_max);
        }
        let request = EnvelopeRequest {
            check: selector.check(),
            series,
            span: self.span.clone(),
            columns,
            cells,
            drawn: Drawn::Usual,
            holds_until_ms: None,
        };
        let read = request.read(store, context).ok()?;
        let drawn = read.series.into_iter().map(|one| titled(selector.check(), one, thresholds));
        Some(Picture {
            start_ms: self.span.start,
            end_ms: self.span.end,
            zone: self.zone.clone(),
            prefixes: Prefixes::Si,
            series: drawn.collect(),
            ribbons: vec![Ribbon { title: selector.check().to_owned(), states: read.states }],
            notes: Vec::new(),
        })
    }

    /// Reads the states alone, in so many cells: all that there is to see of a check without metrics. `None` if they cannot be
    /// read.
    pub fn read_states(
        &self,
        store: &Snapshot,
        cells: usize,
        context: &mut ReadContext<'_>,
    ) -> Option<Picture> {
        let request = EnvelopeRequest {
            check: self.check,
            series: Vec::new(),
            span: self.span.clone(),
            columns: cells,
            cells,
            drawn: Drawn::Usual,
            holds_until_ms: None,
        };
        let states = request.read(store, context).ok()?.states;
        Some(Picture {
            start_ms: self.span.start,
            end_ms: self.span.end,
            zone: self.zone.clone(),
            prefixes: Prefixes::Si,
            series: Vec::new(),
            ribbons: vec![Ribbon { title: self.check.to_owned(), states }],
            notes: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{SeriesKey, Value};

    use super::*;

    #[test]
    fn series_with_limits_come_first_and_then_the_order_of_the_plugin() {
        let mut printed = ["z", "y", "b", "a"].map(|label| Metric::new(label, Value::from(1.0)));
        printed[3].warn = Some(custos_store::Bounds { start: 0.0, end: 5.0, inside: false });
        let key = |label: &str| SeriesKey { label: label.to_owned(), labels: Vec::new() };
        let mut series = ["a", "b", "gone", "y", "z"].map(|label| Series::Metric(key(label)));
        series.sort_by_key(|one| rank(one, &printed, &[]));
        assert_eq!(series.map(|one| one.to_string()), ["a", "z", "y", "b", "gone"]);
    }
}
