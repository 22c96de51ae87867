//! The run of a rule's check.
//!
//! A failed evaluation says nothing of the series that the rule writes: its run is partial, so that they go on.

use std::collections::BTreeMap;

use custos_promql::{Label, Labels, METRIC_NAME};
use custos_store::{Instance, Instances, Metric, Reason, Run, State, Value};

use super::element::{instance_labels, name, pairs, value};
use super::text::{cut, in_order, line, lines};
use crate::limits::RULE_ELEMENTS_MAX;
use crate::rules::active::ActiveAlert;
use crate::rules::alert::Stage;
use crate::rules::definition::RuleCheck;
use crate::rules::evaluate::{ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE};
use crate::rules::judgement::Outcome;

/// The metric with the value of an element of an alert.
const VALUE: &str = "value";

/// The run of a rule's check after a judgement (ms since the epoch), but for where the check stands after it.
pub fn run_of(rule: &RuleCheck, at_ms: i64, outcome: &Outcome) -> Run {
    let ordered = in_order(&outcome.alerts);
    let kept = &ordered[..ordered.len().min(RULE_ELEMENTS_MAX)];
    let state = match outcome.failure {
        Some(_) => State::Unknown,
        None => worst(&outcome.alerts),
    };
    let (text, long_text) = match &outcome.failure {
        Some(failure) => (format!("failed to evaluate: {}", cut(failure)), lines(rule, &ordered, at_ms)),
        None if rule.alerts() => (line(rule, &ordered, at_ms), lines(rule, &ordered, at_ms)),
        None => (format!("{} series recorded", outcome.series.len()), String::new()),
    };
    Run {
        time_ms: at_ms,
        duration_us: outcome.duration_us,
        state,
        plugin_state: state,
        reason: Reason::Exited,
        exit_code: Some(state.code()),
        text,
        long_text,
        metrics: metrics(rule, kept, outcome),
        instances: instances(rule, kept),
        partial: outcome.failure.is_some(),
        ..Run::default()
    }
}

/// The worst state of the alerts that fire.
fn worst(alerts: &[ActiveAlert]) -> State {
    let firing = alerts.iter().filter(|alert| alert.stage == Stage::Firing);
    firing.fold(State::Ok, |worst, alert| worst.worst(alert.state))
}

fn instances(rule: &RuleCheck, alerts: &[&ActiveAlert]) -> Instances {
    let mut set = Instances::default();
    for alert in alerts {
        let fires = alert.stage == Stage::Firing;
        let text = ["summary", "description"].map(|annotation| alert.annotations.get(annotation));
        let text = text.into_iter().find(|text| !text.is_empty()).map(cut);
        let instance = Instance {
            state: if fires { alert.state } else { State::Ok },
            since_ms: alert.firing_since_ms.unwrap_or(alert.active_since_ms),
            pending_since_ms: (!fires).then_some(alert.active_since_ms),
            value: Some(Value::from(alert.value)),
            text: text.unwrap_or_else(|| format!("{} {}", name(rule, alert), value(alert)).trim().to_owned()),
            ..Instance::new(instance_labels(alert))
        };
        // One that the store does not take is left out: it is in the texts and the metrics all the same.
        let _ = set.insert(instance);
    }
    set
}

/// How many alerts there are, and for each its value and the series that say of it; or the series that were recorded. No two
/// have the same labels.
fn metrics(rule: &RuleCheck, alerts: &[&ActiveAlert], outcome: &Outcome) -> Vec<Metric> {
    if !rule.alerts() {
        return outcome
            .series
            .iter()
            .take(RULE_ELEMENTS_MAX)
            .map(|(labels, value)| series(labels, *value))
            .collect();
    }
    let count = |stage| outcome.alerts.iter().filter(|alert| alert.stage == stage).count() as i64;
    let mut metrics = vec![
        Metric::new("firing", Value::from(count(Stage::Firing))),
        Metric::new("pending", Value::from(count(Stage::Pending))),
    ];
    if outcome.failure.is_some() {
        return metrics;
    }
    let mut values = BTreeMap::new();
    for alert in alerts {
        let own = pairs(alert, |label: &&Label| *label.name != *ALERT_NAME);
        values.entry(own).or_insert(alert.value);
        metrics.extend(series_of(alert).iter().map(|(labels, value)| series(labels, *value)));
    }
    let values = values.into_iter();
    metrics.extend(values.map(|(labels, value)| Metric { labels, ..Metric::new(VALUE, Value::from(value)) }));
    metrics
}

/// A metric that is a series of exactly these labels, its name among them.
fn series(labels: &Labels, value: f64) -> Metric {
    let labels = labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect();
    Metric { labels, ..Metric::new("", Value::from(value)) }
}

/// The series that say of an alert that it is there, and since when.
fn series_of(alert: &ActiveAlert) -> [(Labels, f64); 2] {
    let since_s = alert.active_since_ms.div_euclid(1000) as f64;
    [
        (alert.labels.with(METRIC_NAME, ALERTS).with(ALERT_STATE, alert.stage.name()), 1.0),
        (alert.labels.with(METRIC_NAME, ALERTS_FOR_STATE), since_s),
    ]
}
