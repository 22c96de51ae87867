//! How a rule stands, by the last runs of its check.

use std::sync::Arc;

use custos_promql::{ErrorKind, Labels, METRIC_NAME, Options};
use custos_query::{StoreSource, latest_runs};
use custos_store::{Instance, Metric, Run, Snapshot, State, Value};

use crate::clock;
use crate::http::api::request::Request;
use crate::http::rules::{Alerting, ShownRule};
use crate::limits::{HTTP_ANNOTATIONS_MAX, HTTP_RULE_RUNS_MAX};
use crate::rules::{
    ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE, Context, External, Judgement, NOT_JUDGED, SUMMARIES,
    Stage, Template, VALUE, is_failure, text_vector,
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
    /// What is told of it in a line.
    text: String,
}

impl Standing {
    /// How a rule stands.
    pub(super) fn of(rule: &ShownRule, snapshot: &Snapshot) -> Standing {
        let mut runs = latest_runs(snapshot, &rule.check).take(HTTP_RULE_RUNS_MAX).filter_map(Result::ok);
        let Some(last) = runs.next() else { return Standing::default() };
        let failure = last.text.strip_prefix(NOT_JUDGED).map(str::to_owned);
        let is_of_check = rule.alerting.as_ref().is_some_and(|alerting| alerting.of_check);
        // One that could not be judged changed nothing.
        let alerts = if is_of_check {
            alert_of_check(&rule.name, &last).into_iter().collect()
        } else if last.partial {
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

/// The alert that a check itself is, where its thresholds say what is wrong: pending as long as its state is soft. Its value is that
/// of its only element, if it has one.
fn alert_of_check(name: &str, run: &Run) -> Option<ShownAlert> {
    let mut values = run.metrics.iter().filter(|metric| metric.label == VALUE).filter_map(number);
    let only = values.next().filter(|_| values.next().is_none());
    let stage = if run.standing.hard { Stage::Firing } else { Stage::Pending };
    (run.state != State::Ok && !is_failure(run)).then(|| ShownAlert {
        labels: Labels::new([(ALERT_NAME, name)]),
        state: stage.name().to_owned(),
        active_ms: run.standing.since_ms,
        value: only.unwrap_or(f64::NAN),
        text: run.text.clone(),
    })
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
            let instance = instance(run, &own);
            let kept = || instance.and_then(|instance| instance.value).map(Value::to_f64);
            ShownAlert {
                state,
                active_ms: since.and_then(number).map_or(run.time_ms, |since_s| (since_s * 1e3) as i64),
                value: value.and_then(number).or_else(kept).unwrap_or(f64::NAN),
                text: instance.map(|instance| instance.text.clone()).unwrap_or_default(),
                labels,
            }
        })
        .collect();
    alerts.sort_by(|one, other| one.labels.cmp(&other.labels));
    alerts
}

/// What a run says of an alert besides its series; of one that is kept the last value that there was.
fn instance<'r>(run: &'r Run, labels: &Labels) -> Option<&'r Instance> {
    let pairs: Vec<(String, String)> =
        labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect();
    run.instances.get(&pairs).map(|instance| &**instance)
}

fn same(metric: &Metric, labels: &Labels) -> bool {
    let pairs = labels.iter().map(|label| (&*label.name, &*label.value));
    metric.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(pairs)
}

fn number(metric: &Metric) -> Option<f64> {
    metric.value.map(Value::to_f64)
}

/// What stands in the place of an annotation for which no time is left.
const TOO_LONG: &str = "the annotations of all alerts take too long";

fn in_ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The annotations of an alert, expanded for it as of the run in which it is. Where steps of a sequence are in one, it is as the run
/// has it, which is so for what is told in a line only.
pub(super) fn annotations(
    rule: &ShownRule,
    alerting: &Alerting,
    alert: &ShownAlert,
    at_ms: i64,
    request: &Request<'_>,
) -> Labels {
    let snapshot = request.snapshot.clone();
    let until_ms = request.now_ms.saturating_add(in_ms(HTTP_ANNOTATIONS_MAX));
    let is_over = move || clock::now().wall_ms > until_ms;
    let stop = move || is_over().then(|| TOO_LONG.to_owned());
    let context = Context {
        now_ms: at_ms,
        external: External { labels: request.host_labels.clone(), url: request.external_url.to_owned() },
        query: Arc::new(move |text| {
            let interrupt = || is_over().then_some(ErrorKind::Timeout);
            let options = Options { interrupt: &interrupt, ..Options::default() };
            text_vector(text, &StoreSource::for_rules(&snapshot), at_ms, &options)
        }),
        judgement: Judgement::until(Arc::new(stop)),
    };
    // Templates see what the expression returned, without the labels that the rule gives.
    let given = rule.labels.iter().map(|(label, _)| label.as_str()).chain([ALERT_NAME]);
    let labels = alert.labels.with_all(given.map(|given| (given, "")));
    let of_line =
        SUMMARIES.iter().find(|summary| alerting.annotations.iter().any(|(name, _)| name == *summary));
    let expanded = alerting.annotations.iter().filter_map(|(annotation, text)| {
        let text = match Template::parse(&rule.name, text) {
            Ok(template) => template.expand(&labels, alert.value, &context),
            Err(_) if of_line.is_some_and(|line| line == annotation) => alert.text.clone(),
            Err(_) => return None,
        };
        Some((annotation.clone(), text))
    });
    Labels::new(expanded)
}

#[cfg(test)]
mod tests {
    use custos_store::disk::SimDisk;
    use custos_store::{Instances, Options as StoreOptions, Reader, Standing as CheckStanding, Writer};

    use super::*;

    fn pairs(labels: &[(&str, &str)]) -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn named(name: &str, labels: &[(&str, &str)], value: f64) -> Metric {
        Metric { labels: pairs(labels), ..Metric::new(name, Value::from(value)) }
    }

    #[test]
    fn a_rule_stands_as_its_last_run_says_and_what_cannot_be_judged_changes_nothing() {
        let disk = SimDisk::new();
        let options = StoreOptions { background: false, ..StoreOptions::default() };
        let mut writer = Writer::open_on(Arc::new(disk.clone()), options).unwrap();
        let own = [("__name__", ALERTS), ("alertname", "Hot"), ("alertstate", "firing"), ("disk", "/")];
        let since = [("__name__", ALERTS_FOR_STATE), ("alertname", "Hot"), ("disk", "/")];
        let judged = Run {
            time_ms: 100_000,
            metrics: vec![
                named(VALUE, &[("disk", "/")], 95.0),
                named(ALERTS, &own, 1.0),
                named(ALERTS_FOR_STATE, &since, 40.0),
            ],
            ..Run::default()
        };
        writer.append(&[("hot", &judged)]).unwrap();
        let failed = Run {
            time_ms: 110_000,
            text: format!("{NOT_JUDGED}too much"),
            state: State::Unknown,
            partial: true,
            ..Run::default()
        };
        writer.append(&[("hot", &failed)]).unwrap();
        let rule = ShownRule {
            check: "hot".to_owned(),
            name: "Hot".to_owned(),
            query: "x > 90".to_owned(),
            labels: Vec::new(),
            alerting: Some(Alerting::default()),
            limit: 0,
        };
        let reader = Reader::open_on(Arc::new(disk)).unwrap();
        let standing = Standing::of(&rule, &reader.snapshot());
        assert_eq!((standing.state(), standing.health()), ("firing", "err"));
        assert_eq!(standing.failure.as_deref(), Some("too much"));
        let [alert] = &standing.alerts[..] else { panic!("one alert fires") };
        assert_eq!(alert.labels.in_braces(), "{alertname=\"Hot\", disk=\"/\"}");
        assert_eq!((alert.active_ms, alert.value), (40_000, 95.0));
        let unknown = ShownRule { check: "other".to_owned(), ..rule };
        let standing = Standing::of(&unknown, &reader.snapshot());
        assert_eq!((standing.state(), standing.health()), ("inactive", "unknown"));
    }

    #[test]
    fn where_thresholds_judge_values_the_check_is_the_alert() {
        let value = named(VALUE, &[("disk", "/")], 95.0);
        let run = |state, hard| Run {
            time_ms: 100_000,
            state,
            metrics: vec![value.clone()],
            standing: CheckStanding { hard, since_ms: 70_000, ..CheckStanding::default() },
            ..Run::default()
        };
        assert!(alert_of_check("Hot", &run(State::Ok, true)).is_none());
        let soft = alert_of_check("Hot", &run(State::Warning, false)).unwrap();
        assert_eq!((&*soft.state, soft.active_ms, soft.value), ("pending", 70_000, 95.0));
        assert_eq!(soft.labels.in_braces(), "{alertname=\"Hot\"}");
        assert_eq!(alert_of_check("Hot", &run(State::Critical, true)).unwrap().state, "firing");
    }

    #[test]
    fn an_alert_that_is_kept_has_the_value_that_it_had_last() {
        let instance = Instance { value: Some(Value::from(7.0)), ..Instance::new(pairs(&[("disk", "/")])) };
        let own = [("__name__", ALERTS), ("alertname", "Hot"), ("alertstate", "firing"), ("disk", "/")];
        let run = Run {
            metrics: vec![named(ALERTS, &own, 1.0)],
            instances: Instances::new([instance]).unwrap(),
            ..Run::default()
        };
        assert_eq!(alerts(&run)[0].value, 7.0);
    }
}
