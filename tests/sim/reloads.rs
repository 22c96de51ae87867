//! Scenes of reloads: what happens to checks that change or go while their jobs are under way.

use std::time::Duration;

use custos::agent::Wanted;
use custos::config::{ByteUnits, Check, OnMissing, Threshold, UnitRange};
use custos_store::{Bounds, Reason, Run, State};

use crate::definitions::config;
use crate::scenes::{check, many};
use crate::stage::{SECOND_US, Stage};

/// A limit on a metric: WARNING above it.
fn limit(metric: &str, most: f64) -> Threshold {
    let bounds = Bounds { start: f64::NEG_INFINITY, end: most, inside: false };
    Threshold {
        metric: metric.to_owned(),
        matcher: globset::Glob::new(metric).unwrap().compile_matcher(),
        warning: Some(UnitRange { bounds, unit: None, written: most.to_string() }),
        critical: None,
        normal: None,
        pending_for: Duration::ZERO,
        rate: false,
        on_missing: OnMissing::State(State::Unknown),
    }
}

/// The last run of a check that has a result.
fn last<'s>(stage: &'s Stage, name: &str) -> &'s Run {
    &stage.runs.iter().rfind(|(of, run)| of == name && run.reason == Reason::Exited).unwrap().1
}

#[test]
fn a_result_is_read_and_judged_by_the_definition_that_ran() {
    let old = Check {
        byte_units: ByteUnits::Si,
        timeout_state: State::Critical,
        thresholds: vec![limit("size", 1010.0)],
        ..check("c", 10)
    };
    let new = Check {
        byte_units: ByteUnits::Iec,
        timeout_state: State::Unknown,
        thresholds: vec![limit("length", 5.0)],
        ..check("c", 10)
    };
    let mut stage = Stage::new(config([old], 4), |_| 3 * SECOND_US);
    stage.prints = "OK | size=1KB".to_owned();
    stage.ask(1, Wanted::Check("c".to_owned()));
    stage.reload([new.clone()], 4);
    // The request was for the check as it was; one for the check as it is now has a run of its own.
    stage.ask(2, Wanted::Check("c".to_owned()));
    stage.live(4);
    let run = last(&stage, "c");
    assert_eq!(run.metrics[0].value.unwrap().to_f64(), 1000.0);
    assert_eq!((run.state, run.judgement.as_str()), (State::Ok, ""));
    stage.live(3);
    let run = last(&stage, "c");
    assert_eq!(run.metrics[0].value.unwrap().to_f64(), 1024.0);
    assert_eq!((run.state, run.judgement.as_str()), (State::Unknown, "UNKNOWN: no metric length"));
    assert_eq!(stage.answers, [(1, Ok(0)), (2, Ok(3))]);
}

#[test]
fn a_threshold_that_stays_counts_on_over_a_reload() {
    let waits = |most: f64| Threshold { pending_for: Duration::from_secs(25), ..limit("v", most) };
    let mut stage =
        Stage::new(config([Check { thresholds: vec![waits(1.0)], ..check("c", 10) }], 4), |_| 1000);
    stage.prints = "OK | v=2".to_owned();
    stage.live(20);
    stage.reload([Check { thresholds: vec![waits(1.0)], volatile: true, ..check("c", 10) }], 4);
    stage.live(20);
    assert_eq!(last(&stage, "c").state, State::Warning);
    // Another limit has not been crossed for any time yet.
    stage.reload([Check { thresholds: vec![waits(0.5)], ..check("c", 10) }], 4);
    stage.live(10);
    assert_eq!(last(&stage, "c").state, State::Ok);
}

#[test]
fn a_check_that_goes_while_it_runs_and_comes_back_is_run_again() {
    let mut stage = Stage::new(config(many("c", 2, 10), 4), |_| 3 * SECOND_US);
    stage.live(1);
    while !stage.starts.iter().any(|start| start.1 == "c0") || stage.agent.running() == 0 {
        stage.live(1);
    }
    stage.reload([check("c1", 10)], 4);
    stage.live(30);
    let gone = stage.starts.iter().filter(|start| start.1 == "c0").count();
    stage.reload(many("c", 2, 10), 4);
    stage.live(60);
    let back = stage.starts.iter().filter(|start| start.1 == "c0").count() - gone;
    assert!(back >= 5, "it was run {back} times in six intervals");
}

#[test]
fn checks_that_go_are_forgotten_once_nothing_of_them_is_under_way() {
    let mut stage = Stage::new(config(many("r0_", 10, 10), 4), |_| 3 * SECOND_US);
    for reload in 1..1000 {
        stage.reload(many(&format!("r{reload}_"), 10, 10), 4);
        stage.live(1);
        // The agent's own check, those that are defined, and those whose plugins still run or that have waited for it.
        assert!(stage.agent.checks_kept() <= 1 + 10 + 40, "{} are kept", stage.agent.checks_kept());
    }
    stage.live(10);
    assert_eq!(stage.agent.checks_kept(), 11);
    assert_eq!(stage.agent.rows(stage.now).len(), 11);
}

#[test]
fn whoever_asked_for_a_check_that_goes_is_answered() {
    let mut stage = Stage::new(config(many("c", 4, 10), 1), |_| 3 * SECOND_US);
    // One runs, one waits for its slot, and one waits for the run before.
    stage.ask(1, Wanted::Check("c0".to_owned()));
    stage.ask(2, Wanted::Check("c1".to_owned()));
    stage.ask(3, Wanted::Line { name: "c1".to_owned(), line: crate::definitions::line("c1") });
    stage.reload(Vec::new(), 1);
    stage.ask(4, Wanted::Check("c0".to_owned()));
    assert_eq!(
        stage.answers,
        [(
            4,
            Err("no check c0 is defined; a reload makes known what was added to the configuration since"
                .to_owned())
        )]
    );
    stage.live(20);
    let mut answered: Vec<u64> = stage.answers.iter().map(|answer| answer.0).collect();
    answered.sort_unstable();
    assert_eq!(answered, [1, 2, 3, 4]);
    assert_eq!(stage.agent.checks_kept(), 1);
}
