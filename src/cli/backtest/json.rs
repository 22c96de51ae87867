//! A backtest as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::curve::Curve;
use super::found::Found;
use crate::backtest::{AlertInterval, Met, json_of, json_of_interval, json_of_span};
use crate::cli::read::{Failure, json_line};

/// Writes one object in a line.
pub(super) fn write(found: &Found, curve: Option<&Curve>, out: &mut dyn Write) -> Result<(), Failure> {
    let backtest = &found.backtest;
    let mut object = json_of(backtest, &found.totals);
    if let Some(fields) = object.as_object_mut() {
        add_optional(fields, found, curve);
    }
    json_line(&object, out)
}

/// What only some backtests have.
fn add_optional(fields: &mut Map<String, Value>, found: &Found, curve: Option<&Curve>) {
    let backtest = &found.backtest;
    fields.extend(backtest.span.map(|of| ("span".to_owned(), json_of_span(of))));
    if !found.words.is_empty() {
        fields.insert("changed".to_owned(), found.words.as_str().into());
    }
    if let Some((count, reason)) = &backtest.failed {
        fields.insert("failed".to_owned(), json!({ "judgements": count, "reason": reason }));
    }
    if let Some(difference) = &found.difference {
        let list = |all: &[AlertInterval]| all.iter().map(json_of_interval).collect::<Vec<_>>();
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

fn incidents(met: &Met) -> Value {
    let numbers = |all: &[crate::backtest::Incident]| all.iter().map(|one| one.number).collect::<Vec<_>>();
    let caught = met.caught.iter().map(|(one, lead_ms)| json!({ "number": one.number, "lead_ms": lead_ms }));
    json!({
        "caught": caught.collect::<Vec<_>>(),
        "missed": numbers(&met.missed),
        "not_observed": numbers(&met.not_observed),
        "false_alerts": met.false_alerts.iter().map(json_of_interval).collect::<Vec<_>>(),
    })
}
