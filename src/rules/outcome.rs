//! The run of a rule's check: what it came to as text, instances and metrics.

use custos_promql::{Label, Labels, METRIC_NAME};
use custos_store::{Instance, Instances, Metric, Reason, Run, State, Value};

use super::active::ActiveAlert;
use super::definition::RuleCheck;
use super::evaluate::{ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE};
use super::file::RuleKind;
use super::not_judged::NotJudged;
use super::words::{Told, cut, in_order, line, lines};

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
        let told = in_order(self.rule, self.alerts, self.at_ms);
        let mut run = Run {
            time_ms: self.at_ms,
            state,
            plugin_state: state,
            reason: Reason::Exited,
            exit_code: Some(state.code()),
            instances: instances(&told),
            ..Run::default()
        };
        match self.stepped {
            Err(not_judged) => {
                run.text = format!("{NOT_JUDGED}{}", cut(&not_judged.why));
                run.partial = not_judged.keeps_alerts;
            }
            Ok(series) => run.text = self.text(series.len(), &told),
        }
        run.long_text = lines(&told);
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

    fn text(&self, series: usize, told: &[Told<'_>]) -> String {
        if let RuleKind::Record(record) = &self.rule.kind {
            let plural = if series == 1 { "" } else { "s" };
            return format!("{series} value{plural} of {}", record.name);
        }
        let line = line(told);
        match self.under_way {
            under_way if under_way > 0 && self.alerts.is_empty() => format!("{line}, {under_way} under way"),
            _ => line,
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        if let RuleKind::Record(record) = &self.rule.kind {
            let series = self.stepped.as_ref().map(Vec::as_slice).unwrap_or_default();
            return series.iter().map(|(labels, value)| named(&record.name, pairs(labels), *value)).collect();
        }
        let mut metrics = Vec::with_capacity(2 + 3 * self.alerts.len());
        metrics.push(Metric::new(FIRING, Value::from(self.count(true) as f64)));
        metrics.push(Metric::new(PENDING, Value::from((self.count(false) + self.under_way) as f64)));
        for alert in self.alerts {
            if alert.kept_since_ms.is_none() {
                let labels = own_pairs(alert);
                metrics.push(Metric { labels, ..Metric::new(VALUE, Value::from(alert.value)) });
            }
            if !self.rule.elements_are_alerts() {
                continue;
            }
            let since_s = alert.active_since_ms.div_euclid(1000) as f64;
            let of_state = [(METRIC_NAME, ALERTS), (ALERT_STATE, alert.stage.name())];
            metrics.push(named(ALERTS, pairs_with(&alert.labels, &of_state), 1.0));
            let of_time = pairs_with(&alert.labels, &[(METRIC_NAME, ALERTS_FOR_STATE)]);
            metrics.push(named(ALERTS_FOR_STATE, of_time, since_s));
        }
        metrics
    }
}

/// A metric that is a series of its own name.
fn named(name: &str, labels: Vec<(String, String)>, value: f64) -> Metric {
    Metric { labels, ..Metric::new(name, Value::from(value)) }
}

fn instances(told: &[Told<'_>]) -> Instances {
    let mut instances = Instances::default();
    for told in told {
        let alert = told.alert;
        let mut instance = Instance::new(own_pairs(alert));
        instance.state = if alert.fires() { alert.state } else { State::Ok };
        instance.since_ms = alert.firing_since_ms.unwrap_or(alert.active_since_ms);
        instance.pending_since_ms = (!alert.fires()).then_some(alert.active_since_ms);
        instance.value = Some(Value::from(alert.value));
        told.words().clone_into(&mut instance.text);
        // One whose labels are longer than an instance may have is a series and in the text all the same.
        let _ = instances.insert(instance);
    }
    instances
}

fn pair(label: &Label) -> (String, String) {
    (label.name.to_string(), label.value.to_string())
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(pair).collect()
}

/// The labels of an alert without its name.
fn own_pairs(alert: &ActiveAlert) -> Vec<(String, String)> {
    alert.labels.iter().filter(|label| *label.name != *ALERT_NAME).map(pair).collect()
}

/// Labels with others set, sorted by name.
fn pairs_with(labels: &Labels, others: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_other = |label: &&Label| others.iter().any(|(name, _)| **name == *label.name);
    let mut pairs: Vec<_> = labels.iter().filter(|label| !is_other(label)).map(pair).collect();
    pairs.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    pairs.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    pairs
}

#[cfg(test)]
mod tests;
