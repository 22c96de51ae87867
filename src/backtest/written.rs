//! A backtest as JSON.

use serde_json::{Map, Value, json};

use super::interval::{AlertInterval, Backtest, Span};
use super::totals::Totals;

/// A backtest with its totals.
pub fn json_of(backtest: &Backtest, totals: &Totals) -> Value {
    json!({
        "intervals": backtest.intervals.iter().map(json_of_interval).collect::<Vec<_>>(),
        "not_observed": backtest.not_observed.iter().copied().map(json_of_span).collect::<Vec<_>>(),
        "judged": backtest.judged,
        "totals": {
            "alerts": totals.alerts,
            "firing_ms": totals.firing_ms,
            "shortest_ms": totals.shortest_ms,
            "longest_ms": totals.longest_ms,
            "flaps": totals.flaps,
            "per_week": totals.per_week,
            "by_hour": totals.by_hour,
            "by_weekday": totals.by_weekday,
            "observed_ms": backtest.observed_ms(),
        },
    })
}

/// An alert.
pub fn json_of_interval(interval: &AlertInterval) -> Value {
    let labels: Map<String, Value> =
        interval.labels.iter().map(|label| (label.name.to_string(), Value::from(&*label.value))).collect();
    json!({
        "since_ms": interval.since_ms,
        "until_ms": interval.until_ms,
        "pending_since_ms": interval.pending_since_ms,
        "state": interval.state.name(),
        "check": interval.check,
        "labels": labels,
        "peak": interval.peak.map(|(value, _)| value),
        "peak_ms": interval.peak.map(|(_, at_ms)| at_ms),
        "said": interval.said,
    })
}

/// A time.
pub fn json_of_span(span: Span) -> Value {
    json!({ "since_ms": span.since_ms, "until_ms": span.until_ms })
}
