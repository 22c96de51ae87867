//! The run of a rule's check: what it came to as text, instances and metrics.

use custos_promql::{Expr, Labels, METRIC_NAME, Operator, format_number};
use custos_store::{Instance, Instances, Metric, Reason, Run, State, Value};

use super::active::ActiveAlert;
use super::definition::{Judge, RuleCheck};
use super::evaluate::{ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE};
use super::file::RuleKind;
use super::running::NotJudged;
use crate::limits::RULE_ALERTS_NAMED_MAX;

/// Name of the metric with the number of alerts that fire.
pub const FIRING: &str = "firing";
/// Name of the metric with the number of alerts that are pending, and of what is under way of a sequence. While it or
/// [`FIRING`] is not 0, the rule's state depends on what was before.
pub const PENDING: &str = "pending";
/// Name of the metrics with the values of elements.
const VALUE: &str = "value";
/// Annotations that tell in a line what an alert is about, the best first.
const SUMMARIES: [&str; 3] = ["summary", "message", "description"];

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
                run.text = format!("not judged: {}", not_judged.why);
                run.partial = not_judged.keeps_alerts;
            }
            Ok(series) => {
                run.text = self.text(series.len());
                run.long_text = self.long_text();
            }
        }
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
        let (firing, pending) = (self.count(true), self.count(false));
        let told = self.alerts.iter().find(|alert| alert.fires()).or(self.alerts.first());
        let Some(told) = told else {
            return match self.under_way {
                0 => "no alert".to_owned(),
                under_way => format!("no alert, {under_way} under way"),
            };
        };
        let counts = match (firing, pending) {
            (1, 0) => return self.words(told),
            (0, 1) => return format!("pending: {}", self.words(told)),
            (0, pending) => format!("{pending} pending"),
            (firing, 0) => format!("{firing} firing"),
            (firing, pending) => format!("{firing} firing, {pending} pending"),
        };
        format!("{counts}: {}", self.words(told))
    }

    /// A line for each alert, if there are several.
    fn long_text(&self) -> String {
        if self.alerts.len() < 2 {
            return String::new();
        }
        let line = |alert: &ActiveAlert| format!("{}: {}", alert.stage.name(), self.words(alert));
        let mut lines: Vec<String> = self.alerts.iter().take(RULE_ALERTS_NAMED_MAX).map(line).collect();
        if let Some(more) = self.alerts.len().checked_sub(RULE_ALERTS_NAMED_MAX).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }

    /// What an alert is about, in a line: its own summary, or its labels and its value against the limit.
    fn words(&self, alert: &ActiveAlert) -> String {
        let own = SUMMARIES.iter().map(|name| alert.annotations.get(name)).find(|text| !text.is_empty());
        if let Some(line) = own.and_then(|text| text.lines().find(|line| !line.trim().is_empty())) {
            return line.trim().to_owned();
        }
        let value = format_number(alert.value);
        let limit = limit(&self.rule.judge).map(|limit| format!(" {limit}")).unwrap_or_default();
        let labels = alert.labels.with(ALERT_NAME, "").in_braces();
        let labels = if labels == "{}" { String::new() } else { format!("{labels} ") };
        format!("{labels}{value}{limit}")
    }

    fn instances(&self) -> Instances {
        let instance = |alert: &ActiveAlert| {
            let mut instance = Instance::new(pairs(&alert.labels.with(ALERT_NAME, "")));
            instance.state = if alert.fires() { alert.state } else { State::Ok };
            instance.since_ms = alert.firing_since_ms.unwrap_or(alert.active_since_ms);
            instance.pending_since_ms = (!alert.fires()).then_some(alert.active_since_ms);
            instance.value = Some(Value::from(alert.value));
            instance.text = self.words(alert);
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

/// What the value of an element is compared with, if the expression is a comparison with a number: `> 0.9`.
fn limit(judge: &Judge) -> Option<String> {
    let Judge::Query { expr, .. } = judge else { return None };
    let Expr::Binary(binary) = expr.unwrapped() else { return None };
    if binary.returns_bool {
        return None;
    }
    let (sign, reversed) = match binary.operator {
        Operator::Equal => ("==", "=="),
        Operator::NotEqual => ("!=", "!="),
        Operator::Less => ("<", ">"),
        Operator::LessEqual => ("<=", ">="),
        Operator::Greater => (">", "<"),
        Operator::GreaterEqual => (">=", "<="),
        _ => return None,
    };
    match (binary.left.unwrapped(), binary.right.unwrapped()) {
        (_, Expr::Number(number)) => Some(format!("{sign} {}", format_number(number.value))),
        (Expr::Number(number), _) => Some(format!("{reversed} {}", format_number(number.value))),
        _ => None,
    }
}
