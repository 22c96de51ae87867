//! Rules over many times at once come to what they come to at one time after the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use custos_promql::{ENDED, Labels, Memory, Options};
use proptest::prelude::*;

use super::{Judged, Replay, Surroundings};
use crate::document::SourceFile;
use crate::document::diagnostic::Findings;
use crate::rules::alert::{Change, Stage};
use crate::rules::definition::{AlertState, RuleGroup, When};
use crate::rules::file::{Group, read};
use crate::rules::template::{External, Judgement};
use crate::rules::unit_test::running_group::{RunningGroup, Surroundings as Running};
use custos_store::State;

/// Groups that exercise what depends on the order of rules and on time.
const GROUPS: &[&str] = &[
    "rules: [{ alert: A, expr: a > 3 }]",
    "rules: [{ alert: A, expr: a > 3, for: 20s }]",
    "rules: [{ alert: A, expr: a < 3, for: 1m, keep_firing_for: 30s, labels: { severity: critical } }]",
    "rules: [{ alert: A, expr: a > 1, for: 15s, labels: { level: '{{ if gt $value 4.0 }}high{{ end }}' } }]",
    "rules: [{ alert: A, expr: a > 2, labels: { i: all } }]",
    "limit: 1\nrules: [{ alert: A, expr: a > 2, for: 10s }]",
    "query_offset: 30s\nrules: [{ alert: A, expr: a > 3, for: 20s }]",
    "rules: [{ alert: A, expr: a + on() group_left() b > 3 }, { alert: B, expr: absent(a), for: 5s }]",
    "rules: [{ record: r, expr: 'sum by (i) (a)', labels: { x: y } }, { alert: A, expr: r > 3, for: 20s }]",
    "rules: [{ record: r, expr: a }, { record: s, expr: 'max_over_time(r[1m])' }, { alert: A, expr: s - r > 2 }]",
    "rules: [{ alert: A, expr: s > 4 }, { record: s, expr: 'sum(a)' }]",
    "rules: [{ record: n, expr: 'vector(1) unless n or n + 1' }, { alert: A, expr: n > 5 }]",
    "rules: [{ alert: A, expr: a > 2, for: 10s }, { alert: B, expr: 'ALERTS{alertstate=\"firing\"}', for: 5s }]",
    "rules: [{ alert: A, expr: '{__name__=\"ALERTS\", alertname=\"B\"}' }, { alert: B, expr: '{i=\"1\", __name__!~\"A.*\"} > 2', for: 5s }]",
    "rules: [{ record: r, expr: b or a }, { alert: A, expr: 'count(r) > 1', keep_firing_for: 20s }]",
];

/// A group of a rule file of which this is all.
fn group(text: &str) -> Group {
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    let mut findings = Findings::default();
    let text = format!("groups:\n  - name: g\n{indented}");
    let file = read(&SourceFile::new("rules.yml".into(), text), &mut findings);
    assert!(findings.into_mistakes(&[]).list.is_empty(), "{file:?}");
    file.groups.into_iter().next().unwrap()
}

fn definition(group: &Group) -> RuleGroup {
    let state = AlertState::Always(State::Critical);
    RuleGroup {
        name: "g".into(),
        when: When::Samples { at_the_latest_ms: 0 },
        ..RuleGroup::of_file(Path::new(""), group, group.rules.iter().map(|rule| rule.name()), &state)
    }
}

/// The alerts of each rule: stage, since when, firing since when.
type Snapshot = Vec<BTreeMap<Labels, (Stage, i64, Option<i64>)>>;

fn one_by_one(group: &Group, memory: &Memory, times: &[i64]) -> Vec<Snapshot> {
    let mut series = Arc::new(memory.clone());
    let mut running = RunningGroup::new(group);
    let surroundings = Running { external: &External::default(), subquery_step_ms: 60_000 };
    let step = |time: &i64| {
        // A rule that fails leaves its alerts alone.
        let _ = running.evaluate(&mut series, *time, &surroundings);
        let of_rule = |alerts: &crate::rules::Alerts| {
            let one = |alert: &crate::rules::Alert| {
                let state = (alert.stage, alert.active_since_ms, alert.firing_since_ms);
                (alert.element.identity.clone(), state)
            };
            alerts.iter().map(one).collect()
        };
        running.rules().map(|(_, alerts)| of_rule(alerts)).collect()
    };
    times.iter().map(step).collect()
}

fn all_at_once(group: &RuleGroup, memory: &Memory, times: &[i64], cut: usize) -> Vec<Snapshot> {
    let mut replay = Replay::new(group);
    let mut changes: BTreeMap<(i64, usize), Vec<Change>> = BTreeMap::new();
    let mut exceeded = Vec::new();
    let surroundings = Surroundings {
        external: External::default(),
        queries_at: &|_| Arc::new(|_| Err("no queries".to_owned())),
        judgement: Judgement::default(),
    };
    let mut watch = |rule: usize, at_ms: i64, judged: Judged<'_>| match judged {
        Judged::Changed(all, _) => changes.entry((at_ms, rule)).or_default().extend_from_slice(all),
        Judged::Exceeded(_) => exceeded.push((at_ms, rule)),
        Judged::Failed(_) => {}
    };
    for times in [&times[..cut], &times[cut..]] {
        replay.over(memory, times, &surroundings, &Options::default(), &mut watch).unwrap();
    }
    let mut now: Snapshot = vec![BTreeMap::new(); group.rules.len()];
    let mut at = |time: &i64| {
        for (rule, alerts) in now.iter_mut().enumerate() {
            if exceeded.contains(&(*time, rule)) {
                alerts.clear();
            }
            for change in changes.remove(&(*time, rule)).unwrap_or_default() {
                match change {
                    Change::Pending(alert) | Change::Firing(alert) => {
                        let state = (alert.stage, alert.active_since_ms, alert.firing_since_ms);
                        alerts.insert(alert.element.identity, state);
                    }
                    Change::Dropped(alert) | Change::Resolved(alert) => {
                        alerts.remove(&alert.element.identity);
                    }
                }
            }
        }
        now.clone()
    };
    times.iter().map(&mut at).collect()
}

fn series() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let gap = prop_oneof![6 => 4_000_i64..16_000, 1 => 1_i64..400_000];
    let value = prop_oneof![9 => (0_i64..7).prop_map(|k| k as f64), 1 => Just(ENDED)];
    prop::collection::vec((gap, value), 0..40).prop_map(|steps| {
        let place = |at: &mut i64, (gap, value): (i64, f64)| {
            *at += gap;
            Some((*at, value))
        };
        steps.into_iter().scan(0, place).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn rules_come_to_the_same_together_as_one_time_after_the_other(
        all in prop::collection::vec(series(), 0..5),
        gaps in prop::collection::vec(prop_oneof![6 => 1_i64..20_000, 1 => 20_000_i64..500_000], 1..50),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut memory = Memory::default();
        for (index, samples) in all.iter().enumerate() {
            let (name, number) = (if index % 3 < 2 { "a" } else { "b" }, index.to_string());
            let labels = Labels::new([("__name__", name), ("i", &number)]);
            samples.iter().for_each(|(time, value)| memory.insert(&labels, *time, *value));
        }
        let place = |at: &mut i64, gap: i64| { *at += gap; Some(*at) };
        let times: Vec<i64> = gaps.into_iter().scan(0, place).collect();
        for text in GROUPS {
            let group = group(text);
            let one_by_one = one_by_one(&group, &memory, &times);
            let at_once = all_at_once(&definition(&group), &memory, &times, cut.index(times.len()));
            for (step, (one, other)) in one_by_one.iter().zip(&at_once).enumerate() {
                prop_assert_eq!(one, other, "{} at {}", text, times[step]);
            }
        }
    }
}

#[test]
fn the_worst_value_is_the_lowest_where_low_values_are_asked_for() {
    let labels = Labels::new([("__name__", "a")]);
    let mut memory = Memory::default();
    for (minute, value) in [9.0, 2.0, 1.0, 2.5, 9.0, 7.0].into_iter().enumerate() {
        memory.insert(&labels, minute as i64 * 60_000, value);
    }
    let worst = |rules: &str| {
        let definition = definition(&group(rules));
        let mut replay = Replay::new(&definition);
        let surroundings = Surroundings {
            external: External::default(),
            queries_at: &|_| Arc::new(|_| Err("no queries".to_owned())),
            judgement: Judgement::default(),
        };
        let times: Vec<i64> = (0..6).map(|minute| minute * 60_000).collect();
        let mut found = Vec::new();
        replay
            .over(&memory, &times, &surroundings, &Options::default(), &mut |_, _, judged| {
                if let Judged::Changed(_, ended) = judged {
                    found.extend(ended.iter().map(|one| (one.peak.value, one.peak.at_ms / 60_000)));
                }
            })
            .unwrap();
        found
    };
    assert_eq!(worst("rules: [{ alert: A, expr: a < 3 }]"), [(1.0, 2)]);
    assert_eq!(worst("rules: [{ alert: A, expr: 3 > a, for: 2m }]"), [(1.0, 2)]);
    assert_eq!(worst("rules: [{ alert: A, expr: a > 3 }]"), [(9.0, 0)]);
    assert_eq!(worst("rules: [{ alert: A, expr: '(a < 3) and a' }]"), [(1.0, 2)]);
}

#[test]
fn rules_that_several_threads_judge_come_to_the_same_in_the_same_order() {
    let mut memory = Memory::default();
    for index in 0..3_i64 {
        let labels = Labels::new([("__name__", "a"), ("i", &index.to_string())]);
        (0..900).for_each(|at| memory.insert(&labels, at * 10_000, ((at * (index + 3)) % 17) as f64));
    }
    let rules = "limit: 2
rules:
  - { alert: A, expr: a > 9, for: 20s }
  - { alert: B, expr: 'avg_over_time(a[1m]) > 8', keep_firing_for: 30s, labels: { value: '{{ $value }}' } }
  - { alert: C, expr: 'a + on() a > 2' }
  - { alert: D, expr: 'sum(a) > 20', for: 10s }
  - { alert: E, expr: (a) >= 12, for: 10s }
  - { alert: F, expr: 'avg_over_time( a[60s] ) < 3' }
  - { alert: G, expr: '  a + on() a == 5' }
  - { alert: H, expr: 'sum(a) != 20' }
  - { record: r, expr: 'sum(a)' }
  - { record: s, expr: 'sum(a) > 30' }";
    let definition = definition(&group(rules));
    let surroundings = Surroundings {
        external: External::default(),
        queries_at: &|_| Arc::new(|_| Err("no queries".to_owned())),
        judgement: Judgement::default(),
    };
    let times: Vec<i64> = (0..900).map(|at| at * 10_000).collect();
    let told = |definition: &RuleGroup, threads: usize| {
        let mut told = Vec::new();
        let options = Options { threads, ..Options::default() };
        Replay::new(definition)
            .over(&memory, &times, &surroundings, &options, &mut |rule, at_ms, judged| {
                told.push(match judged {
                    Judged::Changed(changes, ended) => (rule, at_ms, format!("{changes:?} {ended:?}")),
                    Judged::Failed(why) | Judged::Exceeded(why) => (rule, at_ms, why.to_owned()),
                });
            })
            .unwrap();
        told
    };
    // Each by itself shares nothing with another.
    let mut alone = Vec::new();
    for (number, rule) in definition.rules.iter().enumerate() {
        let own = RuleGroup { rules: vec![Arc::clone(rule)], ..definition.clone() };
        alone.extend(told(&own, 1).into_iter().map(|(_, at_ms, what)| (number, at_ms, what)));
    }
    assert!(
        (0..8).all(|rule| alone.iter().any(|one| one.0 == rule)),
        "each alerting rule has something to tell"
    );
    for threads in [1, 3] {
        assert_eq!(told(&definition, threads), alone);
    }
}
