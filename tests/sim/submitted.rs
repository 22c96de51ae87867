//! Scenes of results that are submitted: when one counts as missing, over restarts and clocks that are set.

use custos::agent::{Ask, Event, History, Submission, Wanted};
use custos::config;
use custos::observe::{Ending, PluginEnd};
use custos_store::{Provenance, Run, State};

use crate::stage::Stage;

const HOUR_S: u64 = 3600;

fn stage() -> Stage {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    let text = "checks:\n  job: { passive: { freshness: 1h }, max_check_attempts: 2 }\n";
    std::fs::write(&path, text).unwrap();
    Stage::new(config::load(&path).unwrap().config, |_| 0)
}

fn submit(stage: &mut Stage, status: u8) {
    let end = PluginEnd::printed(Ending::Exited(status), b"told | took=5s".to_vec());
    let wanted = Wanted::Submitted(Box::new(Submission { check: "job".to_owned(), end }));
    stage.handle(Event::Asked(Ask { id: 1, wanted, origin: "test".to_owned() }));
}

/// Lives on for so many seconds, with a look each second.
fn live(stage: &mut Stage, seconds: u64) {
    for _ in 0..seconds {
        stage.live(1);
        stage.handle(Event::Look);
    }
}

fn runs(stage: &Stage) -> Vec<(State, &str)> {
    stage
        .runs
        .iter()
        .filter(|(check, _)| &**check == "job")
        .map(|(_, run)| (run.state, &*run.origin))
        .collect()
}

#[test]
fn a_result_is_missed_once_whether_there_was_one_or_not() {
    let mut stage = stage();
    live(&mut stage, HOUR_S + 1);
    assert_eq!(runs(&stage), []);
    live(&mut stage, 5 * HOUR_S);
    assert_eq!(runs(&stage), [(State::Critical, "freshness")]);
    submit(&mut stage, 0);
    let run = &stage.runs.last().unwrap().1;
    assert_eq!((run.provenance, run.partial, run.metrics.len()), (Provenance::Submitted, false, 1));
    live(&mut stage, HOUR_S - 5);
    submit(&mut stage, 1);
    live(&mut stage, HOUR_S);
    assert_eq!(runs(&stage).len(), 3);
    live(&mut stage, 2);
    assert_eq!(
        runs(&stage)[1..],
        [(State::Ok, "test"), (State::Warning, "test"), (State::Critical, "freshness")]
    );
}

#[test]
fn attempts_are_counted_as_of_any_check() {
    let mut stage = stage();
    submit(&mut stage, 0);
    let hard = |stage: &Stage| stage.runs.last().unwrap().1.standing.hard_state;
    submit(&mut stage, 2);
    assert_eq!(hard(&stage), State::Ok);
    submit(&mut stage, 2);
    assert_eq!(hard(&stage), State::Critical);
}

/// The agent stops after a result, and one starts so much later.
fn restarted(last: &Run, after_s: u64, first: &Stage) -> Stage {
    let mut second = stage();
    second.now = first.now.after(std::time::Duration::from_secs(after_s));
    let history = History { check: "job".to_owned(), runs: vec![last.clone()] };
    let now = second.now;
    second.agent.restore(vec![history], now, &mut Vec::new());
    second
}

#[test]
fn what_was_due_without_an_agent_has_some_time_to_come() {
    let mut first = stage();
    submit(&mut first, 0);
    let last = first.runs.last().unwrap().1.clone();
    // Half of its time is left.
    let mut second = restarted(&last, HOUR_S / 2, &first);
    live(&mut second, HOUR_S / 2 - 1);
    assert_eq!(runs(&second), []);
    live(&mut second, 3);
    assert_eq!(runs(&second), [(State::Critical, "freshness")]);
    // It was long over.
    let mut third = restarted(&last, 24 * HOUR_S, &first);
    live(&mut third, 299);
    assert_eq!(runs(&third), []);
    live(&mut third, 3);
    assert_eq!(runs(&third), [(State::Critical, "freshness")]);
    // What was told is not told again.
    let told = third.runs.last().unwrap().1.clone();
    let mut fourth = restarted(&told, 60, &third);
    live(&mut fourth, 3 * HOUR_S);
    assert_eq!(runs(&fourth), []);
}

#[test]
fn a_clock_that_is_set_makes_no_result_old() {
    let mut stage = stage();
    submit(&mut stage, 0);
    stage.now.wall_ms += 86_400_000;
    live(&mut stage, HOUR_S - 1);
    assert_eq!(runs(&stage).len(), 1);
}
