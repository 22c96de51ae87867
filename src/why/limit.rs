//! The limit that a metric should not reach.

use custos_query::SimilarSeries;
use custos_store::{Metric, Snapshot};

use crate::limits::FORECAST_RUNS_MAX;

/// A limit, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricLimit {
    /// In the base unit of the metric.
    pub value: f64,
    /// Whose it is, in words.
    pub whose: &'static str,
}

/// The limit of a metric: the greatest value that the plugin names, else its critical range, else that of the definition of its check, of
/// which `defined` is the upper end. `at_ms` is when it counts (ms since the epoch).
pub fn metric_limit(
    store: &Snapshot,
    of: &SimilarSeries,
    at_ms: i64,
    defined: impl IntoIterator<Item = f64>,
) -> Option<MetricLimit> {
    let runs = store.runs_rev(&of.check, i64::MIN..at_ms).flatten();
    let is_it = |metric: &Metric| of.series.key.names(metric);
    let newest = runs.take(FORECAST_RUNS_MAX).find_map(|run| run.metrics.into_iter().find(is_it));
    let greatest = newest.iter().filter_map(|metric| Some((metric.max?, "the greatest value")));
    let ranges = newest.iter().filter_map(|metric| Some((metric.crit?.end, "its critical range")));
    let own = defined.into_iter().map(|end| (end, "the critical range"));
    let mut all = greatest.chain(ranges).chain(own);
    let (value, whose) = all.find(|(value, _)| value.is_finite())?;
    Some(MetricLimit { value, whose })
}
