//! How a rule stands, by the last runs of its check.

use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME, Options};
use custos_query::{StoreSource, latest_runs};
use custos_store::{Metric, Run, Snapshot, Value};

use crate::http::rules::{Alerting, ShownRule};
use crate::limits::HTTP_RULE_RUNS_MAX;
use crate::rules::{
    ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE, Context, NOT_JUDGED, Template, VALUE, text_vector,
};

/// How a rule stands.
#[derive(Default)]
pub(super) struct Standing {
    /// Its last run; none if it was not judged yet.
    pub(super) last: Option<Run>,
    /// Why it could not be judged the last time.
    pub(super) failure: Option<String>,
    pub(super) alerts: Vec<ShownAlert>,
}

/// An alert that is pending or fires.
pub(super) struct ShownAlert {
    pub(super) labels: Labels,
    /// `pending` or `firing`.
    pub(super) state: String,
    pub(super) active_ms: i64,
    pub(super) value: f64,
}

impl Standing {
    /// How a rule stands.
    pub(super) fn of(rule: &ShownRule, snapshot: &Snapshot) -> Standing {
        let mut runs = latest_runs(snapshot, &rule.check).take(HTTP_RULE_RUNS_MAX).filter_map(Result::ok);
        let Some(last) = runs.next() else { return Standing::default() };
        let failure = last.text.strip_prefix(NOT_JUDGED).map(str::to_owned);
        // One that could not be judged changed nothing.
        let alerts = if last.partial {
            runs.find(|run| !run.partial).map(|run| alerts(&run)).unwrap_or_default()
        } else {
            alerts(&last)
        };
        Standing { last: Some(last), failure, alerts }
    }

    /// `inactive`, `pending` or `firing`.
    pub(super) fn state(&self) -> &'static str {
        let is = |state: &str| self.alerts.iter().any(|alert| alert.state == state);
        match () {
            () if is("firing") => "firing",
            () if is("pending") => "pending",
            () => "inactive",
        }
    }

    pub(super) fn health(&self) -> &'static str {
        match (&self.last, &self.failure) {
            (None, _) => "unknown",
            (_, Some(_)) => "err",
            (_, None) => "ok",
        }
    }
}

/// The alerts of a run.
fn alerts(run: &Run) -> Vec<ShownAlert> {
    let named = |name: &'static str| {
        run.metrics.iter().filter(move |metric| {
            metric.labels.iter().any(|(label, value)| label == METRIC_NAME && value == name)
        })
    };
    let mut alerts: Vec<ShownAlert> = named(ALERTS)
        .map(|metric| {
            let labels = Labels::new(metric.labels.iter().map(|(name, value)| (name, value)));
            let state = labels.get(ALERT_STATE).to_owned();
            let labels = labels.with(METRIC_NAME, "").with(ALERT_STATE, "");
            let since = named(ALERTS_FOR_STATE)
                .find(|metric| same(metric, &labels.with(METRIC_NAME, ALERTS_FOR_STATE)));
            let own = labels.with(ALERT_NAME, "");
            let value = run.metrics.iter().find(|metric| metric.label == VALUE && same(metric, &own));
            ShownAlert {
                state,
                active_ms: since.and_then(number).map_or(run.time_ms, |since_s| (since_s * 1e3) as i64),
                value: value.and_then(number).or_else(|| of_instance(run, &own)).unwrap_or(f64::NAN),
                labels,
            }
        })
        .collect();
    alerts.sort_by(|one, other| one.labels.cmp(&other.labels));
    alerts
}

/// The value of an alert that is kept: the last one that there was.
fn of_instance(run: &Run, labels: &Labels) -> Option<f64> {
    let pairs: Vec<(String, String)> =
        labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect();
    run.instances.get(&pairs)?.value.map(Value::to_f64)
}

fn same(metric: &Metric, labels: &Labels) -> bool {
    let pairs = labels.iter().map(|label| (&*label.name, &*label.value));
    metric.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(pairs)
}

fn number(metric: &Metric) -> Option<f64> {
    metric.value.map(Value::to_f64)
}

/// The annotations of an alert, expanded for it as of the run in which it is.
pub(super) fn annotations(
    alerting: &Alerting,
    name: &str,
    alert: &ShownAlert,
    at_ms: i64,
    snapshot: &Snapshot,
) -> Labels {
    let snapshot = snapshot.clone();
    let context = Context {
        now_ms: at_ms,
        external_labels: Labels::default(),
        external_url: String::new(),
        query: Arc::new(move |text| {
            text_vector(text, &StoreSource::new(&snapshot), at_ms, &Options::default())
        }),
    };
    let expanded = alerting.annotations.iter().filter_map(|(annotation, text)| {
        let template = Template::parse(name, text).ok()?;
        Some((annotation.clone(), template.expand(&alert.labels.with(ALERT_NAME, ""), alert.value, &context)))
    });
    Labels::new(expanded)
}
