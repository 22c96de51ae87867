//! What is owed is kept until it is acknowledged, over failures and restarts.

use custos_store::State;

use super::stage::{Stage, config, one_target, s};
use crate::notify::send::Taken;

fn later() -> Taken {
    Taken::Later("nobody there".into())
}

fn at_once(target: &str) -> Stage {
    Stage::new(&one_target(target, "  group_wait: 0s\n  group_interval: 0s\n"))
}

#[test]
fn a_target_that_fails_is_tried_again_for_ever_and_gets_the_newest() {
    let mut stage = at_once("command: /bin/true");
    stage.ran("a", State::Warning);
    let mut attempts = 0;
    for _ in 0..3600 {
        if !stage.under_way.is_empty() {
            attempts += 1;
            stage.end(&later());
        }
        stage.pass(s(1));
    }
    assert!((60..=70).contains(&attempts), "{attempts}");
    stage.ran("a", State::Critical);
    let part = stage.notifier.part(stage.now).unwrap();
    assert_eq!(part.state(), State::Warning);
    assert!(part.findings[0].text().ends_with("1 alert is owed to it: nobody there"), "{part:?}");
    stage.end(&later());
    stage.pass(s(60));
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    assert_eq!(stage.notifier.part(stage.now).unwrap().state(), State::Ok);
}

#[test]
fn what_a_target_may_have_heard_of_is_ended() {
    let mut stage = at_once("command: /bin/true");
    stage.ran("a", State::Critical);
    assert_eq!(stage.under_way.len(), 1);
    // The agent is killed before it knows what became of the message.
    let run = stage.run(State::Ok);
    stage.restart(&[("a", run)]);
    assert_eq!(stage.told(), ["t: a resolved*"]);
    stage.restart(&[]);
    stage.pass(s(100_000));
    assert_eq!(stage.told(), [""; 0]);
}

#[test]
fn what_was_acknowledged_is_not_told_again_after_a_restart() {
    for target in ["command: /bin/true", "alertmanager: 'http://127.0.0.1:1', resend: 1h"] {
        let mut stage = at_once(target);
        stage.ran("a", State::Critical);
        let run = stage.run(State::Critical);
        assert_eq!(stage.told(), ["t: a CRITICAL*"]);
        stage.pass(s(5));
        stage.restart(&[("a", run)]);
        stage.pass(s(600));
        assert_eq!(stage.told(), [""; 0]);
        stage.ran("a", State::Ok);
        assert_eq!(stage.told(), ["t: a resolved*"]);
    }
}

#[test]
fn the_wait_of_a_group_and_its_repeat_go_on_over_restarts() {
    let mut stage = Stage::new(&one_target("command: /bin/true", "  repeat_interval: 1h\n"));
    stage.ran("a", State::Critical);
    let run = stage.run(State::Critical);
    for _ in 0..6 {
        stage.pass(s(5));
        stage.restart(&[("a", run.clone())]);
    }
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.pass(s(1800));
    stage.restart(&[("a", run)]);
    stage.pass(s(1799));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(1));
    assert_eq!(stage.told(), ["t: a CRITICAL"]);
}

#[test]
fn what_is_refused_for_good_is_set_apart_and_the_rest_goes_on() {
    let mut stage = at_once("alertmanager: 'http://127.0.0.1:1'");
    let (a, b) = (stage.run(State::Critical), stage.run(State::Critical));
    stage.notifier.ran("a", &a, None, stage.now);
    stage.notifier.ran("b", &b, None, stage.now);
    stage.act();
    let (ticket, ..) = stage.under_way.remove(0);
    let outcomes = [Taken::Refused("odd".into()), Taken::Delivered];
    let mut effects = Vec::new();
    stage.notifier.sent(ticket, &outcomes, stage.now, &mut effects);
    stage.act();
    assert_eq!(stage.told(), [""; 0]);
    let report = stage.notifier.report(stage.now);
    assert_eq!((report.targets[0].refused, report.targets[0].firing, report.targets[0].owed), (1, 1, 0));
    assert!(stage.notifier.part(stage.now).unwrap().findings[0].text().contains("refuses 1 alert: odd"));
    // Its end is nothing to the target, and what it becomes is tried.
    stage.ran("b", State::Ok);
    assert_eq!(stage.told(), ["t: b resolved*"]);
    stage.ran("a", State::Warning);
    assert_eq!(stage.told(), ["t: a WARNING*"]);
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: a resolved*"]);
}

#[test]
fn a_reload_keeps_what_is_owed_and_ends_what_is_no_longer_defined() {
    let mut stage = at_once("command: /bin/true");
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    let text = one_target("command: /bin/false", "  group_wait: 0s\n  group_interval: 0s\n");
    let mut effects = Vec::new();
    stage.config = config(&text);
    stage.notifier.reload(stage.config.clone(), stage.now, &mut effects);
    stage.act();
    assert_eq!(stage.told(), [""; 0]);
    stage.config = config(&text.replace("  a: { command: /bin/true }\n", ""));
    stage.notifier.reload(stage.config.clone(), stage.now, &mut effects);
    stage.act();
    // Nobody says that it has recovered, not even after a restart.
    for _ in 0..2 {
        let over = &stage.under_way[0].2.alerts[0];
        assert!(over.is_gone() && over.check.state == State::Unknown, "{over:?}");
        assert!(over.check.text.contains("no longer defined"), "{over:?}");
        stage.write();
        stage.restart(&[]);
        stage.act();
    }
    assert_eq!(stage.told(), ["t: a resolved*"]);
    // A target that is gone leaves nothing in the store.
    stage.notifier.reload(config("checks: {}\n"), stage.now, &mut effects);
    stage.perform(effects);
    assert_eq!(stage.noted.targets["t"], b"");
}

#[test]
fn notes_that_cannot_be_read_are_none() {
    let mut stage = at_once("command: /bin/true");
    stage.noted.targets.insert("t".into(), b"{".to_vec());
    stage.noted.silences = b"x".to_vec();
    stage.noted.acks = vec![0xff];
    let run = stage.run(State::Critical);
    stage.notifier = crate::notify::Notifier::new(stage.config.clone(), &stage.noted, stage.now);
    assert_eq!(stage.notifier.report(stage.now).unreadable.len(), 3);
    stage.restart(&[("a", run)]);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    // Another note of the target stands there now.
    let unreadable = stage.notifier.report(stage.now).unreadable;
    assert_eq!(unreadable.len(), 2);
    assert!(!unreadable.iter().any(|why| why.contains("target")), "{unreadable:?}");
}

#[test]
fn nothing_is_sent_before_what_it_says_is_in_the_store() {
    let mut stage = at_once("command: /bin/true");
    stage.slow_disk = true;
    stage.ran("a", State::Critical);
    assert_eq!(stage.under_way.len(), 0);
    // Killed now, nobody has heard of it, and its end is nobody's news.
    let run = stage.run(State::Ok);
    stage.restart(&[("a", run)]);
    stage.slow_disk = false;
    stage.pass(s(100));
    assert_eq!(stage.told(), [""; 0]);
    stage.slow_disk = true;
    stage.ran("a", State::Critical);
    // The note is written, the message begins, and the agent is killed.
    stage.write();
    assert_eq!(stage.under_way.len(), 1);
    let run = stage.run(State::Ok);
    stage.restart(&[("a", run)]);
    stage.write();
    assert_eq!(stage.told(), ["t: a resolved*"]);
}

#[test]
fn a_delivery_that_takes_long_wakes_nobody() {
    let mut stage = at_once("command: /bin/true");
    stage.ran("a", State::Critical);
    stage.ran("b", State::Critical);
    stage.pass(s(2));
    assert_eq!(stage.under_way.len(), 1);
    assert_eq!(stage.notifier.next_wake_us(), None);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    assert_eq!(stage.told(), ["t: b CRITICAL*, a CRITICAL"]);
}

#[test]
fn a_recipient_of_a_mail_holds_up_no_other() {
    let mut stage = at_once("email: { to: [a@b, c@d, e@f], smtp: '127.0.0.1:1' }");
    stage.ran("a", State::Critical);
    // The mailbox of the first is full, the second is gone.
    for ((ticket, ..), outcome) in std::mem::take(&mut stage.under_way).into_iter().zip([
        later(),
        Taken::Refused("550 who".into()),
        Taken::Delivered,
    ]) {
        stage.notifier.sent(ticket, &[outcome], stage.now, &mut Vec::new());
    }
    let report = stage.notifier.report(stage.now);
    let stands =
        report.targets.iter().map(|target| (&*target.name, target.owed, target.refused, target.delivered));
    assert_eq!(stands.collect::<Vec<_>>(), [("t#1", 1, 0, 0), ("t#2", 0, 1, 0), ("t#3", 0, 0, 1)]);
    let part = stage.notifier.part(stage.now).unwrap();
    assert_eq!(part.findings[0].text(), "the target t#2 refuses 1 alert: 550 who");
}

#[test]
fn an_alertmanager_that_is_away_holds_up_no_other() {
    let mut stage = at_once("alertmanager: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], resend: 5s");
    // The first is away, the second takes what comes; returns what that was told.
    let half = |stage: &mut Stage| {
        let mut told = Vec::new();
        for (ticket, _, notification) in std::mem::take(&mut stage.under_way) {
            let up = stage.urls.remove(&ticket).unwrap() == ["http://127.0.0.1:2"];
            let outcome = if up { Taken::Delivered } else { later() };
            told.extend(up.then(|| super::stage::short(&notification)));
            let outcomes = vec![outcome; notification.alerts.len()];
            stage.notifier.sent(ticket, &outcomes, stage.now, &mut Vec::new());
        }
        stage.act();
        told
    };
    stage.ran("a", State::Critical);
    let mut resent = 0;
    for _ in 0..300 {
        resent += half(&mut stage).len();
        stage.pass(s(1));
    }
    // Once every five seconds, give or take the one in which it was taken.
    assert!((50..=61).contains(&resent), "{resent}");
    half(&mut stage);
    stage.ran("b", State::Critical);
    assert!(half(&mut stage).concat().contains("b CRITICAL*"));
    let report = stage.notifier.report(stage.now);
    let owed: Vec<_> = report.targets.iter().map(|target| (&*target.name, target.owed)).collect();
    assert_eq!(owed, [("t#1", 2), ("t#2", 0)]);
    let text = stage.notifier.part(stage.now).unwrap().findings[0].text().to_owned();
    assert!(text.starts_with("the target t#1 has not been reached for 5m"), "{text}");
    // By hand both are tried, in one message.
    let mut effects = Vec::new();
    stage.under_way.clear();
    stage.notifier.try_target("t", 1, stage.now, &mut effects).unwrap();
    stage.perform(effects);
    assert_eq!(stage.urls.values().last().unwrap().len(), 2);
}

#[test]
fn each_address_has_a_note_of_its_own() {
    let notes = ["am", "am#1", "am#2"].map(crate::notify::target_note);
    assert_eq!(notes, ["notify-target-am", "notify-target-am", "notify-address-2-am"]);
}

#[test]
fn whoever_was_told_is_kept_for_ever_each_time_once() {
    for (target, told) in [("command: /bin/true", 3), ("alertmanager: 'http://127.0.0.1:1', resend: 1m", 2)] {
        let mut stage = at_once(target);
        stage.ran("a", State::Critical);
        stage.end(&later());
        stage.pass(s(60));
        assert_eq!(stage.told(), ["t: a CRITICAL*"]);
        // Whoever reads it is reminded; Alertmanager only forgets what is not said again.
        for _ in 0..5 * 60 {
            stage.pass(s(60));
            stage.told();
        }
        stage.ran("a", State::Ok);
        assert_eq!(stage.told(), ["t: a resolved*"]);
        let kept: Vec<&str> = stage.kept.iter().map(|told| told.run.text.as_str()).collect();
        assert_eq!((kept.len(), kept[0]), (told, "t was told: a CRITICAL"), "{kept:?}");
        assert_eq!(kept.last().unwrap(), &"t was told: a resolved");
        assert!(stage.kept.iter().all(|told| &*told.name == "a@told"));
        assert!(stage.kept.is_sorted_by(|one, next| one.run.time_ms < next.run.time_ms));
    }
}
