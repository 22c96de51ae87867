//! The run of a rule's check: what it came to as text, instances and metrics.

use custos_promql::{Labels, METRIC_NAME};
use custos_store::{Instance, Instances, Metric, Reason, Run, State, Value};

use super::active::ActiveAlert;
use super::definition::RuleCheck;
use super::evaluate::{ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE};
use super::file::RuleKind;
use super::not_judged::NotJudged;
use super::words::{cut, in_order, line, lines, words};

/// Name of the metric with the number of alerts that fire.
pub const FIRING: &str = "firing";
/// Name of the metric with the number of alerts that are pending, and of what is under way of a sequence. While it or
/// [`FIRING`] is not 0, the rule's state depends on what was before.
pub const PENDING: &str = "pending";
/// What the text of a run begins with if the rule could not be judged.
pub const NOT_JUDGED: &str = "not judged: ";
/// Name of the metrics with the values of elements.
pub const VALUE: &str = "value";

/// What a rule came to at a time.
pub(super) struct Outcome<'o> {
    pub(super) rule: &'o RuleCheck,
    /// The time of the run (ms since the epoch).
    pub(super) at_ms: i64,
    pub(super) alerts: &'o [ActiveAlert],
    /// How much of a sequence is under way.
    pub(super) under_way: usize,
    pub(super) stepped: &'o Result<Vec<(Labels, f64)>, NotJudged>,
}

impl Outcome<'_> {
    /// The run of the rule's check.
    pub(super) fn run(&self) -> Run {
        let state = self.state();
        let mut run = Run {
            time_ms: self.at_ms,
            state,
            plugin_state: state,
            reason: Reason::Exited,
            exit_code: Some(state.code()),
            instances: self.instances(),
            ..Run::default()
        };
        match self.stepped {
            Err(not_judged) => {
                run.text = format!("{NOT_JUDGED}{}", cut(&not_judged.why));
                run.partial = not_judged.keeps_alerts;
            }
            Ok(series) => run.text = self.text(series.len()),
        }
        run.long_text = self.long_text();
        if !run.partial {
            run.metrics = self.metrics();
        }
        run
    }

    fn state(&self) -> State {
        if self.stepped.is_err() {
            return State::Unknown;
        }
        let firing = self.alerts.iter().filter(|alert| alert.fires());
        firing.fold(State::Ok, |worst, alert| worst.worst(alert.state))
    }

    fn count(&self, fires: bool) -> usize {
        self.alerts.iter().filter(|alert| alert.fires() == fires).count()
    }

    fn text(&self, series: usize) -> String {
        if let RuleKind::Record(record) = &self.rule.kind {
            let plural = if series == 1 { "" } else { "s" };
            return format!("{series} value{plural} of {}", record.name);
        }
        let line = line(self.rule, &in_order(self.alerts), self.at_ms);
        match self.under_way {
            under_way if under_way > 0 && self.alerts.is_empty() => format!("{line}, {under_way} under way"),
            _ => line,
        }
    }

    /// A line for each alert.
    fn long_text(&self) -> String {
        lines(self.rule, &in_order(self.alerts), self.at_ms)
    }

    fn instances(&self) -> Instances {
        let instance = |alert: &ActiveAlert| {
            let mut instance = Instance::new(pairs(&alert.labels.with(ALERT_NAME, "")));
            instance.state = if alert.fires() { alert.state } else { State::Ok };
            instance.since_ms = alert.firing_since_ms.unwrap_or(alert.active_since_ms);
            instance.pending_since_ms = (!alert.fires()).then_some(alert.active_since_ms);
            instance.value = Some(Value::from(alert.value));
            instance.text = words(self.rule, alert);
            instance
        };
        let mut instances = Instances::default();
        for alert in self.alerts {
            // One whose labels are longer than an instance may have is a series and in the text all the same.
            let _ = instances.insert(instance(alert));
        }
        instances
    }

    fn metrics(&self) -> Vec<Metric> {
        if let RuleKind::Record(record) = &self.rule.kind {
            let series = self.stepped.as_ref().map(Vec::as_slice).unwrap_or_default();
            return series.iter().map(|(labels, value)| named(&record.name, labels, *value)).collect();
        }
        let mut metrics = Vec::with_capacity(2 + 3 * self.alerts.len());
        metrics.push(Metric::new(FIRING, Value::from(self.count(true) as f64)));
        metrics.push(Metric::new(PENDING, Value::from((self.count(false) + self.under_way) as f64)));
        for alert in self.alerts {
            if alert.kept_since_ms.is_none() {
                let labels = pairs(&alert.labels.with(ALERT_NAME, ""));
                metrics.push(Metric { labels, ..Metric::new(VALUE, Value::from(alert.value)) });
            }
            let of = |name: &str| alert.labels.with(METRIC_NAME, name);
            let since_s = alert.active_since_ms.div_euclid(1000) as f64;
            metrics.push(named(ALERTS, &of(ALERTS).with(ALERT_STATE, alert.stage.name()), 1.0));
            metrics.push(named(ALERTS_FOR_STATE, &of(ALERTS_FOR_STATE), since_s));
        }
        metrics
    }
}

/// A metric that is a series of its own name.
fn named(name: &str, labels: &Labels, value: f64) -> Metric {
    Metric { labels: pairs(labels), ..Metric::new(name, Value::from(value)) }
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

#[cfg(test)]
mod tests;
