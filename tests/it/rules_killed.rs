//! An agent with rules killed with signal 9 at random moments: whatever it came to before and after is what the same rules come to
//! over the stored samples, judged one time after the other without any interruption. `KILL_RULES_ROUNDS` says how often (5).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use custos::config;
use custos::rules::{Context, JudgedAt, Past, RuleGroup, RunningRule, When, judgement_times};
use custos_promql::Options;
use custos_query::StoreSource;
use custos_store::{Reader, Reason, Run, Snapshot};

use crate::stage::{Random, Stage, pause, wait_for};

/// Rules that are judged by samples alone.
const RULES: &str = "  plain: { query: 'm > 5', for: 300ms, check_interval: 1h }
  kept: { query: 'm > 6', keep_firing_for: 700ms, check_interval: 1h }
  level: { query: 'm > 3', for: 200ms, keep_firing_for: 300ms, check_interval: 1h,
           labels: { level: '{{ if gt $value 7.0 }}high{{ else }}low{{ end }}' }, annotations: { summary: 'is {{ $value }}' } }
  both: { query: 'avg_over_time(m[1s]) + on() group_left() n > 8', for: 250ms, check_interval: 1h }
  first_m_then_n:
    sequence: { within: 3s, steps: [ { query: 'm > 6' }, { query: 'n > 5', times: 2 } ] }
    keep_firing_for: 500ms
    check_interval: 1h
";

fn stage() -> Stage {
    let stage = Stage::new();
    for name in ["m", "n"] {
        stage.write(&format!("{name}.value"), "1");
        stage.plugin(name, &format!("echo \"OK | v=$(cat {})\"\n", stage.shown(&format!("{name}.value"))));
    }
    let checks = "  m: { command: m, check_interval: 100ms }\n  n: { command: n, check_interval: 130ms }\n";
    stage.configure("defaults: { timeout: 10s, flap_detection: false }", &format!("{checks}{RULES}"));
    stage
}

/// How many runs of a check are stored.
fn count(stage: &Stage, check: &str) -> usize {
    Reader::open(&stage.path("store")).map_or(0, |reader| reader.runs(check, i64::MIN..i64::MAX).count())
}

fn wait_for_another(stage: &Stage, check: &str) {
    let before = count(stage, check);
    wait_for("another run", || (count(stage, check) > before).then_some(()));
}

/// What tells the alerts of a run apart: the states, labels, values and times of all, as metrics, instances and words.
fn told(run: &Run) -> String {
    let mut metrics: Vec<String> = run
        .metrics
        .iter()
        .map(|metric| format!("{}{:?} {:?}", metric.label, metric.labels, metric.value))
        .collect();
    metrics.sort();
    format!("{:?} {} {metrics:?} {:?}", run.plugin_state, run.text, run.instances)
}

/// What the rules of a group come to at each time, without any interruption.
fn undisturbed(group: &RuleGroup, snapshot: &Snapshot) -> BTreeMap<i64, Vec<Run>> {
    let source = StoreSource::for_rules(snapshot);
    let checks = snapshot.checks();
    let from_ms = checks.iter().map(|check| check.first_ms).min().unwrap();
    let to_ms = checks.iter().map(|check| check.last_ms).max().unwrap();
    let past = Past { from_ms, to_ms, judged_ms: None };
    let When::Samples { .. } = group.when else { panic!("{} has a grid", group.name) };
    // No silence is long enough to be noticed.
    let quiet = RuleGroup { when: When::Samples { at_the_latest_ms: 0 }, ..group.clone() };
    let times = judgement_times(&quiet, &source, past).unwrap();
    let mut rules: Vec<RunningRule> =
        group.rules.iter().map(|rule| RunningRule::new(Arc::clone(rule))).collect();
    let judge = |at_ms: i64| {
        let context = Context::plain(at_ms);
        let at = JudgedAt { at_ms, query_ms: at_ms };
        let judged = rules.iter_mut().map(|rule| rule.judge(&source, at, &Options::default(), &context));
        (at_ms, judged.map(|judged| judged.run).collect())
    };
    times.into_iter().map(judge).collect()
}

/// The runs about a time, for messages.
fn near(reader: &Reader, at_ms: i64) -> String {
    let of = |check: &str| -> String {
        let runs = reader.runs(check, at_ms - 1000..at_ms + 1000).map(Result::unwrap);
        let line = |run: Run| {
            format!("{check} {} {:?} {} us: {}\n", run.time_ms, run.reason, run.duration_us, run.text)
        };
        runs.map(line).collect()
    };
    reader.checks().iter().map(|check| of(&check.name)).collect()
}

/// Compares all that was stored of the rules. Returns how many runs had alerts.
fn compare(stage: &Stage) -> usize {
    let groups = config::load(&stage.path("custos.yaml")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let reader = Reader::open(&stage.path("store")).unwrap();
    let snapshot = reader.snapshot();
    let mut alerts = 0;
    for group in groups.config.groups {
        let expected = undisturbed(&group, &snapshot);
        for (number, rule) in group.rules.iter().enumerate() {
            let runs = reader.runs(&rule.check, i64::MIN..i64::MAX).map(Result::unwrap);
            for run in runs.filter(|run| run.reason == Reason::Exited) {
                let Some(expected) = expected.get(&run.time_ms) else {
                    let near = near(&reader, run.time_ms);
                    panic!(
                        "{} was judged at {}, where nothing has a sample:\n{near}",
                        rule.check, run.time_ms
                    );
                };
                assert_eq!(told(&run), told(&expected[number]), "{} at {}", rule.check, run.time_ms);
                alerts += usize::from(!run.instances.is_empty());
            }
        }
    }
    alerts
}

#[test]
fn a_kill_changes_no_alert() {
    let rounds = std::env::var("KILL_RULES_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let stage = stage();
    let mut numbers = Random(7);
    let mut daemon = stage.start();
    for _ in 0..rounds {
        for _ in 0..2 + numbers.below(5) {
            let check = ["m", "n"][numbers.below(2) as usize];
            stage.write(&format!("{check}.value"), &numbers.below(10).to_string());
            wait_for_another(&stage, check);
        }
        pause(Duration::from_micros(numbers.below(150_000)));
        daemon.kill();
        daemon = stage.start();
        wait_for_another(&stage, "m");
        wait_for_another(&stage, "plain");
    }
    assert!(daemon.end().success());
    assert!(compare(&stage) > rounds, "the rules had alerts");
}
