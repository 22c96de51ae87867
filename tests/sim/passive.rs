//! Scenes of passive checks: instances that come and go, expire, and are there again after a restart.

use std::sync::Arc;

use custos::agent::{Event, History, Wanted};
use custos::config::{self, Config};
use custos::observe::PassiveResult;
use custos_store::{Instance, Provenance, Run, State, Value};

use crate::stage::Stage;

const KEYED: &str = "{ oid: linkDown, state: critical, key: [ifIndex], deduplicate: 1h, expires: 10m }";
const UNKEYED: &str = "{ oid: linkDown, state: critical, expires: 10m }";

fn defined(trap: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    let head = "snmp: { profiles: { p: { version: 2c, community: public } }, traps: { listen: ['127.0.0.1:1162'] } }";
    std::fs::write(&path, format!("{head}\nchecks:\n  link: {{ trap: {trap} }}\n")).unwrap();
    config::load(&path).unwrap().config
}

fn stage(trap: &str) -> Stage {
    Stage::new(defined(trap), |_| 0)
}

fn instance(index: &str) -> Vec<(String, String)> {
    vec![("ifIndex".to_owned(), index.to_owned())]
}

/// Reports a state of an instance, or no state: that the last report was repeated.
fn report(stage: &mut Stage, instance: Vec<(String, String)>, state: Option<State>, text: &str) {
    let result = PassiveResult {
        check: Arc::from("link"),
        at: stage.now,
        state,
        instance,
        text: text.to_owned(),
        details: String::new(),
        metrics: Vec::new(),
        duration_us: 0,
        origin: "trap 192.0.2.1".to_owned(),
    };
    stage.handle(Event::Passive(vec![result]));
}

/// Lives on for so many seconds, with a look each second.
fn live(stage: &mut Stage, seconds: u64) {
    for _ in 0..seconds {
        stage.live(1);
        stage.handle(Event::Look);
    }
}

fn last(stage: &Stage) -> &Run {
    &stage.runs.last().unwrap().1
}

#[test]
fn each_run_carries_the_instances_that_are_not_ok() {
    let mut stage = stage(KEYED);
    report(&mut stage, instance("3"), Some(State::Critical), "3 is down");
    report(&mut stage, instance("5"), Some(State::Warning), "5 is slow");
    let run = last(&stage);
    assert_eq!((run.state, run.instances.len(), run.partial), (State::Critical, 2, true));
    assert_eq!(run.provenance, Provenance::Submitted);
    assert_eq!(run.text, "5 is slow (still CRITICAL ifIndex=3: 3 is down)");
    assert_eq!(run.instances.get(&instance("5")).unwrap().text, "5 is slow");
    report(&mut stage, instance("3"), Some(State::Ok), "3 is up");
    let run = last(&stage);
    assert_eq!((run.state, run.instances.len()), (State::Warning, 1));
    assert_eq!(run.instances.get(&instance("3")), None);
}

#[test]
fn the_last_run_alone_says_where_the_instances_stand_after_a_restart() {
    let mut first = stage(KEYED);
    for index in 0..500 {
        report(&mut first, instance(&index.to_string()), Some(State::Critical), "down");
    }
    report(&mut first, instance("7"), Some(State::Ok), "up");
    let run = last(&first).clone();
    let mut second = stage(KEYED);
    let mut effects = Vec::new();
    let history = History { check: "link".to_owned(), runs: vec![run.clone()] };
    second.agent.restore(vec![history], first.now, &mut effects);
    second.now = first.now;
    report(&mut second, instance("8"), Some(State::Ok), "up");
    let after = last(&second);
    assert_eq!((after.state, after.instances.len()), (State::Critical, 498));
    assert_eq!(after.instances.get(&instance("9")), run.instances.get(&instance("9")));
}

#[test]
fn what_a_plugin_printed_is_never_taken_for_an_instance() {
    let mut stage = stage(KEYED);
    let forged = "key CRITICAL 5 5 \"ifIndex=3\" down\nkeys: all 1 not OK";
    let run = Run { time_ms: stage.now.wall_ms, long_text: forged.to_owned(), ..Run::default() };
    let history = History { check: "link".to_owned(), runs: vec![run] };
    stage.agent.restore(vec![history], stage.now, &mut Vec::new());
    report(&mut stage, instance("4"), Some(State::Ok), "4 is up");
    assert_eq!((last(&stage).state, last(&stage).text.as_str()), (State::Ok, "4 is up"));
}

#[test]
fn a_problem_that_is_only_repeated_does_not_expire() {
    for (trap, instance) in [(KEYED, instance("3")), (UNKEYED, Vec::new())] {
        let mut stage = stage(trap);
        report(&mut stage, instance.clone(), Some(State::Critical), "down");
        for _ in 0..4 {
            live(&mut stage, 300);
            report(&mut stage, instance.clone(), None, "1 times more: down");
            assert_eq!(last(&stage).state, State::Critical, "{trap}");
        }
        live(&mut stage, 599);
        assert_eq!(last(&stage).text, "1 times more: down", "{trap}");
        live(&mut stage, 2);
        assert_eq!((last(&stage).state, last(&stage).origin.as_str()), (State::Ok, "expired"), "{trap}");
    }
}

#[test]
fn the_series_of_an_instance_that_expires_says_so() {
    let mut stage = stage(KEYED);
    report(&mut stage, instance("3"), Some(State::Critical), "down");
    live(&mut stage, 601);
    let run = last(&stage);
    assert_eq!(run.text, "ifIndex=3: not reported for 10m, so it counts as over");
    let series = run.metrics.iter().find(|metric| metric.label == "state" && metric.labels == instance("3"));
    assert_eq!(series.and_then(|metric| metric.value), Some(Value::from(0)));
}

#[test]
fn when_everything_expires_at_once_that_takes_few_runs() {
    let mut stage = stage(KEYED);
    for index in 0..1000 {
        report(&mut stage, instance(&index.to_string()), Some(State::Critical), "down");
    }
    let before = stage.runs.len();
    live(&mut stage, 601);
    let runs = &stage.runs[before..];
    assert!(runs.len() <= 20, "{} runs", runs.len());
    let series: usize = runs.iter().map(|(_, run)| run.metrics.len()).sum();
    assert_eq!((series, last(&stage).state, last(&stage).instances.is_empty()), (1000, State::Ok, true));
}

#[test]
fn ten_thousand_instances_are_kept_and_shown_in_few_words() {
    let mut stage = stage(KEYED);
    for index in 0..10_003 {
        stage.stand_still(1000);
        report(&mut stage, instance(&index.to_string()), Some(State::Critical), &"down ".repeat(1000));
    }
    let run = last(&stage);
    assert_eq!((run.state, run.instances.len()), (State::Critical, 10_000));
    // Those that were quiet longest were given up.
    assert_eq!(run.instances.get(&instance("2")), None);
    assert!(run.long_text.lines().count() == 11, "{}", run.long_text.lines().count());
    let count = "10000 instances are not OK, the worst 10 are listed; 3 more were given up";
    assert!(run.long_text.ends_with(count), "{}", run.long_text);
    let mut before = run.instances.clone();
    // Each run changes one of them, whatever else there is.
    for index in 10..100 {
        report(&mut stage, instance(&index.to_string()), Some(State::Ok), "up");
        let now = last(&stage).instances.clone();
        assert_eq!(now.changes_since(&before).count(), 1);
        before = now;
    }
}

#[test]
fn whoever_asks_gets_the_last_run() {
    let mut stage = stage(KEYED);
    stage.ask(1, Wanted::Check("link".to_owned()));
    report(&mut stage, instance("3"), Some(State::Critical), "3 is down");
    stage.ask(2, Wanted::Served("link".to_owned()));
    assert_eq!(stage.answers, [(1, Ok(0)), (2, Ok(2))]);
    assert_eq!(stage.outputs[&1], "OK - no trap yet\n");
    assert_eq!(stage.outputs[&2], "3 is down\nCRITICAL ifIndex=3: 3 is down\n1 instance is not OK\n");
}

#[test]
fn a_time_ahead_in_the_store_does_not_keep_a_problem_for_ever() {
    let mut stage = stage(KEYED);
    let ahead_ms = stage.now.wall_ms + 1_000_000_000;
    let down = Instance {
        state: State::Critical,
        since_ms: ahead_ms,
        seen_ms: Some(ahead_ms),
        ..Instance::new(instance("3"))
    };
    let instances = custos_store::Instances::new([down]).unwrap();
    let run = Run { time_ms: ahead_ms, state: State::Critical, instances, ..Run::default() };
    let history = History { check: "link".to_owned(), runs: vec![run] };
    stage.agent.restore(vec![history], stage.now, &mut Vec::new());
    live(&mut stage, 601);
    assert_eq!((last(&stage).state, last(&stage).origin.as_str()), (State::Ok, "expired"));
}
