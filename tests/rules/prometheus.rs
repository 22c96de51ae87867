//! Rules that a running Prometheus evaluates while it scrapes, and what Custos makes of the samples that it scraped, at the times at
//! which it evaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use custos::rules::{AlertState, Context, JudgedAt, RuleCheck, RuleKind, RunningRule, read_files};
use custos_promql::{ENDED, Labels, METRIC_NAME, Memory, Options};
use custos_store::State;

use crate::peer::{Prometheus, exporter};
use crate::stage::{Stage, wait_for};

const RULES: &str = r#"
groups:
  - name: live
    interval: 1s
    rules:
      - { record: evaluated, expr: vector(1) }
      - { record: 'job:m:sum', expr: sum by (job) (m), labels: { origin: recorded } }
      - alert: High
        expr: m > 5
        for: 3s
        keep_firing_for: 2s
        labels: { severity: '{{ if gt $value 8.0 }}critical{{ else }}warning{{ end }}' }
      - { alert: HighSum, expr: 'job:m:sum{origin="recorded"} > 10' }
      - { alert: Gone, expr: absent(flaky), for: 2s }
      - { alert: Grows, expr: 'rate(c[4s]) > 1.5', for: 1s, labels: { name: '{{ $labels.n | toUpper }}' } }
      - { alert: Down, expr: up == 0 }
      - { alert: HighFires, expr: 'count by (n) (ALERTS{alertname="High", alertstate="firing"}) > 0' }
"#;

/// What a series has at each scrape; nothing for a blank.
const SCRIPT: [(&str, &str); 4] = [
    (r#"m{n="a"}"#, "1 1 1 1 1 1 7 7 7 7 7 7 2 9 9 9 9 9 9 2 2 2 2 7 7 7 7 7 1 1"),
    (r#"m{n="b"}"#, "1 1 1 1 1 1 1 1 7 7 2 2 2 6 6 6 6 6 . . . 6 6 6 6 6 6 1 1 1"),
    ("flaky", "1 1 1 1 1 1 1 1 1 1 . . . . 1 1 . 1 1 . . . . . 1 1 1 1 1 1"),
    (r#"c{n="x"}"#, "5 5 5 5 5 5 5 5 5 8 11 14 17 17 17 17 17 1 3 5 7 9 9 9 9 9 9 9 9 9"),
];
/// The scrape that the exporter refuses.
const REFUSED: usize = 21;
/// Evaluations that are compared.
const EVALUATIONS: usize = 28;
/// The first evaluations, of which Prometheus writes no alerts: it looks for those of an earlier run.
const UNTOLD: usize = 3;

/// How a scrape and an evaluation may lie to each other (ms): nothing is under way at the time of an evaluation.
const APART_MS: std::ops::Range<i64> = 250..950;

#[test]
fn a_running_prometheus_comes_to_the_same() {
    let wanted = |live: &Live| APART_MS.contains(&live.apart_ms());
    let live = (0..20).map(|_| Live::start()).find(wanted).expect("one of many is far enough apart");
    let prometheus = &live.prometheus;
    let times = wait_for("evaluations", || {
        let times = prometheus.times("evaluated");
        (times.len() >= EVALUATIONS).then_some(times)
    });
    let theirs = prometheus.samples(r#"{__name__=~"ALERTS|ALERTS_FOR_STATE|job:m:sum"}"#);
    let ours = evaluated(&live, &times);
    let mut names = BTreeSet::new();
    for (index, time_ms) in times.iter().enumerate().skip(UNTOLD) {
        let of_theirs: BTreeMap<&Labels, f64> =
            theirs.iter().filter_map(|(labels, samples)| Some((labels, *samples.get(time_ms)?))).collect();
        let of_ours: BTreeMap<&Labels, f64> =
            ours[index].iter().map(|(labels, value)| (labels, *value)).collect();
        assert_eq!(of_theirs, of_ours, "evaluation {index}");
        names.extend(of_ours.keys().map(|labels| {
            format!("{} {}", labels.get("alertname"), labels.get("alertstate")).trim().to_owned()
        }));
    }
    for state in ["High pending", "High firing", "HighSum firing", "Gone pending", "Gone firing"] {
        assert!(names.contains(state), "{state} in {names:?}");
    }
    for state in ["Grows pending", "Grows firing", "Down firing", "HighFires firing"] {
        assert!(names.contains(state), "{state} in {names:?}");
    }
}

/// Prometheus with what it scrapes.
struct Live {
    prometheus: Prometheus,
    stage: Stage,
}

impl Live {
    fn start() -> Live {
        let stage = Stage::new();
        stage.write("live.rules.yml", RULES);
        let scrape = format!("{{ job_name: live, static_configs: [{{ targets: ['{}'] }}] }}", exporter(page));
        let prometheus = Prometheus::start(&stage, "live.rules.yml", &scrape);
        Live { prometheus, stage }
    }

    /// How long after a scrape it evaluates (ms).
    fn apart_ms(&self) -> i64 {
        let (scraped, evaluated) = wait_for("a scrape and an evaluation", || {
            let first = |name: &str| self.prometheus.times(name).first().copied();
            Some((first("up")?, first("evaluated")?))
        });
        (evaluated - scraped).rem_euclid(1000)
    }
}

/// What the rules come to in Custos at these times, over what was scraped.
fn evaluated(live: &Live, times: &[i64]) -> Vec<Vec<(Labels, f64)>> {
    let mut memory = scraped(&live.prometheus);
    let (files, mistakes) = read_files(&[live.stage.path("live.rules.yml")]).unwrap();
    assert!(mistakes.is_empty(), "{mistakes}");
    let mut rules: Vec<(RunningRule, BTreeSet<Labels>)> = files[0].groups[0]
        .rules
        .iter()
        .map(|rule| {
            let check = RuleCheck::of_file(rule, rule.name().into(), 0, AlertState::Always(State::Critical));
            (RunningRule::new(Arc::new(check)), BTreeSet::new())
        })
        .collect();
    let mut all = Vec::new();
    for at_ms in times {
        let mut of_time = Vec::new();
        for (rule, wrote) in &mut rules {
            let context = Context::plain(*at_ms);
            let at = JudgedAt { at_ms: *at_ms, query_ms: *at_ms };
            let recorded = rule.step(&memory, at, &Options::default(), &context).unwrap();
            let series: Vec<(Labels, f64)> = match rule.rule().kind {
                RuleKind::Record(_) => recorded,
                RuleKind::Alert(_) => rule.alerts().iter().flat_map(series_of).collect(),
            };
            let now: BTreeSet<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
            series.iter().for_each(|(labels, value)| memory.insert(labels, *at_ms, *value));
            wrote.difference(&now).for_each(|gone| memory.insert(gone, *at_ms, ENDED));
            *wrote = now;
            of_time.extend(series.into_iter().filter(|(labels, _)| labels.metric_name() != "evaluated"));
        }
        all.push(of_time);
    }
    all
}

/// The series of an alert, as the documentation of Prometheus has them.
fn series_of(alert: &custos::rules::Alert) -> [(Labels, f64); 2] {
    let labels = &alert.element.identity;
    let since_s = alert.active_since_ms.div_euclid(1000) as f64;
    [
        (labels.with(METRIC_NAME, "ALERTS").with("alertstate", alert.stage.name()), 1.0),
        (labels.with(METRIC_NAME, "ALERTS_FOR_STATE"), since_s),
    ]
}

/// What was scraped: a series ends at the first scrape that does not have it.
fn scraped(prometheus: &Prometheus) -> Memory {
    let all = prometheus.samples(r#"{job="live", __name__=~"m|c|flaky|up"}"#);
    let times: BTreeSet<i64> = all
        .iter()
        .filter(|(labels, _)| labels.metric_name() == "up")
        .flat_map(|(_, up)| up.keys().copied())
        .collect();
    let mut memory = Memory::default();
    for (labels, samples) in &all {
        let mut is_there = false;
        for time_ms in &times {
            match samples.get(time_ms) {
                Some(value) => memory.insert(labels, *time_ms, *value),
                None if is_there => memory.insert(labels, *time_ms, ENDED),
                None => {}
            }
            is_there = samples.contains_key(time_ms);
        }
    }
    memory
}

/// The script, one scrape after the other, and nothing at its end.
fn page(index: usize) -> Option<String> {
    let value = |script: &'static str| script.split(' ').nth(index).filter(|value| *value != ".");
    let lines = SCRIPT.iter().filter_map(|(series, script)| Some(format!("{series} {}\n", value(script)?)));
    (index != REFUSED).then(|| lines.collect())
}
