//! Scenes of rules: when they are judged, over what, and that they are checks like any other.

use custos::agent::{Event, History, Wanted};
use custos::config::{self, Config};
use custos::rules::Because;
use custos_store::{Reason, Run, State};

use crate::rule_judge::RuleJudge;
use crate::stage::Stage;

/// A configuration with these checks.
pub fn defined(checks: &str) -> Config {
    defined_with(checks, None)
}

/// The same with a rule file.
pub fn defined_with(checks: &str, rules: Option<&str>) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    let named = rules.map_or("", |_| "rules: [rules.yaml]\n");
    std::fs::write(directory.path().join("rules.yaml"), rules.unwrap_or_default()).unwrap();
    std::fs::write(&path, format!("host: h\n{named}{checks}")).unwrap();
    config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}")).config
}

pub fn stage(checks: &str, takes_us: fn(&str) -> u64) -> Stage {
    stage_of(defined(checks), takes_us)
}

pub fn stage_of(config: Config, takes_us: fn(&str) -> u64) -> Stage {
    let judge = RuleJudge::of(&config);
    let mut stage = Stage::new(config, takes_us);
    stage.judge = Some(judge);
    stage.prints = "OK | v=5".to_owned();
    stage
}

fn runs<'s>(stage: &'s Stage, check: &str) -> Vec<&'s Run> {
    stage.runs.iter().filter(|(name, _)| name == check).map(|(_, run)| run).collect()
}

fn times(stage: &Stage, check: &str) -> Vec<i64> {
    runs(stage, check).iter().map(|run| run.time_ms).collect()
}

const ONE: &str = "checks:\n  m: { command: [/m], check_interval: 10s }\n  hot: { query: m > 80 }\n";

#[test]
fn a_rule_is_judged_as_of_each_run_that_it_selects_and_is_a_check_with_state_and_answer() {
    let mut stage = stage(ONE, |_| 300_000);
    stage.live(60);
    assert_eq!(times(&stage, "hot"), times(&stage, "m"));
    stage.prints = "OK | v=97.5".to_owned();
    stage.live(10);
    stage.ask(1, Wanted::Served("hot".to_owned()));
    assert_eq!(stage.answers.last(), Some(&(1, Ok(2))));
    let expected = "CRITICAL - FIRING 1: m:v 97.5 > 80 (new) | 'firing'=1 'pending'=0 'value_m_v'=97.5";
    assert_eq!(stage.outputs[&1].lines().next().unwrap(), expected);
    stage.prints = "OK | v=5".to_owned();
    stage.live(10);
    let states: Vec<State> = runs(&stage, "hot").iter().map(|run| run.state).collect();
    assert_eq!(states[5..], [State::Ok, State::Critical, State::Ok], "a spike of one sample is seen");
    let fired = runs(&stage, "hot")[6];
    assert!(fired.standing.hard && fired.instances.len() == 1, "{fired:?}");
    assert!(fired.metrics.iter().any(|metric| metric.label == "ALERTS"), "{:?}", fired.metrics);
}

#[test]
fn a_metric_that_is_gone_is_a_reason_to_judge_and_a_missed_stretch_is_none() {
    let mut stage = stage(ONE, |_| 300_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(20);
    stage.prints = "OK".to_owned();
    stage.live(10);
    let texts: Vec<&str> = runs(&stage, "hot").iter().map(|run| run.text.as_str()).collect();
    assert_eq!(texts.last(), Some(&"no alert"), "{texts:?}");
    let before = times(&stage, "hot").len();
    stage.stand_still(35_000_000);
    stage.handle(Event::Wake);
    assert!(runs(&stage, "m").iter().any(|run| run.reason == Reason::Missed));
    assert_eq!(times(&stage, "hot").len(), before);
}

#[test]
fn where_nothing_arrives_a_rule_is_judged_at_its_interval() {
    let checks = "checks:\n  m: { command: [/m], check_interval: 1h }\n  silent: { query: absent(m), check_interval: 30s }\n";
    let mut stage = stage(checks, |_| 0);
    stage.live(100);
    let orders = &stage.judge.as_ref().unwrap().orders;
    let by_time = orders.iter().filter(|order| order.because == Because::Time);
    assert!((2..=3).contains(&by_time.count()), "{orders:?}");
    assert!(orders.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms <= 30_000), "{orders:?}");
}

#[test]
fn a_group_with_an_interval_is_judged_on_a_grid_whatever_arrives() {
    let checks = "checks:\n  m: { command: [/m], check_interval: 7s }\n  \
                  grid: { query: m > 80, on: interval, check_interval: 30s }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.live(95);
    let times = times(&stage, "grid");
    assert_eq!(times.len(), 3, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 30_000), "{times:?}");
    // Where no grid point is, the clock is set back: none is judged twice.
    stage.now.wall_ms -= 40_000;
    stage.live(60);
    assert!(runs(&stage, "grid").windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms));
}

#[test]
fn times_of_a_grid_that_pass_without_a_judgement_are_recorded_as_missed() {
    let checks = "checks:\n  m: { command: [/m], check_interval: 7s }\n  \
                  grid: { query: m > 80, on: interval, check_interval: 10s }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(30);
    stage.stand_still(45_000_000);
    stage.live(20);
    let grid = runs(&stage, "grid");
    let missed: Vec<&&Run> = grid.iter().filter(|run| run.reason == Reason::Missed).collect();
    assert!((3..=5).contains(&missed.iter().map(|run| run.missed_slots).sum::<u32>()), "{missed:?}");
    assert!(missed.iter().all(|run| run.text.contains("stood still")), "{missed:?}");
    let slots: u32 = grid.iter().map(|run| run.missed_slots.max(1)).sum();
    let last = grid.iter().map(|run| run.time_ms).max().unwrap();
    // Each time counts once, also one that falls where nothing is known of `m`: as of that nothing is judged.
    assert_eq!(i64::from(slots), (last - grid[0].time_ms) / 10_000 + 1, "{grid:?}");
    // The same while there was no agent: an answer tells of the state that stands.
    let history = History { check: "grid".to_owned(), runs: grid.iter().map(|run| (*run).clone()).collect() };
    let mut again = self::stage(checks, |_| 100_000);
    again.now.wall_ms = last + 42_000;
    let config = std::sync::Arc::new(defined(checks));
    again.agent = custos::agent::Agent::new(config, crate::definitions::environment(), again.now);
    let mut effects = Vec::new();
    again.agent.restore(vec![history], again.now, &mut effects);
    let recorded: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            custos::agent::Effect::Record { check, run } if &**check == "grid" => Some(run),
            _ => None,
        })
        .collect();
    assert_eq!(recorded.len(), 1);
    assert_eq!((recorded[0].time_ms, recorded[0].missed_slots), (last + 10_000, 4));
    again.ask(1, Wanted::Served("grid".to_owned()));
    assert_eq!(again.answers.last(), Some(&(1, Ok(2))));
}

#[test]
fn judgements_wait_for_runs_under_way_but_not_for_ever() {
    let checks = "checks:\n  slow: { command: [/slow], check_interval: 20s }\n  \
                  quick: { command: [/quick], check_interval: 1s }\n  both: { query: 'quick + on() slow' }\n";
    let takes = |name: &str| if name.ends_with("slow") { 1_500_000 } else { 10_000 };
    let mut stage = stage(checks, takes);
    stage.live(60);
    let both = times(&stage, "both");
    assert!(both.windows(2).all(|pair| pair[0] < pair[1]), "{both:?}");
    for run in runs(&stage, "slow") {
        assert!(both.contains(&run.time_ms), "{} of {both:?}", run.time_ms);
    }
    // One that takes longer is seen once it ends, as of the time that was judged last.
    let takes = |name: &str| if name.ends_with("slow") { 5_000_000 } else { 10_000 };
    let mut stage = self::stage(checks, takes);
    stage.live(60);
    let both = times(&stage, "both");
    assert!(both.windows(2).all(|pair| pair[0] <= pair[1]), "{both:?}");
    let quick = times(&stage, "quick");
    assert!(quick[..quick.len() - 3].iter().all(|time| both.contains(time)), "{both:?}");
}

#[test]
fn a_rule_sees_what_the_rules_that_it_selects_came_to_at_the_same_time() {
    // By their names in the wrong order.
    let checks = "checks:\n  m: { command: [/m], check_interval: 10s }\n  \
                  a second: { query: 'ALERTS{alertname=\"z first\"} and on() m' }\n  z first: { query: m > 80 }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(40);
    assert_eq!(times(&stage, "a second"), times(&stage, "z first"));
    assert!(runs(&stage, "a second").iter().all(|run| run.state == State::Critical));
}

#[test]
fn rules_that_select_one_another_are_judged_once_each_time() {
    let checks = "checks:\n  m: { command: [/m], check_interval: 10s }\n  \
                  a: { query: 'm > 80 unless on() ALERTS{alertname=\"b\"}' }\n  \
                  b: { query: 'm > 80 unless on() ALERTS{alertname=\"a\"}' }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(40);
    assert_eq!(times(&stage, "a"), times(&stage, "m"));
    assert_eq!(times(&stage, "b"), times(&stage, "m"));
}

#[test]
fn after_a_restart_nothing_is_judged_back_in_time() {
    let mut stage = stage(ONE, |_| 100_000);
    stage.live(30);
    let last = runs(&stage, "hot").last().copied().cloned().unwrap();
    for (ahead_ms, goes_back) in [(8_000, false), (3_600_000, true)] {
        let mut again = self::stage(ONE, |_| 100_000);
        let ahead = Run { time_ms: again.now.wall_ms + ahead_ms, ..last.clone() };
        let history = History { check: "hot".to_owned(), runs: vec![ahead.clone()] };
        let mut effects = Vec::new();
        again.agent.restore(vec![history], again.now, &mut effects);
        again.live(60);
        let times = times(&again, "hot");
        // One that is far ahead is of a clock that was wrong, and holds nothing up.
        assert_eq!(times.iter().any(|time| *time < ahead.time_ms), goes_back, "{times:?}");
        assert!(!times.is_empty());
    }
}

#[test]
fn a_rule_has_a_period_and_depends_on_checks() {
    let checks = "periods: { never: {} }\nchecks:\n  m: { command: [/m], check_interval: 10s, max_check_attempts: 1 }\n  \
                  closed: { query: m > 80, check_period: never }\n  behind: { query: m > 80, depends_on: bad }\n  \
                  bad: { query: m > 90 }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(40);
    assert!(runs(&stage, "closed").is_empty());
    let reasons: Vec<Reason> = runs(&stage, "behind").iter().map(|run| run.reason).collect();
    assert!(reasons[1..].iter().all(|reason| *reason == Reason::Skipped), "{reasons:?}");
}

#[test]
fn a_plugin_that_takes_longer_than_its_interval_leaves_for_alone() {
    let checks = "checks:\n  slow: { command: [/slow], check_interval: 1s, timeout: 10s }\n  \
                  high: { query: slow > 80, for: 4s, check_interval: 1s }\n";
    let mut stage = stage(checks, |_| 2_500_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(30);
    assert!(runs(&stage, "slow").iter().filter(|run| run.reason == Reason::Missed).count() > 3);
    let states: Vec<State> = runs(&stage, "high").iter().map(|run| run.state).collect();
    let fired = states.iter().position(|state| *state == State::Critical).unwrap();
    assert!(fired > 1 && states[fired..].iter().all(|state| *state == State::Critical), "{states:?}");
}

#[test]
fn a_rule_over_a_check_that_is_skipped_goes_on_as_it_was() {
    let checks = "checks:\n  k: { command: [/k], check_interval: 10s }\n  gate: { query: 'count_over_time(k[1h]) > 5' }\n  \
                  m: { command: [/m], check_interval: 10s, depends_on: gate }\n  \
                  hot: { query: m > 80, check_interval: 5s }\n  \
                  state: { query: 'check_state{check=\"m\"} == 0', check_interval: 5s }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(260);
    let is_skipped = |(name, run): &(String, Run)| name == "m" && run.reason == Reason::Skipped;
    let first = stage.runs.iter().position(is_skipped).unwrap();
    assert!(stage.runs[first..].iter().filter(|of| of.0 == "m").all(is_skipped));
    for rule in ["hot", "state"] {
        let judged: Vec<State> =
            stage.runs[first..].iter().filter(|of| of.0 == rule).map(|of| of.1.state).collect();
        assert!(judged.len() > 10 && judged.iter().all(|state| *state == State::Critical), "{judged:?}");
    }
    // A value counts for five minutes.
    stage.live(300);
    assert_eq!(runs(&stage, "hot").last().unwrap().state, State::Ok);
}

#[test]
fn a_reload_keeps_what_was_judged_and_ends_rules_that_are_gone() {
    let mut stage = stage(ONE, |_| 100_000);
    stage.live(30);
    let judged = times(&stage, "hot").len();
    stage.handle(Event::Reload(std::sync::Arc::new(defined(ONE)), Vec::new()));
    stage.live(30);
    assert_eq!(times(&stage, "hot"), times(&stage, "m"));
    assert!(times(&stage, "hot").len() > judged);
    let without = "checks:\n  m: { command: [/m], check_interval: 10s }\n";
    stage.handle(Event::Reload(std::sync::Arc::new(defined(without)), Vec::new()));
    let judged = times(&stage, "hot").len();
    stage.live(30);
    assert_eq!(times(&stage, "hot").len(), judged);
    stage.ask(5, Wanted::Check("hot".to_owned()));
    assert!(matches!(stage.answers.last(), Some((5, Err(_)))));
}

#[test]
fn a_rule_that_was_not_judged_yet_is_unknown() {
    let mut stage = stage(ONE, |_| 100_000);
    stage.ask(1, Wanted::Check("hot".to_owned()));
    assert_eq!(stage.outputs[&1], "UNKNOWN: the rule was not judged yet\n");
}

#[test]
fn thresholds_judge_the_values_of_a_query() {
    let checks = "checks:\n  m: { command: [/m], check_interval: 10s }\n  \
                  q: { query: m * 2, thresholds: [{ metric: value, warning: 8, critical: 100 }] }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.live(30);
    let run = runs(&stage, "q").last().copied().unwrap();
    assert_eq!((run.state, run.plugin_state), (State::Warning, State::Ok), "{run:?}");
}

const STEPS: &str = "checks:\n  m: { command: [/m], check_interval: 10s }\n  late:\n    check_interval: 5m\n    sequence:\n      \
                     steps:\n        - { name: high, query: m > 80 }\n        - { name: silent, not: 'm < 10', within: 25s }\n    \
                     annotations: { summary: 'high at {{ $steps.high.time }}, {{ $steps.high.value }}' }\n";

#[test]
fn a_sequence_is_judged_with_samples_and_when_something_of_it_is_due() {
    let mut stage = stage(STEPS, |_| 100_000);
    stage.live(15);
    stage.prints = "OK | v=97".to_owned();
    stage.live(10);
    stage.prints = "OK | v=50".to_owned();
    stage.live(40);
    let high_ms =
        runs(&stage, "m").iter().find(|run| run.metrics[0].value.unwrap().to_f64() > 80.0).unwrap().time_ms;
    let late = runs(&stage, "late");
    let fired = late.iter().find(|run| run.state == State::Critical).unwrap();
    assert_eq!(fired.time_ms, high_ms + 25_000, "at the end of the wait, between two samples");
    let said = format!("high at {}, 97", high_ms as f64 / 1e3);
    assert!(fired.text.contains(&said), "{} lacks {said}", fired.text);
    let under_way = late.iter().find(|run| run.time_ms == high_ms).unwrap();
    assert_eq!(under_way.text, "no alert, 1 under way");
    assert!(late.last().unwrap().state == State::Critical);
    stage.prints = "OK | v=5".to_owned();
    stage.live(11);
    assert_eq!(runs(&stage, "late").last().unwrap().state, State::Ok, "what was missing has come");
}

#[test]
fn an_answer_in_time_is_no_alert_of_a_sequence() {
    let mut stage = stage(STEPS, |_| 100_000);
    stage.prints = "OK | v=97".to_owned();
    stage.live(10);
    stage.prints = "OK | v=5".to_owned();
    stage.live(60);
    assert!(runs(&stage, "late").iter().all(|run| run.state == State::Ok));
}

#[test]
fn a_check_that_is_skipped_for_long_ends_the_alert_as_silence_does() {
    let checks = "checks:\n  down: { command: [/down], check_interval: 10s, max_check_attempts: 1, \
                  thresholds: [{ metric: v, critical: 90 }] }\n  \
                  m: { command: [/m], check_interval: 10s, depends_on: down }\n  \
                  hot: { query: m > 80, check_interval: 30s }\n";
    let mut stage = stage(checks, |_| 100_000);
    stage.prints = "OK | v=85".to_owned();
    stage.live(60);
    stage.prints = "OK | v=97".to_owned();
    stage.live(100);
    assert!(runs(&stage, "m").iter().filter(|run| run.reason == Reason::Skipped).count() > 5);
    assert_eq!(runs(&stage, "hot").last().unwrap().state, State::Critical, "the value before still counts");
    stage.live(400);
    let last = runs(&stage, "hot").last().copied().unwrap();
    assert_eq!((last.state, last.text.as_str()), (State::Ok, "no alert"));
}

#[test]
fn no_rule_records_a_series_that_every_check_has() {
    for name in custos_query::BuiltIn::ALL.map(custos_query::BuiltIn::name) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.yml");
        let rules = format!("groups: [{{ name: g, rules: [{{ record: {name}, expr: vector(1) }}] }}]");
        std::fs::write(&path, rules).unwrap();
        let mistakes = custos::rules::read_files(&[path]).unwrap_err().to_string();
        assert!(mistakes.contains("that the agent writes itself"), "{mistakes}");
    }
}
