//! A backtest as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::curve::Curve;
use super::found::Found;
use crate::backtest::{AlertInterval, Met, Span};
use crate::cli::read::{Failure, json_line};

/// Writes one object in a line.
pub(super) fn write(found: &Found, curve: Option<&Curve>, out: &mut dyn Write) -> Result<(), Failure> {
    let backtest = &found.backtest;
    let mut object = json!({
        "intervals": backtest.intervals.iter().map(interval).collect::<Vec<_>>(),
        "not_observed": backtest.not_observed.iter().copied().map(span).collect::<Vec<_>>(),
        "judged": backtest.judged,
        "totals": {
            "alerts": found.totals.alerts,
            "firing_ms": found.totals.firing_ms,
            "shortest_ms": found.totals.shortest_ms,
            "longest_ms": found.totals.longest_ms,
            "flaps": found.totals.flaps,
            "per_week": found.totals.per_week,
            "by_hour": found.totals.by_hour,
            "by_weekday": found.totals.by_weekday,
            "observed_ms": backtest.observed_ms(),
        },
    });
    if let Some(fields) = object.as_object_mut() {
        add_optional(fields, found, curve);
    }
    json_line(&object, out)
}

/// What only some backtests have.
fn add_optional(fields: &mut Map<String, Value>, found: &Found, curve: Option<&Curve>) {
    let backtest = &found.backtest;
    fields.extend(backtest.span.map(|of| ("span".to_owned(), span(of))));
    if !found.words.is_empty() {
        fields.insert("changed".to_owned(), found.words.as_str().into());
    }
    if let Some((count, reason)) = &backtest.failed {
        fields.insert("failed".to_owned(), json!({ "judgements": count, "reason": reason }));
    }
    if let Some(difference) = &found.difference {
        let list = |all: &[AlertInterval]| all.iter().map(interval).collect::<Vec<_>>();
        fields.insert("added".to_owned(), list(&difference.added).into());
        fields.insert("lost".to_owned(), list(&difference.lost).into());
    }
    fields.extend(found.met.as_ref().map(|met| ("incidents".to_owned(), incidents(met))));
    if let Some(Curve { points, knee, .. }) = curve {
        let point = |point: &crate::backtest::CurvePoint| json!({ "threshold": point.threshold, "alerts": point.alerts, "hours": point.hours });
        fields.insert("curve".to_owned(), points.iter().map(point).collect::<Vec<_>>().into());
        fields.extend(knee.as_ref().map(|knee| ("knee".to_owned(), point(knee))));
    }
}

fn interval(interval: &AlertInterval) -> Value {
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

fn span(span: Span) -> Value {
    json!({ "since_ms": span.since_ms, "until_ms": span.until_ms })
}

fn incidents(met: &Met) -> Value {
    let numbers = |all: &[crate::backtest::Incident]| all.iter().map(|one| one.number).collect::<Vec<_>>();
    let caught = met.caught.iter().map(|(one, lead_ms)| json!({ "number": one.number, "lead_ms": lead_ms }));
    json!({
        "caught": caught.collect::<Vec<_>>(),
        "missed": numbers(&met.missed),
        "not_observed": numbers(&met.not_observed),
        "false_alerts": met.false_alerts.iter().map(interval).collect::<Vec<_>>(),
    })
}
