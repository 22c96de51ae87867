//! More alerts than a receiver takes within the interval in which it is told again: each is told all the same, and soon.

use std::collections::{BTreeMap, BTreeSet};

use custos_store::State;

use super::stage::{Stage, s};
use crate::notify::send::Taken;

const ALERTS: usize = 1111;

/// A target that is told each alert of so many checks, and defines one more; `more` is of the section.
fn crowd(count: usize, target: &str, more: &str) -> Stage {
    let checks: String = (0..=count).map(|n| format!("  {}: {{ command: /bin/true }}\n", name(n))).collect();
    let mut stage =
        Stage::new(&format!("notify:\n  targets: {{ t: {{ {target} }} }}\n{more}checks:\n{checks}"));
    for n in 0..count {
        let run = stage.run(State::Critical);
        stage.notifier.ran(&name(n), &run, None, stage.now);
    }
    stage.act();
    stage
}

/// Those that come last have the names that stand first.
fn name(n: usize) -> String {
    format!("c{:04}", ALERTS - n)
}

/// The receiver takes what is under way, and takes a second for it. Returns the checks that it heard of.
fn take(stage: &mut Stage) -> Vec<String> {
    stage.pass(s(1));
    let messages = stage.under_way.iter();
    let alerts = messages.flat_map(|(_, _, notification)| &notification.alerts);
    let heard = alerts.map(|alert| alert.labels["check"].clone()).collect();
    stage.end(&Taken::Delivered);
    heard
}

#[test]
fn a_receiver_that_is_too_slow_for_its_resends_hears_of_every_alert() {
    for target in ["alertmanager: 'http://127.0.0.1:1'", "nsca: { server: '127.0.0.1:1', encryption: 0 }"] {
        let mut stage = crowd(ALERTS, &format!("{target}, resend: 5s"), "");
        let mut heard = BTreeMap::new();
        for second in 0..60 {
            heard.extend(take(&mut stage).into_iter().map(|check| (check, second)));
            if second == 30 {
                stage.ran(&name(ALERTS), State::Critical);
            }
            assert!(second != 11 || heard.len() == ALERTS, "{target}: {}", heard.len());
            // It is in the message after the one that was under way.
            assert!(second != 32 || heard.get(&name(ALERTS)) == Some(&32), "{target}");
        }
        // What goes on is told again in turn: none is left out for longer than all of them take.
        assert!(heard.values().all(|last| *last >= 60 - 13), "{target}: {heard:?}");
        stage.ran(&name(3), State::Ok);
        take(&mut stage);
        assert!(take(&mut stage).contains(&name(3)), "{target}");
        assert_eq!(stage.notifier.part(stage.now).unwrap().state(), State::Ok);
    }
}

#[test]
fn groups_that_are_repeated_without_end_keep_no_news_waiting() {
    let more = "  group_by: [check]\n  group_wait: 0s\n  repeat_interval: 1s\n";
    let mut stage = crowd(50, "command: /bin/true", more);
    let mut heard = BTreeSet::new();
    for _ in 0..=50 {
        heard.extend(take(&mut stage));
    }
    assert_eq!(heard.len(), 50);
    stage.ran(&name(50), State::Critical);
    take(&mut stage);
    assert_eq!(take(&mut stage), [name(50)]);
    // And within a group all have their turn.
    let mut stage = crowd(ALERTS, "command: /bin/true", "  group_wait: 0s\n  repeat_interval: 1s\n");
    (0..12).for_each(|_| drop(take(&mut stage)));
    let heard: BTreeSet<String> = (0..12).flat_map(|_| take(&mut stage)).collect();
    assert_eq!(heard.len(), ALERTS);
}

#[test]
fn what_is_owed_for_too_long_is_a_warning_unless_something_holds_it_back() {
    let mut stage = crowd(ALERTS, "alertmanager: 'http://127.0.0.1:1'", "");
    let told = |stage: &Stage| {
        let part = stage.notifier.part(stage.now).unwrap();
        part.findings.iter().map(|finding| finding.text().to_owned()).collect::<Vec<_>>()
    };
    stage.pass(s(299));
    assert_eq!(told(&stage), [""; 0]);
    stage.pass(s(1));
    assert_eq!(told(&stage), ["1111 alerts are owed to the target t, the oldest for 5m"]);
    assert_eq!(stage.notifier.report(stage.now).targets[0].overdue_ms, Some(300_000));
    (0..12).for_each(|_| drop(take(&mut stage)));
    assert_eq!(told(&stage), [""; 0]);
    // One that was silenced is late only from then on.
    let until_ms = stage.now.wall_ms + 1_000_000;
    let all = crate::config::Matchers::parse(["check=~\".*\""]).unwrap();
    let remark = crate::notify::Remark { author: "me".into(), comment: String::new() };
    stage.notifier.silence(all, stage.now.wall_ms, until_ms, remark).unwrap();
    stage.end(&Taken::Delivered);
    while !take(&mut stage).is_empty() {}
    stage.ran(&name(ALERTS), State::Critical);
    stage.pass(s(999));
    assert_eq!(told(&stage), [""; 0]);
    stage.pass(s(100));
    assert_eq!(told(&stage), [""; 0]);
    stage.pass(s(300));
    assert_eq!(told(&stage).len(), 1);
}

#[test]
fn what_is_told_again_waits_for_no_note() {
    let mut stage = crowd(ALERTS, "alertmanager: 'http://127.0.0.1:1', resend: 5s", "");
    (0..30).for_each(|_| drop(take(&mut stage)));
    // The disk takes nothing any more, and what goes on is told all the same.
    stage.slow_disk = true;
    let heard: BTreeSet<String> = (0..12).flat_map(|_| take(&mut stage)).collect();
    assert_eq!(heard.len(), ALERTS);
    // In these twelve seconds two notes came at most, for when each was told last.
    assert!((1..=2).contains(&stage.unwritten.len()), "{}", stage.unwritten.len());
    // News waits for its note.
    stage.ran(&name(ALERTS), State::Critical);
    assert!(!(0..3).flat_map(|_| take(&mut stage)).any(|check| check == name(ALERTS)));
    stage.write();
    assert!(take(&mut stage).contains(&name(ALERTS)));
}
