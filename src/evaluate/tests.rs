//! Thresholds by tables: the values of a metric, run by run, and what the check says of each.

use std::time::Duration;

use custos_store::{Bounds, Metric, State, Value};

use super::taken::Taken;
use super::threshold::{Pending, judge};
use crate::config::implicit_check;
use crate::config::{Check, OnMissing, Threshold, UnitRange};

const SECOND_US: i64 = 1_000_000;

fn range(start: f64, end: f64, unit: Option<&str>) -> Option<UnitRange> {
    let bounds = Bounds { start, end, inside: false };
    Some(UnitRange { bounds, unit: unit.map(str::to_owned), written: format!("{start}:{end}") })
}

fn threshold(metric: &str) -> Threshold {
    Threshold {
        metric: metric.to_owned(),
        matcher: globset::Glob::new(metric).unwrap().compile_matcher(),
        warning: range(f64::NEG_INFINITY, 10.0, None),
        critical: range(f64::NEG_INFINITY, 20.0, None),
        normal: None,
        pending_for: Duration::ZERO,
        rate: false,
        on_missing: OnMissing::State(State::Unknown),
    }
}

fn check(threshold: Threshold) -> Check {
    Check {
        thresholds: vec![threshold],
        check_interval: Duration::from_secs(10),
        retry_interval: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        ..implicit_check("c")
    }
}

fn metric(label: &str, value: Option<f64>) -> Metric {
    Metric::new(label, value.map(Value::from))
}

/// Judges one run every ten seconds; `None` is a run without the metric.
fn states(check: &Check, values: &[Option<f64>]) -> Vec<State> {
    let mut pending = Pending::default();
    let run = |(n, value): (usize, &Option<f64>)| {
        let metrics: Vec<Metric> = value.iter().map(|value| metric("v", Some(*value))).collect();
        judge(check, &metrics, 0, &mut pending, Taken::at(n as i64 * 10 * SECOND_US)).0
    };
    values.iter().enumerate().map(run).collect()
}

use State::{Critical as C, Ok as O, Unknown as U, Warning as W};

#[test]
fn without_for_a_crossing_counts_at_once() {
    let values = [5.0, 10.0, 10.5, 20.0, 20.5, 5.0].map(Some);
    assert_eq!(states(&check(threshold("v")), &values), [O, O, W, W, C, O]);
}

#[test]
fn each_level_has_its_own_clock() {
    let held = Threshold { pending_for: Duration::from_secs(20), ..threshold("v") };
    let values = [15.0, 15.0, 25.0, 25.0, 25.0, 15.0, 5.0, 25.0].map(Some);
    assert_eq!(states(&check(held), &values), [O, O, W, W, C, W, O, O]);
}

#[test]
fn a_break_starts_the_clock_anew() {
    let held = Threshold { pending_for: Duration::from_secs(20), ..threshold("v") };
    let values = [25.0, 25.0, 5.0, 25.0, 25.0, 25.0].map(Some);
    assert_eq!(states(&check(held), &values), [O, O, O, O, O, C]);
}

#[test]
fn a_long_time_without_runs_starts_the_clock_anew() {
    let check = check(Threshold { pending_for: Duration::from_secs(20), ..threshold("v") });
    let mut pending = Pending::default();
    let mut at = |second: i64| {
        judge(&check, &[metric("v", Some(25.0))], 0, &mut pending, Taken::at(second * SECOND_US)).0
    };
    assert_eq!([at(0), at(30), at(70), at(80), at(90)], [O, C, O, O, C]);
}

#[test]
fn a_clock_that_was_read_back_in_milliseconds_is_not_short_for_it() {
    let check = check(Threshold { pending_for: Duration::from_secs(20), ..threshold("v") });
    let last_after_us = |us: i64| {
        let mut pending = Pending::default();
        let mut at = |us: i64| judge(&check, &[metric("v", Some(25.0))], 0, &mut pending, Taken::at(us)).0;
        at(0);
        at(10 * SECOND_US);
        at(us)
    };
    assert_eq!(last_after_us(20 * SECOND_US - 999), State::Critical);
    assert_eq!(last_after_us(20 * SECOND_US - 1000), State::Ok);
}

/// What a check finds in the last of runs at these seconds, by a CRITICAL threshold that waits for `for`.
fn last_finding(pending_for: Duration, seconds: &[f64]) -> String {
    let check = check(Threshold { pending_for, ..threshold("v") });
    let mut pending = Pending::default();
    let judged = seconds.iter().map(|second| {
        let taken = Taken::at((second * SECOND_US as f64) as i64);
        judge(&check, &[metric("v", Some(25.0))], 0, &mut pending, taken).1
    });
    judged.last().unwrap()
}

#[test]
fn the_time_in_a_finding_is_that_of_the_definition() {
    let held = Duration::from_secs(20);
    let said = "CRITICAL: v is 25, outside -inf:20 for at least 20s";
    assert_eq!(last_finding(held, &[0.0, 10.0, 19.9995]), said);
    // More than a minute, or as much of it as is read back after a restart.
    assert_eq!(last_finding(held, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]), said);
    assert_eq!(last_finding(held, &[50.0, 60.0, 70.0]), said);
    let long = "CRITICAL: v is 25, outside -inf:20 for at least 1m 30s";
    assert_eq!(last_finding(Duration::from_secs(90), &[0.0, 30.0, 60.0, 90.0]), long);
    assert_eq!(last_finding(Duration::ZERO, &[0.0]), "CRITICAL: v is 25, outside -inf:20");
}

#[test]
fn value_and_range_are_shown_in_one_unit() {
    let plain = |unit: &str, written: &str| {
        let bounds = Bounds { start: f64::NEG_INFINITY, end: 5.0, inside: false };
        let critical = Some(UnitRange { bounds, unit: None, written: written.to_owned() });
        let check = check(Threshold { critical, warning: None, ..threshold("v") });
        let metric = Metric { unit: unit.to_owned(), ..metric("v", Some(30.0)) };
        judge(&check, &[metric], 0, &mut Pending::default(), Taken::at(0)).1
    };
    assert_eq!(plain("B", "~:5"), "CRITICAL: v is 30 B, outside ~:5 B");
    assert_eq!(plain("%", "~:5"), "CRITICAL: v is 30%, outside ~:5%");
    assert_eq!(plain("", "~:5"), "CRITICAL: v is 30, outside ~:5");
    assert_eq!(plain("c", "~:5"), "CRITICAL: v is 30, outside ~:5");
    let own = Metric {
        unit: "B".to_owned(),
        crit: Some(Bounds { start: 0.0, end: 5.0, inside: false }),
        ..metric("w", Some(3e6))
    };
    let check = Check { evaluate_perfdata: true, thresholds: Vec::new(), ..check(threshold("v")) };
    let said = judge(&check, &[own], 0, &mut Pending::default(), Taken::at(0)).1;
    assert_eq!(said, "CRITICAL: w is 3 MB, the plugin's own limit is 5 B");
}

#[test]
fn a_missing_metric_is_what_on_missing_says() {
    let values = [Some(25.0), None, Some(5.0)];
    for (on_missing, state) in
        [(OnMissing::State(U), U), (OnMissing::State(O), O), (OnMissing::State(W), W), (OnMissing::Keep, C)]
    {
        let states = states(&check(Threshold { on_missing, ..threshold("v") }), &values);
        assert_eq!(states, [C, state, O], "{on_missing:?}");
    }
}

#[test]
fn what_is_kept_is_what_was_said_last() {
    let kept = Threshold { on_missing: OnMissing::Keep, ..threshold("v") };
    let values = [None, Some(25.0), None, None, Some(5.0), None];
    assert_eq!(states(&check(kept), &values), [O, C, C, C, O, O]);
}

#[test]
fn nan_is_like_a_missing_value_and_infinity_is_beyond_all_bounds() {
    let values = [Some(25.0), Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)];
    let nan = Threshold { on_missing: OnMissing::State(W), ..threshold("v") };
    assert_eq!(states(&check(nan.clone()), &values), [C, W, C, O]);
    let said = judge(&check(nan), &[metric("v", values[1])], 0, &mut Pending::default(), Taken::at(0)).1;
    assert_eq!(said, "WARNING: v is NaN");
}

#[test]
fn a_missing_metric_breaks_the_clock() {
    let held =
        Threshold { pending_for: Duration::from_secs(20), on_missing: OnMissing::State(O), ..threshold("v") };
    let values = [Some(25.0), Some(25.0), None, Some(25.0), Some(25.0), Some(25.0)];
    assert_eq!(states(&check(held), &values), [O, O, O, O, O, C]);
}

#[test]
fn a_glob_judges_each_metric_by_itself_and_takes_the_worst() {
    let check = check(threshold("disk*"));
    let metrics = [metric("disk1", Some(15.0)), metric("disk2", Some(25.0)), metric("cpu", Some(99.0))];
    let (state, said) = judge(&check, &metrics, 0, &mut Pending::default(), Taken::at(0));
    assert_eq!(state, C);
    assert_eq!(said, "CRITICAL: disk2 is 25, outside -inf:20; WARNING: disk1 is 15, outside -inf:10");
}

#[test]
fn an_undetermined_value_is_missing() {
    let (state, said) =
        judge(&check(threshold("v")), &[metric("v", None)], 0, &mut Pending::default(), Taken::at(0));
    assert_eq!((state, said.as_str()), (U, "UNKNOWN: v is undetermined"));
}

#[test]
fn units_of_different_kinds_are_not_compared() {
    let bytes = Threshold { critical: range(0.0, 8e9, Some("B")), ..threshold("v") };
    let seconds = Metric { unit: "s".to_owned(), ..metric("v", Some(1.0)) };
    let (state, said) = judge(&check(bytes), &[seconds], 0, &mut Pending::default(), Taken::at(0));
    assert_eq!(state, U);
    assert!(said.contains("has the unit s, so it cannot be compared with 0:8000000000"), "{said}");
}

#[test]
fn the_plugins_own_ranges_count_only_where_they_are_to() {
    let limit = Bounds { start: 0.0, end: 5.0, inside: false };
    let own = Metric { crit: Some(limit), ..metric("w", Some(6.0)) };
    let mut check = check(threshold("v"));
    check.thresholds.clear();
    assert_eq!(judge(&check, std::slice::from_ref(&own), 0, &mut Pending::default(), Taken::at(0)).0, O);
    check.evaluate_perfdata = true;
    assert_eq!(judge(&check, &[own], 0, &mut Pending::default(), Taken::at(0)).0, C);
}

/// Judges a counter once a minute by a limit of 10 and 20 each second.
fn rated(threshold: Threshold, unit: &str, values: &[f64]) -> Vec<(State, String)> {
    let check = Check { check_interval: Duration::from_secs(60), ..check(threshold) };
    let mut pending = Pending::default();
    let run = |(n, value): (usize, &f64)| {
        let metric = Metric { unit: unit.to_owned(), ..metric("v", Some(*value)) };
        judge(&check, &[metric], 0, &mut pending, Taken::at(n as i64 * 60 * SECOND_US))
    };
    values.iter().enumerate().map(run).collect()
}

#[test]
fn a_rate_is_judged_instead_of_the_count() {
    let rate = |range: Option<UnitRange>| Threshold { rate: true, critical: range, ..threshold("v") };
    let values = [1e9, 1e9 + 300.0, 1e9 + 1200.0, 1e9 + 1200.0, 60.0, 3060.0];
    let found = rated(rate(range(f64::NEG_INFINITY, 20.0, None)), "c", &values);
    assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [O, O, W, O, O, C]);
    assert_eq!(found[5].1, "CRITICAL: v is 50/s, outside -inf:20");
    let bytes = rated(rate(range(f64::NEG_INFINITY, 1e6, Some("B"))), "c", &[0.0, 6e8]);
    assert_eq!(bytes[1].1, "CRITICAL: v is 10 MB/s, outside -inf:1000000");
    let mixed = rated(rate(range(f64::NEG_INFINITY, 1e6, Some("B"))), "s", &[0.0, 6e8]);
    assert_eq!(mixed[1].0, U, "seconds are no bytes");
}

#[test]
fn a_rate_holds_for_its_time() {
    let held = Threshold { rate: true, pending_for: Duration::from_secs(60), ..threshold("v") };
    let found = rated(held, "c", &[0.0, 3000.0, 6000.0, 6000.0, 9000.0]);
    assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [O, O, C, O, O]);
}
