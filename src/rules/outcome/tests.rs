use std::sync::Arc;

use custos_promql::{Labels, parse};
use custos_store::{Run, State};

use super::Outcome;
use crate::rules::active::ActiveAlert;
use crate::rules::alert::Stage;
use crate::rules::definition::{AlertState, Judge, RuleCheck};
use crate::rules::file::{AlertRule, RecordRule, RuleKind};
use crate::rules::not_judged::NotJudged;
use crate::rules::template::Template;

const AT_MS: i64 = 1_790_000_000_000;
const MINUTE_MS: i64 = 60_000;

fn rule(kind: RuleKind) -> RuleCheck {
    let query = "disk > 90".to_owned();
    let expr = parse(&query).unwrap();
    RuleCheck {
        check: Arc::from("DiskFull"),
        judge: Judge::Query { query, expr },
        labels: vec![("severity".to_owned(), Template::plain("critical"))],
        kind,
        limit: 0,
        state: AlertState::Always(State::Critical),
    }
}

fn alerting() -> RuleCheck {
    let (for_ms, keep_firing_ms, annotations) = Default::default();
    rule(RuleKind::Alert(AlertRule { name: "DiskFull".to_owned(), for_ms, keep_firing_ms, annotations }))
}

/// An alert of a disk that has been returned, and has fired if it does, for so many minutes.
fn alert(metric: &str, value: f64, active_min: i64, firing_min: Option<i64>) -> ActiveAlert {
    let labels = [("alertname", "DiskFull"), ("check", "disk"), ("metric", metric), ("severity", "critical")];
    ActiveAlert {
        labels: Labels::new(labels),
        annotations: Labels::default(),
        value,
        state: State::Critical,
        stage: if firing_min.is_some() { Stage::Firing } else { Stage::Pending },
        active_since_ms: AT_MS - active_min * MINUTE_MS,
        firing_since_ms: firing_min.map(|min| AT_MS - min * MINUTE_MS),
        kept_since_ms: None,
    }
}

fn run(alerts: Vec<ActiveAlert>) -> Run {
    run_after(&alerting(), &alerts, Ok(Vec::new()))
}

fn run_after(
    rule: &RuleCheck,
    alerts: &[ActiveAlert],
    stepped: Result<Vec<(Labels, f64)>, NotJudged>,
) -> Run {
    Outcome { rule, at_ms: AT_MS, alerts, under_way: 0, stepped: &stepped }.run()
}

#[test]
fn the_first_line_says_what_fires_for_how_long_and_by_how_much() {
    let line = |alerts| run(alerts).text;
    assert_eq!(line(vec![]), "no alert");
    assert_eq!(line(vec![alert("/", 91.0, 3, None)]), "PENDING 1: disk:/ 91 > 90 (pending for 3m)");
    let firing = || alert("/var", 97.1, 22, Some(12));
    assert_eq!(
        line(vec![alert("/", 91.0, 3, None), firing()]),
        "FIRING 1 of 2: disk:/var 97.1 > 90 (for 12m)"
    );
    let kept = ActiveAlert { kept_since_ms: Some(AT_MS - MINUTE_MS), ..firing() };
    assert_eq!(line(vec![kept]), "FIRING 1: disk:/var 97.1 > 90 (for 12m, no longer returned for 1m)");
    let told = ActiveAlert { annotations: Labels::new([("summary", "/var is\nfull")]), ..firing() };
    assert_eq!(line(vec![told]), "FIRING 1: /var is full (for 12m)");
    assert_eq!(line(vec![alert("/", 91.0, 0, Some(0))]), "FIRING 1: disk:/ 91 > 90 (new)");
    let fine = ActiveAlert { state: State::Ok, ..firing() };
    assert_eq!(line(vec![fine]), "RETURNED 1: disk:/var 97.1 > 90 (for 12m)");
    let many = (0..9).map(|n| alert(&format!("/{n}"), 95.0, 9 - n, Some(9 - n))).collect();
    let expected =
        "FIRING 9: disk:/0 95 > 90 (for 9m), disk:/1 95 > 90 (for 8m), disk:/2 95 > 90 (for 7m), and 6 more";
    assert_eq!(line(many), expected);
}

#[test]
fn further_lines_have_one_for_each_alert_and_end() {
    let annotations = Labels::new([("summary", "full"), ("description", "97% of /var")]);
    let told = ActiveAlert { annotations, ..alert("/var", 97.1, 22, Some(12)) };
    let long = run(vec![alert("/", 91.0, 3, None), told]).long_text;
    assert_eq!(
        long,
        "CRITICAL disk:/var 97.1 > 90 (for 12m): full: 97% of /var\npending disk:/ 91 > 90 (pending for 3m)"
    );
    let many = (0..99).map(|n| alert(&n.to_string(), 1.0, 5, Some(5))).collect();
    let long = run(many).long_text;
    assert_eq!((long.lines().count(), long.lines().last()), (21, Some("and 79 more")));
}

#[test]
fn alerts_are_instances_and_series() {
    let run = run(vec![alert("/", 91.0, 3, None), alert("/var", 97.1, 22, Some(12))]);
    assert_eq!((run.state, run.partial), (State::Critical, false));
    let instances: Vec<_> = run
        .instances
        .iter()
        .map(|one| {
            (one.labels[1].1.as_str(), one.state, AT_MS - one.since_ms, one.pending_since_ms.is_some())
        })
        .collect();
    let (pending_ms, firing_ms) = (3 * MINUTE_MS, 12 * MINUTE_MS);
    assert_eq!(instances, [("/", State::Ok, pending_ms, true), ("/var", State::Critical, firing_ms, false)]);
    let metrics: Vec<String> = run
        .metrics
        .iter()
        .map(|metric| {
            let labels: Vec<String> =
                metric.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}{{{}}} {}", metric.label, labels.join(","), metric.value.unwrap().to_f64())
        })
        .collect();
    assert_eq!(
        metrics,
        [
            "firing{} 1",
            "pending{} 1",
            "value{check=disk,metric=/,severity=critical} 91",
            "ALERTS{__name__=ALERTS,alertname=DiskFull,alertstate=pending,check=disk,metric=/,severity=critical} 1",
            "ALERTS_FOR_STATE{__name__=ALERTS_FOR_STATE,alertname=DiskFull,check=disk,metric=/,severity=critical} 1789999820",
            "value{check=disk,metric=/var,severity=critical} 97.1",
            "ALERTS{__name__=ALERTS,alertname=DiskFull,alertstate=firing,check=disk,metric=/var,severity=critical} 1",
            "ALERTS_FOR_STATE{__name__=ALERTS_FOR_STATE,alertname=DiskFull,check=disk,metric=/var,severity=critical} 1789998680",
        ]
    );
}

#[test]
fn a_failure_is_unknown_and_ends_no_series() {
    let not_judged = NotJudged { why: "no such\nthing".to_owned(), keeps_alerts: true };
    let run = run_after(&alerting(), &[alert("/var", 97.1, 22, Some(12))], Err(not_judged));
    assert_eq!((run.state, run.text.as_str()), (State::Unknown, "not judged: no such thing"));
    assert!(run.partial && run.instances.len() == 1 && run.metrics.is_empty(), "{run:?}");
    assert_eq!(run.long_text, "CRITICAL disk:/var 97.1 > 90 (for 12m)");
}

#[test]
fn a_recording_rule_has_the_series_that_it_records() {
    let series = vec![(Labels::new([("__name__", "disk:max"), ("host", "a")]), 97.0)];
    let recorded = rule(RuleKind::Record(RecordRule { name: "disk:max".to_owned() }));
    let run = run_after(&recorded, &[], Ok(series));
    assert_eq!((run.state, run.text.as_str()), (State::Ok, "1 value of disk:max"));
    let labels = &run.metrics[0].labels;
    assert_eq!(labels[0], ("__name__".to_owned(), "disk:max".to_owned()));
}

#[test]
fn values_that_thresholds_judge_are_no_alerts() {
    let values = RuleCheck { state: AlertState::Always(State::Ok), ..alerting() };
    let firing = ActiveAlert { state: State::Ok, ..alert("/", 91.0, 3, Some(0)) };
    let run = run_after(&values, std::slice::from_ref(&firing), Ok(Vec::new()));
    let labels: Vec<&str> = run.metrics.iter().map(|metric| metric.label.as_str()).collect();
    assert_eq!(labels, ["firing", "pending", "value"]);
    // An alert whose severity stands for OK is one all the same.
    let by_severity = RuleCheck { state: AlertState::BySeverity(Arc::default()), ..alerting() };
    let run = run_after(&by_severity, &[firing], Ok(Vec::new()));
    assert!(run.metrics.iter().any(|metric| metric.label == "ALERTS"), "{:?}", run.metrics);
}
