//! Backtests over stored runs, compared with what was recorded and with one threshold after the other.

use std::sync::Arc;
use std::time::Duration;

use custos_promql::{Labels, parse};
use custos_query::{Bucketed, NormalHistory, ReadContext};
use custos_store::{Bounds, Metric, Options, Reader, Reason, Run, SeriesKey, State, Value, Writer};
use proptest::prelude::*;

use super::{Changed, NormalPast, Span, backtest_check, backtest_rules, rule_curve};
use crate::config::implicit_check;
use crate::config::{Check, OnMissing, OutsideNormal, Threshold, Tolerance, UnitRange};
use crate::evaluate::{Pending, PreviousState, Taken, evaluate};
use crate::rules::{AlertRule, AlertState, External, Judge, RuleCheck, RuleGroup, RuleKind, Template, When};

const MINUTE_MS: i64 = 60_000;

fn range(limit: f64) -> UnitRange {
    let bounds = Bounds { start: 0.0, end: limit, inside: false };
    UnitRange { bounds, unit: None, written: limit.to_string() }
}

fn check(attempts: u32, for_minutes: u64) -> Check {
    let glob = globset::Glob::new("m").unwrap().compile_matcher();
    let threshold = Threshold {
        metric: "m".to_owned(),
        matcher: glob,
        warning: Some(range(3.0)),
        critical: Some(range(5.0)),
        normal: None,
        pending_for: Duration::from_secs(for_minutes * 60),
        rate: false,
        on_missing: OnMissing::State(State::Unknown),
    };
    Check { max_check_attempts: attempts, thresholds: vec![threshold], ..implicit_check("c") }
}

/// Runs a minute apart, judged and stood as the agent does it.
fn recorded(check: &Check, values: &[Option<u8>]) -> Vec<Run> {
    let (mut before, mut pending) = (None, Pending::default());
    let judged = values.iter().enumerate().map(|(minute, value)| {
        let time_ms = minute as i64 * MINUTE_MS;
        let mut run = Run { time_ms, text: format!("run {minute}"), lateness_us: Some(0), ..Run::default() };
        match value {
            Some(value) => run.metrics = vec![Metric::new("m", Value::from(f64::from(*value)))],
            None => (run.reason, run.duration_us) = (Reason::Missed, 60_000_000),
        }
        evaluate(check, before, &mut pending, Taken::at(time_ms * 1000), &mut run);
        // A run without a result changes no state.
        if value.is_some() {
            before = Some(PreviousState { state: run.state, standing: run.standing });
        }
        run
    });
    judged.collect()
}

/// The alerts that are in the record: when a problem became hard, and when it was over.
fn in_record(runs: &[Run]) -> Vec<(i64, Option<i64>)> {
    let mut alerts: Vec<(i64, Option<i64>)> = Vec::new();
    for run in runs.iter().filter(|run| run.reason == Reason::Exited) {
        let is_open = alerts.last().is_some_and(|last| last.1.is_none());
        match (run.state != State::Ok && run.standing.hard, is_open) {
            (true, false) => alerts.push((run.time_ms, None)),
            (false, true) if run.state == State::Ok => alerts.last_mut().unwrap().1 = Some(run.time_ms),
            _ => {}
        }
    }
    alerts
}

/// How a check stood while it had a problem that was confirmed, as is in the record: from when until when, and in which state.
fn stood_in_record(runs: &[Run]) -> Vec<(i64, i64, State)> {
    let judged = || runs.iter().filter(|run| run.reason == Reason::Exited);
    let known = judged().filter(|run| run.state == State::Ok || run.standing.hard);
    let known: Vec<(i64, State)> = known.map(|run| (run.time_ms, run.state)).collect();
    let end_ms = runs.last().map_or(0, |run| run.time_ms + run.duration_us as i64 / 1000 + 1);
    let mut stood = Vec::new();
    for same in known.chunk_by(|one, other| one.1 == other.1) {
        let (since_ms, state) = same[0];
        let next_ms = known.iter().find(|(time_ms, next)| *time_ms > since_ms && *next != state);
        if state != State::Ok {
            stood.push((since_ms, next_ms.map_or(end_ms, |next| next.0), state));
        }
    }
    stood
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_backtest_by_the_definition_in_force_is_the_record(
        values in prop::collection::vec(prop_oneof![12 => (0_u8..8).prop_map(Some), 1 => Just(None)], 1..80),
        attempts in 1_u32..4,
        for_minutes in 0_u64..4,
    ) {
        let check = check(attempts, for_minutes);
        let runs = recorded(&check, &values);
        let (expected, expected_stood) = (in_record(&runs), stood_in_record(&runs));
        let found = backtest_check(&check, runs.into_iter(), None, NormalPast::default());
        let alerts: Vec<(i64, Option<i64>)> =
            found.intervals.iter().map(|alert| (alert.since_ms, alert.until_ms)).collect();
        prop_assert_eq!(alerts, expected);
        let stood = found.stood.iter().map(|one| (one.span.since_ms, one.span.until_ms, one.state));
        prop_assert_eq!(stood.collect::<Vec<_>>(), expected_stood);
        for state in State::ALL {
            let lasted = found.stood.iter().filter(|one| one.state == state).map(|one| one.span.length_ms());
            prop_assert_eq!(found.stood_ms[usize::from(state.code())], lasted.sum::<i64>());
        }
        prop_assert_eq!(found.judged, values.iter().flatten().count() as u64);
    }
}

#[test]
fn an_alert_tells_since_when_how_bad_and_in_which_words() {
    let check = check(2, 1);
    let values = [1, 4, 4, 7, 6, 1, 1].map(Some);
    let mut runs = recorded(&check, &values);
    runs.push(Run {
        time_ms: 7 * MINUTE_MS,
        reason: Reason::Missed,
        duration_us: 600_000_000,
        ..Run::default()
    });
    runs.extend(recorded(&check, &[Some(1)]).into_iter().map(|run| Run { time_ms: 17 * MINUTE_MS, ..run }));
    let found = backtest_check(&check, runs.clone().into_iter(), None, NormalPast::default());
    let [alert] = &found.intervals[..] else { panic!("{found:?}") };
    assert_eq!((alert.since_ms, alert.until_ms), (3 * MINUTE_MS, Some(5 * MINUTE_MS)));
    assert_eq!((alert.pending_since_ms, alert.peak), (2 * MINUTE_MS, Some((7.0, 3 * MINUTE_MS))));
    assert_eq!(alert.state, State::Critical);
    // It is told for how long each state was there, not only which was the worst.
    let lasted = found.stood.iter().map(|one| (one.state, one.span.length_ms() / MINUTE_MS));
    assert_eq!(lasted.collect::<Vec<_>>(), [(State::Warning, 1), (State::Critical, 1)]);
    assert_eq!(found.stood_ms, [0, MINUTE_MS, MINUTE_MS, 0]);
    assert_eq!(alert.said, "WARNING: m is 7, outside 3 for at least 1m; run 3");
    assert_eq!(found.not_observed, [Span { since_ms: 7 * MINUTE_MS, until_ms: 17 * MINUTE_MS }]);
    let changed =
        Changed { critical: Some(range(9.0)), pending_for: Some(Duration::ZERO), ..Changed::default() };
    let changed =
        backtest_check(&changed.apply(&check).unwrap(), runs.into_iter(), None, NormalPast::default());
    assert_eq!(changed.intervals[0].since_ms, 2 * MINUTE_MS);
    assert_eq!(changed.intervals[0].state, State::Warning);
    assert!(Changed { metric: Some("x".to_owned()), ..Changed::default() }.apply(&check).is_none());
}

fn rule(query: &str, for_ms: i64) -> RuleGroup {
    let kind = RuleKind::Alert(AlertRule {
        name: "A".to_owned(),
        for_ms,
        keep_firing_ms: 0,
        annotations: Vec::new(),
    });
    let rule = RuleCheck {
        check: "A".into(),
        judge: Judge::Query { query: query.to_owned(), expr: parse(query).unwrap() },
        labels: Vec::new(),
        kind,
        limit: 0,
        state: AlertState::Always(State::Critical),
    };
    RuleGroup {
        name: "A".into(),
        when: When::Samples { at_the_latest_ms: 5 * MINUTE_MS },
        query_offset_ms: 0,
        period: None,
        rules: vec![Arc::new(rule)],
    }
}

/// A store with these values of `c:m`, a minute apart; a missed run where there is none.
fn stored(values: &[Option<u8>]) -> (tempfile::TempDir, Reader) {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    let runs = recorded(&check(1, 0), values);
    writer.append(&runs.iter().map(|run| ("c", run)).collect::<Vec<_>>()).unwrap();
    writer.close().unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    (directory, reader)
}

#[test]
fn what_nobody_looked_at_is_neither_quiet_nor_loud() {
    let values = [Some(1), Some(9), None, None, Some(9), Some(1), Some(9)];
    let (_directory, reader) = stored(&values);
    let found = backtest_rules(&rule("c > 5", 0), &reader.snapshot(), None, &External::default()).unwrap();
    let found = &found[0].backtest;
    let alerts: Vec<_> = found.intervals.iter().map(|alert| (alert.since_ms, alert.until_ms)).collect();
    // The alert goes on over the missed runs: nothing is known that would end it.
    assert_eq!(alerts, [(MINUTE_MS, Some(5 * MINUTE_MS)), (6 * MINUTE_MS, None)]);
    assert_eq!(found.not_observed, [Span { since_ms: 2 * MINUTE_MS, until_ms: 4 * MINUTE_MS }]);
    assert_eq!(found.judged, 5);
    assert_eq!(found.intervals[1].peak, Some((9.0, 6 * MINUTE_MS)));
}

#[test]
fn labels_say_of_the_host_what_the_configuration_says() {
    let (_directory, reader) = stored(&[Some(6), Some(7)]);
    let mut group = rule("c > 5", 0);
    let site = Template::parse("A", "{{ $externalLabels.site }} {{ $externalURL }}").unwrap();
    Arc::make_mut(&mut group.rules[0]).labels.push(("site".to_owned(), site));
    let external = External { labels: Labels::new([("site", "lab")]), url: "http://h/".to_owned() };
    let found = backtest_rules(&group, &reader.snapshot(), None, &external).unwrap();
    assert_eq!(found[0].backtest.intervals[0].labels.get("site"), "lab http://h/");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn each_point_of_a_curve_is_the_backtest_of_that_threshold(
        values in prop::collection::vec(prop_oneof![20 => (0_u8..8).prop_map(Some), 1 => Just(None)], 1..60),
        for_minutes in 0_i64..4,
        is_below in any::<bool>(),
    ) {
        let (_directory, reader) = stored(&values);
        let snapshot = reader.snapshot();
        let sign = if is_below { "<" } else { ">" };
        let of = |threshold: f64| rule(&format!("c {sign} {threshold}"), for_minutes * MINUTE_MS);
        let (points, below) = rule_curve(&of(4.0), &snapshot, None, 1).unwrap();
        prop_assert_eq!(below, is_below);
        for threshold in 0..8_u8 {
            let Some(point) = points.iter().find(|point| point.threshold == f64::from(threshold)) else { continue };
            let found = backtest_rules(&of(f64::from(threshold)), &snapshot, None, &External::default()).unwrap();
            let found = &found[0].backtest;
            let ms: i64 = found.intervals.iter().map(|alert| alert.span(found.end_ms()).length_ms()).sum();
            prop_assert_eq!((point.alerts, point.hours), (found.intervals.len() as u64, ms as f64 / 3_600_000.0), "{}", threshold);
        }
    }
}

/// What a threshold that follows what is normal finds is the same while runs come, of which each day knows what the day before it knew,
/// and over the past.
#[test]
fn what_is_outside_of_what_is_normal_is_the_same_live_and_over_the_past() {
    const DAY_MS: i64 = 86_400_000;
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    let mut check = check(2, 0);
    check.thresholds[0] = Threshold {
        warning: None,
        critical: None,
        normal: Some(OutsideNormal { state: State::Warning, tolerance: Tolerance::Bands(2.0) }),
        ..check.thresholds[0].clone()
    };
    let (mut before, mut pending, mut day) = (None, Pending::default(), -1);
    let mut recorded = Vec::new();
    for slot in 0..30 * 96_i64 {
        let time_ms = slot * 900_000;
        if time_ms / DAY_MS != day {
            day = time_ms / DAY_MS;
            let reader = Reader::open(directory.path()).unwrap();
            let metric = Bucketed { key: SeriesKey::new("m"), is_counter: false };
            let mut on_damage = |error: &custos_store::Error| panic!("{error}");
            let mut context = ReadContext::new(&mut on_damage);
            let history = NormalHistory::read(&reader, "c", vec![metric], day, &mut context).unwrap();
            pending.set_normal(Some(Arc::new(history.days(day..day + 1))));
        }
        // A day's rhythm; one incident of a night, one of an hour.
        let (hour, days) = (slot % 96 / 4, slot / 96);
        let odd = if days == 9 && (4..10).contains(&hour) || days == 25 && hour == 20 { 40.0 } else { 0.0 };
        let value = hour as f64 + odd + (slot * 7919 % 101) as f64 / 101.0;
        let metrics = vec![Metric::new("m", Value::from(value))];
        let mut run = Run { time_ms, metrics, ..Run::default() };
        evaluate(&check, before, &mut pending, Taken::at(time_ms * 1000), &mut run);
        before = Some(PreviousState { state: run.state, standing: run.standing });
        writer.append(&[("c", &run)]).unwrap();
        recorded.push(run);
    }
    writer.close().unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let mut on_damage = |error: &custos_store::Error| panic!("{error}");
    let normal = NormalPast::read(&reader, &check, &mut ReadContext::new(&mut on_damage)).unwrap();
    let found =
        backtest_check(&check, reader.runs("c", i64::MIN..i64::MAX).map(Result::unwrap), None, normal);
    let mut live: Vec<(i64, Option<i64>)> = Vec::new();
    for run in &recorded {
        match (run.state == State::Ok, run.standing.hard) {
            (true, _) => {
                if let Some((_, until_ms @ None)) = live.last_mut() {
                    *until_ms = Some(run.time_ms);
                }
            }
            (false, true) if live.last().is_none_or(|last| last.1.is_some()) => {
                live.push((run.time_ms, None))
            }
            (false, _) => {}
        }
    }
    let past: Vec<(i64, Option<i64>)> =
        found.intervals.iter().map(|interval| (interval.since_ms, interval.until_ms)).collect();
    assert_eq!(past, live);
    // The attempt after the first is the problem. Of the first days nothing is known, and neither incident became normal.
    let at = |day: i64, hour: i64| (day * 96 + hour * 4) * 900_000;
    assert_eq!(live, [(at(9, 4) + 900_000, Some(at(9, 10))), (at(25, 20) + 900_000, Some(at(25, 21)))]);
    let said = &found.intervals[1].said;
    assert!(
        said.starts_with("WARNING: m is 60.") && said.ends_with("which is normal now and 2x more"),
        "{said}"
    );
}
