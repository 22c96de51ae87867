//! Nobody is told before it is known what was told.

use std::sync::Arc;

use custos_store::State;

use super::stage::{Stage, one_target, s};
use crate::notify::{Notifier, Remark};

fn stage(more: &str) -> Stage {
    let text = one_target("command: /bin/true", "  group_wait: 0s\n  group_interval: 0s\n");
    Stage::new(&text.replace("a: { command: /bin/true", &format!("a: {{ command: /bin/true{more}")))
}

/// Another agent begins on the same store, which is locked still.
fn second(stage: &mut Stage) {
    stage.notifier = Notifier::withheld(Arc::clone(&stage.config), stage.now);
    stage.act();
}

fn begin(stage: &mut Stage) {
    let noted = stage.noted.clone();
    stage.notifier.begin(&noted, [], stage.now);
    stage.act();
}

#[test]
fn nothing_is_told_or_noted_before_the_notes_are_known_and_what_was_told_is_not_told_again() {
    let mut stage = stage("");
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.ran("b", State::Critical);
    assert_eq!(stage.told(), ["t: b CRITICAL*, a CRITICAL"]);
    let acked = stage.notifier.ack(
        &crate::config::Matchers::parse(["check=b"]).unwrap(),
        &Remark::default(),
        stage.now,
    );
    assert_eq!(acked.unwrap(), ["b"]);
    stage.act();
    let noted = format!("{:?}", stage.noted);
    second(&mut stage);
    stage.ran("a", State::Critical);
    stage.ran("b", State::Warning);
    stage.ran("c", State::Warning);
    stage.pass(s(600));
    assert_eq!(stage.told(), [""; 0]);
    assert_eq!(format!("{:?}", stage.noted), noted);
    let why = stage.notifier.told_nobody().unwrap();
    assert_eq!(stage.notifier.part(stage.now).unwrap().state(), State::Critical);
    assert_eq!(stage.notifier.report(stage.now).unreadable, [why]);
    begin(&mut stage);
    // `b` is acknowledged, and of `a` there is no news.
    assert_eq!(stage.told(), ["t: a CRITICAL, c WARNING*"]);
    assert_eq!(stage.notifier.part(stage.now).unwrap().state(), State::Ok);
}

#[test]
fn a_handler_runs_once_it_may_for_what_a_check_became_meanwhile() {
    let mut stage = stage(", on_change: /bin/true");
    let run = stage.run(State::Ok);
    second(&mut stage);
    stage.notifier.restored("a", &run, stage.now);
    stage.pass(s(60));
    stage.ran("a", State::Critical);
    assert!(stage.under_way.is_empty());
    begin(&mut stage);
    let told = stage.told();
    assert!(told.contains(&"on_change: a CRITICAL*".to_owned()), "{told:?}");
}
