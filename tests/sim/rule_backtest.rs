//! What rules and sequences said while they were live, and what a backtest over the record says: the same.

use std::collections::{BTreeMap, BTreeSet};

use custos::backtest::{backtest_rule_check, backtest_rules, says_more};
use custos::config::Config;
use custos::rules::External;
use custos_promql::Labels;
use custos_store::{Options, Reader, Reason, Run, Snapshot, State, Writer};

use crate::rules::{defined, defined_with, stage, stage_of};
use crate::script::Dice;
use crate::stage::SECOND_US;

/// Rules over two checks whose runs come at different times: with samples and on a grid, with waits before and after, by windows and by
/// silence.
const CHECKS: &str = r#"checks:
  m: { command: [/m], check_interval: 10s }
  n: { command: [/n], check_interval: 7s }
  spike: { query: m > 8 }
  hot: { query: m > 5, for: 30s }
  kept: { query: m > 7, keep_firing_for: 25s }
  both: { query: '{metric="v", check="m"} + on() n > 11', for: 15s, keep_firing_for: 12s }
  unnamed: { query: '{metric="v"} > 6', for: 12s }
  mean: { query: 'avg_over_time(m[1m]) > 5', for: 20s }
  grid: { query: 'm > 4', on: interval, check_interval: 30s, for: 1m, keep_firing_for: 45s }
  gone: { query: 'absent(m{metric="v"})' }
  silent: { query: 'absent(m{metric="v"})', check_interval: 15s, for: 12s }
"#;

/// Sequences over the same checks.
const SEQUENCES: &str = r#"  late:
    sequence:
      steps:
        - { name: high, query: m > 7 }
        - { name: silent, not: 'm < 3', within: 25s }
  rise:
    check_interval: 40s
    sequence:
      within: 2m
      steps:
        - { name: low, query: m < 3 }
        - { name: high, query: n > 6, within: 45s }
    keep_firing_for: 20s
"#;

/// A rule over the alerts of another.
const OF_ALERTS: &str =
    "  of alerts: { query: 'ALERTS{alertname=\"hot\", alertstate=\"firing\"} and on() (n > 3)', for: 10s }\n";

/// Rules that are judged at some hours only.
const IN_PERIOD: &str = r#"checks:
  m: { command: [/m], check_interval: 10s }
  n: { command: [/n], check_interval: 7s }
  open: { query: m > 5, for: 30s, check_period: p }
  kept: { query: m > 7, keep_firing_for: 3m, check_period: p }
  grid: { query: 'm > 4', on: interval, check_interval: 30s, for: 1m, check_period: p }
  silent: { query: 'absent(m{metric="v"})', check_interval: 15s, for: 12s, check_period: p }
  late:
    check_period: p
    sequence:
      steps:
        - { name: high, query: m > 7 }
        - { name: silent, not: 'm < 3', within: 25s }
"#;

/// Rules over the state of checks: of themselves, of others of their group before and after them, and of others.
const OF_STATES: &str = r#"
groups:
  - name: states
    interval: 2s
    rules:
      - { alert: Early, expr: 'TargetHigh{metric="firing"} > 0', for: 2s }
      - { alert: TargetHigh, expr: 'm{metric="v"} > 6' }
      - { alert: CheckFailing, expr: 'check_state{check=~"hot|TargetHigh|CheckFailing"} >= 2 and on() (m{metric="v"} > 2)', for: 4s }
      - { alert: Often, expr: 'count_over_time((check_state{check="TargetHigh"} > 0)[20s:2s]) > 3' }
      - { alert: Late, expr: 'TargetHigh{metric="firing"} > 0 unless on() CheckFailing{metric="firing"} > 0' }
      - { alert: Slow, expr: 'sum_over_time(check_state{check=~"Slow|TargetHigh"}[4s]) > 1 and on() (m{metric="v"} > 1)' }
  - name: later
    interval: 10s
    query_offset: 3s
    rules:
      - { alert: Steady, expr: 'min_over_time(check_state{check="Shaky"}[21s]) > 0 or check_state{check="Shaky"} > 1', for: 10s }
      - { alert: Shaky, expr: 'm{metric="v"} > 4', keep_firing_for: 10s }
"#;

/// A check over its own state.
const OF_ITSELF: &str =
    "  own: { query: 'check_state{check=~\"hot|own\"} >= 2 and on() (n > 3)', for: 8s }\n";

/// Seeds of rules over states with outages.
const SEEDS: usize = 2;

/// An alert: its labels, from when to when.
type Alert = (Labels, i64, Option<i64>);

/// The labels of an alert, without those by which its series says what it is.
fn told_apart(labels: &Labels) -> Labels {
    let labels = labels.iter().map(|label| (&*label.name, &*label.value));
    Labels::new(labels.filter(|(name, _)| !["__name__", "alertstate"].contains(name)))
}

/// The alerts of a rule that fired, in its record.
fn in_record(runs: &[&Run]) -> Vec<Alert> {
    let mut open: BTreeMap<Labels, i64> = BTreeMap::new();
    let mut alerts = Vec::new();
    for run in runs.iter().filter(|run| run.reason == Reason::Exited && !run.partial) {
        let firing = run.metrics.iter().filter(|metric| metric.label == "ALERTS");
        let labels = firing.map(|metric| metric.labels.iter().map(|(name, value)| (&**name, &**value)));
        let firing: BTreeSet<Labels> = labels
            .filter(|labels| labels.clone().any(|label| label == ("alertstate", "firing")))
            .map(|labels| told_apart(&Labels::new(labels)))
            .collect();
        for labels in &firing {
            open.entry(labels.clone()).or_insert(run.time_ms);
        }
        let gone: Vec<Labels> = open.keys().filter(|labels| !firing.contains(labels)).cloned().collect();
        for labels in gone {
            if let Some(since_ms) = open.remove(&labels) {
                alerts.push((labels, since_ms, Some(run.time_ms)));
            }
        }
    }
    alerts.extend(open.into_iter().map(|(labels, since_ms)| (labels, since_ms, None)));
    alerts.sort_by_key(|(labels, since_ms, _)| (*since_ms, labels.clone()));
    alerts
}

/// A store with these runs.
fn stored(dir: &std::path::Path, runs: &[(String, Run)]) -> Snapshot {
    let options = Options { background: false, reserve_bytes: 0, ..Options::default() };
    let mut writer = Writer::open(dir, options).unwrap();
    let batch: Vec<(&str, &Run)> = runs.iter().map(|(check, run)| (check.as_str(), run)).collect();
    batch.chunks(1000).for_each(|batch| {
        writer.append(batch).unwrap();
    });
    writer.close().unwrap();
    Reader::open(dir).unwrap().snapshot()
}

fn all() -> Config {
    defined(&format!("{CHECKS}{SEQUENCES}{OF_ALERTS}"))
}

/// The period is open for seven minutes of each ten, but for an hour in which it is closed.
fn in_period() -> Config {
    let hours = (0..24).filter(|hour| hour % 4 != 1);
    let open = hours.flat_map(|hour| {
        (0..60).step_by(10).map(move |from| format!("{hour:02}:{from:02}-{hour:02}:{:02}", from + 7))
    });
    let open: Vec<String> = open.collect();
    defined(&format!("periods:\n  p: {{ monday - sunday: '{}' }}\n{IN_PERIOD}", open.join(",")))
}

fn states() -> Config {
    defined_with(&format!("{CHECKS}{OF_ITSELF}"), Some(OF_STATES))
}

/// Rules live for some hours, with stretches in which nobody looked if there are to be any. Returns the rules that never fired.
fn compare(
    seed: u64,
    config: &Config,
    rounds: usize,
    stands_still: bool,
    restarts: bool,
) -> BTreeSet<String> {
    let mut dice = Dice::new(seed);
    let mut stage = stage_of(config.clone(), |name| if name.ends_with('m') { 300_000 } else { 40_000 });
    for _ in 0..rounds {
        stage.prints = match dice.below(30) {
            0 => "OK".to_owned(),
            value => format!("OK | v={}", value % 10),
        };
        stage.live(5 + dice.below(50));
        if stands_still && dice.below(50) == 0 {
            stage.stand_still((5 + dice.below(400)) * SECOND_US);
        }
        if restarts && dice.below(50) == 0 {
            stage.restart(config.clone(), dice.below(300) * SECOND_US);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let snapshot = stored(directory.path(), &stage.runs);
    let (mut fired, mut quiet) = (0, BTreeSet::new());
    for group in &config.groups {
        for found in backtest_rules(group, &snapshot, None, &External::default()).unwrap() {
            let check = &*found.rule.check;
            let runs: Vec<&Run> =
                stage.runs.iter().filter(|(name, _)| name == check).map(|(_, run)| run).collect();
            let mut expected = in_record(&runs);
            // A run is of the time as of which its expression looked.
            for (_, since_ms, until_ms) in &mut expected {
                *since_ms += group.query_offset_ms;
                until_ms.iter_mut().for_each(|until_ms| *until_ms += group.query_offset_ms);
            }
            let of = |alert: &custos::backtest::AlertInterval| {
                (told_apart(&alert.labels), alert.since_ms, alert.until_ms)
            };
            let mut alerts: Vec<Alert> = found.backtest.intervals.iter().map(of).collect();
            alerts.sort_by_key(|(labels, since_ms, _)| (*since_ms, labels.clone()));
            let differs = alerts.iter().zip(&expected).position(|(one, other)| one != other);
            let at = differs.unwrap_or(alerts.len().min(expected.len()));
            assert_eq!(
                alerts.get(at.saturating_sub(1)..(at + 2).min(alerts.len())),
                expected.get(at.saturating_sub(1)..(at + 2).min(expected.len())),
                "seed {seed}, {check}: alert {at} of {} and {}",
                alerts.len(),
                expected.len()
            );
            if expected.is_empty() {
                quiet.insert(check.to_owned());
            }
            fired += expected.len();
        }
    }
    assert!(fired * 8 > rounds, "seed {seed}: {fired} alerts");
    quiet
}

/// Rules whose checks say more than the rules do.
const JUDGED: &str = r#"checks:
  m: { command: [/m], check_interval: 10s }
  n: { command: [/n], check_interval: 7s }
  limited: { query: m, thresholds: [{ metric: value, warning: 5, critical: 8, for: 12s }] }
  confirmed: { query: m > 5, max_check_attempts: 3 }
  sequence:
    max_check_attempts: 2
    sequence:
      steps:
        - { name: high, query: m > 6 }
        - { name: silent, not: 'n < 2', within: 15s }
    keep_firing_for: 20s
"#;

/// Problems that were hard: from when to when, in the record.
fn hard(runs: &[&Run]) -> Vec<(i64, Option<i64>)> {
    let mut problems: Vec<(i64, Option<i64>)> = Vec::new();
    for run in runs.iter().filter(|run| run.reason == Reason::Exited && !run.partial) {
        let is_open = problems.last().is_some_and(|last| last.1.is_none());
        match (run.state, problems.last_mut().filter(|_| is_open)) {
            (State::Ok, Some(last)) => last.1 = Some(run.time_ms),
            (State::Ok, None) | (_, Some(_)) => {}
            (_, None) if run.standing.hard => problems.push((run.time_ms, None)),
            (_, None) => {}
        }
    }
    problems
}

/// The highest value that runs have from a time on and before another.
fn highest(runs: &[&Run], since_ms: i64, until_ms: Option<i64>) -> Option<f64> {
    let of_time = since_ms..until_ms.unwrap_or(i64::MAX);
    let metrics = runs.iter().filter(|run| of_time.contains(&run.time_ms)).flat_map(|run| &run.metrics);
    let values = metrics.filter(|metric| metric.label == "value").filter_map(|metric| metric.value);
    values.map(custos_store::Value::to_f64).reduce(f64::max)
}

#[test]
fn thresholds_and_attempts_of_a_rule_count_in_its_backtest() {
    let mut dice = Dice::new(7);
    let mut stage = stage(JUDGED, |name| if name.ends_with('m') { 300_000 } else { 40_000 });
    for _ in 0..300 {
        stage.prints = format!("OK | v={}", dice.below(10));
        stage.live(5 + dice.below(50));
        if dice.below(40) == 0 {
            stage.restart(defined(JUDGED), dice.below(300) * SECOND_US);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let snapshot = stored(directory.path(), &stage.runs);
    let config = defined(JUDGED);
    for group in &config.groups {
        let name = &*group.rules[0].check;
        let runs: Vec<&Run> =
            stage.runs.iter().filter(|(check, _)| check == name).map(|(_, run)| run).collect();
        let expected = hard(&runs);
        let check = &config.checks[name];
        let found = backtest_rule_check(check, group, &snapshot, None, &External::default()).unwrap();
        let alerts: Vec<_> = found.intervals.iter().map(|alert| (alert.since_ms, alert.until_ms)).collect();
        assert_eq!(alerts, expected, "{name}");
        assert!(expected.len() > 10, "{name}: {}", expected.len());
        assert!(found.intervals.iter().all(|alert| !alert.said.is_empty() && alert.state != State::Ok));
        assert!(says_more(check));
        if name == "limited" {
            for alert in &found.intervals {
                let (worst, _) = alert.peak.expect("a threshold is crossed");
                assert_eq!(Some(worst), highest(&runs, alert.since_ms, alert.until_ms), "{alert:?}");
            }
        }
    }
}

#[test]
fn a_backtest_of_rules_and_sequences_says_what_was_recorded() {
    assert_eq!(compare(1, &all(), 400, false, false), BTreeSet::new());
}

#[test]
fn so_it_does_where_nobody_looked_for_a_while() {
    assert_eq!(compare(3, &all(), 400, true, false), BTreeSet::new());
}

#[test]
fn so_it_does_where_the_agent_was_restarted() {
    assert_eq!(compare(5, &all(), 400, true, true), BTreeSet::new());
}

#[test]
fn so_it_does_of_rules_that_are_judged_at_some_hours_only() {
    for (seed, stands_still, restarts) in
        [(21, false, false), (22, true, false), (23, true, true), (24, true, true)]
    {
        assert_eq!(compare(seed, &in_period(), 400, stands_still, restarts), BTreeSet::new());
    }
}

#[test]
fn a_rule_over_the_state_of_checks_sees_what_was_recorded_when_it_was_judged() {
    assert_eq!(compare(11, &states(), 100, false, false), BTreeSet::new());
}

#[test]
fn so_it_does_over_outages_and_restarts() {
    let quiet = (12..).take(SEEDS).map(|seed| compare(seed, &states(), 100, true, true));
    let never = quiet.reduce(|one, other| one.intersection(&other).cloned().collect());
    assert_eq!(never, Some(BTreeSet::new()), "rules that never fired");
}
