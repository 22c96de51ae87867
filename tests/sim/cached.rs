//! Scenes of `serve: cached`: when the last run answers a request, and when it does not.

use std::time::Duration;

use custos::agent::{Event, Wanted};
use custos::config::{Check, Serving, Stale};

use crate::definitions::config;
use crate::scenes::check;
use crate::stage::{SECOND_US, Stage};

/// A check that runs every ten seconds, whose last run answers for a minute.
fn cached(stale: Stale) -> Check {
    Check { serving: Serving::Cached { max_age: Duration::from_secs(60), stale }, ..check("c", 10) }
}

fn stage(stale: Stale) -> Stage {
    let mut stage = Stage::new(config([cached(stale)], 4), |_| 1000);
    stage.prints = "OK - fine | a=1".to_owned();
    stage
}

/// What is answered at once; none if a run is waited for.
fn served(stage: &mut Stage) -> Option<(u8, String)> {
    let id = stage.answers.len() as u64 + 1;
    stage.ask(id, Wanted::Served("c".to_owned()));
    let code = stage.answers.last().filter(|answer| answer.0 == id)?.1.clone().unwrap();
    Some((code, stage.outputs[&id].clone()))
}

#[test]
fn the_last_run_answers_and_nothing_is_started() {
    let mut stage = stage(Stale::Run);
    stage.live(12);
    let starts = stage.starts.len();
    assert_eq!(served(&mut stage), Some((0, "OK - fine | a=1\n".to_owned())));
    assert_eq!(stage.starts.len(), starts);
    // Whoever asks for a run gets one.
    stage.ask(9, Wanted::Check("c".to_owned()));
    assert_eq!(stage.starts.len(), starts + 1);
}

/// A stage on which the last run ended so many seconds ago, as the machine has stood still since.
fn asleep(stale: Stale, seconds: u64) -> Stage {
    let mut stage = stage(stale);
    stage.live(12);
    let ended_us = stage.starts.last().unwrap().0 + 1000;
    stage.stand_still(ended_us + seconds * SECOND_US - 12 * SECOND_US);
    stage
}

#[test]
fn an_answer_that_is_late_tells_its_age() {
    for stale in [Stale::Run, Stale::Unknown] {
        let answer = served(&mut asleep(stale, 60));
        assert_eq!(answer, Some((0, "OK - fine (60 s ago) | a=1\n".to_owned())));
    }
}

#[test]
fn a_run_that_is_too_old_is_no_answer() {
    let mut stage = asleep(Stale::Run, 61);
    let starts = stage.starts.len();
    assert_eq!(served(&mut stage), None);
    assert_eq!(stage.starts.len(), starts + 1);
    stage.live(1);
    assert_eq!(stage.answers, [(1, Ok(0))]);
    let answer = served(&mut asleep(Stale::Unknown, 61));
    let why = "UNKNOWN: the last run is 61 s old, older than the 60 s allowed\n".to_owned();
    assert_eq!(answer, Some((3, why)));
}

#[test]
fn without_a_run_since_the_start_or_a_change_there_is_nothing_to_answer_by() {
    let mut stage = stage(Stale::Unknown);
    let (code, output) = served(&mut stage).unwrap();
    assert_eq!(code, 3);
    assert_eq!(output, "UNKNOWN: there was no run since the start or a change of the check\n");
    stage.live(12);
    assert_eq!(served(&mut stage).unwrap().0, 0);
    // The same check, said differently: what it was still answers.
    stage.reload([Check { max_check_attempts: 4, ..cached(Stale::Unknown) }], 4);
    assert_eq!(served(&mut stage).unwrap().0, 0);
    stage.reload([Check { timeout: Duration::from_secs(7), ..cached(Stale::Unknown) }], 4);
    assert_eq!(served(&mut stage).unwrap().0, 3);
}

#[test]
fn what_is_known_is_answered_while_the_agent_stops() {
    let mut stage = stage(Stale::Run);
    stage.live(12);
    stage.handle(Event::Stop);
    assert_eq!(served(&mut stage).unwrap().0, 0);
    stage.ask(9, Wanted::Check("c".to_owned()));
    assert_eq!(stage.answers.last().unwrap(), &(9, Err("the agent is stopping".to_owned())));
}
